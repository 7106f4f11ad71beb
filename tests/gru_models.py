"""Random GRUs, every way that Keras has of calling one, side by side in one model: one conversion serves all."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from hypothesis import strategies as st

from components.converters import GraphSpec, TensorSpec

FEATURES, VOCABULARY, ROWS, LONGEST = 4, 9, 6, 8
SPREAD = 0.4  # of the random weights: gates move over most of their range, and unbounded activations stay in the tens
BOUNDED = ("tanh", "sigmoid", "hard_sigmoid", "softsign")
UNBOUNDED = ("relu", "linear", "leaky_relu", "elu", "softplus")
GATES = ("sigmoid", "hard_sigmoid")  # from 0 to 1
MASKS = ("embedding", "masking", "none")
MERGE_MODES = ("concat", "sum", "mul", "ave", None)
PARENTS = ("functional", "nested", "sequential", "subclassed", "stacked", "cell", "cells")


@dataclass(frozen=True)
class Config:
    """One GRU and what stands around it."""

    units: int = 5
    activation: str = "tanh"
    recurrent_activation: str = "sigmoid"
    use_bias: bool = True
    reset_after: bool = True
    go_backwards: bool = False
    return_sequences: bool = True
    return_state: bool = False
    zero_output_for_mask: bool = False
    stateful: bool = False
    initial_state: bool = False
    mask: str = "none"
    bidirectional: bool = False
    merge_mode: str | None = "concat"
    dropout: float = 0.0
    parent: str = "functional"

    def __post_init__(self) -> None:
        if self.bidirectional and self.return_state:  # Keras 3.15 itself fails: Bidirectional.compute_mask
            object.__setattr__(self, "stateful", False)


def configs() -> st.SearchStrategy[Config]:
    """Random configurations.

    Gates that leave [0, 1] go with bounded activations only: with others a state grows exponentially with the steps,
    and float32 itself, in Keras too, is no longer good to five decimals.
    """
    free = {
        "units": st.integers(1, 7),
        "mask": st.sampled_from(MASKS),
        "merge_mode": st.sampled_from(MERGE_MODES),
        "dropout": st.sampled_from((0.0, 0.3)),
        "parent": st.sampled_from(PARENTS),
    } | {field.name: st.booleans() for field in fields(Config) if isinstance(field.default, bool)}
    return st.one_of(
        st.builds(Config, activation=st.sampled_from(BOUNDED), recurrent_activation=st.sampled_from(BOUNDED), **free),
        st.builds(Config, activation=st.sampled_from(UNBOUNDED), recurrent_activation=st.sampled_from(GATES), **free),
    )


def gru(config: Config, **changed: Any) -> Any:
    """The Keras layer of a configuration."""
    import keras

    names = ("activation", "recurrent_activation", "use_bias", "reset_after", "dropout")
    of_cell = {name: getattr(config, name) for name in names}
    names = ("go_backwards", "return_sequences", "return_state", "zero_output_for_mask", "stateful")
    of_layer = {name: getattr(config, name) for name in names} | changed
    if config.parent == "cell":
        return keras.layers.RNN(keras.layers.GRUCell(config.units, **of_cell), **of_layer)
    if config.parent == "cells" and not config.bidirectional:
        cells = [keras.layers.GRUCell(config.units, **of_cell) for _ in range(states_of(config))]
        return keras.layers.RNN(cells, **of_layer)
    return keras.layers.GRU(config.units, recurrent_dropout=config.dropout, **of_cell, **of_layer)


def states_of(config: Config) -> int:
    """How many states the layer of a configuration has."""
    return 2 if config.bidirectional or config.parent == "cells" else 1


def layer_of(config: Config) -> Any:
    """The layer of a configuration, or a parent that hides it; called with a sequence and perhaps states."""
    import keras

    if config.bidirectional:
        other = gru(config, go_backwards=False) if config.go_backwards else None
        return keras.layers.Bidirectional(gru(config), merge_mode=config.merge_mode, backward_layer=other)
    if config.parent == "sequential" and not (config.return_state or config.initial_state):
        return keras.Sequential([gru(config)])
    return hidden(gru(config)) if config.parent == "subclassed" else gru(config)


def hidden(layer: Any) -> Any:
    """A subclassed model that calls `layer` with whatever it gets, mask included."""
    import keras

    class Hidden(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.supports_masking = layer, True

        def build(self, x_shape: Any, initial_state_shape: Any = None) -> None:
            self.inner.build(x_shape)  # Keras makes no state variables while it tries a call
            self.built = True

        def call(self, x: Any, initial_state: Any = None, mask: Any = None) -> Any:
            return self.inner(x, initial_state=initial_state, mask=mask)

        def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
            return None

    return Hidden()


def called(config: Config, x: Any, states: list[Any]) -> list[Any]:
    """What the layer of a configuration makes of `x`, as a list."""
    import keras

    if config.parent == "stacked":
        x = gru(config, return_sequences=True, return_state=False)(x)
    layer = layer_of(config)
    if config.parent == "nested":
        inside = keras.Input(batch_shape=x.shape)
        given = [keras.Input(batch_shape=state.shape) for state in states]
        results = layer(inside, initial_state=given) if given else layer(inside)
        return keras.tree.flatten(keras.Model([inside, *given], results)([x, *states] if given else x))
    return keras.tree.flatten(layer(x, initial_state=states) if states else layer(x))


def model_of(chosen: list[Config], random: np.random.Generator, batch: int | None = None) -> tuple[Any, GraphSpec]:
    """A model with every configuration side by side on the same ids and numbers, its weights random.

    Args:
        chosen: the configurations; `stateful` needs a fixed batch.
        random: where the weights come from.
        batch: rows, None for any number.
    """
    import keras

    ids = keras.Input((None,), batch, dtype="int32", name="ids")
    x = keras.Input((None, FEATURES), batch, name="x")
    sequences = {
        "embedding": keras.layers.Embedding(VOCABULARY, FEATURES, mask_zero=True)(ids),
        "masking": keras.layers.Masking()(x),
        "none": x,
    }
    given, outputs = [ids, x], {}
    for index, config in enumerate(chosen):
        names = [f"given_{index}_{number}" for number in range(states_of(config) * config.initial_state)]
        states = [keras.Input((config.units,), batch, name=name) for name in names]
        given += states
        results = called(config, sequences[config.mask], states)
        outputs |= {f"out_{index}_{part}": keras.layers.Identity()(result) for part, result in enumerate(results)}
    model = keras.Model(given, outputs)
    for weight in model.trainable_variables:
        weight.assign(random.normal(scale=SPREAD, size=weight.shape))
    inputs = [TensorSpec(t.name, _axes(t.shape), t.dtype) for t in given]
    return model, GraphSpec(tuple(inputs), tuple(TensorSpec(name, _axes(t.shape)) for name, t in outputs.items()))


def feeds_of(spec: GraphSpec, random: np.random.Generator, time: int) -> dict[str, np.ndarray]:
    """Random inputs; their rows are padded right, left, in between, entirely, and not at all."""
    valid = np.ones((ROWS, time), bool)
    valid[0, random.integers(0, time + 1) :] = False
    valid[1, : random.integers(0, time + 1)] = False
    valid[2] = random.random(time) < 0.5
    valid[3] = False
    x = random.normal(size=(ROWS, time, FEATURES)).astype("f4")
    feeds = {"ids": random.integers(1, VOCABULARY, (ROWS, time), dtype=np.int32) * valid, "x": x * valid[..., None]}
    states = {t.name: random.normal(size=(ROWS, t.shape[1])).astype("f4") for t in spec.inputs[2:]}
    return feeds | states


def _axes(shape: Any) -> tuple[str | int, ...]:
    return ("batch", "time", *shape[2:]) if len(shape) == 3 or shape[1] is None else ("batch", *shape[1:])
