"""What is said about a converted file's numbers is what its user would see."""

import json

import numpy as np
import pytest

from components.converters import convert
from components.converters.checking.comparing import error_of
from components.converters.checking.measuring import opened
from components.converters.specs import VariantFile

pytestmark = pytest.mark.filterwarnings(  # Keras reads its variables so when it saves them
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
FEATURES, STEPS = 78, 12


@pytest.fixture(scope="module")
def raw():
    """A model that normalises raw features of every size, and examples of them."""
    import keras

    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    deviations = np.exp(random.uniform(np.log(0.02), np.log(3e6), FEATURES))
    means = 2 * deviations * random.normal(size=FEATURES)
    x = (random.normal(size=(16, STEPS, FEATURES)) * deviations + means).astype("f4")
    layers = [keras.layers.BatchNormalization(), keras.layers.GRU(16), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((STEPS, FEATURES), name="x"), *layers])
    layers[0].moving_mean.assign(means)
    layers[0].moving_variance.assign(deviations**2)
    return model, x


def test_raw_features_of_every_size_keep_their_answers_in_int8(raw, tmp_path):
    model, x = raw
    np.savez(tmp_path / "examples.npz", x=x)
    done = convert(model, tmp_path / "out", examples=tmp_path / "examples.npz")
    assert {row.file.precision for row in done.rows} >= {"float32", "int8"}
    for row in done.rows:
        assert row.error.of_spread <= (1e-4 if row.file.precision == "float32" else 0.06), row
    assert not [note for note in done.notes if "WARNING" in note or "No examples were given" in note]


def test_random_inputs_are_called_random(raw, tmp_path):
    done = convert(raw[0], tmp_path / "out", runtimes=["onnxruntime"])
    assert [note for note in done.notes if note.startswith("No examples were given")]
    assert "of spread" in (tmp_path / "out" / "PARITY.md").read_text()
    card = json.loads((tmp_path / "out" / "conversion.json").read_text())
    assert 0 <= card["variants"]["onnx"]["error_of_spread"] <= 1e-4


def test_an_int8_file_with_other_answers_is_written_with_a_warning(raw, tmp_path, monkeypatch):
    model, x = raw
    np.savez(tmp_path / "examples.npz", x=x)
    monkeypatch.setattr("components.converters.onnx.quantize._fits_16_bits", lambda array, _: array.size > FEATURES - 1)
    done = convert(model, tmp_path / "out", examples=tmp_path / "examples.npz", runtimes=["onnxruntime"])
    (warning,) = [note for note in done.notes if "WARNING" in note]
    assert warning.startswith("WARNING: model.int8.onnx differs from Keras by ")
    assert warning in (tmp_path / "out" / "PARITY.md").read_text()


def test_an_error_is_measured_by_how_far_outputs_spread_and_not_by_their_size(tmp_path):
    import keras

    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, keras.layers.Dense(1, bias_initializer="ones", name="y")(keras.layers.GRU(2)(x)))
    convert(model, tmp_path / "out", runtimes=["onnxruntime"])
    feeds = {"x": np.random.default_rng(0).normal(size=(9, 5, 3)).astype("f4")}
    answers = model(feeds["x"]).numpy()
    moved = {"y": answers + 0.5 * answers.std()}
    error = error_of(tmp_path / "out", "onnx", VariantFile("model.onnx", "onnxruntime", "int8"), [(feeds, moved)])
    assert error.of_spread == pytest.approx(0.5, rel=1e-3)
    assert error.largest == pytest.approx(0.5 * answers.std(), rel=1e-3)


@pytest.mark.parametrize(("version", "slope"), [("2.2.4-tf", 0.2), ("2.15.0", 0.2), ("3.12.0", 1 / 6)])
def test_a_hard_sigmoid_has_the_slope_of_the_version_that_wrote_the_file(tmp_path, version, slope):
    import h5py
    import keras

    keras.utils.set_random_seed(3)
    gru = keras.layers.GRU(4, recurrent_activation="hard_sigmoid", kernel_initializer="normal", reset_after=False)
    model = keras.Sequential([keras.Input((3, 2), name="x"), gru, keras.layers.Activation("hard_sigmoid", name="y")])
    gru.cell.kernel.assign(20 * gru.cell.kernel.value)
    model.save(tmp_path / "old.h5")
    with h5py.File(tmp_path / "old.h5", "r+") as file:
        file.attrs["keras_version"] = version
    convert(tmp_path / "old.h5", tmp_path / "out")
    x = np.random.default_rng(0).normal(size=(1, 3, 2)).astype("f4")
    wanted = _by_hand(x, [weight.numpy() for weight in gru.weights], slope)
    for file in ("model.onnx", "model.tflite"):
        (got,) = opened(tmp_path / "out" / file).run({"x": x}).values()
        np.testing.assert_allclose(got, wanted, atol=1e-5)


def _by_hand(x: np.ndarray, weights: list[np.ndarray], slope: float) -> np.ndarray:
    """A GRU that resets before its product, every gate a hard sigmoid, and another one behind."""
    (kernel, recurrent, bias), state = weights, np.zeros((len(x), 4))
    for now in np.moveaxis(x, 1, 0):
        inputs = np.split(now @ kernel + bias, 3, axis=1)
        z_of, r_of, h_of = np.split(recurrent, 3, axis=1)
        z, r = (np.clip(slope * (a + state @ b) + 0.5, 0, 1) for a, b in ((inputs[0], z_of), (inputs[1], r_of)))
        state = z * state + (1 - z) * np.tanh(inputs[2] + (r * state) @ h_of)
    return np.clip(slope * state + 0.5, 0, 1)
