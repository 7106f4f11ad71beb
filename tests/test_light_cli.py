"""The light command line: what it prints, and that every error is one line and exit code 1."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import wave

import numpy as np
import pytest
from tiny_bundles import SAMPLE_RATE, change_manifest

from gatewise.__main__ import main


def run(capsys, *arguments):
    """Exit code, standard output and standard error of one call."""
    code = main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.fixture
def wav(tmp_path):
    """Two seconds of silence with a yes in it."""
    samples = np.zeros(2 * SAMPLE_RATE, "<i2")
    samples[800:1_000] = 16_000
    path = tmp_path / "said.wav"
    with wave.open(str(path), "wb") as opened:
        opened.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        opened.writeframes(samples[:1_000].tobytes())
    return path


@pytest.fixture
def table(tmp_path):
    """A CSV file of a day's hours."""
    path = tmp_path / "history.csv"
    rows = [f"2024-03-01 {hour:02}:00,{hour},{hour / 2},2" for hour in range(8)]
    path.write_text("\n".join(["time,temperature,rain,wind", *rows]) + "\n")
    return path


def test_info_shows_what_a_bundle_is(capsys, tiny_bundles):
    code, out, _ = run(capsys, "info", tiny_bundles["sentiment"])
    assert code == 0
    for shown in (
        "sentiment-tiny",
        "accuracy",
        "0.9",
        "majority",
        "ids (batch, time) int32",
        "onnx *",
        "padded",
        "CC0",
    ):
        assert shown in out
    code, out, _ = run(capsys, "info", tiny_bundles["sentiment"], "--json")
    assert json.loads(out)["application"] == "sentiment"


def test_verify_shows_every_variant(capsys, tiny_bundles):
    code, out, _ = run(capsys, "verify", tiny_bundles["text_generation"])
    assert code == 0
    assert re.findall(r"^(\w+) +passed", out, re.MULTILINE) == ["onnx", "step", "tokenizer"]


def test_verify_fails_with_one_line(capsys, tiny_bundles, tmp_path):
    spoilt = shutil.copytree(tiny_bundles["forecasting"], tmp_path / "spoilt")
    manifest = json.loads((spoilt / "manifest.json").read_text())
    manifest["variants"]["single"]["tolerance"] = -1
    code, out, err = run(capsys, "verify", change_manifest(spoilt, variants=manifest["variants"]))
    assert code == 1
    assert "FAILED" in out
    assert err.startswith("gatewise: bundle ")
    assert "does not verify: single" in err
    assert err.count("\n") == 1


def test_predict_continues_a_prompt(capsys, tiny_bundles):
    arguments = ("predict", tiny_bundles["text_generation"], "the", "film", "--length", "20", "--seed", "1")
    code, out, _ = run(capsys, *arguments)
    assert code == 0
    assert len(out) == 21
    assert json.loads(run(capsys, *arguments, "--json")[1]) == {"prompt": "the film", "text": out[:-1]}
    assert run(capsys, *arguments, "--stop", out[5:8], "--stop", "zzz")[1] == out[: out.index(out[5:8])] + "\n"


def test_predict_labels_texts(capsys, tiny_bundles, monkeypatch):
    code, out, _ = run(capsys, "predict", tiny_bundles["sentiment"], "good film", "bad film")
    assert code == 0
    assert re.findall(r"^\w+", out, re.MULTILINE) == ["positive", "negative"]
    monkeypatch.setattr("sys.stdin", io.StringIO("good\n\nbad\n"))
    _, out, _ = run(capsys, "predict", tiny_bundles["sentiment"], "-", "--json")
    assert [json.loads(line)["label"] for line in out.splitlines()] == ["positive", "negative"]


def test_predict_forecasts_a_table(capsys, tiny_bundles, table):
    code, out, err = run(capsys, "predict", tiny_bundles["forecasting"], table, "--column", "temperature")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "time,q0.1,q0.5,q0.9",
        "2024-03-01T08:00,5.5,7.5,9.5",
        "2024-03-01T09:00,6,8,10",
        "2024-03-01T10:00,6.5,8.5,10.5",
    ]
    _, out, _ = run(capsys, "predict", tiny_bundles["forecasting_extras"], table, "--json")
    assert json.loads(out)["forecast"][0] == {"time": "2024-03-01T08:00", "q0.1": 11.0, "q0.5": 13.0, "q0.9": 15.0}


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(str, range(8))),
        "value\n" + "\n".join(map(str, range(8))),
        "Date;Close;note\n" + "\n".join(f"2024-03-01T0{hour}:00;{hour};x" for hour in range(8)),
        "\ufefftimestamp\tload\n" + "\n".join(f"2024-03-01T0{hour}:00\t{hour}" for hour in range(8)) + "\n\n",
    ],
    ids=["bare numbers", "one column", "semicolons", "tabs and a byte order mark"],
)
def test_usual_tables_need_no_options(capsys, tiny_bundles, tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    code, out, err = run(capsys, "predict", tiny_bundles["forecasting"], tmp_path / "a.csv")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].endswith(",5.5,7.5,9.5")


