"""The README is true: what it names exists, its Python runs, its numbers are those of the reports."""

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from components.data.sources import is_own
from components.measuring import readme_numbers
from components.measuring.quality import command, runs
from components.pipeline.stages import STAGES
from components.registry import get, names
from components.settings import parse_assignments

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
ABSENT = ("exports/bundles",)  # made by runs
PUBLISHED = "exports/bundles/"


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def commands(program: str) -> list[list[str]]:
    """The words after a program's name in every line of the shell blocks that calls it."""
    lines = [shlex.split(line, comments=True) for block in blocks("sh") for line in block.splitlines()]
    return [words[1:] for words in lines if words and words[0].rpartition("/")[2] == program]


def valued(words: list[str], option: str) -> list[str]:
    """The values that a command gives to an option."""
    return [words[place + 1] for place, word in enumerate(words) if word == option]


def ids(found: list[list[str]]) -> list[str]:
    return [" ".join(words) for words in found]


FLOWS = commands("gatewise-flows")
MAKE = commands("make")
LIGHT = commands("gatewise")
PREFECT = commands("prefect")


def test_the_page_shows_every_program_at_work() -> None:
    assert {words[1] for words in FLOWS if words[0] == "run"} == set(names())
    assert {words[0] for words in MAKE} >= {"demo", "test", "serve", "deploy"}
    assert {words[0] for words in LIGHT} == {"info", "predict", "verify", "header"}
    assert PREFECT


@pytest.mark.parametrize("words", FLOWS, ids=ids(FLOWS))
def test_a_command_of_gatewise_flows_exists_with_its_options(words: list[str]) -> None:
    import typer

    from flows.__main__ import cli

    known = typer.main.get_command(cli).commands  # type: ignore[attr-defined]
    options = {option for parameter in known[words[0]].params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize("words", FLOWS, ids=ids(FLOWS))
def test_application_preset_source_and_settings_of_a_command_exist(words: list[str]) -> None:
    if words[0] == "stage":
        assert words[1] in STAGES
    if words[0] not in ("run", "stage"):
        return
    app = get(words[1] if words[0] == "run" else words[2])
    presets, sources = valued(words, "--preset") or ["base"], valued(words, "--source")
    app.preset(presets[0]).changed(parse_assignments(valued(words, "--set")))
    assert all(source in app.sources or is_own(source) or source == "clips" for source in sources)


def test_the_real_data_commands_are_those_that_were_measured() -> None:
    shown = {" ".join(["gatewise-flows", *words]) for words in FLOWS}
    assert {command(app, run) for app, run in runs().values()} <= shown
    for row in json.loads((ROOT / "reports" / "quality.json").read_text()).values():
        assert row["command"] in shown


@pytest.mark.parametrize("words", MAKE, ids=ids(MAKE))
def test_a_target_of_make_exists(words: list[str]) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert words[0] in targets


def test_targets_of_make_named_in_a_sentence_exist() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"`make ([a-z]+)`", TEXT)) <= set(targets)


@pytest.mark.parametrize("words", LIGHT, ids=ids(LIGHT))
def test_a_command_of_gatewise_is_understood(words: list[str]) -> None:
    from gatewise.__main__ import _options

    assert callable(_options(words).run)


@pytest.mark.parametrize("words", PREFECT, ids=ids(PREFECT))
def test_a_command_of_prefect_names_what_is_deployed(words: list[str]) -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    if words[:2] == ["worker", "start"]:
        assert valued(words, "--pool") == [declared[0]["work_pool"]["name"]]
    else:
        assert words[:2] == ["deployment", "run"]
        name = words[2].split("/")[1]
        assert words[2] == f"{name}/{name}"
        assert name in {deployment["name"] for deployment in declared}
        given = dict(pair.split("=") for pair in valued(words, "--param"))
        assert given["preset"] in get(name).presets
        assert given["source"] in get(name).sources


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in re.findall("^#+(.*)", TEXT, re.M)
    }
    assert links
    for link in links:
        assert link.removeprefix("#") in headings if link.startswith("#") else (ROOT / link).exists(), link


def test_every_path_and_module_named_in_a_sentence_exists() -> None:
    names = re.findall(r"`((?:components|flows|exports|tests|reports)[/.][\w./]*)`", TEXT)
    assert names
    for name in names:
        if name.startswith("components.") and "/" not in name:
            module = name if find_spec(name) else name.rpartition(".")[0]
            assert find_spec(module), name
        elif not name.startswith(ABSENT) and name != "reports/bench.md":
            assert (ROOT / name).exists(), name


