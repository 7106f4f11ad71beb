"""The process in which TensorFlow's TFLite converter runs: SavedModels in, TFLite files out.

Started by `to_tflite.py` with the path of a JSON list of tasks; it imports nothing of this project.

| precision | what the file holds |
|---|---|
| float32, float16 | weights of that width |
| int8 | dynamic range quantisation: 8-bit weights, float32 between products |
| full-int8 | 8-bit weights and 8-bit activations with ranges taken from the calibration |
| int8-products | the same for matrix products, convolutions and lookups alone; gates and states stay float32 |

In the calibrated precisions whatever leads to a logarithm stays float32 (a log-mel front end: its energies span ten
powers of ten, of which 8 bits hold two), and so do divisions: LiteRT's 8-bit one fails when a divisor rounds to zero.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

PRODUCTS = {"FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "GATHER"}
NEVER_INTEGER = {"DIV"}
REFUSED = 3  # exit code after an error that the last line on stderr tells; a crash has another


def convert(task: dict[str, Any]) -> bytes:
    """The TFLite file of one task."""
    import tensorflow as tf

    precision = task["precision"]
    if "calibration" in task:
        return quantized(calibrated(task["saved"], task["calibration"]), products_only=precision == "int8-products")
    converter = _converter(task["saved"])
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def _converter(saved: str) -> Any:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(saved)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


@cache
def calibrated(saved: str, cases: str) -> bytes:
    """A float32 file that holds the range of every tensor over the calibration cases."""
    import tensorflow as tf

    converter = _converter(saved)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = examples(Path(cases))
    converter._experimental_calibrate_only = True
    return bytes(converter.convert())


def quantized(model: bytes, products_only: bool) -> bytes:
    """A calibrated file in 8-bit integers, less what stays float32; inputs and outputs are float32."""
    from tensorflow.lite.python.convert import mlir_quantize

    kinds, before_logarithms = _operations(model)
    floating = kinds - PRODUCTS if products_only else NEVER_INTEGER
    return bytes(mlir_quantize(model, denylisted_ops=sorted(floating), denylisted_nodes=before_logarithms))


def _operations(model: bytes) -> tuple[set[str], list[str]]:
    """Kinds of all operations, and the names of those that a logarithm's value depends on, itself included."""
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    opened = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = opened.subgraphs[0]
    codes = [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in opened.operatorCodes]
    wanted: set[int] = set()
    made: list[str] = []
    for operation in reversed(graph.operators):
        if codes[operation.opcodeIndex] == "LOG" or wanted.intersection(operation.outputs):
            wanted.update(operation.inputs)
            made += [graph.tensors[place].name.decode() for place in operation.outputs]
    return set(codes), made


def examples(path: Path) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """A function that yields the inputs of each calibration case by name."""
    with np.load(path) as arrays:
        cases: dict[int, dict[str, np.ndarray]] = {}
        for key in arrays.files:
            index, name = key.split("/", 1)
            cases.setdefault(int(index), {})[name] = arrays[key]
    return lambda: iter(cases.values())


def told(error: Exception) -> str:
    """What an error of the converter says, in one line; the rest of it is the whole graph."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    missing = [line.split(":", 1)[1].strip() for line in lines if re.match(r"(TF Select|Custom) ops:", line)]
    if missing:
        return f"TensorFlow Lite has no built-in operation for {', '.join(missing)}"
    return lines[0] if lines else type(error).__name__


def main(tasks: Path) -> int:
    """Run every task of a list; the exit code."""
    for task in json.loads(tasks.read_text()):
        try:
            Path(task["path"]).write_bytes(convert(task))
        except Exception as error:  # the converter raises errors of many kinds
            print(told(error), file=sys.stderr)  # noqa: T201  the process that waits for this one reads it
            return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
