"""Recurrent layers under our control while a Keras model is traced.

While `recording()` is active, every GRU of the model, wherever it sits (functional, sequential, subclassed, nested,
inside Bidirectional), runs the recurrence that the exporter chose, and every stateful layer reads its state from a
graph input and leaves its next state as a graph output.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.tracing.substitutes import substitutes, swapped
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

LOCK = threading.RLock()  # Keras' classes are changed while a model is traced

# (what to run, x, state or None, mask or None, where x came from or None)
# -> (outputs in the order of time (batch, time, units), output of the last step, last state)
Recurrence = Callable[["Run", Any, Any, Any, "Embedded | None"], tuple[Any, Any, Any]]


@dataclass(frozen=True)
class Run:
    """One GRU cell over a sequence; the fields as Keras' RNN has them."""

    cell: "keras.layers.GRUCell"
    go_backwards: bool
    return_sequences: bool
    zero_output_for_mask: bool


@dataclass(frozen=True)
class Embedded:
    """A tensor that came straight out of an Embedding."""

    layer: Any
    ids: Any  # (batch, time)
    tensor: Any  # (batch, time, features); kept so that its id stays its own


@dataclass
class Recording:
    """What one trace met.

    Attributes:
        recurrence: runs a GRU; None leaves Keras' own loop.
        states: current state tensors of each stateful layer by its id.
        embedded: ids and layer behind each tensor that an Embedding made, by the tensor's id.
        natural: the backward half of a Bidirectional being traced, whose outputs stay in the order of time.
        written_out: have Keras' own loops take a known number of steps one by one.
        ids: tensors of ids that must be below a number, each behind that number.
    """

    recurrence: Recurrence | None
    states: dict[int, list[Any]] = field(default_factory=dict)
    embedded: dict[int, Embedded] = field(default_factory=dict)
    natural: Any = None
    written_out: bool = False
    ids: list[tuple[int, Any]] = field(default_factory=list)


