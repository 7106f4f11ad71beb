"""The light package stands on numpy and onnxruntime, comes up quickly and has the public names it says."""

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import gatewise

HEAVY = ["tensorflow", "keras", "prefect", "pandas", "sklearn", "scipy", "tokenizers", "onnx", "mlflow", "components"]
OWN_IMPORT_MS = 100
PROJECT = Path(__file__).resolve().parents[1] / "exports" / "python"

BLOCKED = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocker())
"""

PREDICT_ALL = """
import json
import numpy as np
import gatewise
from gatewise.verify import verify

folders = json.loads(sys.argv[1])
answers = {
    "text": gatewise.load(folders["text_generation"]).predict("the ", length=5, seed=1),
    "label": gatewise.load(folders["sentiment"]).predict("A good film!").label,
    "median": gatewise.load(folders["forecasting"]).predict(range(6)).median.tolist(),
    "command": gatewise.load(folders["speech_commands"]).predict(np.full(200, 0.5)).label,
    "verified": all(check.passed for f in folders.values() for check in verify(gatewise.open_bundle(f))),
}
print(json.dumps(answers))
"""


def python(code: str, *arguments: str, flags: tuple[str, ...] = (), **environment: str) -> subprocess.CompletedProcess:
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *flags, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=surroundings | environment)
    assert done.returncode == 0, done.stderr
    return done


def test_every_application_predicts_with_the_training_side_blocked(tiny_bundles, tmp_path):
    folders = json.dumps({name: str(folder) for name, folder in tiny_bundles.items()})
    answers = json.loads(python(BLOCKED + PREDICT_ALL, folders, PYTHONPYCACHEPREFIX=str(tmp_path)).stdout)
    assert len(answers.pop("text")) == 5
    assert answers == {"label": "positive", "median": [5.5, 6.0, 6.5], "command": "yes", "verified": True}


def test_importing_every_predictor_takes_less_than_100_ms_of_its_own(tmp_path):
    modules = "gatewise.predictors, gatewise.text_generation, gatewise.sentiment, gatewise.forecasting, "
    code = f"import {modules} gatewise.speech_commands, gatewise.verify"
    quickest: dict[str, float] = {}  # per module, as other programs disturb the measurement; the first run compiles
    for _ in range(4):
        done = python(code, flags=("-X", "importtime"), PYTHONPYCACHEPREFIX=str(tmp_path))
        for microseconds, module in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(gatewise[\w.]*)", done.stderr):
            quickest[module] = min(quickest.get(module, float("inf")), int(microseconds) / 1_000)
    assert len(quickest) >= 10
    assert sum(quickest.values()) < OWN_IMPORT_MS


def test_importing_gatewise_loads_no_runtime_and_not_even_numpy():
    code = "import gatewise, sys; print([m for m in ('numpy', 'onnxruntime', 'ai_edge_litert') if m in sys.modules])"
    assert python(code).stdout.strip() == "[]"


def test_numpy_and_onnxruntime_are_all_it_depends_on():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == ["numpy", "onnxruntime"]
    assert project["optional-dependencies"] == {"litert": ["ai-edge-litert"]}


def test_public_names_are_those_listed_and_each_is_documented():
    assert gatewise.__all__ == sorted(gatewise.__all__)
    for name in gatewise.__all__:
        assert inspect.getdoc(getattr(gatewise, name)), name
    listed_by_dir = {name for name in dir(gatewise) if name[0].isupper() or name in ("load", "open_bundle")}
    assert listed_by_dir - {"TYPE_CHECKING", "Any"} == set(gatewise.__all__)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(gatewise, "no_such_name")


def test_every_error_has_one_root():
    errors = [
        value for name in gatewise.__all__ if inspect.isclass(value := getattr(gatewise, name)) and "Error" in name
    ]
    assert len(errors) == 6
    assert all(issubclass(error, gatewise.GatewiseError) for error in errors)


def test_the_package_says_that_it_is_typed():
    assert (PROJECT / "gatewise" / "py.typed").exists()
