"""Any Keras GRU as a native ONNX node computes what Keras computes: 320 random layers, weights, lengths and masks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, Verbosity, given, settings
from hypothesis import strategies as st

from components.converters import GraphSpec, TensorSpec, check_parity, to_onnx
from components.errors import ConversionError

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")  # random parents

TOLERANCE = 1e-5
ROUNDS, LAYERS = 16, 20  # models, and random GRU configurations in each: one conversion serves all of them
FEATURES, VOCABULARY, ROWS, LONGEST = 4, 9, 6, 8
BOUNDED = ("tanh", "sigmoid", "hard_sigmoid", "softsign")
UNBOUNDED = ("relu", "linear", "leaky_relu", "elu", "softplus")
MERGE_MODES = ("concat", "sum", "mul", "ave", None)
PARENTS = ("functional", "nested", "sequential", "stacked", "cell")


@dataclass(frozen=True)
class Config:
    """One random GRU and what stands around it."""

    units: int
    activation: str
    recurrent_activation: str
    use_bias: bool
    reset_after: bool
    go_backwards: bool
    return_sequences: bool
    return_state: bool
    zero_output_for_mask: bool
    initial_state: bool
    masked: bool
    bidirectional: bool
    merge_mode: str | None
    dropout: float
    parent: str


configs = st.builds(
    Config,
    units=st.integers(1, 7),
    activation=st.sampled_from(BOUNDED + UNBOUNDED),
    recurrent_activation=st.sampled_from(BOUNDED),
    use_bias=st.booleans(),
    reset_after=st.booleans(),
    go_backwards=st.booleans(),
    return_sequences=st.booleans(),
    return_state=st.booleans(),
    zero_output_for_mask=st.booleans(),
    initial_state=st.booleans(),
    masked=st.booleans(),
    bidirectional=st.booleans(),
    merge_mode=st.sampled_from(MERGE_MODES),
    dropout=st.sampled_from((0.0, 0.3)),
    parent=st.sampled_from(PARENTS),
)


def gru(config: Config, **changed: Any) -> Any:
    """The Keras layer of a configuration."""
    import keras

    arguments = {
        "activation": config.activation,
        "recurrent_activation": config.recurrent_activation,
        "use_bias": config.use_bias,
        "reset_after": config.reset_after,
        "go_backwards": config.go_backwards,
        "return_sequences": config.return_sequences,
        "return_state": config.return_state,
        "zero_output_for_mask": config.zero_output_for_mask,
        "dropout": config.dropout,
        "recurrent_dropout": config.dropout,
        "bias_initializer": "random_normal",
    } | changed
    if config.parent == "cell" and not config.bidirectional:
        names = ("activation", "recurrent_activation", "use_bias", "reset_after", "dropout", "bias_initializer")
        cell = keras.layers.GRUCell(config.units, **{name: arguments.pop(name) for name in names})
        return keras.layers.RNN(cell, **{k: v for k, v in arguments.items() if k != "recurrent_dropout"})
    return keras.layers.GRU(config.units, **arguments)


def called(config: Config, x: Any, states: Any) -> list[Any]:
    """What the layer of a configuration makes of `x`, as a list."""
    import keras

    if config.bidirectional:
        layer = keras.layers.Bidirectional(gru(config, go_backwards=False), merge_mode=config.merge_mode)
        return keras.tree.flatten(layer(x, initial_state=list(states) if config.initial_state else None))
    if config.parent == "stacked":
        x = gru(config, return_sequences=True, return_state=False)(x)
    if config.parent == "sequential" and not config.return_state:
        inner = keras.Sequential([gru(config)])
        return [inner(x)]
    layer = gru(config)
    state = states[0] if config.initial_state else None
    if config.parent == "nested" and state is None:
        inside = keras.Input((None, x.shape[-1]))
        return keras.tree.flatten(keras.Model(inside, layer(inside))(x))
    return keras.tree.flatten(layer(x, initial_state=state))


def model_of(chosen: list[Config]) -> tuple[Any, GraphSpec]:
    """A model with every configuration side by side on the same ids, and its specification."""
    import keras

    ids = keras.Input((None,), dtype="int32", name="ids")
    given, outputs = [ids], {}
    sequences = {
        masked: keras.layers.Embedding(VOCABULARY, FEATURES, mask_zero=masked, embeddings_initializer="normal")(ids)
        for masked in (True, False)
    }
    for index, config in enumerate(chosen):
        states = [keras.Input((config.units,), name=f"given_{index}_{side}") for side in range(2)]
        states = states[: 1 + config.bidirectional] if config.initial_state else []
        given += states
        results = called(config, sequences[config.masked], states)
        outputs |= {f"out_{index}_{part}": keras.layers.Identity()(result) for part, result in enumerate(results)}
    model = keras.Model(given, outputs)
    inputs = [TensorSpec("ids", ("batch", "time"), "int32")]
    inputs += [TensorSpec(tensor.name, ("batch", tensor.shape[-1])) for tensor in given[1:]]
    tensors = [
        TensorSpec(name, ("batch", "time", t.shape[-1]) if len(t.shape) == 3 else ("batch", t.shape[-1]))
        for name, t in outputs.items()
    ]
    return model, GraphSpec(tuple(inputs), tuple(tensors))


def ids_with_padding(random: np.random.Generator, time: int) -> np.ndarray:
    """Rows padded right, left, in between, entirely, and not at all."""
    ids = random.integers(1, VOCABULARY, (ROWS, time), dtype=np.int32)
    ids[0, random.integers(0, time + 1) :] = 0
    ids[1, : random.integers(0, time + 1)] = 0
    ids[2, random.random(time) < 0.5] = 0
    ids[3] = 0
    return ids


def session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def outputs_of(running: Any, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return dict(zip([node.name for node in running.get_outputs()], running.run(None, feeds), strict=True))


@settings(
    max_examples=ROUNDS,
    derandomize=True,
    verbosity=Verbosity.quiet,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=["generate"],
)
@given(chosen=st.lists(configs, min_size=LAYERS, max_size=LAYERS), seed=st.integers(0, 2**31))
def test_random_grus_equal_keras(tmp_path_factory, chosen, seed):
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    model, spec = model_of(chosen)
    path = tmp_path_factory.mktemp("gru") / "model.onnx"
    to_onnx(model, spec, path)
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert "GRU" in kinds
    assert not {"Loop", "Scan"} & kinds
    random = np.random.default_rng(seed)
    time = int(random.integers(1, LONGEST + 1))
    feeds = {"ids": ids_with_padding(random, time)}
    feeds |= {t.name: random.normal(size=(ROWS, t.shape[1])).astype("f4") for t in spec.inputs[1:]}
    expected = model([feeds[tensor.name] for tensor in model.inputs], training=False)
    got = outputs_of(session(path), feeds)
    for name, wanted in expected.items():
        scale = max(1.0, float(np.abs(wanted).max()))  # activations without bounds grow with the length
        config = chosen[int(name.split("_")[1])]
        check_parity({name: np.asarray(wanted)}, got, TOLERANCE * scale, f"{config}, {time} steps")


@pytest.mark.parametrize("activation", ["gelu", "selu", "exponential", "silu"])
def test_an_activation_that_onnx_lacks_is_an_error_that_names_the_layer(tmp_path, activation):
    import keras

    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, {"y": keras.layers.GRU(2, activation=activation, name="odd_one")(x)})
    spec = GraphSpec((TensorSpec("x", ("batch", "time", 3)),), (TensorSpec("y", ("batch", 2)),))
    with pytest.raises(ConversionError, match=f"odd_one.*{activation}"):
        to_onnx(model, spec, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