@contextmanager
def recording(now: Recording) -> Iterator[None]:
    """Put `now` in charge of every recurrent layer and Tail that is called in the block."""
    import keras
    import tensorflow as tf

    from components.networks.log_mel import Tail

    rnn, both, tail = keras.layers.RNN.call, keras.layers.Bidirectional.call, Tail.call
    table, dense = keras.layers.Embedding.call, keras.layers.Dense.call
    distributed, category = keras.layers.TimeDistributed.call, keras.layers.CategoryEncoding.call

    def rnn_call(self: Any, x: Any, initial_state: Any = None, mask: Any = None, training: Any = False) -> Any:  # noqa: ARG001
        return _run(now, rnn, self, x, initial_state, mask)

    def bidirectional_call(self: Any, x: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        if now.recurrence is None or not all(map(is_gru, (self.forward_layer, self.backward_layer))):
            with swapped(type(self), _can_attempt_fused_gru=lambda *_: False, _can_attempt_fused_lstm=lambda *_: False):
                return both(self, x, initial_state=initial_state, mask=mask, training=training)
        return run_both(now, self, x, initial_state, mask)

    def tail_call(self: Any, x: Any, initial_state: Any = None) -> Any:
        if not self.stateful:
            return tail(self, x, initial_state)
        joined = _concatenated(now.states[id(self)][0], x)
        now.states[id(self)] = [joined[:, -self.length :]]
        return joined

    def embedding_call(self: Any, inputs: Any) -> Any:
        plain = type(self) is keras.layers.Embedding and self.quantization_mode is None
        if plain:  # Keras maps negative ids to the end of the table in five operations; ONNX' Gather does so by itself
            found = tf.cast(tf.gather(self.embeddings, tf.cast(inputs, tf.int32)), self.compute_dtype)
        else:
            found = table(self, inputs)
        now.ids.append((self.input_dim, inputs))
        now.embedded[id(found)] = Embedded(self, inputs, found)
        return found

    def category_call(self: Any, inputs: Any, count_weights: Any = None) -> Any:
        now.ids.append((self.num_tokens, inputs))
        return category(self, inputs, count_weights)

    def dense_call(self: Any, inputs: Any, training: Any = None) -> Any:
        plain = type(self) is keras.layers.Dense and self.quantization_mode is None and inputs.dtype == tf.float32
        if not plain or inputs.shape.rank == 2:
            return dense(self, inputs, training=training)
        x = tf.matmul(inputs, self.kernel)  # Keras flattens and restores the leading axes, in six operations
        return self.activation(x if self.bias is None else x + self.bias)

    def distributed_call(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        masked = mask is not None and self.layer._call_has_mask_arg  # others never see it
        if masked or len(keras.tree.flatten(inputs)) != 1:
            return distributed(self, inputs, training=training, mask=mask)
        return _folded(self.layer, inputs)

    calls = {
        keras.layers.RNN: rnn_call,
        keras.layers.TimeDistributed: distributed_call,
        keras.layers.Bidirectional: bidirectional_call,
        keras.layers.Embedding: embedding_call,
        keras.layers.Dense: dense_call,
        keras.layers.CategoryEncoding: category_call,
        Tail: tail_call,
    }
    with LOCK, ExitStack() as changes:
        for kind, call in calls.items():
            changes.enter_context(swapped(kind, call=call))
        changes.enter_context(substitutes())
        yield


def array_of(weight: Any) -> np.ndarray:
    """A weight's value, also while a graph is being traced."""
    import tensorflow as tf

    with tf.init_scope():
        return np.asarray(weight.value.numpy(), np.float32)


def is_gru(layer: Any) -> bool:
    """Whether a layer is a GRU in Keras' own arithmetic, or several in one RNN."""
    import keras

    return isinstance(layer, keras.layers.RNN) and all(type(cell) is keras.layers.GRUCell for cell in _cells(layer))


def _cells(layer: Any) -> list[Any]:
    """The cells of an RNN, those that it stacks one by one."""
    import keras

    return list(layer.cell.cells) if isinstance(layer.cell, keras.layers.StackedRNNCells) else [layer.cell]


def _runs(layer: Any) -> list[Run]:
    """A run for each cell; those below the last one hand on whole sequences."""
    cells = _cells(layer)
    whole = [True] * (len(cells) - 1) + [bool(layer.return_sequences)]
    zeros = bool(layer.zero_output_for_mask)
    return [Run(cell, layer.go_backwards, all_steps, zeros) for cell, all_steps in zip(cells, whole, strict=True)]


def _run(now: Recording, original: Any, layer: Any, x: Any, initial_state: Any, mask: Any) -> Any:
    """What `layer` returns for `x`, its state taken from and left in the recording when it is stateful."""
    import keras

    kept = layer.stateful and initial_state is None
    if kept:
        initial_state = now.states[id(layer)]
    state = None if initial_state is None else keras.tree.flatten(initial_state)
    if is_gru(layer) and now.recurrence is not None:
        outputs, last, states = _native(now, layer, x, state, mask)
    else:
        outputs, last, states = _in_keras(now, original, layer, x, state, mask)
    if layer.stateful:
        now.states[id(layer)] = list(states)
    output = outputs if layer.return_sequences else last
    return (output, *states) if layer.return_state else output


def _native(now: Recording, layer: Any, x: Any, state: list[Any] | None, mask: Any) -> tuple[Any, Any, list[Any]]:
    import tensorflow as tf
    from keras.src.backend import AutocastScope  # a layer that computes in float16 has float32 weights

    if now.recurrence is None:
        raise ValueError("no recurrence to run")
    source, x, last, after = now.embedded.get(id(x)), tf.cast(x, tf.float32), None, []
    try:
        with AutocastScope(None):
            for index, run in enumerate(_runs(layer)):
                first = tf.cast(state[index], tf.float32) if state else None
                x, last, following = now.recurrence(run, x, first, mask, source)
                source = None
                after.append(following)
    except ConversionError as error:
        raise ConversionError(f"layer '{layer.name}' ({type(layer).__name__}): {error}") from None
    if layer.go_backwards and now.natural is not layer:
        x = tf.reverse(x, [1])
    outputs, last, *after = (tf.cast(part, layer.compute_dtype) for part in (x, last, *after))
    return outputs, last, after


def _in_keras(now: Recording, original: Any, layer: Any, x: Any, state: Any, mask: Any) -> tuple[Any, Any, list[Any]]:
    """Keras' own loop, written out where the layer asks for that or where there is one step only."""
    unroll = layer.unroll or x.shape[1] == 1 or (now.written_out and x.shape[1] is not None)
    changed = {"stateful": False, "return_state": True, "unroll": unroll, "use_cudnn": False}
    with swapped(layer, **{name: value for name, value in changed.items() if hasattr(layer, name)}):
        output, *states = original(layer, x, initial_state=state, mask=mask, training=False)
    return output, output, states


def _folded(layer: Any, x: Any) -> Any:
    """A layer over every step of `x`, its steps taken for rows; Keras would make a loop over them."""
    import keras
    from keras import ops

    steps = ops.shape(x)[1]
    results = layer(ops.reshape(x, (-1, *ops.shape(x)[2:])))  # (batch * time, …)
    return keras.tree.map_structure(lambda y: ops.reshape(y, (-1, steps, *ops.shape(y)[1:])), results)


def _concatenated(before: Any, x: Any) -> Any:
    import tensorflow as tf

    return tf.concat([tf.cast(before, x.dtype), x], axis=1)


def run_both(now: "Recording", layer: Any, x: Any, initial_state: Any, mask: Any) -> Any:
    """A Bidirectional of two GRUs, without turning the backward outputs twice."""
    import keras

    states = [] if initial_state is None else list(initial_state)
    half = len(states) // 2
    forward, backward = layer.forward_layer, layer.backward_layer
    results = [forward(x, initial_state=states[:half] or None, mask=mask)]
    now.natural = backward if layer.return_sequences and backward.go_backwards else None
    results.append(backward(x, initial_state=states[half:] or None, mask=mask))
    now.natural = None
    after: tuple[Any, ...] = ()
    if layer.return_state:
        after = tuple(results[0][1:]) + tuple(results[1][1:])
        results = [results[0][0], results[1][0]]
    if layer.return_sequences and not backward.go_backwards:
        results[1] = keras.ops.flip(results[1], axis=1)
    merged = _merged(layer.merge_mode, *results)
    whole = tuple(merged) if layer.merge_mode is None else (merged,)
    return (*whole, *after) if layer.return_state else merged


def _merged(mode: str | None, one: Any, other: Any) -> Any:
    import keras

    if mode is None:
        return one, other
    if mode == "concat":
        return keras.ops.concatenate([one, other], axis=-1)
    if mode == "mul":
        return one * other
    return (one + other) / 2 if mode == "ave" else one + other
