"""Each Keras GRU as one native ONNX `GRU` node.

While a model is traced, a GRU leaves one stand-in operation (CudnnRNNV3, which no CPU kernel ever runs) with its
weights beside it; a tf2onnx handler turns that into ONNX `GRU`. Both order the gates z, r, h.

A mask becomes `sequence_lens`: valid steps are moved to the left in their order, and outputs are moved back to where
they belong. So holes and left padding cost two gathers and give exactly what Keras gives.

A sequence without steps is an error in Keras. onnxruntime 1.32 ends the whole process when a GRU node gets no steps or
no rows, so a caller must not send any; `gatewise` refuses them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.tracing.keras_2 import hard_sigmoid_of_keras_2
from components.converters.tracing.recording import Run, array_of
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

STAND_IN = "CudnnRNNV3"
NAME = "gatewise_gru_"
Activation = tuple[str, float | None, float | None]  # ONNX' name, alpha, beta; None where it takes none
ACTIVATIONS: dict[str, Activation] = {
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "relu": ("Relu", None, None),
    "linear": ("Affine", 1.0, 0.0),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
    "leaky_relu": ("LeakyRelu", 0.2, None),
    "elu": ("Elu", 1.0, None),
    "softsign": ("Softsign", None, None),
    "softplus": ("Softplus", None, None),
}


@dataclass(frozen=True)
class Node:
    """What one ONNX `GRU` node is made from; weights as ONNX wants them, one direction."""

    w: np.ndarray  # (1, 3 * units, features)
    r: np.ndarray  # (1, 3 * units, units)
    b: np.ndarray  # (1, 6 * units): input bias, recurrent bias
    units: int
    reset_after: bool
    activations: tuple[Activation, ...]
    backwards: bool
    has_state: bool
    has_lengths: bool


class NativeGrus:
    """The recurrence to trace a model with, and the tf2onnx handler that goes with it."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def __call__(
        self,
        run: Run,
        x: Any,
        state: Any,
        mask: Any,
        source: Any = None,  # noqa: ARG002 (a GRU node reads x itself)
    ) -> tuple[Any, Any, Any]:
        """Outputs in the order of time (batch, time, units), last output and last state (batch, units)."""
        import tensorflow as tf

        cell, backwards, zero_masked = run.cell, run.go_backwards, run.zero_output_for_mask
        if mask is None:
            outputs, after = self._node(cell, backwards, x, state, None)
            return outputs, after, after
        mask = tf.reshape(tf.cast(mask, tf.bool), tf.shape(x)[:2])
        valid = tf.cast(mask, tf.int32)  # (batch, time)
        seen = tf.cumsum(valid, axis=1)
        lengths = seen[:, -1]  # (batch,)
        order = tf.math.top_k(valid, tf.shape(x)[1]).indices  # stable: valid steps first, in their order
        outputs, after = self._node(cell, backwards, _rows(x, order), state, tf.maximum(lengths, 1))
        any_valid = lengths[:, None] > 0
        # A masked step repeats the output of the last valid step before it in the direction of travel, zero before any.
        position = seen - valid if backwards else seen - 1
        reached = (position < lengths[:, None]) if backwards else (position >= 0)
        shown = mask if zero_masked else reached
        outputs = _rows(outputs, tf.clip_by_value(position, 0, tf.shape(x)[1] - 1))
        outputs = tf.where(shown[..., None], outputs, 0.0)
        ends_valid = mask[:, :1] if backwards else mask[:, -1:]
        last = tf.where(ends_valid if zero_masked else any_valid, after, 0.0)
        return outputs, last, tf.where(any_valid, after, 0.0 if state is None else state)

    def _node(self, cell: "keras.layers.GRUCell", backwards: bool, x: Any, state: Any, lengths: Any) -> tuple[Any, Any]:
        """The stand-in operation: outputs (batch, time, units) and last state (batch, units)."""
        import tensorflow as tf

        index = len(self.nodes)
        self.nodes.append(_node_of(cell, backwards, state is not None, lengths is not None))
        y, h, *_ = tf.raw_ops.CudnnRNNV3(
            input=tf.transpose(x, (1, 0, 2)),
            input_h=tf.zeros((1, tf.shape(x)[0], cell.units)) if state is None else tf.cast(state, tf.float32)[None],
            input_c=tf.zeros((0,)),
            params=tf.zeros((1,)),
            sequence_lengths=tf.zeros((1,), tf.int32) if lengths is None else lengths,
            rnn_mode="gru",
            is_training=False,
            time_major=True,
            name=f"{NAME}{index}_",
        )
        y.set_shape((x.shape[1], x.shape[0], cell.units))
        h.set_shape((1, x.shape[0], cell.units))
        return tf.transpose(y, (1, 0, 2)), h[0]

    def handler(self, ctx: Any, node: Any, name: str, args: Any) -> None:  # noqa: ARG002
        """tf2onnx handler: the stand-in becomes a `GRU` node with its own weights as initializers."""
        from tf2onnx import utils
        from tf2onnx.graph_builder import GraphBuilder

        index = int(node.name.rsplit(NAME, 1)[1].split("_")[0])
        gru, (y, h), (x, h0), lengths = self.nodes[index], node.output[:2], node.input[:2], node.input[4]
        weights = [
            ctx.make_const(utils.make_name(f"gru_{index}_{key}"), array).output[0]
            for key, array in (("W", gru.w), ("R", gru.r), ("B", gru.b))
        ]
        shape = ctx.get_shape(y)
        ctx.remove_node(node.name)
        native = ctx.make_node(
            "GRU",
            [x, *weights, lengths if gru.has_lengths else "", h0 if gru.has_state else ""],
            outputs=[utils.make_name(f"gru_{index}_Y"), h],
            name=f"gru_{index}",
            attr=attributes(gru),
            output_count=2,
        )
        ctx.set_dtype(native.output[0], ctx.get_dtype(x)), ctx.set_dtype(h, ctx.get_dtype(x))
        if shape is not None:
            ctx.set_shape(native.output[0], [shape[0], 1, *shape[1:]])
        GraphBuilder(ctx).make_squeeze({"data": native.output[0], "axes": [1], "outputs": [y]})


