"""`gatewise-flows convert`: models that strangers made become small proven files, and whatever is wrong is said."""

import json
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from components.converters import GraphSpec, TensorSpec, convert, to_tflite
from components.converters.tracing.loading import load
from components.errors import ConversionError
from flows.__main__ import main

pytestmark = [
    pytest.mark.filterwarnings(  # Keras reads its variables so when it saves them
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
    pytest.mark.filterwarnings(
        "ignore:The object being serialized includes a `lambda`:UserWarning"
    ),  # that is the test
]

WORDS, STEPS = 40, 6
ONNX_ALONE = ["--runtime", "onnxruntime"]


@pytest.fixture(scope="module")
def strangers(tmp_path_factory) -> Path:
    """A folder with a GRU model in plain Keras, compiled, briefly fitted, and saved as `model.keras` and `model.h5`."""
    import keras

    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="words"),
            keras.layers.Embedding(WORDS, 8, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.GRU(12, return_sequences=True, dropout=0.2)),
            keras.layers.GRU(10, recurrent_dropout=0.2),
            keras.layers.Dense(3, activation="softmax", name="mood"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ids = np.random.default_rng(0).integers(1, WORDS, (32, STEPS))
    model.fit(ids, ids[:, 0] % 3, epochs=2, verbose=0)
    folder = tmp_path_factory.mktemp("strangers")
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    return folder


def saved(folder: Path, layers: Callable[[Any], list[Any]], name: str = "model.keras") -> Path:
    """A saved model of three features through the layers that `layers(keras.layers)` lists."""
    import keras

    keras.utils.set_random_seed(1)
    path = folder / name
    keras.Sequential([keras.Input((None, 3), name="x"), *layers(keras.layers)]).save(path)
    return path


def command(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> int:
    """The exit code of `gatewise-flows convert`, run in this process."""
    monkeypatch.setattr(sys, "argv", ["gatewise-flows", "convert", *map(str, arguments)])
    with pytest.raises(SystemExit) as raised:
        main()
    return int(raised.value.code or 0)


def run(path: Path, feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip([node.name for node in session.get_outputs()], session.run(None, feeds), strict=True))


def padded_ids(rows: int, steps: int) -> np.ndarray:
    """Ids with rows padded on the right, on the left, and entirely."""
    ids = np.random.default_rng(steps).integers(1, WORDS, (rows, steps), dtype=np.int32)
    ids[0, steps // 2 :] = 0
    ids[1, : steps // 2] = 0
    ids[2] = 0
    return ids


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_a_model_that_someone_else_made_converts_by_the_command(strangers, tmp_path, name):
    import keras

    arguments = [sys.executable, "-m", "flows", "convert", strangers / name, tmp_path / "out", "--fix", f"time={STEPS}"]
    arguments += [] if name == "model.keras" else ONNX_ALONE  # TFLite once: it takes the longest
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "out" / "model.onnx").graph.node)
    assert kinds["GRU"] == 3
    assert not kinds.keys() & {"Loop", "Scan", "If"}
    model = keras.saving.load_model(strangers / name)
    for rows, steps in ((3, STEPS), (5, 1), (4, 17)):
        ids = padded_ids(rows, steps)
        got = run(tmp_path / "out" / "model.onnx", {"words": ids})["mood"]
        assert np.abs(got - model(ids).numpy()).max() <= 1e-5
    card = json.loads((tmp_path / "out" / "conversion.json").read_text())
    table = (tmp_path / "out" / "PARITY.md").read_text()
    tflite = {"tflite", "tflite-int8"} if name == "model.keras" else set()
    assert {"onnx", "onnx-int8"} | tflite <= card["variants"].keys()
    for variant, facts in card["variants"].items():
        assert facts["bytes"] == (tmp_path / "out" / facts["file"]).stat().st_size
        assert facts["max_error"] <= (1e-5 if facts["precision"] == "float32" else 0.05)
        assert facts["microseconds"] > 0
        assert f"| {variant} | {facts['file']} |" in table
        assert f"{facts['bytes']:,}" in table
        assert facts["file"] in done.stdout
    assert all(card["variants"][variant]["fixed"] == {"batch": 1, "time": STEPS} for variant in tflite)
    assert not [path for path in tmp_path.iterdir() if path.name != "out"]


def test_states_of_a_stateful_model_are_inputs_and_outputs(tmp_path):
    import keras

    x = keras.Input(batch_shape=(2, None, 3), name="x")
    y = keras.layers.GRU(5, stateful=True, return_sequences=True)(x)
    y = keras.layers.RNN([keras.layers.GRUCell(4), keras.layers.GRUCell(6)], stateful=True, return_sequences=True)(y)
    model = keras.Model(x, keras.layers.Dense(2, name="y")(y))
    before = model(np.ones((2, 3, 3), "f4"))
    kept = [np.array(weight.value.numpy()) for weight in model.weights]
    done = convert(model, tmp_path / "out", runtimes=["onnxruntime"])
    assert all(np.array_equal(weight.value.numpy(), old) for weight, old in zip(model.weights, kept, strict=True))
    assert [(state.name, state.next) for state in done.states] == [(f"state_{i}", f"state_{i}_next") for i in range(3)]
    assert [state.shape for state in done.states] == [("batch", 5), ("batch", 4), ("batch", 6)]
    path = tmp_path / "out" / "model.onnx"
    for variable in keras.tree.flatten([model.layers[1].states, model.layers[2].states]):
        variable.assign(keras.ops.zeros(variable.shape))
    sound = np.random.default_rng(0).normal(size=(2, 9, 3)).astype("f4")
    states = {state.name: np.zeros((2, state.shape[1]), "f4") for state in done.states}
    parts = []
    for start, end in ((0, 1), (1, 5), (5, 9)):
        found = run(path, {"x": sound[:, start:end], **states})
        parts.append(found["y"])
        states = {state.name: found[state.next] for state in done.states}
    assert np.abs(np.concatenate(parts, axis=1) - model(sound).numpy()).max() <= 1e-5
    assert before.shape == (2, 3, 2)


def test_a_model_without_grus_converts(monkeypatch, tmp_path, capsys):
    path = saved(tmp_path, lambda layers: [layers.Conv1D(4, 3, activation="gelu"), layers.GlobalMaxPooling1D()])
    assert command(monkeypatch, path, tmp_path / "out", *ONNX_ALONE) == 0
    shown = capsys.readouterr().out
    assert "model.int8.onnx" in shown
    x = np.random.default_rng(0).normal(size=(4, 8, 3)).astype("f4")
    (got,) = run(tmp_path / "out" / "model.onnx", {"x": x}).values()
    assert np.abs(got - load(path)(x).numpy()).max() <= 1e-5


def test_an_output_of_another_length_has_an_axis_of_its_own(tmp_path):
    import keras

    x = keras.Input((None, 3), name="x")
    y = keras.layers.GRU(4, return_sequences=True, name="y")(keras.layers.Conv1D(4, 3, strides=2, padding="same")(x))
    done = convert(keras.Model(x, y), tmp_path / "out", runtimes=["onnxruntime"])
    assert [tensor.shape for tensor in done.graph.outputs] == [("batch", "time_y", 4)]
    (output,) = onnx.load(tmp_path / "out" / "model.onnx").graph.output
    assert [axis.dim_param or axis.dim_value for axis in output.type.tensor_type.shape.dim] == ["batch", "time_y", 4]


def test_subclassed_models_convert_with_the_code_that_defines_them(monkeypatch, tmp_path, capsys):
    code = tmp_path / "owner_code.py"
    code.write_text(
        "import keras\n"
        "class Reader(keras.Model):\n"
        "    def __init__(self, units, **kwargs):\n"
        "        super().__init__(**kwargs)\n"
        "        self.units = units\n"
        "        inside = keras.Input((None, units))\n"
        "        self.below = keras.layers.Bidirectional(keras.layers.GRU(units, return_sequences=True), 'sum')\n"
        "        self.above = keras.Model(inside, keras.layers.GRU(2)(inside))\n"
        "    def call(self, x):\n"
        "        return self.above(self.below(x))\n"
        "    def get_config(self):\n"
        "        return {'units': self.units}\n"
    )
    maker = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from owner_code import Reader; import numpy as np; "
    maker += f"m = Reader(4); m(np.zeros((1, 5, 3), 'f4')); m.save({str(tmp_path / 'model.keras')!r})"
    subprocess.run([sys.executable, "-c", maker], check=True, capture_output=True)
    assert command(monkeypatch, tmp_path / "model.keras", tmp_path / "out", *ONNX_ALONE) == 1
    assert "--code" in capsys.readouterr().err
    assert command(monkeypatch, tmp_path / "model.keras", tmp_path / "out", *ONNX_ALONE, "--code", code) == 0
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "out" / "model.onnx").graph.node)
    assert kinds["GRU"] == 3
    assert not kinds.keys() & {"Loop", "Scan", "If"}


