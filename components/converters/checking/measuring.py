"""How long one run of a model file takes on one thread, whichever runtime it is for."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.converters.checking.timing import median_seconds
from components.converters.specs import GraphSpec, frozen

if TYPE_CHECKING:
    from gatewise.runtime import Session

ROUNDS, RUNS = 15, 20  # turns of each file, and runs in a turn


def first_step(spec: GraphSpec, case: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs of the first step of a case: every named axis cut to its fixed size, states of layers as they are."""
    cut = dict(case)
    for tensor in spec.inputs:
        sizes = frozen(tensor.shape, spec.fixed)
        cut[tensor.name] = np.ascontiguousarray(case[tensor.name][tuple(slice(0, size) for size in sizes)])
    return cut


def median_us(paths: Sequence[Path], feeds: Mapping[str, np.ndarray]) -> list[float]:
    """Median microseconds of one run of each ONNX or TFLite file, on one thread."""
    calls = [partial(opened(path).run, feeds) for path in paths]
    return [1e6 * seconds for seconds in median_seconds(calls, ROUNDS, RUNS)]


def differences(paths: Sequence[Path], cases: Sequence[Mapping[str, np.ndarray]]) -> list[float]:
    """The largest absolute difference of each file's outputs from those of the first, over all cases."""
    sessions = [opened(path) for path in paths]
    largest = [0.0 for _ in paths]
    for feeds in cases:
        exact, *_ = answers = [session.run(feeds) for session in sessions]
        for place, answer in enumerate(answers):
            apart = (np.abs(answer[name] - array).max() for name, array in exact.items() if array.size)
            largest[place] = max(largest[place], *map(float, apart))
    return largest


def opened(path: Path) -> "Session":
    """A model file opened by its runtime, on one thread."""
    from gatewise.runtime import SESSIONS

    return SESSIONS["litert" if path.suffix == ".tflite" else "onnxruntime"](path.read_bytes(), 1)