def attributes(gru: Node) -> dict[str, Any]:
    """The attributes of an ONNX `GRU` node."""
    wanted: dict[str, Any] = {"hidden_size": gru.units, "linear_before_reset": int(gru.reset_after)}
    if gru.backwards:
        wanted["direction"] = "reverse"
    if [name for name, _, _ in gru.activations] != ["Sigmoid", "Tanh"]:
        wanted["activations"] = [name for name, _, _ in gru.activations]
        # onnxruntime hands these out in order, to those activations only that take one
        wanted["activation_alpha"] = [alpha for _, alpha, _ in gru.activations if alpha is not None]
        wanted["activation_beta"] = [beta for _, _, beta in gru.activations if beta is not None]
    return {name: value for name, value in wanted.items() if value != []}


def activation_of(function: Any) -> Activation:
    """ONNX' name, alpha and beta of a Keras activation.

    Raises:
        ConversionError: ONNX `GRU` has no such activation.
    """
    import keras

    if isinstance(function, keras.layers.LeakyReLU):
        return "LeakyRelu", float(function.negative_slope), None
    if function is hard_sigmoid_of_keras_2:
        return "HardSigmoid", 0.2, 0.5
    name = getattr(function, "__name__", type(function).__name__)
    if name not in ACTIVATIONS or getattr(keras.activations, name, None) is not function:
        supported = ", ".join(ACTIVATIONS)
        raise ConversionError(f"activation '{name}' has no counterpart in ONNX GRU: use one of {supported}")
    return ACTIVATIONS[name]


def _node_of(cell: "keras.layers.GRUCell", backwards: bool, has_state: bool, has_lengths: bool) -> Node:
    units = cell.units
    kernel, recurrent = (array_of(weight) for weight in (cell.kernel, cell.recurrent_kernel))
    bias = np.zeros((2, 3 * units), np.float32)
    if cell.bias is not None:
        given = array_of(cell.bias)
        bias[: given.size // (3 * units)] = given.reshape(-1, 3 * units)
    return Node(
        kernel.T[None].copy(),
        recurrent.T[None].copy(),
        bias.reshape(1, -1),
        units,
        cell.reset_after,
        (activation_of(cell.recurrent_activation), activation_of(cell.activation)),
        backwards,
        has_state,
        has_lengths,
    )


def _rows(x: Any, order: Any) -> Any:
    """x[b, order[b, t]] for x (batch, time, features) and order (batch, time)."""
    import tensorflow as tf

    batch, time = tf.shape(x)[0], tf.shape(x)[1]
    flat = tf.reshape(order + tf.range(batch)[:, None] * time, (-1,))
    taken = tf.gather(tf.reshape(x, (-1, x.shape[2])), flat)
    return tf.ensure_shape(tf.reshape(taken, (batch, time, x.shape[2])), x.shape)
