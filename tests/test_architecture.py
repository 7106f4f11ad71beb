"""The house: arrows that a tool holds, rooms of a known shape, and a fifth application that touches no shared file."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import components
import flows
import gatewise
from components.registry import get, names
from gatewise import commands

ROOT = Path(__file__).resolve().parents[1]
FIFTH = Path(__file__).with_name("fifth_application")
PAGES = {
    "application",
    "config",
    "sources",
    "network",
    "scores",
    "baselines",
    "pictures",
    "preview",
    "front_door",
}  # of every application
LONGEST_MODULE, MOST_PARAMETERS = 300, 6
ALLOWED = ["components", "flows", "exports/python/gatewise", "tests", "pyproject.toml"]  # what the contracts look at


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """What `make lint` says of a copy of the repository's code."""
    path = f"{root}:{root / 'exports' / 'python'}"
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = {"PYTHONPATH": path, "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
    return subprocess.run(
        [*command, "--no-cache"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the code, to break arrows in."""
    for name in ALLOWED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "fifth_application"))
        else:
            shutil.copy(source, target)
    return tmp_path


def test_the_arrows_hold(house: Path) -> None:
    done = lint_imports(house)
    assert done.returncode == 0, done.stdout
    assert "6 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("components/data/tables.py", "from components.networks import gru", "Arrows point down BROKEN"),
        ("components/converters/specs.py", "from components.bundles import writing", "Arrows point down BROKEN"),
        ("components/sentiment/scores.py", "from components.forecasting import scores", "sentiment.scores imports"),
        ("components/sentiment/scores.py", "from components.pipeline import stages", "sentiment.scores imports"),
        ("components/pipeline/report.py", "from components.forecasting import scores", "pipeline.report imports"),
        ("components/converters/specs.py", "from components.converters.onnx import to_onnx", "No circles"),
        ("components/networks/gru.py", "import prefect", "Only the flows know Prefect BROKEN"),
        ("components/pipeline/report.py", "from components.measuring import machine", "stand on top BROKEN"),
        ("exports/python/gatewise/sampling.py", "import pandas", "numpy and onnxruntime BROKEN"),
    ],
)
def test_a_broken_arrow_is_found(house: Path, module: str, line: str, broken: str) -> None:
    with (house / module).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(house)
    assert done.returncode == 1, done.stdout
    assert broken in done.stdout.replace("\n", " ")


def test_every_application_has_the_same_pages() -> None:
    for name in names():
        pages = {path.stem for path in (ROOT / "components" / name).glob("*.py")}
        assert pages >= PAGES, name


def test_modules_stay_short() -> None:
    long = {str(path): len(path.read_text().splitlines()) for path in sources("components", "flows", "exports/python")}
    assert not {path: lines for path, lines in long.items() if lines > LONGEST_MODULE}


def test_functions_of_the_training_side_take_few_parameters() -> None:
    found = {}
    for path in sources("components", "flows"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                count = len([one for one in given if one.arg not in ("self", "cls")])
                if count > MOST_PARAMETERS:
                    found[f"{path.name}: {node.name}"] = count
    assert not found


@pytest.fixture
def fifth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A made-up application, flow and predictor, added without touching a file that is there."""
    before = set(sys.modules)
    shutil.copytree(ROOT / "exports" / "python" / "gatewise", tmp_path / "light" / "gatewise")
    shutil.copytree(FIFTH / "gatewise", tmp_path / "light" / "gatewise", dirs_exist_ok=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "light"))  # for the device's process
    for package, folder in {
        components: "components",
        flows: "flows",
        gatewise: "gatewise",
        commands: "gatewise/commands",
    }.items():
        shutil.copytree(FIFTH / folder, tmp_path / "added" / folder, dirs_exist_ok=True)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "added" / folder)])
    yield "bit_parity"
    for name in set(sys.modules) - before:
        if "bit_parity" in name:
            del sys.modules[name]


def test_a_fifth_application_is_found_by_what_its_package_holds(fifth: str) -> None:
    assert fifth in names()
    assert get(fifth).name == fifth
    assert dict(commands.applications())[fifth]


@pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_fifth_application_passes_all_six_stages_to_a_bundle_that_answers(
    fifth: str, prefect_server: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.demo import result_of
    from gatewise.__main__ import main
    from gatewise.examples import example_call

    flow = getattr(import_module(f"flows.{fifth}"), fifth)
    outcome = flow(preset="tiny", publish_anyway=True)
    assert outcome.promotion.path == workplace / "exports" / "bundles" / fifth
    assert result_of(outcome).application.title == "Bit parity"
    judge = gatewise.load(outcome.promotion.path)
    call, count = example_call(judge)
    assert call() in ("even", "odd")
    assert count == 1
    assert main(["predict", str(outcome.promotion.path), "1", "0", "1"]) == 0
    assert capsys.readouterr().out.split()[-1] == judge.predict([1, 0, 1])
