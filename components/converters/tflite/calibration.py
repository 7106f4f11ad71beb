"""Real inputs for a converter that must know every tensor's range: single steps with the states a model reaches."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.converters.specs import GraphSpec, TensorSpec, states_of

MOST_CASES = 1_500  # of 400, two clips of 115 were heard wrongly for one of these; a step takes about a millisecond

Feeds = Mapping[str, np.ndarray]


def calibration_cases(
    path: Path, spec: GraphSpec, sequences: Sequence[Feeds], count: int = MOST_CASES
) -> list[dict[str, np.ndarray]]:
    """Inputs with every named axis of its fixed size, at most `count`, evenly spread.

    A model with states is run over each sequence step by step, so that the states are those of real input; sequences
    of a model without states are filled up with zeros.

    Args:
        path: the model's ONNX file.
        spec: its names, shapes and fixed axes.
        sequences: inputs by name, batch 1, states before the first step included.
        count: the most that are returned.
    """
    if states_of(spec):
        cases = [case for sequence in sequences for case in _steps(path, spec, sequence)]
    else:
        cases = [{t.name: _filled(t, spec, sequence[t.name]) for t in spec.inputs} for sequence in sequences]
    if len(cases) <= count:
        return cases
    return [cases[place] for place in np.linspace(0, len(cases) - 1, count).round().astype(int)]


def _filled(tensor: TensorSpec, spec: GraphSpec, array: np.ndarray) -> np.ndarray:
    """An input with zeros behind it up to the fixed sizes."""
    sizes = [spec.fixed.get(str(axis), have) for axis, have in zip(tensor.shape, array.shape, strict=True)]
    return np.pad(array, [(0, size - have) for size, have in zip(sizes, array.shape, strict=True)])


def _steps(path: Path, spec: GraphSpec, sequence: Feeds) -> list[dict[str, np.ndarray]]:
    """Every step of a sequence, its states those that the float32 model reaches."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    states = {state.name: sequence[state.name] for state in states_of(spec)}
    moving = [tensor for tensor in spec.inputs if tensor.name not in states]
    cases: list[dict[str, np.ndarray]] = []
    while (case := _cut(moving, spec, sequence, len(cases))) is not None:
        cases.append(case | states)
        results = dict(zip(names, session.run(None, cases[-1]), strict=True))
        states = {state.name: results[state.next] for state in states_of(spec)}
    return cases


def _cut(tensors: Sequence[TensorSpec], spec: GraphSpec, sequence: Feeds, step: int) -> dict[str, np.ndarray] | None:
    """One step's share of a sequence, None behind its end."""
    case = {}
    for tensor in tensors:
        places, array = [], sequence[tensor.name]
        for axis, have in zip(tensor.shape, array.shape, strict=True):
            size = spec.fixed.get(axis) if isinstance(axis, str) and axis != "batch" else None
            if size is not None and (step + 1) * size > have:
                return None
            places.append(slice(None) if size is None else slice(step * size, (step + 1) * size))
        case[tensor.name] = np.ascontiguousarray(array[tuple(places)])
    return case
