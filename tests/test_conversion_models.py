"""Constructions that people put around their GRUs convert, to files that compute what Keras computes."""

import importlib
import json
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from components.converters import Reading, convert
from components.converters.checking.comparing import compared, error_of
from components.converters.checking.measuring import opened
from components.converters.specs import VariantFile
from components.errors import ConversionError, SettingError
from flows.conversion import inputs_of, run_conversion
from flows.options import ConversionRequest

pytestmark = pytest.mark.filterwarnings(  # Keras reads its variables so when it saves them
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
STEPS = 5
ONNX = ["onnxruntime"]


def sequential(*layers: Any, shape: tuple[int | None, ...] = (None, 3), dtype: str = "float32") -> Any:
    """The layers on an input called x."""
    import keras

    return keras.Sequential([keras.Input(shape, name="x", dtype=dtype), *layers])


def adapted(layers: Any) -> Any:
    normal = layers.Normalization()
    normal.adapt(np.random.default_rng(0).normal(3, 5, (20, STEPS, 3)).astype("f4"))
    return sequential(normal, layers.GRU(4))


def with_table(layers: Any) -> Any:
    import keras

    class Table(layers.Layer):
        def build(self, shape):
            table = np.random.default_rng(0).normal(size=(shape[-1], 5))
            self.table = keras.ops.convert_to_tensor(table.astype("f4"))

        def call(self, x):
            return keras.ops.matmul(x, self.table)

    return sequential(Table(), layers.GRU(4))


def own_cell(layers: Any) -> Any:
    import keras

    class Cell(layers.Layer):
        state_size = output_size = 4

        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 4))
            self.recurrent = self.add_weight(shape=(4, 4))

        def call(self, x, states, training=None):
            after = keras.ops.tanh(x @ self.kernel + states[0] @ self.recurrent)
            return after, [after]

    return sequential(layers.Masking(), layers.RNN(Cell(), return_sequences=True), layers.GRU(3))


def ending_in_argmax(layers: Any) -> Any:
    import keras

    x = keras.Input((None, 3), name="x")
    scores = layers.Dense(4)(layers.GRU(4)(x))
    return keras.Model(x, [keras.ops.argmax(scores, axis=-1), keras.ops.argmin(scores, axis=1, keepdims=True)])


def under_foreign_names(layers: Any) -> Any:
    import keras

    x, state = keras.Input((None, 3), name="entrée"), keras.Input((4,), name="état")
    y, last = layers.GRU(4, return_sequences=True, return_state=True, name="mon gru")(x, initial_state=state)
    return keras.Model([x, state], {"größe": layers.Dense(2, name="ma couche")(y), "état_next": last})


def with_a_taken_state(layers: Any) -> Any:
    import keras

    x = keras.Input(batch_shape=(1, None, 3), name="state_0")
    return keras.Model(x, layers.GRU(4, stateful=True)(x))


def with_a_category(layers: Any) -> Any:
    import keras

    x = keras.Input((None, 3), name="x")
    kinds = layers.Embedding(7, 4)(keras.ops.cast(x[..., 1], "int32"))
    flags = layers.CategoryEncoding(num_tokens=3, output_mode="one_hot")(x[..., 2:])
    return keras.Model(x, layers.GRU(4)(keras.ops.concatenate([kinds, flags, x[..., :1]], axis=-1)))


def mel_spectrogram(layers: Any) -> Any:
    settings = {"num_mel_bins": 16, "sampling_rate": 8_000, "fft_length": 256, "max_freq": 4_000}
    spectrogram = layers.MelSpectrogram(sequence_length=200, sequence_stride=120, **settings)
    return sequential(spectrogram, layers.Permute((2, 1)), layers.GRU(4), shape=(1_024,))


