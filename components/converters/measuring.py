"""How long one run of an ONNX file takes on one thread, for choosing between files that compute the same."""

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from components.converters.specs import GraphSpec, frozen

ROUNDS, RUNS = 15, 20  # the files take turns, so that a busy moment of the machine hits them alike


def first_step(spec: GraphSpec, case: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The inputs of the first step of a case: every named axis cut to its fixed size."""
    cut = {}
    for tensor in spec.inputs:
        sizes = frozen(tensor.shape, spec.fixed)
        cut[tensor.name] = np.ascontiguousarray(case[tensor.name][tuple(slice(0, size) for size in sizes)])
    return cut


def median_us(paths: Sequence[Path], feeds: Mapping[str, np.ndarray]) -> list[float]:
    """Median microseconds of one run of each file, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = [onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]) for path in paths]
    times: list[list[float]] = [[] for _ in paths]
    for _ in range(ROUNDS):
        for session, taken in zip(sessions, times, strict=True):
            session.run(None, feeds)  # its weights are in the cache again
            for _ in range(RUNS):
                started = time.perf_counter()
                session.run(None, feeds)
                taken.append(time.perf_counter() - started)
    return [1e6 * statistics.median(taken) for taken in times]
