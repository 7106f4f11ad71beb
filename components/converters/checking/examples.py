"""What a model is compared on when nobody has more to offer than the model: random inputs that it can take."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.converters.checking.reference import Feeds, Reference
from components.converters.specs import GraphSpec, StateSpec, TensorSpec, frozen
from components.converters.tracing.describing import BATCH, TIME
from components.converters.tracing.recording import Recording, recording
from components.converters.tracing.trace import call_named, implicit_states
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

CASES = 8  # random ones
TELLING = 32  # zeros and ones that are compared before a column counts as ids
Limits = dict[int | None, int]  # by column, None for all of them: ids must be below
FREE_ROWS = 3  # of the batch that the free axes are tried with
PADDED = 0.25  # of the steps of every other case are zeros, which a mask hides


def random_cases(
    model: "keras.Model", spec: GraphSpec, states: Sequence[StateSpec], sizes: Mapping[str, int], count: int = CASES
) -> list[Feeds]:
    """Random inputs, states included, with the named axes as large as `sizes` says.

    Numbers are standard normal, ids below the size of the table that reads them (in a column of numbers too), other
    integers 0 or 1. The last quarter of the steps of every other case is zeros.
    """
    limits = _table_sizes(model, spec, states, sizes)
    random = np.random.default_rng(len(spec.inputs))
    cases = []
    for index in range(count):
        case = {}
        for tensor in _tensors(spec, states):
            array = _random(random, tensor, sizes, limits.get(tensor.name, {}))
            if index % 2 and len(tensor.shape) > 1 and str(tensor.shape[1]).startswith(TIME):
                array[:, array.shape[1] - int(PADDED * array.shape[1]) :] = 0
            case[tensor.name] = array
        cases.append(case)
    return cases


def doubled(spec: GraphSpec) -> dict[str, int]:
    """Sizes of the free axes other than the fixed ones: more rows, and twice the steps."""
    return {axis: FREE_ROWS if axis == BATCH else 2 * size for axis, size in spec.fixed.items()}


def grown(spec: GraphSpec, sequences: Sequence[Feeds], states: Sequence[StateSpec], count: int) -> list[Feeds]:
    """Cases of the sizes of `doubled` made from examples: rows of several, and each followed by itself."""
    sizes = doubled(spec)
    return [
        {
            tensor.name: _repeated(
                [sequences[(first + row) % len(sequences)][tensor.name] for row in range(FREE_ROWS)],
                _shape(tensor, sizes),
            )
            for tensor in _tensors(spec, states)
        }
        for first in range(count)
    ]


def _repeated(arrays: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Rows of arrays, cut to the shortest of them, then repeated and cut along every axis to a shape."""
    shortest = tuple(slice(0, min(sizes)) for sizes in zip(*(array.shape[1:] for array in arrays), strict=True))
    whole = np.concatenate([array[(slice(None), *shortest)] for array in arrays])
    whole = np.tile(whole, [-(-want // have) for want, have in zip(shape, whole.shape, strict=True)])
    return np.ascontiguousarray(whole[tuple(slice(0, size) for size in shape)])


def sequences_in(path: Path, spec: GraphSpec, states: Sequence[StateSpec]) -> list[Feeds]:
    """The examples in an `.npz` file of arrays by input name, a batch each; states absent from it are zeros.

    Raises:
        ConversionError: no such file, an input is missing or has a shape that does not fit.
    """
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, AttributeError) as error:
        raise ConversionError(f"{path}: no examples, which are arrays by input name in an .npz file: {error}") from None
    batch, tensors = spec.fixed[BATCH], _tensors(spec, states)
    rows = max((len(array) for array in arrays.values() if array.ndim), default=0)
    blank = {state.name: np.zeros((rows, *_shape(state, spec.fixed)[1:])) for state in states}
    arrays = blank | arrays
    for tensor in tensors:
        sizes = _shape(tensor, spec.fixed)
        if tensor.name not in arrays:
            raise ConversionError(f"{path} has no input '{tensor.name}': it has {', '.join(arrays)}")
        shape = arrays[tensor.name].shape
        if len(shape) != len(sizes) or any(have < want for have, want in zip(shape, sizes, strict=True)):
            raise ConversionError(f"{path}: input '{tensor.name}' has shape {shape}, less than {sizes}")
        arrays[tensor.name] = arrays[tensor.name].astype(tensor.dtype)
    names = [tensor.name for tensor in tensors]
    whole = min(len(arrays[name]) for name in names)
    starts = range(0, whole - batch + 1, batch)
    return [{name: arrays[name][start : start + batch] for name in names} for start in starts]


def _table_sizes(
    model: "keras.Model", spec: GraphSpec, states: Sequence[StateSpec], sizes: Mapping[str, int]
) -> dict[str, Limits]:
    """How many ids each input, or column of it, may hold: those are that reach a table as they came."""
    random = np.random.default_rng(0)
    found: dict[str, Limits] | None = None
    elements = 0
    while found is None or elements < TELLING:
        probe = {t.name: random.integers(0, 2, _shape(t, sizes)).astype(t.dtype) for t in spec.inputs}
        now = _limits_by(model, spec, probe, {t.name: np.zeros(_shape(t, sizes), t.dtype) for t in states})
        found = now if found is None else {name: _both(found[name], now[name]) for name in found}
        elements += min(array.size // array.shape[-1] for array in probe.values())
    return found


def _limits_by(
    model: "keras.Model", spec: GraphSpec, probe: Mapping[str, np.ndarray], zeros: Mapping[str, np.ndarray]
) -> dict[str, Limits]:
    """What one run on zeros and ones says of the inputs' ids."""
    seen = Recording(None)
    Reference(model, spec)({**zeros, **probe})  # says clearly what is wrong with a model that cannot be called
    for layer, state in implicit_states(model, spec):
        seen.states.setdefault(id(layer), []).append(zeros[state.name])
    with recording(seen):
        call_named(model, spec, [probe[t.name] for t in spec.inputs])
    found: dict[str, Limits] = {name: {} for name in probe}
    for limit, tensor in seen.ids:
        ids = np.asarray(tensor)
        for name, array in probe.items():
            for column in _columns(array, ids):
                found[name][column] = min(found[name].get(column, limit), limit)
    return found


def _columns(array: np.ndarray, ids: np.ndarray) -> list[int | None]:
    """The columns of an input that are ids, None for all of it."""
    if array.size == ids.size:
        return [None] if np.array_equal(array.ravel(), ids.ravel()) else []
    parts = [ids] if ids.ndim < array.ndim else list(np.moveaxis(ids, -1, 0))
    columns = [(place, array[..., place].ravel()) for place in range(array.shape[-1])]
    return [place for place, column in columns if any(np.array_equal(column, part.ravel()) for part in parts)]


def _both(one: Limits, other: Limits) -> Limits:
    """What two runs agree on: columns may look like ids by chance."""
    return {column: limit for column, limit in one.items() if column in other}


def _random(
    random: np.random.Generator, tensor: TensorSpec | StateSpec, sizes: Mapping[str, int], limits: Limits
) -> np.ndarray:
    shape = _shape(tensor, sizes)
    if None in limits:
        return random.integers(min(1, limits[None] - 1), limits[None], shape).astype(tensor.dtype)
    if np.issubdtype(tensor.dtype, np.floating):
        array = random.normal(size=shape).astype(tensor.dtype)
    else:
        array = random.integers(0, 2, shape).astype(tensor.dtype)
    for column, limit in limits.items():
        array[..., column] = random.integers(0, limit, shape[:-1])
    return array


def _tensors(spec: GraphSpec, states: Sequence[StateSpec]) -> list[TensorSpec | StateSpec]:
    """The inputs of the Keras model, and the states of its layers, which are inputs of the graph alone."""
    given = {tensor.name for tensor in spec.inputs}
    return [*spec.inputs, *(state for state in states if state.name not in given)]


def _shape(tensor: TensorSpec | StateSpec, sizes: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(int(size or 0) for size in frozen(tensor.shape, sizes))
