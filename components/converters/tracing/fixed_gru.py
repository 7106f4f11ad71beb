"""A Keras GRU over a fixed number of steps, in operations that TFLite has built in.

The input's share of every gate is one matrix product before the loop. The loop takes several steps per turn, because a
turn of TFLite's WHILE copies what it carries. One step needs no loop.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.tracing.keras_2 import STEEP
from components.converters.tracing.recording import Embedded, array_of
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

STEPS_PER_TURN = 10  # at most; the largest divisor of the number of steps is taken
CLOSED = 1e4  # added to the update gate of a masked step: a sigmoid of it is exactly one, and the state is kept
LARGEST_TABLE = 1_024  # ids: with more, the folded table is larger than all the other weights
SATURATING = ("sigmoid", "hard_sigmoid", STEEP)


class FixedGrus:
    """The recurrence to trace a model with for TFLite.

    Args:
        unroll: write every step out, without a loop.
        fold_embeddings: look up what an id adds to the gates in one table instead of multiplying its embedding.
    """

    def __init__(self, unroll: bool = False, fold_embeddings: bool = False) -> None:
        self.unroll, self.fold_embeddings = unroll, fold_embeddings

    def __call__(
        self, layer: "keras.layers.RNN", x: Any, state: Any, mask: Any, source: Embedded | None = None
    ) -> tuple[Any, Any, Any]:
        """Outputs in the order of time (batch, time, units), last output and last state (batch, units)."""
        import tensorflow as tf

        batch, time, _ = x.shape
        if batch is None or time is None:
            raise ConversionError("TFLite wants a fixed batch and number of steps: fix these axes")
        start = tf.zeros((batch, layer.cell.units)) if state is None else tf.cast(state, tf.float32)
        if self.fold_embeddings and source is not None and source.layer.input_dim <= LARGEST_TABLE:
            gates = tf.gather(_folded(layer.cell, source), source.ids)  # (batch, time, 3 * units)
        else:
            gates = _input_gates(layer.cell, x)
        gates = tf.transpose(gates, (1, 0, 2))  # (time, batch, 3 * units)
        valid = None
        if mask is not None:
            mask = tf.reshape(tf.cast(mask, tf.bool), (batch, time))
            valid = tf.transpose(mask)[..., None]  # (time, batch, 1)
        if layer.go_backwards:
            gates = tf.reverse(gates, [0])
            valid = None if valid is None else tf.reverse(valid, [0])
        outputs, after = self._run(layer, gates, valid, start)
        last = after
        if valid is not None:
            outputs, last = _masked(layer, outputs, after, valid, state is not None)
        outputs = tf.transpose(outputs, (1, 0, 2)) if layer.return_sequences else last[:, None]
        return (tf.reverse(outputs, [1]) if layer.go_backwards else outputs), last, after

    def _run(self, layer: "keras.layers.RNN", gates: Any, valid: Any, start: Any) -> tuple[Any, Any]:
        """States after each step (time, batch, units), and the last one."""
        import tensorflow as tf
        from tensorflow.compiler.tf2xla.ops import gen_xla_ops  # TFLite's DYNAMIC_UPDATE_SLICE

        time = gates.shape[0]
        saturates = getattr(layer.cell.recurrent_activation, "__name__", "") in SATURATING
        if valid is not None and saturates and not self.unroll:
            closed = tf.where(valid, 0.0, CLOSED)  # (time, batch, 1)
            z, rest = tf.split(gates, [layer.cell.units, 2 * layer.cell.units], axis=2)
            gates, valid = tf.concat([z + closed, rest], axis=2), None
        steps = time if self.unroll else max(n for n in range(1, STEPS_PER_TURN + 1) if time % n == 0)
        if steps == time:
            states = _steps(layer.cell, gates, valid, start)
            return tf.stack(states), states[-1]
        collected = tf.zeros((time if layer.return_sequences else 1, *start.shape))

        def turn(first: Any, h: Any, collected: Any) -> tuple[Any, Any, Any]:
            part = tf.slice(gates, tf.stack([first, 0, 0]), (steps, *gates.shape[1:]))
            shown = None if valid is None else tf.slice(valid, tf.stack([first, 0, 0]), (steps, *valid.shape[1:]))
            states = _steps(layer.cell, part, shown, h)
            if layer.return_sequences:
                collected = gen_xla_ops.xla_dynamic_update_slice(collected, tf.stack(states), tf.stack([first, 0, 0]))
            return first + steps, states[-1], collected

        _, after, collected = tf.while_loop(
            lambda first, *_: first < time, turn, (tf.constant(0), start, collected), maximum_iterations=time // steps
        )
        return collected, after


def _input_gates(cell: "keras.layers.GRUCell", x: Any) -> Any:
    """What the inputs add to the gates z, r and the candidate: (batch, time, 3 * units)."""
    import tensorflow as tf

    batch, time, features = x.shape
    flat = tf.matmul(tf.reshape(x, (batch * time, features)), cell.kernel.value)
    if cell.bias is not None:
        flat = flat + tf.reshape(cell.bias.value, (-1, 3 * cell.units))[0]
    return tf.reshape(flat, (batch, time, 3 * cell.units))


def _folded(cell: "keras.layers.GRUCell", source: Embedded) -> np.ndarray:
    """What each id adds to the gates: (ids, 3 * units)."""
    table = array_of(source.layer.embeddings) @ array_of(cell.kernel)
    return table if cell.bias is None else table + array_of(cell.bias).reshape(-1, 3 * cell.units)[0]


def _steps(cell: "keras.layers.GRUCell", gates: Any, valid: Any, h: Any) -> list[Any]:
    """The state after each of the steps in `gates` (steps, batch, 3 * units)."""
    import tensorflow as tf

    states = []
    for index, now in enumerate(tf.unstack(gates)):
        after = _step(cell, now, h)
        h = after if valid is None else tf.where(valid[index], after, h)
        states.append(h)
    return states


def _step(cell: "keras.layers.GRUCell", gates: Any, h: Any) -> Any:
    """The state (batch, units) after one step (Cho et al. 2014; with `reset_after` as cuDNN computes it)."""
    import tensorflow as tf

    recurrent, units = cell.recurrent_kernel.value, cell.units
    if cell.reset_after:
        inner = tf.matmul(h, recurrent)
        if cell.bias is not None:
            inner = inner + cell.bias.value[1]
        xz, xr, xh = tf.split(gates, 3, axis=1)
        hz, hr, hh = tf.split(inner, 3, axis=1)
        z, r = cell.recurrent_activation(xz + hz), cell.recurrent_activation(xr + hr)
        candidate = cell.activation(xh + r * hh)
    else:
        opening = gates[:, : 2 * units] + tf.matmul(h, recurrent[:, : 2 * units])
        z, r = tf.split(cell.recurrent_activation(opening), 2, axis=1)
        candidate = cell.activation(gates[:, 2 * units :] + tf.matmul(r * h, recurrent[:, 2 * units :]))
    return z * h + (1 - z) * candidate


def _masked(layer: "keras.layers.RNN", outputs: Any, after: Any, valid: Any, has_state: bool) -> tuple[Any, Any]:
    """Outputs as Keras shows them: zero before the first valid step, and zero or repeated at masked ones."""
    import tensorflow as tf

    if layer.zero_output_for_mask:
        shown = tf.cast(valid, tf.float32)
        return outputs * shown, after * shown[-1]
    if not has_state:
        return outputs, after  # the start state is zero already
    begun = tf.minimum(tf.cumsum(tf.cast(valid, tf.float32)), 1.0)  # (time, batch, 1)
    return (outputs * begun if layer.return_sequences else outputs), after * begun[-1]
