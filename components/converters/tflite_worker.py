"""The process in which TensorFlow's TFLite converter runs: SavedModels in, TFLite files out.

Started by `to_tflite.py` with the path of a JSON list of tasks; it imports nothing of this project.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np


def convert(task: dict[str, Any]) -> bytes:
    """The TFLite file of one task."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(task["saved"])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    precision = task["precision"]
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if precision == "full-int8":
        converter.representative_dataset = examples(Path(task["calibration"]))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())


def examples(path: Path) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """A function that yields the inputs of each calibration case by name."""
    with np.load(path) as arrays:
        cases: dict[int, dict[str, np.ndarray]] = {}
        for key in arrays.files:
            index, name = key.split("/", 1)
            cases.setdefault(int(index), {})[name] = arrays[key]
    return lambda: iter(cases.values())


def main(tasks: Path) -> None:
    """Run every task of a list."""
    for task in json.loads(tasks.read_text()):
        Path(task["path"]).write_bytes(convert(task))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
