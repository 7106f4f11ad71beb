"""Keras to ONNX in float32: native `GRU` nodes, any batch and any length, states in and out."""

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.converters.fixed_gru import FixedGrus
from components.converters.native_gru import STAND_IN, NativeGrus
from components.converters.specs import GraphSpec, StateSpec
from components.converters.tidying import tidied
from components.converters.tracing import first_line, trace
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
    proto = _converted(function, model.name, {STAND_IN: (grus.handler, [])})
    _name_axes(proto, spec, states, {})
    if grus.nodes and not any(node.op_type == "GRU" for node in proto.graph.node):
        raise ConversionError(f"model '{model.name}': its {len(grus.nodes)} GRUs do not reach any output")
    _check(proto, model)
    return proto, states


def step_onnx_of(model: "keras.Model", spec: GraphSpec) -> "onnx.ModelProto":
    """The model with its fixed axes frozen, each GRU written out in matrix products: for one step per run.

    A `GRU` node packs, transposes and starts a pool for each call; over a single step that is most of its time.
    """
    function, states = trace(model, spec, FixedGrus(unroll=True, fold_embeddings=True), fixed=True)
    proto = _converted(function, model.name, {})
    _name_axes(proto, spec, states, spec.fixed)
    _check(proto, model)
    return proto


def write(proto: "onnx.ModelProto", path: Path) -> None:
    """Write a document so that the file appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(proto.SerializeToString())
    temporary.replace(path)


def _converted(function: Any, name: str, handlers: dict[str, Any]) -> "onnx.ModelProto":
    """tf2onnx over a traced function."""
    import tensorflow as tf
    from tf2onnx import convert, optimizer, tf_loader

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    passes = {key: optimizer._get_optimizers()[key] for key in PASSES}
    inputs = [tensor.name for tensor in function.inputs if tensor.dtype != tf.resource]
    outputs = [tensor.name for tensor in function.outputs]
    try:
        with tf.device("/cpu:0"):
            proto, _ = convert._convert_common(
                tf_loader.from_function(function, inputs, outputs),
                name=name,
                opset=OPSET,
                custom_op_handlers=handlers,
                optimizers=passes,
                input_names=inputs,
                output_names=outputs,
                tensors_to_rename=convert.tensor_names_from_structed(function, inputs, outputs),
            )
    except Exception as error:  # tf2onnx raises whatever its rewriters happen to hit
        raise ConversionError(f"model '{name}' cannot be written as ONNX: {first_line(error)}") from error
    _refuse_foreign(proto, name)
    return tidied(proto)


def _refuse_foreign(proto: "onnx.ModelProto", name: str) -> None:
    """Raise when tf2onnx left an operation as it was, which it does where ONNX has no counterpart."""
    import onnx

    for node in proto.graph.node:
        if not onnx.defs.has(node.op_type, node.domain):
            layer = next(iter(node.name.split("/")[-2:-1]), name)
            raise ConversionError(f"layer '{layer}' of model '{name}': ONNX has no operation for its {node.op_type}")


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
            if fixed and isinstance(size, str) and place < len(inferred) and inferred[place]:
                size = inferred[place]  # an output's axis that follows from the fixed ones
            if isinstance(size, str):
                axis.dim_param = size
            else:
                axis.dim_value = size


def _check(proto: "onnx.ModelProto", model: "keras.Model") -> None:
    """Raise unless the document is valid and free of loops."""
    import keras
    import onnx

    from components.converters.recording import is_gru
    from components.converters.tracing import layers_of

    kinds = Counter(node.op_type for node in proto.graph.node)
    foreign = [layer for layer in layers_of(model) if isinstance(layer, keras.layers.RNN) and not is_gru(layer)]
    if loops := LOOPS & set(kinds):
        named = f": layer '{foreign[0].name}' ({type(foreign[0]).__name__})" if foreign else ""
        raise ConversionError(f"model '{model.name}' holds {', '.join(sorted(loops))}, no native node{named}")
    try:
        onnx.checker.check_model(proto, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ConversionError(f"model '{model.name}' became invalid ONNX: {first_line(error)}") from error