def test_predict_hears_a_clip_and_a_stream(capsys, tiny_bundles, wav):
    code, out, _ = run(capsys, "predict", tiny_bundles["speech_commands"], wav)
    assert code == 0
    assert out.startswith("yes  ")
    _, out, _ = run(capsys, "predict", tiny_bundles["speech_commands"], wav, "--stream", "--json")
    assert json.loads(out)["label"] == "yes"
    assert 0.8 < json.loads(out)["time_s"] <= 1.0
    _, out, _ = run(capsys, "predict", tiny_bundles["speech_commands"], wav, "--stream")
    assert re.match(r" +0\.\d\d s  yes  ", out)


def test_a_variant_can_be_chosen(capsys, tiny_bundles):
    code, out, _ = run(capsys, "predict", tiny_bundles["sentiment"], "good", "--variant", "padded", "--threads", "2")
    assert code == 0
    assert out.startswith("positive")


ROWS = "\n" + "\n".join(f"2024-03-01T0{hour}:00,{hour}" for hour in range(8))


@pytest.mark.parametrize(
    ("application", "content", "named"),
    [
        ("forecasting", "", "is empty"),
        ("forecasting", "time,value\n", "has a header and no rows"),
        ("forecasting", "time,value" + ROWS.replace(",5", ",five"), "line 7: 'five' in column value is not a number"),
        ("forecasting", "time,value" + ROWS.replace(",5", ",nan"), "line 7: column value holds no value"),
        ("forecasting", "time,value" + ROWS.replace(",5", ",5,6"), "line 7: the row has 3 cells, the header 2"),
        (
            "forecasting",
            "time,value" + ROWS.replace("T05:00", "T04:00"),
            "line 7: the time 2024-03-01 04:00 stands there twice",
        ),
        (
            "forecasting",
            "time,value" + ROWS.replace("2024-03-01T05", "5 o'clock"),
            "line 7: '5 o'clock:00' in column time is not a time",
        ),
        ("forecasting", "time,a,b\n1,2,3\n", "say which holds the values with --column"),
        ("forecasting", "value\n1\n2\n", "history has 2 values"),
        ("forecasting", b"value\n\xff\xfe\n", "not UTF-8 text"),
        ("forecasting_extras", "time,value" + ROWS, "no column 'rain', which this model needs"),
        ("speech_commands", "no sound", "not a WAV file"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(capsys, tiny_bundles, tmp_path, application, content, named):
    path = tmp_path / "bad.file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, err = run(capsys, "predict", tiny_bundles[application], path)
    assert (code, out) == (1, "")
    assert re.search(named, err)
    assert err.startswith("gatewise: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("info", "nowhere"), "no bundle at nowhere"),
        (("predict", "sentiment"), "no text to judge"),
        (("predict", "sentiment", ""), "text 0 holds no word"),
        (("predict", "forecasting"), "nothing to predict from: give a CSV file"),
        (("predict", "forecasting", "none.csv"), "none.csv cannot be read"),
        (("predict", "forecasting", "none.csv", "--threads", "-1"), "threads = -1"),
        (("predict", "speech_commands"), "give a WAV file"),
        (("predict", "speech_commands", "none.wav"), "none.wav cannot be read"),
        (("predict", "text_generation", "a", "--temperature", "-1"), "temperature"),
        (("predict", "text_generation"), "prompt is empty"),
        (("predict", "text_generation", "a", "--variant", "none"), "no variant 'none'"),
    ],
)
def test_every_error_is_one_line_and_exit_code_1(capsys, tiny_bundles, arguments, named):
    code, out, err = run(capsys, *(tiny_bundles.get(argument, argument) for argument in arguments))
    assert (code, out) == (1, "")
    assert named in err
    assert err.startswith("gatewise: ")
    assert err.count("\n") == 1


def test_the_command_runs_as_a_program_and_survives_a_closed_pipe(tiny_bundles):
    command = [sys.executable, "-m", "gatewise", "predict", str(tiny_bundles["text_generation"]), "a"]
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [*command, "--length", "5000"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == ""
    done = subprocess.run([*command, "--length", "3"], capture_output=True, text=True, check=True)
    assert len(done.stdout) == 4


def test_a_long_metric_name_stands_apart_from_its_number(capsys):
    from gatewise.__main__ import _print_metrics

    _print_metrics({"metrics": {"primary": "nats_per_character", "test": {"nats_per_character": 1.482}}})
    assert capsys.readouterr().out == "nats_per_character 1.482\n"


@pytest.mark.parametrize(
    "order",
    [
        ["predict", "BUNDLE", "--json", "-a good film"],
        ["predict", "--json", "--", "BUNDLE", "-a good film"],
        ["predict", "BUNDLE", "--json", "--", "-a good film"],
    ],
)
def test_options_may_stand_anywhere(tiny_bundles, capsys, order):
    words = [word.replace("BUNDLE", str(tiny_bundles["sentiment"])) for word in order]
    if "--" not in words:
        words[-1] = words[-1].lstrip("-")
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "positive"


def test_help_states_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "Exit codes: 0 done; 1 an error" in " ".join(capsys.readouterr().out.split())
