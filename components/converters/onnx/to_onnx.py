"""Keras to ONNX in float32: native `GRU` nodes, any batch and any length, states in and out."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.onnx.native_gru import STAND_IN, NativeGrus
from components.converters.onnx.tidying import tidied
from components.converters.specs import GraphSpec, StateSpec
from components.converters.tracing.fixed_gru import FixedGrus
from components.converters.tracing.recording import is_gru
from components.converters.tracing.substitutes import scope_of
from components.converters.tracing.trace import first_line, layers_of, trace
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras
    import onnx

OPSET = 18  # the newest that tf2onnx writes; onnxruntime and onnxruntime-web read it
LOOPS = {"Loop", "Scan", "If"}
PASSES = ("optimize_transpose", "fold_constants", "merge_duplication", "remove_identity", "remove_back_to_back")
# of tf2onnx's: each copies the graph, and what the others find onnxruntime finds when it opens the file


def to_onnx(model: "keras.Model", spec: GraphSpec, path: Path) -> tuple[StateSpec, ...]:
    """Write `model` to an ONNX file and return its states, explicit ones and those of stateful layers.

    Args:
        model: any Keras model.
        spec: names and shapes of its inputs and outputs.
        path: the file to write.

    Raises:
        ConversionError: a layer cannot be expressed; the message names it.
    """
    proto, states = onnx_of(model, spec)
    write(proto, path)
    return states


def onnx_of(model: "keras.Model", spec: GraphSpec) -> tuple["onnx.ModelProto", tuple[StateSpec, ...]]:
    """The model as an ONNX document, and its states."""
    grus = NativeGrus()
    function, states = trace(model, spec, grus)
    proto = _converted(function, model, {STAND_IN: (grus.handler, [])})
    _name_axes(proto, spec, states, {})
    if grus.nodes and not any(node.op_type == "GRU" for node in proto.graph.node):
        raise ConversionError(f"model '{model.name}': its {len(grus.nodes)} GRUs do not reach any output")
    _check(proto, model)
    return proto, states


def step_onnx_of(model: "keras.Model", spec: GraphSpec) -> "onnx.ModelProto":
    """The model with its fixed axes frozen, each GRU written out in matrix products: for one step per run.

    A `GRU` node packs, transposes and starts a pool for each call; over a single step that is most of its time.
    """
    function, states = trace(model, spec, FixedGrus(unroll=True, fold_embeddings=True), fixed=True, written_out=True)
    proto = _converted(function, model, {})
    _name_axes(proto, spec, states, spec.fixed)
    _check(proto, model)
    return proto


def write(proto: "onnx.ModelProto", path: Path) -> None:
    """Write a document so that the file appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(proto.SerializeToString())
    temporary.replace(path)


def _converted(function: Any, model: "keras.Model", handlers: dict[str, Any]) -> "onnx.ModelProto":
    """tf2onnx over a traced function."""
    import tensorflow as tf
    from tf2onnx import convert, optimizer, tf_loader

    for talker in ("tf2onnx", "tensorflow"):
        logging.getLogger(talker).setLevel(logging.CRITICAL)  # what they report is raised here
    passes = {key: optimizer._get_optimizers()[key] for key in PASSES}
    held = {id(inner) for _, inner in function.graph.captures}  # constants of layers, and variables
    inputs = [tensor.name for tensor in function.inputs if id(tensor) not in held]
    outputs = [tensor.name for tensor in function.outputs]
    refused: list[str] = []
    try:
        with tf.device("/cpu:0"), _refusals(refused):
            proto, _ = convert._convert_common(
                tf_loader.from_function(function, inputs, outputs),
                name=model.name,
                opset=OPSET,
                custom_op_handlers={"Erfc": (_erfc, []), **handlers},
                optimizers=passes,
                input_names=inputs,
                output_names=outputs,
                tensors_to_rename=convert.tensor_names_from_structed(function, inputs, outputs),
            )
    except Exception as error:  # tf2onnx raises whatever its rewriters happen to hit
        where = ", ".join(dict.fromkeys(_called(_layer_of(name, model)) for name in refused)) or f"model '{model.name}'"
        raise ConversionError(f"{where} cannot be written as ONNX: {first_line(error)}") from error
    _refuse_foreign(proto, model)
    return tidied(proto)


