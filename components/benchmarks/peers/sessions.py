"""Model files run by onnxruntime and LiteRT, nothing around them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.benchmarks.peers import Prepare, Work
from gatewise.runtime import LiteRtSession, OnnxSession


def start(threads: int) -> Prepare:
    """A function that opens a case's `file` and feeds it noise of `shapes`, in `units` of work per run."""

    def prepare(case: Mapping[str, Any]) -> Work:
        path = Path(case["file"])
        kind = LiteRtSession if path.suffix == ".tflite" else OnnxSession
        session = kind(path.read_bytes(), threads)
        feeds = noise(case["shapes"], case.get("types", {}))
        if "positional" in case:  # another converter's names for the same inputs
            feeds = dict(zip(session.inputs, feeds.values(), strict=True))
        return Work(lambda: session.run(feeds), case.get("units", 1))

    return prepare


def noise(shapes: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Arrays of the given shapes: small floats, or zeros where the type is a whole number."""
    rng = np.random.default_rng(0)
    arrays = {name: 0.1 * rng.standard_normal(shape) for name, shape in shapes.items()}
    return {name: array.astype(types.get(name, "float32")) for name, array in arrays.items()}