def test_h5_files_of_keras_2_are_read(strangers, tmp_path):
    import h5py

    old = tmp_path / "old.h5"
    old.write_bytes((strangers / "model.h5").read_bytes())
    with h5py.File(old, "r+") as file:
        plain = file.attrs["model_config"]
        file.attrs["model_config"] = plain.replace(
            '"return_state": false', '"return_state": false, "time_major": false'
        )
        assert file.attrs["model_config"] != plain
    ids = padded_ids(4, 5)
    assert np.array_equal(load(old)(ids), load(strangers / "model.h5")(ids))


def test_examples_are_compared_on_and_calibrate_files_that_compute_in_integers(monkeypatch, tmp_path):
    import keras

    x = keras.Input(batch_shape=(1, None, 3), name="x")
    y = keras.layers.GRU(8, stateful=True, return_sequences=True)(x)
    keras.Model(x, keras.layers.Dense(2)(y)).save(tmp_path / "model.keras")
    np.savez(tmp_path / "examples.npz", x=np.random.default_rng(0).normal(size=(5, 7, 3)))
    out = tmp_path / "out"
    assert command(monkeypatch, tmp_path / "model.keras", out, "--examples", tmp_path / "examples.npz") == 0
    assert "5 examples of examples.npz" in (out / "PARITY.md").read_text()
    variants = json.loads((out / "conversion.json").read_text())["variants"]
    assert variants["tflite-micro"]["fixed"] == {"batch": 1, "time": 1}
    assert variants["tflite-micro"]["max_error"] <= 0.02
    files = {facts["file"] for facts in variants.values()}
    assert {path.name for path in out.iterdir()} == files | {"PARITY.md", "conversion.json", "model_micro.h"}
    assert f"#define GATEWISE_MODEL_BYTES {variants['tflite-micro']['bytes']}" in (out / "model_micro.h").read_text()