MODELS: dict[str, Callable[[Any], Any]] = {
    "an adapted normalisation": adapted,
    "a constant table": with_table,
    "a cell of one's own": own_cell,
    "swish": lambda layers: sequential(layers.Masking(), layers.GRU(4, activation="swish")),
    "a cell with gelu": lambda layers: sequential(layers.RNN(layers.GRUCell(4, activation="gelu"))),
    "LSTM": lambda layers: sequential(layers.LSTM(3, return_sequences=True), layers.SimpleRNN(2)),
    "a masked TimeDistributed": lambda layers: sequential(
        layers.Masking(), layers.TimeDistributed(layers.Dense(5)), layers.GRU(4)
    ),
    "bins": lambda layers: sequential(
        layers.Discretization(bin_boundaries=[0.0, 0.5, 1.0]), layers.Embedding(4, 3), layers.GRU(4), shape=(None,)
    ),
    "argmax": ending_in_argmax,
    "a mel spectrogram": mel_spectrogram,
    "foreign names": under_foreign_names,
    "a taken state": with_a_taken_state,
    "a category": with_a_category,
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_a_construction_converts_for_both_runtimes(tmp_path, make):
    import keras

    keras.utils.set_random_seed(2)
    model = make(keras.layers)
    free = any(None in tensor.shape[1:] for tensor in model.inputs)
    done = convert(model, tmp_path / "out", fixed={"time": STEPS} if free else None)
    assert {"onnx", "onnx-int8", "tflite", "tflite-int8"} <= {row.variant for row in done.rows}
    for row in done.rows:
        assert row.error.of_spread <= (1e-4 if row.file.precision == "float32" else 0.1), row
    assert all(name.isascii() for tensor in done.graph.inputs for name in [tensor.name])


def test_what_onnx_has_no_node_for_has_fixed_steps_and_says_so(tmp_path):
    import keras

    model = sequential(keras.layers.GRU(4, activation="swish", go_backwards=True))
    done = convert(model, tmp_path / "out", fixed={"time": STEPS}, runtimes=ONNX)
    assert done.rows[0].file.fixed == {"batch": 1, "time": STEPS}
    assert [note for note in done.notes if note.startswith("ONNX files have fixed axes")]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_policy_of_16_bits_is_no_error_of_a_file(tmp_path, policy):
    import keras

    keras.utils.set_random_seed(2)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = sequential(keras.layers.Dense(5), keras.layers.GRU(6, return_sequences=True), keras.layers.GRU(4))
    finally:
        keras.config.set_dtype_policy(before)
    done = convert(model, tmp_path / "out", fixed={"time": STEPS})
    assert all(row.error.largest <= 1e-5 for row in done.rows if row.file.precision == "float32")
    assert [note for note in done.notes if "16 by its policy" in note]
    assert [tensor.dtype for tensor in done.graph.outputs] == ["float32"]
    assert model.layers[1].compute_dtype == policy.removeprefix("mixed_")
    x = np.random.default_rng(0).normal(size=(3, STEPS, 3)).astype("f4")
    (got,) = opened(tmp_path / "out" / "model.onnx").run({"x": x}).values()
    np.testing.assert_allclose(got, np.asarray(model(x), "f4"), atol=0.02)


def looked_up(layers: Any, kind: str) -> tuple[Any, Any]:
    import keras

    lookup = {
        "TextVectorization": lambda: layers.TextVectorization(vocabulary=["good", "bad"]),
        "StringLookup": lambda: layers.StringLookup(vocabulary=["good", "bad"]),
        "IntegerLookup": lambda: layers.IntegerLookup(vocabulary=[30, 50]),
    }[kind]()
    shape, text = (1,) if kind.startswith("Text") else (None,), kind != "IntegerLookup"
    x = keras.Input(shape, dtype="string" if text else "int64", name="x")
    extra = keras.Input((2,), name="extra")
    read = layers.GRU(3, name="y")(layers.Embedding(5, 3)(lookup(x)))
    return lookup, keras.Model([x, extra], layers.Dense(2, name="z")(layers.concatenate([read, extra])))


@pytest.mark.parametrize("kind", ["TextVectorization", "StringLookup", "IntegerLookup"])
def test_what_is_behind_a_lookup_converts_and_its_vocabulary_is_written_beside_it(tmp_path, kind):
    import keras

    lookup, model = looked_up(keras.layers, kind)
    done = convert(model, tmp_path / "out", fixed={"time": STEPS}, runtimes=ONNX)
    assert {tensor.name for tensor in done.graph.inputs} == {"x", "extra"}
    assert [tensor.name for tensor in done.graph.outputs] == ["z"]
    beside = json.loads((tmp_path / "out" / "vocabulary_x.json").read_text())
    assert beside["layer"] == kind
    assert beside["vocabulary"][-2:] == ([30, 50] if kind == "IntegerLookup" else ["good", "bad"])
    given = {"TextVectorization": [["bad good"]], "StringLookup": [["bad", "good"]], "IntegerLookup": [[50, 30]]}[kind]
    given, extra = keras.ops.convert_to_tensor(given), keras.ops.ones((1, 2))
    feeds = {"x": np.asarray(lookup(given)).astype("i8"), "extra": np.asarray(extra)}
    (got,) = opened(tmp_path / "out" / "model.onnx").run(feeds).values()
    np.testing.assert_allclose(got, model([given, extra]).numpy(), atol=1e-5)


def test_of_a_model_that_trains_with_ctc_the_part_that_listens_converts(tmp_path):
    import keras

    class CTCLayer(keras.layers.Layer):
        def call(self, labels, scores):
            self.add_loss(keras.ops.sum(scores) * 0 + keras.ops.sum(keras.ops.cast(labels, "float32")) * 0)
            return scores

    x, labels = keras.Input((None, 3), name="x"), keras.Input((None,), name="label")
    scores = keras.layers.Dense(5, activation="softmax", name="scores")(keras.layers.GRU(4, return_sequences=True)(x))
    done = convert(keras.Model([x, labels], CTCLayer(name="loss")(labels, scores)), tmp_path / "out", runtimes=ONNX)
    assert [tensor.name for tensor in done.graph.inputs] == ["x"]
    assert [tensor.name for tensor in done.graph.outputs] == ["scores"]
    assert [note for note in done.notes if "'loss' (CTCLayer) is left out: it computes a loss" in note]


def test_functions_of_ones_own_need_no_decorator(tmp_path):
    import keras

    code = tmp_path / "own_functions.py"
    code.write_text(
        "import keras\ndef twice(x):\n    return 2 * x\ndef halves(shape, dtype=None):\n"
        "    return 0.5 * keras.ops.ones(shape, dtype)\n"
        "class Thirds(keras.initializers.Initializer):\n    def __call__(self, shape, dtype=None):\n"
        "        return keras.ops.ones(shape, dtype) / 3\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        import own_functions
    finally:
        sys.path.remove(str(tmp_path))
    layers = [
        keras.layers.Dense(3, activation=own_functions.twice, kernel_initializer=own_functions.halves),
        keras.layers.GRU(2, kernel_initializer=own_functions.Thirds()),
    ]
    sequential(*layers).save(tmp_path / "model.keras")
    sequential(*layers).save(tmp_path / "model.h5")
    del sys.modules["own_functions"]
    for name in ("model.keras", "model.h5"):
        with pytest.raises(ConversionError, match="--code"):
            convert(tmp_path / name, tmp_path / "out", runtimes=ONNX)
        convert(tmp_path / name, tmp_path / "out", runtimes=ONNX, reading=Reading(code=[code]))
    onnx.load(tmp_path / "out" / "model.onnx")


def test_an_optional_file_that_its_runtime_refuses_is_a_note(tmp_path):
    import keras

    x = keras.Input((None, 3), name="x")
    done = convert(keras.Model(x, keras.layers.GRU(4, name="y")(x)), tmp_path / "out", runtimes=ONNX)
    folder, feeds = tmp_path / "out", {"x": np.ones((1, 2, 3), "f4")}
    (folder / "bad.tflite").write_bytes(b"no model")
    variants = {"onnx": done.rows[0].file, "bad": VariantFile("bad.tflite", "litert", "int8")}
    case = (feeds, opened(folder / "model.onnx").run(feeds))
    rows, refused = compared(folder, variants, [case], [])
    assert [row.variant for row in rows] == ["onnx"]
    assert refused[0].startswith("bad.tflite is left out: litert refuses bad.tflite")
    assert not (folder / "bad.tflite").exists()
    (folder / "bad.tflite").write_bytes(b"no model")
    with pytest.raises(ConversionError, match="litert refuses"):
        error_of(folder, "tflite", VariantFile("bad.tflite", "litert", "float32"), [case])


def test_time_is_fixed_where_the_only_axis_of_time_has_a_longer_name(tmp_path):
    import keras

    once, x = keras.Input((2,), name="once"), keras.Input((None, 3), name="x")
    joined = keras.layers.concatenate([once, keras.layers.GRU(3)(x)])
    done = convert(keras.Model([once, x], joined), tmp_path / "out", fixed={"time": 9}, runtimes=ONNX)
    assert done.graph.fixed == {"batch": 1, "time_x": 9}


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    import keras
    import tensorflow as tf

    def full(*_: Any, **__: Any) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "no space left on device")

    monkeypatch.setattr("tensorflow.saved_model.save", full)
    with pytest.raises(ConversionError, match="cannot be written: no space left on device"):
        convert(sequential(keras.layers.GRU(3)), tmp_path / "out", runtimes=["litert"])
    assert not list(Path(tmp_path).iterdir())


TWO_INPUTS = """
import keras
class Two(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one, self.other = keras.layers.GRU(4), keras.layers.GRU(3)
    def call(self, a, b):
        return keras.ops.concatenate([self.one(a), self.other(b)], -1)
class Named(Two):
    def call(self, both):
        return super().call(both["a"], both["b"])
class Listed(Two):
    def call(self, both):
        return super().call(*both)
"""


@pytest.mark.filterwarnings("ignore:Model '.*' had a build config, but:UserWarning")
@pytest.mark.parametrize("kind", ["Two", "Named", "Listed"])
def test_a_subclassed_model_of_two_inputs_converts_by_the_command(tmp_path, monkeypatch, kind):
    code = tmp_path / "own_models.py"
    code.write_text(TWO_INPUTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_models", raising=False)
    model = getattr(importlib.import_module("own_models"), kind)()
    random = np.random.default_rng(0)
    a, b = (random.normal(size=(1, STEPS, features)).astype("f4") for features in (3, 2))
    given = {"Two": (a, b), "Named": ({"a": a, "b": b},), "Listed": ([a, b],)}[kind]
    wanted = model(*given).numpy()
    model.save(tmp_path / "model.keras")
    inputs = ["a=time,3", "b=time,2:float32"]
    request = ConversionRequest(
        tmp_path / "model.keras", tmp_path / "out", fix=["time=5"], runtime=ONNX, code=[code], input=inputs
    )
    run_conversion(request)
    (got,) = opened(tmp_path / "out" / "model.onnx").run({"a": a, "b": b}).values()
    np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("text", ["x", "=time", "x=", "x=time,,3", "x=time:complex64", "two words=3"])
def test_an_input_that_is_not_understood_is_one_clear_error(text):
    with pytest.raises(SettingError, match="write NAME=AXES, for example --input x=time,8"):
        inputs_of([text])


def test_three_hundred_examples_take_seconds(tmp_path, caplog):
    import keras

    np.savez(tmp_path / "examples.npz", x=np.random.default_rng(0).normal(size=(300, 128, 3)))
    model = sequential(keras.layers.GRU(8, return_sequences=True), keras.layers.Dense(2))
    started = time.monotonic()
    with caplog.at_level(logging.INFO, "components"):
        convert(model, tmp_path / "out", examples=tmp_path / "examples.npz", runtimes=ONNX)
    assert time.monotonic() - started < 60  # 215 s when every step was a call of its own
    assert caplog.messages[0] == "asking Keras for its answers to 300 cases"
