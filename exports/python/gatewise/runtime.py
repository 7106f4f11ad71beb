"""One interface over onnxruntime and LiteRT: named arrays in, named arrays and next states out.

A variant may have frozen axes. Rows beyond a frozen batch run one after the other; a frozen time axis of a model with
states is run chunk by chunk, the states carried; that of a model without states is filled up with zeros.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from gatewise.bundle import Bundle, State, Tensor, Variant
from gatewise.errors import BundleError, InputError, MissingRuntimeError

Arrays = dict[str, np.ndarray]
Result = tuple[Arrays, list[np.ndarray]]  # outputs by name, next states in the manifest's order
BATCH = "batch"


class Session(Protocol):
    """A model file opened by its runtime."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Every output by name."""


class Runtime:
    """One variant of a bundle, its session made once.

    Attributes:
        axis: name of the frozen axis that is not the batch, None where every length is accepted.
        step: size of that axis, 1 without one.
    """

    def __init__(self, bundle: Bundle, variant: Variant, threads: int = 1) -> None:
        self.variant = variant
        self.states: tuple[State, ...] = bundle.states
        self._inputs = bundle.inputs
        self._outputs = bundle.outputs
        self._batch = variant.fixed.get(BATCH)
        self.axis = next((name for name in variant.fixed if name != BATCH), None)
        self.step = variant.fixed[self.axis] if self.axis else 1
        self.session = open_session(bundle, variant, threads)

    def start(self, batch: int = 1) -> list[np.ndarray]:
        """The start states, zeros, in the order of the manifest."""
        return [np.zeros([int(size) if size != BATCH else batch for size in s.shape], s.dtype) for s in self.states]

    def run(self, feeds: Mapping[str, np.ndarray], states: Sequence[np.ndarray] = ()) -> Result:
        """Outputs by name and the next states, for inputs of any batch and length.

        Raises:
            InputError: an input is missing, of the wrong shape, or longer than a frozen axis allows.
        """
        arrays = self._checked(feeds)
        batch = arrays[self._inputs[0].name].shape[0]
        states = list(states) or self.start(batch)
        if self._batch is None or self._batch == batch:
            return self._run_lengths(arrays, states)
        if batch % self._batch:
            raise InputError(f"batch of {batch} through variant '{self.variant.name}': send multiples of {self._batch}")
        parts = []
        for begin in range(0, batch, self._batch):
            rows = slice(begin, begin + self._batch)
            cut = {name: array[rows] for name, array in arrays.items()}
            parts.append(self._run_lengths(cut, [state[rows] for state in states]))
        after = [np.concatenate(rows) for rows in zip(*(part[1] for part in parts), strict=True)]
        return _joined([part[0] for part in parts], axis=0), after

    def _run_lengths(self, arrays: Arrays, states: list[np.ndarray]) -> Result:
        """Outputs and next states through the frozen axis, if there is one."""
        if self.axis is None:
            return self._call(arrays, states)
        length = next(arrays[t.name].shape[t.shape.index(self.axis)] for t in self._inputs if self.axis in t.shape)
        if length == self.step:
            return self._call(arrays, states)
        if not self.states:
            return self._call_padded(arrays, length)
        if length % self.step:
            raise InputError(
                f"{self.axis} of {length} through variant '{self.variant.name}': send multiples of {self.step}"
            )
        chunks = []
        for begin, end in pairwise(range(0, length + 1, self.step)):
            chunk, states = self._call(self._cut(arrays, begin, end), states)
            chunks.append(chunk)
        return _joined(chunks, axis=1), states

    def _call(self, arrays: Arrays, states: Sequence[np.ndarray]) -> Result:
        feeds = arrays | {state.name: array for state, array in zip(self.states, states, strict=True)}
        results = self.session.run(feeds)
        return {tensor.name: results[tensor.name] for tensor in self._outputs}, [results[s.next] for s in self.states]

    def _call_padded(self, arrays: Arrays, length: int) -> Result:
        if length > self.step:
            raise InputError(f"{self.axis} of {length} through variant '{self.variant.name}': at most {self.step}")
        padded = dict(arrays)
        for tensor in self._inputs:
            if self.axis in tensor.shape:
                widths = [(0, self.step - length if axis == self.axis else 0) for axis in tensor.shape]
                padded[tensor.name] = np.pad(arrays[tensor.name], widths)
        outputs, states = self._call(padded, ())
        return {tensor.name: outputs[tensor.name][self._slices(tensor, 0, length)] for tensor in self._outputs}, states

    def _cut(self, arrays: Arrays, begin: int, end: int) -> Arrays:
        """The arrays between two positions on the frozen axis."""
        return {tensor.name: arrays[tensor.name][self._slices(tensor, begin, end)] for tensor in self._inputs}

    def _slices(self, tensor: Tensor, begin: int, end: int) -> tuple[slice, ...]:
        return tuple(slice(begin, end) if axis == self.axis else slice(None) for axis in tensor.shape)

    def _checked(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """The inputs in the graph's dtypes and shapes, contiguous."""
        return {tensor.name: _fitting(tensor, feeds) for tensor in self._inputs}


def _fitting(tensor: Tensor, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    if tensor.name not in feeds:
        raise InputError(f"input '{tensor.name}' is missing: give an array of shape {_shown(tensor.shape)}")
    array = np.ascontiguousarray(feeds[tensor.name], dtype=tensor.dtype)
    fits = array.ndim == len(tensor.shape) and all(
        size == axis for size, axis in zip(array.shape, tensor.shape, strict=True) if isinstance(axis, int)
    )
    if not fits or array.size == 0:
        raise InputError(f"input '{tensor.name}' has shape {array.shape}: expected {_shown(tensor.shape)}, not empty")
    return array


def _joined(parts: Sequence[Arrays], axis: int) -> Arrays:
    return {name: np.concatenate([part[name] for part in parts], axis=axis) for name in parts[0]}


def _shown(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))})"


