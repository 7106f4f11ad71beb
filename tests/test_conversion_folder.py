"""A conversion replaces files that a conversion wrote, and nobody else's, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import pytest

from components.converters import convert
from components.converters.output_folder import WORKING, conversion_folder
from components.converters.tflite.helper_process import run_helper
from components.errors import ConversionError

pytestmark = pytest.mark.filterwarnings(  # Keras reads its variables so when it saves them
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
ONNX = ["onnxruntime"]


@pytest.fixture
def model(tmp_path) -> Path:
    """A small saved model in a folder of its own."""
    import keras

    path = tmp_path / "given" / "model.keras"
    path.parent.mkdir()
    keras.Sequential([keras.Input((None, 3), name="x"), keras.layers.GRU(4)]).save(path)
    return path


def test_the_input_and_everything_else_in_an_earlier_conversion_stays(model, tmp_path):
    out = tmp_path / "out"
    convert(model, out, runtimes=ONNX)
    inside, notes = out / "model.keras", out / "notes"
    inside.write_bytes(model.read_bytes())
    notes.mkdir()
    (notes / "mine.txt").write_text("mine")
    (out / "model.int8.onnx").write_text("changed by hand")
    convert(inside, out, runtimes=ONNX)
    assert inside.read_bytes() == model.read_bytes()
    assert (notes / "mine.txt").read_text() == "mine"
    assert (out / "model.int8.onnx.yours").read_text() == "changed by hand"
    onnx.load(out / "model.int8.onnx")
    card = json.loads((out / "conversion.json").read_text())
    assert set(card["files"]) == {"model.onnx", "model.int8.onnx", "PARITY.md"}
    assert not list(out.glob(".*"))


def test_files_of_an_earlier_conversion_that_the_next_one_does_not_write_go(model, tmp_path):
    out = tmp_path / "out"
    with conversion_folder(out) as work:
        (work / "model.tflite").write_text("old")
        (work / "conversion.json").write_text('{"variants": {"tflite": {"file": "model.tflite"}}}')
    convert(model, out, runtimes=ONNX)
    assert not (out / "model.tflite").exists()


def test_a_card_that_names_files_elsewhere_costs_nobody_anything(model, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious").write_text("mine")
    (out / "conversion.json").write_text(json.dumps({"variants": {"x": {"file": "../precious"}}}))
    convert(model, out, runtimes=ONNX)
    assert (tmp_path / "precious").read_text() == "mine"


@pytest.mark.parametrize("card", ["{}", "[]", "no json"])
def test_a_card_that_is_not_a_conversions_is_refused_before_any_work(model, tmp_path, card):
    (tmp_path / "conversion.json").write_text(card)
    with pytest.raises(ConversionError, match=r"conversion\.json is not a conversion's"):
        convert(model, tmp_path, runtimes=ONNX)
    assert model.exists()


def test_the_working_folder_as_out(model, tmp_path, monkeypatch):
    monkeypatch.chdir(model.parent)
    with pytest.raises(ConversionError, match="holds files that no conversion made"):
        convert("model.keras", ".", runtimes=ONNX)
    assert [path.name for path in model.parent.iterdir()] == ["model.keras"]
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    for _ in range(2):
        convert(model, ".", runtimes=ONNX)
    assert (tmp_path / "empty" / "model.onnx").exists()


def test_a_linked_out_stays_a_link(model, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "ahead").symlink_to(tmp_path / "not yet")
    for name, real in (("link", "real"), ("ahead", "not yet")):
        convert(model, tmp_path / name, runtimes=ONNX)
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / real / "model.onnx").exists()


@pytest.mark.parametrize("exists", [True, False])
def test_what_a_killed_conversion_leaves_the_next_one_removes(model, tmp_path, exists):
    out = tmp_path / "out [1]"
    if exists:
        out.mkdir()
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from components.converters.output_folder import conversion_folder\n"
        "with conversion_folder(Path(sys.argv[1])) as work:\n"
        "    (work / 'half').write_text('x')\n    print(work, flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, out], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with conversion_folder(tmp_path / "other"):
            pass
        convert(model, out if exists else tmp_path / "other", runtimes=ONNX)
        assert left.exists()  # the other one is still at work
        process.send_signal(signal.SIGKILL)
    assert (left / "half").exists()
    convert(model, out, runtimes=ONNX)
    assert not left.exists()
    assert not [path for path in (*tmp_path.iterdir(), *out.iterdir()) if WORKING in path.name]


def test_a_helper_process_ends_with_the_one_that_started_it(tmp_path):
    script, told = tmp_path / "script.py", tmp_path / "told"
    script.write_text(
        "import os, pathlib, sys, time\npathlib.Path(sys.argv[1]).write_text(f'{os.getpid()} ')\ntime.sleep(60)\n"
    )
    code = (
        "import sys\nfrom pathlib import Path\nfrom components.converters.tflite.helper_process import run_helper\n"
        "run_helper(Path(sys.argv[1]), [Path(sys.argv[2])], 60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, script, told]) as process:
        while not told.exists() or not told.read_text().endswith(" "):
            time.sleep(0.02)
        process.kill()
    helper, deadline = int(told.read_text()), time.monotonic() + 10
    while _runs(helper):
        assert time.monotonic() < deadline, "the helper outlived its parent"
        time.sleep(0.02)


def test_what_a_helper_process_says_and_how_it_ends_is_kept(tmp_path):
    (tmp_path / "script.py").write_text("import sys\nprint(sys.argv[1:])\nsys.exit(3)\n")
    done = run_helper(tmp_path / "script.py", [Path("a")], 60)
    assert (done.returncode, done.stdout) == (3, "['a']\n")


def _runs(process: int) -> bool:
    """Whether a process is there and not merely waiting for someone to read its exit code."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