def _erfc(ctx: Any, node: Any, name: str, args: Any) -> None:  # noqa: ARG001
    """tf2onnx handler: 1 - erf(x), as Keras' gelu has it."""
    x, y, kind, shape = node.input[0], node.output[0], ctx.get_dtype(node.output[0]), ctx.get_shape(node.output[0])
    ctx.remove_node(node.name)
    one = ctx.make_const(f"{node.name}_one", np.ones((), np.float32)).output[0]
    erf = ctx.make_node("Erf", [x], shapes=[shape], dtypes=[kind])
    ctx.make_node("Sub", [one, erf.output[0]], outputs=[y], shapes=[shape], dtypes=[kind])


def _refuse_foreign(proto: "onnx.ModelProto", model: "keras.Model") -> None:
    """Raise for loops, and for operations that ONNX does not have, which tf2onnx leaves as they were."""
    import keras
    import onnx

    recurrent = [one for one in layers_of(model) if isinstance(one, keras.layers.RNN) and not is_gru(one)]
    wrong: dict[str, set[str]] = {}
    for node in proto.graph.node:
        if node.op_type in LOOPS and recurrent:
            for layer in recurrent:
                wrong.setdefault(_called(layer), set()).add(node.op_type)
        elif node.op_type in LOOPS or not onnx.defs.has(node.op_type, node.domain):
            wrong.setdefault(_called(_layer_of(node.name, model)), set()).add(node.op_type)
    if wrong:
        told = "; ".join(f"{layer} needs {', '.join(sorted(kinds))}" for layer, kinds in wrong.items())
        raise ConversionError(f"model '{model.name}' has no form in ONNX without loops and foreign operations: {told}")


@contextmanager
def _refusals(names: list[str]) -> Iterator[None]:
    """Collect the names of nodes that tf2onnx cannot convert; it logs them, and raises without saying which."""
    reporter = logging.getLogger("tf2onnx.tfonnx")

    def kept(record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Failed to convert node") and isinstance(record.args, tuple):
            names.append(str(record.args[0]))
        return False

    level, reporter.level = reporter.level, logging.ERROR
    reporter.addFilter(kept)
    try:
        yield
    finally:
        reporter.removeFilter(kept)
        reporter.level = level


def _layer_of(node: str, model: "keras.Model") -> Any:
    """The innermost layer that a node's name speaks of, else the model; TensorFlow numbers scopes, as in `dense_1`."""
    layers = {scope_of(layer.name): layer for layer in layers_of(model)}
    parts = [name for part in reversed(node.split("/")) for name in (part, re.sub(r"_\d+$", "", part))]
    return next((layers[name] for name in parts if name in layers), model)


def _called(layer: Any) -> str:
    return f"layer '{layer.name}' ({type(layer).__name__})"


def _name_axes(
    proto: "onnx.ModelProto", spec: GraphSpec, states: tuple[StateSpec, ...], fixed: Mapping[str, int]
) -> None:
    """Give free axes the names that `spec` gives them, and fixed ones their sizes."""
    shapes = {tensor.name: tensor.shape for tensor in (*spec.inputs, *spec.outputs)}
    shapes |= {state.name: state.shape for state in states} | {state.next: state.shape for state in states}
    for value in (*proto.graph.input, *proto.graph.output):
        inferred = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        del value.type.tensor_type.shape.dim[:]
        for place, given in enumerate(shapes[value.name]):
            axis = value.type.tensor_type.shape.dim.add()
            size = fixed.get(given, given) if isinstance(given, str) else given
            if fixed and place < len(inferred) and inferred[place]:
                size = inferred[place]  # an output's axis that follows from the fixed ones
            if isinstance(size, str):
                axis.dim_param = size
            else:
                axis.dim_value = size


def _check(proto: "onnx.ModelProto", model: "keras.Model") -> None:
    """Raise unless the document is valid."""
    import onnx

    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"model '{model.name}' became invalid ONNX: {first_line(error)}") from error
