"""Any Keras GRU as a native ONNX node computes what Keras computes: random layers, weights, masks and states."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from gru_models import FEATURES, LONGEST, ROWS, Config, configs, feeds_of, model_of
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from components.converters import GraphSpec, TensorSpec, check_parity, to_onnx, to_tflite
from components.converters.tracing.trace import implicit_states
from components.errors import ConversionError

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* was passed an input with a mask:UserWarning")  # dropped there

TOLERANCE = 1e-5
MODELS, LAYERS = 31, 10  # random models, and random GRUs in each


def session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def outputs_of(running: Any, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return dict(zip([node.name for node in running.get_outputs()], running.run(None, feeds), strict=True))


def test_random_grus_equal_keras(tmp_path_factory):
    seen: set[Config] = set()

    @settings(
        max_examples=MODELS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a model takes seconds: a failure names its configuration, nothing is shrunk
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        chosen=st.lists(configs(), min_size=LAYERS, max_size=LAYERS, unique=True),
        keeps_states=st.booleans(),
        seed=st.integers(0, 2**31),
    )
    def check(chosen, keeps_states, seed):
        chosen = [replace(config, stateful=config.stateful and keeps_states) for config in chosen]
        equal_keras(tmp_path_factory.mktemp("gru") / "model.onnx", chosen, keeps_states, seed)
        seen.update(chosen)

    check()
    assert len(seen) >= 300


def equal_keras(path: Path, chosen: list[Config], keeps_states: bool, seed: int) -> None:
    """Export a model of all `chosen` layers and run it and Keras on a batch of a random length."""
    import keras

    keras.backend.clear_session()
    random = np.random.default_rng(seed)
    model, spec = model_of(chosen, random, ROWS if keeps_states else None)
    to_onnx(model, spec, path)
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert "GRU" in kinds
    assert not {"Loop", "Scan", "If"} & kinds
    running, states = session(path), states_by_name(model, spec)
    time = int(random.integers(1, LONGEST + 1))
    feeds = feeds_of(spec, random, time)
    before = {name: random.normal(size=state.shape).astype("f4") for name, state in states.items()}
    for name, state in states.items():
        state.assign(before[name])
    expected = model([feeds[tensor.name] for tensor in model.inputs], training=False)
    got = outputs_of(running, feeds | before)
    for name, wanted in expected.items():
        config = chosen[int(name.split("_")[1])]
        check_parity({name: wanted.numpy()}, got, TOLERANCE, f"{config}, {time} steps")
    check_parity({f"{name}_next": s.value.numpy() for name, s in states.items()}, got, TOLERANCE, "states")


def states_by_name(model, spec):
    """Keras' variables behind the states of stateful layers, by the name of the graph's input."""
    import keras

    found = implicit_states(model, spec)
    variables = {id(layer): iter(keras.tree.flatten(layer.states)) for layer, _ in found}
    return {state.name: next(variables[id(layer)]) for layer, state in found}


REPRESENTATIVE = [
    Config(),
    Config(reset_after=False, use_bias=False, return_sequences=False),
    Config(mask="embedding", go_backwards=True, return_state=True),
    Config(mask="masking", zero_output_for_mask=True, initial_state=True),
    Config(mask="embedding", bidirectional=True, merge_mode="mul", return_state=True, initial_state=True),
    Config(mask="masking", bidirectional=True, merge_mode=None, reset_after=False),
    Config(mask="embedding", stateful=True, return_sequences=False, recurrent_activation="softsign"),
    Config(stateful=True, bidirectional=True, merge_mode="ave", activation="relu"),
    Config(parent="cells", stateful=True, go_backwards=True, recurrent_activation="hard_sigmoid"),
    Config(parent="nested", mask="masking", activation="softplus", dropout=0.3),
    Config(parent="subclassed", activation="gelu", initial_state=True),
    Config(parent="stacked", activation="elu", mask="embedding"),
]


def test_representative_grus_equal_keras_in_tflite(tmp_path):
    from gatewise.runtime import LiteRtSession

    random = np.random.default_rng(11)
    time = 12  # two turns of a loop of six steps
    model, free = model_of(REPRESENTATIVE, random, ROWS)
    spec = replace(free, fixed={"batch": ROWS, "time": time})
    to_tflite(model, spec, tmp_path / "model.tflite")
    states, feeds = states_by_name(model, spec), feeds_of(spec, random, time)
    before = {name: random.normal(size=state.shape).astype("f4") for name, state in states.items()}
    for name, state in states.items():
        state.assign(before[name])
    expected = model([feeds[tensor.name] for tensor in model.inputs], training=False)
    got = LiteRtSession((tmp_path / "model.tflite").read_bytes(), 1).run(feeds | before)
    for name, wanted in expected.items():
        config = REPRESENTATIVE[int(name.split("_")[1])]
        check_parity({name: wanted.numpy()}, got, TOLERANCE, f"{config}")
    check_parity({f"{name}_next": s.value.numpy() for name, s in states.items()}, got, TOLERANCE, "states")


def test_a_gru_over_every_step_of_a_sequence_of_sequences_equals_keras(tmp_path):
    import keras

    x = keras.Input((None, 7, FEATURES), name="x")
    y = keras.layers.TimeDistributed(keras.layers.GRU(5))(x)
    model = keras.Model(x, {"y": keras.layers.GRU(6)(y)})
    spec = GraphSpec((TensorSpec("x", ("batch", "time", 7, FEATURES)),), (TensorSpec("y", ("batch", 6)),))
    to_onnx(model, spec, tmp_path / "model.onnx")
    kinds = [node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert kinds.count("GRU") == 2
    assert not {"Loop", "Scan", "If"} & set(kinds)
    feeds = {"x": np.random.default_rng(0).normal(size=(ROWS, 9, 7, FEATURES)).astype("f4")}
    got = outputs_of(session(tmp_path / "model.onnx"), feeds)
    check_parity({"y": model(feeds["x"], training=False)["y"].numpy()}, got, TOLERANCE, "time distributed")


@pytest.mark.parametrize("activation", ["gelu", "selu", "exponential", "silu"])
def test_an_activation_that_onnx_lacks_is_an_error_that_names_the_layer(tmp_path, activation):
    import keras

    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, {"y": keras.layers.GRU(2, activation=activation, name="odd_one")(x)})
    spec = GraphSpec((TensorSpec("x", ("batch", "time", 3)),), (TensorSpec("y", ("batch", 2)),))
    with pytest.raises(ConversionError, match=f"odd_one.*{activation}"):
        to_onnx(model, spec, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["Spectrum", "Digamma"])
def test_an_operation_that_onnx_lacks_is_an_error_that_names_the_layer(tmp_path, kind):
    import keras

    class Spectrum(keras.layers.Layer):
        def call(self, x):
            return keras.ops.fft((x, keras.ops.zeros_like(x)))[0]

    class Digamma(keras.layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.math.digamma(x)

    x = keras.Input((None, 4), name="x")
    odd = {"Spectrum": Spectrum, "Digamma": Digamma}[kind](name="odd_one")
    model = keras.Model(x, {"y": keras.layers.GRU(2)(odd(x))})
    spec = GraphSpec((TensorSpec("x", ("batch", "time", 4)),), (TensorSpec("y", ("batch", 2)),))
    with pytest.raises(ConversionError, match=f"layer 'odd_one' .{kind}"):
        to_onnx(model, spec, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
