"""Keras to ONNX in float32: native `GRU` nodes, any batch and any length, states in and out."""

import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.converters.native_gru import STAND_IN, NativeGrus
from components.converters.specs import GraphSpec, StateSpec
from components.converters.tracing import first_line, trace
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras
    import onnx

OPSET = 18  # the newest that tf2onnx writes; onnxruntime and onnxruntime-web read it
LOOPS = {"Loop", "Scan", "If"}


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
    proto = _converted(function, grus, model.name)
    _name_axes(proto, spec, states)
    _check(proto, grus, model)
    return proto, states


def write(proto: "onnx.ModelProto", path: Path) -> None:
    """Write a document so that the file appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(proto.SerializeToString())
    temporary.replace(path)


def _converted(function: Any, grus: NativeGrus, name: str) -> "onnx.ModelProto":
    """tf2onnx over a traced function."""
    import tensorflow as tf
    from tf2onnx import convert, tf_loader

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    inputs = [tensor.name for tensor in function.inputs if tensor.dtype != tf.resource]
    outputs = [tensor.name for tensor in function.outputs]
    try:
        with tf.device("/cpu:0"):
            proto, _ = convert._convert_common(
                tf_loader.from_function(function, inputs, outputs),
                name=name,
                opset=OPSET,
                custom_op_handlers={STAND_IN: (grus.handler, [])},
                input_names=inputs,
                output_names=outputs,
                tensors_to_rename=convert.tensor_names_from_structed(function, inputs, outputs),
            )
    except Exception as error:  # tf2onnx raises whatever its rewriters happen to hit
        raise ConversionError(f"model '{name}' cannot be written as ONNX: {first_line(error)}") from error
    return proto


def _name_axes(proto: "onnx.ModelProto", spec: GraphSpec, states: tuple[StateSpec, ...]) -> None:
    """Give free axes the names that `spec` gives them."""
    shapes = {tensor.name: tensor.shape for tensor in (*spec.inputs, *spec.outputs)}
    shapes |= {state.name: state.shape for state in states} | {state.next: state.shape for state in states}
    for value in (*proto.graph.input, *proto.graph.output):
        del value.type.tensor_type.shape.dim[:]
        for size in shapes[value.name]:
            axis = value.type.tensor_type.shape.dim.add()
            if isinstance(size, str):
                axis.dim_param = size
            else:
                axis.dim_value = size


def _check(proto: "onnx.ModelProto", grus: NativeGrus, model: "keras.Model") -> None:
    """Raise unless the document is valid and its GRUs are `GRU` nodes."""
    import keras
    import onnx

    from components.converters.recording import is_gru
    from components.converters.tracing import layers_of

    kinds = Counter(node.op_type for node in proto.graph.node)
    foreign = [layer for layer in layers_of(model) if isinstance(layer, keras.layers.RNN) and not is_gru(layer)]
    if loops := LOOPS & set(kinds):
        named = f": layer '{foreign[0].name}' ({type(foreign[0]).__name__})" if foreign else ""
        raise ConversionError(f"model '{model.name}' holds {', '.join(sorted(loops))}, no native node{named}")
    if grus.nodes and not kinds["GRU"]:
        raise ConversionError(f"model '{model.name}': its {len(grus.nodes)} GRUs do not reach any output")
    try:
        onnx.checker.check_model(proto, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ConversionError(f"model '{model.name}' became invalid ONNX: {first_line(error)}") from error
