"""The one place that builds GRU networks: stacks that carry their state in and out, and bidirectional encoders."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

STATE = "state_{}"
NEXT_STATE = "state_{}_next"


def state_inputs(units: int, layers: int) -> list[Any]:
    """One input per GRU layer for its hidden state, named `state_0`, `state_1`, …; each (batch, units)."""
    import keras

    return [keras.Input((units,), name=STATE.format(index)) for index in range(layers)]


def stack(x: Any, units: int, states: list[Any], dropout: float, locked: bool = False) -> tuple[Any, dict[str, Any]]:
    """The sequence that GRU layers on top of each other make of `x`, and their last states by output name.

    Args:
        x: (batch, time, features).
        units: units of each layer.
        states: hidden state before the first step, one per layer, each (batch, units).
        dropout: share of each layer's outputs dropped while training.
        locked: drop the same units at all steps of a sequence (Gal and Ghahramani 2016), else others at each.

    Returns:
        The sequence (batch, time, units) and `state_i_next` → (batch, units).
    """
    import keras

    drop = keras.layers.SpatialDropout1D if locked else keras.layers.Dropout
    following = {}
    for index, state in enumerate(states):
        x, last = keras.layers.GRU(units, return_sequences=True, return_state=True, name=f"gru_{index}")(
            x, initial_state=state
        )  # (batch, time, units), (batch, units)
        following[NEXT_STATE.format(index)] = keras.layers.Identity(name=NEXT_STATE.format(index))(last)
        x = drop(dropout, name=f"gru_{index}_dropout")(x)
    return x, following


def encoder(x: Any, units: int, layers: int, dropout: float) -> Any:
    """The last hidden state that stacked GRU layers reach over `x` from a start of zeros: (batch, units)."""
    import keras

    for index in range(layers):
        last = index == layers - 1
        x = keras.layers.GRU(units, return_sequences=not last, name=f"gru_{index}")(x)
        x = keras.layers.Dropout(dropout, name=f"gru_{index}_dropout")(x)
    return x


def bidirectional(x: Any, units: int, layers: int, dropout: float) -> Any:
    """The sequence that bidirectional GRU layers make of `x`, masked steps passed over: (batch, time, 2 * units)."""
    import keras

    for index in range(layers):
        gru = keras.layers.GRU(units, return_sequences=True)
        x = keras.layers.Bidirectional(gru, name=f"bidirectional_{index}")(x)
        x = keras.layers.Dropout(dropout, name=f"bidirectional_{index}_dropout")(x)
    return x


def carrying(network: "keras.Model", batch_size: int, output: str) -> "keras.Model":
    """A training model around `network` that carries every state from one batch to the next.

    Row i of each batch must continue row i of the batch before (truncated backpropagation through time). The carried
    states are zeroed by `reset_state()`.

    Args:
        network: a model with inputs and outputs named as `state_inputs` and `stack` name them.
        batch_size: rows of every batch.
        output: name of the output to train on; the model returns it alone.
    """
    import keras

    class Carrying(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="carrying")
            self.network = network
            first = STATE.format("")
            shapes = {tensor.name: tensor.shape for tensor in network.inputs if tensor.name.startswith(first)}
            self.carried = {
                name: self.add_weight(
                    shape=(batch_size, *shape[1:]), initializer="zeros", trainable=False, name=f"carried_{name}"
                )
                for name, shape in shapes.items()
            }
            self.built = True  # the network is; callbacks that keep checkpoints ask

        def call(self, inputs: Any, training: bool = False) -> Any:
            (name,) = [tensor.name for tensor in network.inputs if tensor.name not in self.carried]
            results = self.network({name: inputs, **{k: v + 0.0 for k, v in self.carried.items()}}, training=training)
            for key, variable in self.carried.items():
                variable.assign(results[f"{key}_next"])
            return results[output]

        def reset_state(self) -> None:
            for variable in self.carried.values():
                variable.assign(variable * 0.0)

    return Carrying()


def predictor(network: "keras.Model", batch_size: int | None = None) -> Any:
    """A function from named arrays to named arrays that runs `network` as it is, `batch_size` rows at a time."""
    import numpy as np
    import tensorflow as tf

    graph = tf.function(lambda feeds: network(feeds, training=False), reduce_retracing=True)

    def predict(feeds: Any) -> dict[str, Any]:
        rows = len(next(iter(feeds.values())))
        size = batch_size or rows
        parts = []
        for start in range(0, rows, size):
            part = {name: tf.constant(array[start : start + size]) for name, array in feeds.items()}
            parts.append({name: value.numpy() for name, value in graph(part).items()})
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    return predict