def test_settings_and_variables_named_in_sentences_exist() -> None:
    import inspect

    from components.data import artifacts
    from components.data import sources as catalog

    read = inspect.getsource(artifacts) + inspect.getsource(catalog)
    assert all(name in read for name in set(re.findall(r"`(GATEWISE_\w+)`", TEXT)))
    assert "fill_limit" in type(get("forecasting").preset("base")).model_fields
    assert "words" in type(get("speech_commands").preset("base")).model_fields


@pytest.fixture
def embedded(tiny_bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A working folder with published bundles, and the values that an app would have."""
    (tmp_path / PUBLISHED).mkdir(parents=True)
    for name in names():
        (tmp_path / PUBLISHED / name).symlink_to(tiny_bundles[name])
    monkeypatch.chdir(tmp_path)
    hours = np.datetime64("2024-01-01T00", "h") + np.arange(48)
    chunks = [np.zeros(size, np.float32) for size in (10, 500, 333)]
    return {"values": np.arange(48.0), "times": hours, "microphone_chunks": chunks}


def test_the_python_that_embeds_a_bundle_runs(embedded: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code = [block for block in blocks("python") if PUBLISHED in block]
    assert len(code) == 2
    for block in code:
        exec(compile(block, "README.md", "exec"), embedded)  # noqa: S102 (our own page)
    assert embedded["answer"].label in capsys.readouterr().out
    assert embedded["forecast"].values.ndim == 2


def test_all_python_compiles_and_imports_what_exists() -> None:
    for block in blocks("python"):
        compile(block, "README.md", "exec")
        for module, listed in re.findall(r"^from (components[\w.]*) import (.+)$", block, re.MULTILINE):
            loaded = __import__(module, fromlist=["_"])
            assert all(hasattr(loaded, name.strip()) for name in listed.split(",")), block


def test_the_numbers_are_those_of_the_reports() -> None:
    assert readme_numbers.updated(TEXT) == TEXT, "run python -m components.measuring.readme_numbers"
    assert all(f"<!-- {name} -->" in TEXT and f"<!-- /{name} -->" in TEXT for name in readme_numbers.TABLES)


@pytest.mark.parametrize(
    ("value", "digits", "up", "shown"),
    [(89.4591, 2, False, "89.45"), (0.66651, 4, True, "0.6666"), (90.56, 2, True, "90.56"), (53.2, 0, True, "54")],
)
def test_numbers_are_rounded_to_the_side_that_is_asked_for(value: float, digits: int, up: bool, shown: str) -> None:
    assert readme_numbers.rounded(value, digits, up=up) == shown


def test_tables_show_our_numbers_at_their_worse_and_baselines_at_their_better_side(tmp_path: Path) -> None:
    row = {
        "application": "sentiment",
        "about": "reviews",
        "value": 89.459,
        "baseline": "tfidf_words",
        "baseline_value": 89.451,
        "beats_baseline": True,
        "p_value": 0.0511,
        "training_minutes": 3.2,
        "machine": {"processor": "CPU", "cores": "2", "memory": "8 GB", "system": "Linux", "python": "3.12"},
        "variants": {"onnx": {"bytes": 5_062_221}, "onnx-int8": {"bytes": 180_001}},
    }
    bench = [
        {"target": "slowness", "limit": "≤ 150 µs", "measured": 123.41, "reached": True},
        {"target": "speed", "limit": "≥ 8 ×", "measured": 7.9999, "reached": False},
        {"target": "size", "limit": "≤ 1 MB", "measured": None, "reached": None},
    ]
    (tmp_path / "quality.json").write_text(json.dumps({"imdb": row}))
    (tmp_path / "bench.json").write_text(json.dumps({"targets": bench}))
    text = readme_numbers.updated("<!-- quality -->\nold\n<!-- /quality -->\n<!-- speed --><!-- /speed -->", tmp_path)
    assert "old" not in text
    assert "| **89.45%** | 89.46%, tfidf words | ahead, but p = 0.052 is no proof | 4 min | 5.07 MB, 181 kB |" in text
    assert readme_numbers.machine(tmp_path) == ["Measured on: CPU, 2 cores, 8 GB, Linux, Python 3.12."]
    lines = readme_numbers.speed(tmp_path)
    assert lines[2:] == [
        "| slowness | ≤ 150 µs | 124 µs | yes |",
        "| speed | ≥ 8 × | 7.99 × | **no** |",
        "| size | ≤ 1 MB | – | not measured |",
    ]


@pytest.mark.parametrize("harm", ["a number", "a table"])
def test_a_changed_table_is_noticed(harm: str) -> None:
    changed = (
        TEXT.replace("| **", "| **9", 1)
        if harm == "a number"
        else TEXT.replace("<!-- /quality -->", "x\n<!-- /quality -->")
    )
    assert changed != TEXT
    assert readme_numbers.updated(changed) == TEXT