def open_session(bundle: Bundle, variant: Variant, threads: int) -> Session:
    """The variant's model file opened by its runtime, its input and output names checked against the manifest.

    Raises:
        MissingRuntimeError: the runtime is not installed.
        BundleError: a runtime unknown here, or a file that it cannot open.
    """
    if variant.runtime not in SESSIONS:
        raise BundleError(
            f"variant '{variant.name}' of {bundle.path} needs '{variant.runtime}': unknown to this gatewise"
        )
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 0:
        raise InputError(f"threads = {threads!r}: give a whole number from 0 (as many as there are cores)")
    content = bundle.read(variant.file)
    try:
        session = SESSIONS[variant.runtime](content, threads)
    except MissingRuntimeError:
        raise
    except Exception as error:  # each runtime has error classes of its own; the cause is kept
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise BundleError(
            f"{variant.file} of bundle {bundle.path}: {variant.runtime} cannot open it: {first}"
        ) from error
    _check_names(bundle, variant, session)
    return session


def _check_names(bundle: Bundle, variant: Variant, session: Session) -> None:
    wanted_in = {t.name for t in bundle.inputs} | {s.name for s in bundle.states}
    wanted_out = {t.name for t in bundle.outputs} | {s.next for s in bundle.states}
    wrong = (wanted_in ^ set(session.inputs)) | (wanted_out - set(session.outputs))
    if wrong:
        names = ", ".join(sorted(wrong))
        raise BundleError(f"{variant.file} of bundle {bundle.path} and its manifest disagree on {names}: make it again")


class OnnxSession:
    """A model opened by onnxruntime."""

    def __init__(self, content: bytes, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingRuntimeError("onnxruntime is not installed: pip install onnxruntime") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        self.model = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.inputs = tuple(node.name for node in self.model.get_inputs())
        self.outputs = tuple(node.name for node in self.model.get_outputs())

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Every output by name."""
        return dict(zip(self.outputs, self.model.run(self.outputs, feeds), strict=True))


class LiteRtSession:
    """A model opened by LiteRT."""

    def __init__(self, content: bytes, threads: int) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise MissingRuntimeError("LiteRT is not installed: pip install 'gatewise[litert]'") from None
        self.interpreter = Interpreter(model_content=content, num_threads=threads or None)
        self.interpreter.allocate_tensors()
        self.places_in, self.places_out = _litert_places(self.interpreter)
        self.inputs = tuple(self.places_in)
        self.outputs = tuple(self.places_out)

    def run(self, feeds: Mapping[str, np.ndarray]) -> Arrays:
        """Every output by name."""
        for name, place in self.places_in.items():
            self.interpreter.set_tensor(place, feeds[name])
        self.interpreter.invoke()
        return {name: self.interpreter.get_tensor(place) for name, place in self.places_out.items()}


def _litert_places(interpreter: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Tensor index by name, of inputs and of outputs, as the model's signature names them."""
    if interpreter.get_signature_list():
        runner = interpreter.get_signature_runner()
        tables = runner.get_input_details(), runner.get_output_details()
        return {n: d["index"] for n, d in tables[0].items()}, {n: d["index"] for n, d in tables[1].items()}
    plain = interpreter.get_input_details(), interpreter.get_output_details()
    return {d["name"]: d["index"] for d in plain[0]}, {d["name"]: d["index"] for d in plain[1]}


SESSIONS: dict[str, Callable[[bytes, int], Session]] = {"onnxruntime": OnnxSession, "litert": LiteRtSession}