def test_an_earlier_conversion_is_replaced_and_nothing_else(monkeypatch, tmp_path, capsys):
    path, out = saved(tmp_path, lambda layers: [layers.GRU(4)]), tmp_path / "out"
    assert command(monkeypatch, path, out, *ONNX_ALONE) == 0
    (out / "model.onnx").write_text("older")
    assert command(monkeypatch, path, out, *ONNX_ALONE) == 0
    onnx.load(out / "model.onnx")
    (out / "conversion.json").unlink()
    capsys.readouterr()
    assert command(monkeypatch, path, out, *ONNX_ALONE) == 1
    assert "holds files that no conversion made" in capsys.readouterr().err
    assert (out / "model.onnx").exists()


def test_lambda_layers_convert_only_when_they_are_allowed(monkeypatch, tmp_path, capsys):
    path = saved(tmp_path, lambda layers: [layers.Lambda(lambda x: x * 2, name="hidden_code"), layers.GRU(4)])
    old = saved(tmp_path, lambda layers: [layers.Lambda(lambda x: x * 2, name="hidden_code"), layers.GRU(4)], "m.h5")
    for file in (path, old):
        assert command(monkeypatch, file, tmp_path / "out") == 1
        assert "'hidden_code' is a Lambda, and loading it runs code" in one_error(capsys)
        assert not (tmp_path / "out").exists()
    assert command(monkeypatch, path, tmp_path / "out", *ONNX_ALONE, "--allow-lambda") == 0


def one_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The only line of an error on stderr."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ") or "Traceback" in line]
    assert len(lines) == 1
    return lines[0]


def damaged(content: Callable[[bytes], bytes], name: str) -> Callable[[Path, Path], Path]:
    """Makes a file out of the stranger's by changing its bytes."""

    def make(folder: Path, strangers: Path) -> Path:
        (folder / name).write_bytes(content((strangers / f"model{Path(name).suffix}").read_bytes()))
        return folder / name

    return make


def of_layers(layers: Callable[[Any], list[Any]]) -> Callable[[Path, Path], Path]:
    return lambda folder, _: saved(folder, layers)


def weights_only(folder: Path, strangers: Path) -> Path:
    load(strangers / "model.keras").save_weights(folder / "only.weights.h5")
    return folder / "only.weights.h5"


def other_zip(folder: Path, _: Path) -> Path:
    with zipfile.ZipFile(folder / "photos.keras", "w") as archive:
        archive.writestr("photo.jpg", "x")
    return folder / "photos.keras"


def under_another_name(folder: Path, strangers: Path) -> Path:
    (folder / "model.bin").write_bytes((strangers / "model.h5").read_bytes())
    return folder / "model.bin"


def of_text(folder: Path, _: Path) -> Path:
    import keras

    words = keras.Input((1,), dtype="string", name="sentence")
    keras.Model(words, keras.layers.Identity()(words)).save(folder / "model.keras")
    return folder / "model.keras"


def unpacking_to_gigabytes(folder: Path, _: Path) -> Path:
    with zipfile.ZipFile(folder / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(300 << 20))
    return folder / "bomb.keras"


def unpacking_to_gigabytes_in_hdf5(folder: Path, strangers: Path) -> Path:
    import h5py

    path = damaged(lambda content: content, "bomb.h5")(folder, strangers)
    with h5py.File(path, "r+") as file:
        file.create_dataset("more", (1 << 28,), "f4", chunks=(1 << 20,), compression="gzip")
    return path


