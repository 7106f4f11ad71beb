"""The command line of the training side: quick to help, one line for an error, one table for a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from components.data.artifacts import open_artifact
from components.registry import names
from flows.__main__ import main

HEAVY = {"tensorflow", "keras", "prefect", "pandas", "numpy", "sklearn", "onnxruntime", "matplotlib", "pydantic"}
SMALL = ["--set", "epochs=1", "--set", "units=4", "--set", "max_length=8", "--set", "vocabulary=128"]


def gatewise_flows(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["gatewise-flows", *arguments])
    with pytest.raises(SystemExit) as raised:
        main()
    return int(raised.value.code or 0)


@pytest.fixture
def reviews(workplace: Path) -> Path:
    """A table of 120 short reviews."""
    lines = [
        f"a {word} film number {i},{label}" for i in range(60) for word, label in (("fine", "yes"), ("dull", "no"))
    ]
    path = workplace / "reviews.csv"
    path.write_text("text,label\n" + "\n".join(lines))
    return path


def test_help_imports_nothing_heavy():
    code = "import sys, flows.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)


def test_help_names_every_command(monkeypatch, capsys):
    assert gatewise_flows(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("run", "inspect", "sources", "presets", "stage", "demo"))


def test_sources_lists_names_licences_and_own_formats(monkeypatch, capsys):
    assert gatewise_flows(monkeypatch, "sources", "sentiment") == 0
    shown = capsys.readouterr().out
    assert "embedded" in shown
    assert "imdb" in shown
    assert "CSV" in shown


def test_presets_lists_every_setting_with_its_values(monkeypatch, capsys):
    assert gatewise_flows(monkeypatch, "presets", "sentiment") == 0
    shown = capsys.readouterr().out
    assert "learning_rate" in shown
    assert "large" in shown
    assert "word pieces" in shown


def test_inspect_shows_facts_choices_and_first_rows_and_leaves_nothing(reviews, monkeypatch, capsys):
    assert gatewise_flows(monkeypatch, "inspect", "sentiment", str(reviews)) == 0
    shown = capsys.readouterr().out
    assert "train texts" in shown
    assert "a fine film number 0" in shown
    assert "chosen for you" in shown
    assert list(reviews.parent.iterdir()) == [reviews]


@pytest.mark.parametrize("name", names())
def test_inspect_knows_every_application(workplace, monkeypatch, capsys, name):
    few = ["--set", "embedded_clips=100"] if name == "speech_commands" else []
    assert gatewise_flows(monkeypatch, "inspect", name, "embedded", *few) == 0
    assert "The first rows as they are understood" in capsys.readouterr().out
    assert not list(workplace.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "sentiment", "./nowhere.csv"], "./nowhere.csv: no such file or folder"),
        (["run", "speech"], "unknown application 'speech': choose from forecasting"),
        (["run", "sentiment", "--preset", "huge"], "unknown preset 'huge' of sentiment"),
        (["run", "sentiment", "--source", "imdv"], "unknown source 'imdv'"),
        (["run", "sentiment", "--source", "./nowhere.csv"], "./nowhere.csv: no such file or folder"),
        (["run", "sentiment", "--set", "epoch=3"], "unknown setting 'epoch': did you mean 'epochs'"),
        (["run", "sentiment", "--set", "epochs=0"], "setting 'epochs' = '0'"),
        (["run", "sentiment", "--set", "epochs"], "write key=value"),
        (["sources", "speech"], "unknown application 'speech'"),
        (["stage", "bake", "sentiment"], "unknown stage 'bake': choose from ingest, preprocess"),
        (["stage", "train", "sentiment"], "stage train takes DATA, not 0 folders"),
        (["stage", "train", "sentiment", "."], "not a finished artifact"),
        (["stage", "ingest", "sentiment"], "stage ingest needs --out"),
    ],
)
def test_an_error_of_the_users_is_one_line_and_exit_code_1(workplace, monkeypatch, capsys, arguments, message):
    assert gatewise_flows(monkeypatch, *arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err
    assert not list(workplace.iterdir())


@pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
def test_a_run_ends_with_a_table_and_a_bundle_that_proves_itself(prefect_server, reviews, monkeypatch, capsys):
    import gatewise
    from gatewise.verify import verify

    arguments = ["run", "sentiment", "--preset", "tiny", "--source", str(reviews), *SMALL, "--publish-anyway"]
    assert gatewise_flows(monkeypatch, *arguments) == 0
    shown = capsys.readouterr().out
    assert "accuracy" in shown
    assert "report.md" in shown
    assert "published" in shown
    results = verify(gatewise.bundle.open_bundle(reviews.parent / "exports" / "bundles" / "sentiment"))
    assert all(result.passed for result in results)
    report = next((reviews.parent / "home" / "runs").rglob("report.md")).read_text()
    assert "hardest baseline" in report


def test_bad_data_ends_a_run_with_one_line_and_no_traceback(prefect_server, workplace):
    (workplace / "bad.csv").write_text("text,label\nfine,yes\nalso fine,yes\n")
    answer = subprocess.run(
        [sys.executable, "-m", "flows", "run", "sentiment", "--preset", "tiny", "--source", "bad.csv"],
        env=os.environ | {"PREFECT_API_URL": prefect_server},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1, answer.stderr
    assert answer.stderr.splitlines()[-1].startswith("error: ")
    assert "bad.csv" in answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr
    assert not list((workplace / "home").rglob("artifact.json"))


def test_stages_run_one_by_one_on_folders(reviews, monkeypatch, capsys):
    common = ["sentiment", "--preset", "tiny", "--source", str(reviews), *SMALL]
    assert gatewise_flows(monkeypatch, "stage", "ingest", *common, "--out", "raw") == 0
    assert gatewise_flows(monkeypatch, "stage", "preprocess", *common, "raw", "--out", "data") == 0
    data = open_artifact(Path("data"))
    assert capsys.readouterr().out.splitlines()[-1] == f"{data.path.resolve()} {data.sha256}"
    assert data.card()["raw_sha256"] == open_artifact(Path("raw")).sha256


def test_a_stage_refuses_an_artifact_that_was_changed(reviews, monkeypatch, capsys):
    common = ["sentiment", "--preset", "tiny", *SMALL]
    assert gatewise_flows(monkeypatch, "stage", "ingest", *common, "--source", str(reviews), "--out", "raw") == 0
    (Path("raw") / "more.txt").write_text("")
    assert gatewise_flows(monkeypatch, "stage", "preprocess", *common, "raw", "--out", "data") == 1
    assert "was changed after it was made" in capsys.readouterr().err
    assert not Path("data").exists()


def test_the_stage_promote_keeps_a_losing_bundle_where_it_is(workplace, monkeypatch, capsys):
    from components.data.artifacts import new_folder, seal

    numbers = {"value": 70.0, "baseline_value": 80.0, "baseline": "majority", "beats_baseline": False}
    for name, card in (("bundle", {}), ("report", numbers)):
        with new_folder(workplace / name) as work:
            (work / "content.json").write_text(json.dumps(card))
            seal(work, card)
    assert gatewise_flows(monkeypatch, "stage", "promote", "sentiment", "bundle", "report") == 0
    assert "not published" in capsys.readouterr().out
    assert not (workplace / "exports").exists()
    assert gatewise_flows(monkeypatch, "stage", "promote", "sentiment", "bundle", "report", "--publish-anyway") == 0
    assert (workplace / "exports" / "bundles" / "sentiment" / "content.json").exists()
