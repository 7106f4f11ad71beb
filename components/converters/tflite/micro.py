"""What TensorFlow Lite Micro (TFLM) needs to know of a file, and how much memory it takes there.

TFLM refuses dynamic range quantisation ("Hybrid models are not supported"), so a file for it is float32 or holds
calibrated integers. A caller sets every input before every run: their memory is used again for what is computed later.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from components.converters.specs import StateSpec
from components.converters.tflite.helper_process import run_helper
from components.errors import ConversionError

# The built-in operations that python/tflite_micro/python_ops_resolver.cc of github.com/tensorflow/tflite-micro
# registers at commit 03e16b2, by the method of MicroMutableOpResolver that adds each: TFLM's last list of all
# (all_ops_resolver.cc was removed in 2023). WHILE and IF are left out: a step needs neither.
MICRO_OPERATIONS = frozenset(
    """Abs Add AddN ArgMax ArgMin AssignVariable AveragePool2D BatchToSpaceNd BroadcastArgs BroadcastTo CallOnce Cast
    Ceil Concatenation Conv2D Cos CumSum DepthToSpace DepthwiseConv2D Dequantize Div Elu Equal Exp ExpandDims Fill Floor
    FloorDiv FloorMod FullyConnected Gather GatherNd Greater GreaterEqual HardSwish L2Normalization L2Pool2D LeakyRelu
    Less LessEqual Log LogicalAnd LogicalNot LogicalOr Logistic LogSoftmax MaxPool2D Maximum Mean Minimum MirrorPad Mul
    Neg NotEqual Pack Pad PadV2 Prelu Quantize ReadVariable ReduceMax Relu Relu6 Reshape ResizeBilinear
    ResizeNearestNeighbor Round Rsqrt SelectV2 Shape Sin Slice Softmax SpaceToBatchNd SpaceToDepth Split SplitV Sqrt
    Square SquaredDifference Squeeze StridedSlice Sub Sum Svdf Tanh Transpose TransposeConv UnidirectionalSequenceLSTM
    Unpack VarHandle ZerosLike""".split()  # noqa: SIM905  a list of literals would take a page
)
METHODS = {method.upper(): method for method in MICRO_OPERATIONS}  # CONV2D -> Conv2D, as CONV_2D is spelled without _
TIMEOUT_S = 120
TOTAL = re.compile(r"Arena allocation total (\d+) bytes")


def described(path: Path, states: tuple[StateSpec, ...]) -> dict[str, Any]:
    """What a device must know of a file, as the manifest holds it.

    Returns:
        inputs and outputs in the order in which the interpreter numbers them (name, shape, dtype, scale, zero_point;
        a scale of 0 where numbers are not quantised), states as pairs of an input's and an output's number, and the
        resolver's methods that add the operations.

    Raises:
        ConversionError: TFLM does not list an operation of the file; the message names it.
    """
    model = _opened(path)
    graph, signature = model.subgraphs[0], model.signatureDefs[0]
    inputs = [_tensor(graph, place, signature.inputs) for place in graph.inputs]
    outputs = [_tensor(graph, place, signature.outputs) for place in graph.outputs]
    going_in, coming_out = _places(graph.inputs, signature.inputs), _places(graph.outputs, signature.outputs)
    return {
        "operations": micro_operations(model, path.name),
        "inputs": inputs,
        "outputs": outputs,
        "states": [[going_in[state.name], coming_out[state.next]] for state in states],
    }


def micro_operations(model: Any, name: str) -> list[str]:
    """The resolver's methods that add a model's operations, sorted.

    Raises:
        ConversionError: TFLM does not list an operation; the message names it.
    """
    from tensorflow.lite.python import schema_py_generated as schema

    names = {value: key for key, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    found = {names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes}
    missing = sorted(kind for kind in found if kind.replace("_", "") not in METHODS)
    if missing:
        raise ConversionError(f"{name}: TensorFlow Lite Micro has no {', '.join(missing)}")
    return sorted(f"Add{METHODS[kind.replace('_', '')]}" for kind in found)


def arena_bytes(path: Path, feeds: Mapping[str, np.ndarray]) -> int | None:
    """Bytes of tensor arena after one run in TFLM, None where the package tflite-micro is not installed.

    Measured with 64-bit pointers and TFLM's reference kernels: its own records are smaller on a 32-bit device, and
    kernels tuned for a processor may ask for scratch memory on top.

    Raises:
        ConversionError: TFLM refuses the file or fails to run it, with what it said.
    """
    if find_spec("tflite_micro") is None:
        return None
    script = Path(__file__).with_name("micro_worker.py")
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        examples = Path(folder) / "inputs.npz"
        ordered = [feeds[tensor["name"]] for tensor in described(path, ())["inputs"]]
        np.savez(examples, *ordered)
        try:
            done = run_helper(script, [path, examples], TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise ConversionError(f"{path.name}: TensorFlow Lite Micro took more than {TIMEOUT_S} s") from None
    total = TOTAL.search(done.stderr)
    if done.returncode or total is None:
        said = next((line for line in done.stderr.splitlines() if line.strip()), "it said nothing")
        raise ConversionError(f"{path.name}: TensorFlow Lite Micro cannot run it: {said}")
    return int(total.group(1))


def _opened(path: Path) -> Any:
    """A TFLite file as the objects of its schema."""
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))


def _places(tensors: Any, named: Any) -> dict[str, int]:
    """Numbers by name; an output that is a state too has one number and two names."""
    order = [int(place) for place in tensors]
    return {entry.name.decode(): order.index(entry.tensorIndex) for entry in named}


def _tensor(graph: Any, place: int, named: Any) -> dict[str, Any]:
    """One input or output under the name that the signature gives it."""
    from tensorflow.lite.python import schema_py_generated as schema

    types = {value: key for key, value in vars(schema.TensorType).items() if isinstance(value, int)}
    tensor = graph.tensors[place]
    name = next(entry.name.decode() for entry in named if entry.tensorIndex == place)
    ranges = tensor.quantization
    quantized = ranges is not None and ranges.scale is not None and len(ranges.scale) > 0
    return {
        "name": name,
        "shape": [int(size) for size in tensor.shape],
        "dtype": types[tensor.type].lower(),
        "scale": float(ranges.scale[0]) if quantized else 0.0,
        "zero_point": int(ranges.zeroPoint[0]) if quantized else 0,
    }