def of_operations_in_hdf5(folder: Path, _: Path) -> Path:
    import keras

    x = keras.Input((None, 3))
    keras.Model(x, keras.layers.GRU(2)(keras.ops.square(x))).save(folder / "model.h5")
    return folder / "model.h5"


def of_pictures(folder: Path, _: Path) -> Path:
    import keras

    picture = keras.Input((None, None, 3))
    pooled = keras.layers.GlobalMaxPooling2D()(keras.layers.Conv2D(4, 3)(picture))
    keras.Model(picture, pooled).save(folder / "model.keras")
    return folder / "model.keras"


def plain(folder: Path, strangers: Path) -> Path:
    return damaged(lambda content: content, "fine.keras")(folder, strangers)


BAD = {
    "missing": (lambda folder, _: folder / "no.keras", [], r"no\.keras: no such file"),
    "folder": (lambda folder, _: folder, [], "is a folder: give a .keras or .h5 file"),
    "text": (damaged(lambda _: b"not a model", "x.keras"), [], "neither a .keras nor an .h5 file"),
    "empty": (damaged(lambda _: b"", "x.h5"), [], "neither a .keras nor an .h5 file"),
    "other zip": (other_zip, [], "is not a Keras model"),
    "truncated keras": (damaged(lambda c: c[: len(c) // 2], "x.keras"), [], r"x\.keras .*damaged"),
    "altered keras": (damaged(lambda c: c[:-3000] + bytes(200) + c[-2800:], "x.keras"), [], r"x\.keras .*damaged"),
    "truncated h5": (damaged(lambda c: c[: len(c) // 2], "x.h5"), [], r"x\.h5 is a damaged \.h5 file"),
    "weights only": (weights_only, [], "holds weights only: save the whole model"),
    "other ending": (under_another_name, [], "rename it to"),
    "too many steps to write out": (
        of_layers(lambda layers: [layers.LSTM(3, return_sequences=True, name="long"), layers.SimpleRNN(2, name="old")]),
        ["--fix", "time=200"],
        r"layer 'long' \(LSTM\) needs Loop; layer 'old' \(SimpleRNN\) needs Loop; written out it could take 128 steps",
    ),
    "code in an activation": (
        of_layers(lambda layers: [layers.Dense(3, activation=lambda x: x)]),
        [],
        "cannot be loaded as a Keras model: Could not interpret activation function",
    ),
    "unpacking to gigabytes": (unpacking_to_gigabytes, [], "would unpack to 0.3 GB, which no trained model does"),
    "the same in HDF5": (unpacking_to_gigabytes_in_hdf5, [], "would unpack to 1.1 GB, which no trained model does"),
    "what Keras cannot read back": (of_operations_in_hdf5, [], r"save it as \.keras, model\.save"),
    "text input": (of_text, [], "input 'sentence' is text"),
    "axis without a size": (of_pictures, [], "axis 'axis2' .* has no usual size: fix it"),
    "unknown axis": (plain, ["--fix", "length=3"], "no axis 'length' to fix: the model has batch, time"),
    "axis of nothing": (plain, ["--fix", "time=0"], "'time' cannot be fixed to 0"),
    "no size": (plain, ["--fix", "time"], "write AXIS=SIZE"),
    "unknown runtime": (plain, ["--runtime", "cuda"], "unknown runtime 'cuda': choose from onnxruntime, litert"),
    "no examples": (plain, ["--examples", "nowhere.npz"], "nowhere.npz: no examples"),
    "no code": (plain, ["--code", "nowhere.py"], "nowhere.py: no such file"),
}


@pytest.mark.parametrize(("make", "options", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_clear_error_and_leaves_nothing(
    strangers, monkeypatch, tmp_path, capsys, make, options, message
):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    path = make(inputs, strangers)
    capsys.readouterr()
    assert command(monkeypatch, path, tmp_path / "out", *options) == 1
    assert re.search(message, one_error(capsys))
    assert [entry.name for entry in tmp_path.iterdir()] == ["inputs"]


def test_a_file_in_the_place_of_the_folder_is_an_error(strangers, monkeypatch, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert command(monkeypatch, strangers / "model.keras", tmp_path / "out") == 1
    assert "is a file: name a folder" in one_error(capsys)
    assert (tmp_path / "out").read_text() == "mine"


def test_free_axes_that_tflite_refuses_are_named(tmp_path):
    import keras

    x = keras.Input((None, 3), name="x")
    model = keras.Model(x, keras.layers.GRU(4, name="y")(x))
    spec = GraphSpec((TensorSpec("x", ("batch", "time", 3)),), (TensorSpec("y", ("batch", 4)),), {"batch": 1})
    with pytest.raises(ConversionError, match="TFLite wants a size for every axis: fix time"):
        to_tflite(model, spec, tmp_path / "model.tflite")
    assert not list(tmp_path.iterdir())
