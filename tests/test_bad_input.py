"""Every kind of bad input through the command line: one line that says what and where and what to do, nothing left.

What the readers themselves say is tested beside them (test_tables, test_series, test_prices, test_corpora,
test_audio_clips, test_sentiment, test_catalog, test_bundle, test_light_cli, test_command_line); here all of it reaches
a person at a terminal.
"""

import io
import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from flows.__main__ import main

RATE = 16_000
TINY = ["--preset", "tiny"]

Make = Callable[[Path], None]  # writes files into the working folder


def written(name: str, content: str | bytes) -> Make:
    """Writes one file."""

    def make(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return make


def wav(seconds: float = 0.5, rate: int = RATE, channels: int = 1) -> bytes:
    """A sine as a WAV file."""
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    stream = io.BytesIO()
    soundfile.write(stream, np.repeat(tone[:, None], channels, axis=1), rate, format="WAV", subtype="FLOAT")
    return stream.getvalue()


def spoken(clips: dict[str, bytes], words: tuple[str, ...] = ("yes", "no")) -> Make:
    """Writes a folder of words that ten people say, with more clips beside them or in their place."""

    def make(folder: Path) -> None:
        usual = {f"{word}/s{person}_nohash_{take}.wav" for word in words for person in range(10) for take in range(2)}
        for name, content in (dict.fromkeys(sorted(usual), wav()) | clips).items():
            written(f"clips/{name}", content)(folder)

    return make


def hourly(rows: int = 400, **changed: str) -> str:
    """An hourly table of a daily wave; `changed` replaces lines by their number, as in line5="…"."""
    start = np.datetime64("2024-01-01T00", "h")
    lines = ["time,value"] + [f"{start + row},{10 + 5 * np.sin(row / 24 * 2 * np.pi):.3f}" for row in range(rows)]
    for name, line in changed.items():
        lines[int(name.removeprefix("line")) - 1] = line
    return "\n".join(lines) + "\n"


REVIEWS = "text,label\n" + "".join(f"a {word} film {i},{word}\n" for i in range(40) for word in ("good", "bad"))
NOT_A_NUMBER = wav()[:-64] + np.full(16, np.nan, "<f4").tobytes()

# id, application, what is there, --source, further arguments, what the line must say: where, and what to do
REFUSED: list[tuple[str, str, Make, str, list[str], str]] = [
    ("text: missing", "text_generation", written("a.txt", "a"), "./b.txt", [], r"b\.txt: no such file.*give an"),
    ("text: empty", "text_generation", written("a.txt", " \n"), "a.txt", [], r"a\.txt is empty: give a file with text"),
    ("text: empty folder", "text_generation", written("f/x.bin", b"\0"), "./f", [], r"f: no text in this folder: give"),
    (
        "text: not UTF-8", "text_generation", written("a.txt", "caf\xe9".encode("latin-1")), "a.txt", [],
        r"a\.txt is not UTF-8: byte 0xe9 at offset 3; save it as UTF-8",
    ),
    (
        "text: shorter than a window", "text_generation", written("a.txt", "short\n" * 20), "a.txt", [],
        r"text is too short: its \w+ part has \d+ ids and needs \d+; give a longer",
    ),
    (
        "table: no such column", "sentiment", written("a.csv", "words,label\nfine,a\n"), "a.csv", [],
        r"a\.csv: none of the usual columns text.*it has words, label: name one with --set text_column=COLUMN",
    ),
    (
        "table: no column of that name", "sentiment", written("a.csv", REVIEWS), "a.csv", ["--set", "text_column=body"],
        r"a\.csv: no column 'body'; it has text, label",
    ),
    (
        "table: one class", "sentiment", written("a.csv", "text,label\nfine,a\nbad,a\n"), "a.csv", [],
        r"a\.csv: every text has the label 'a': give texts of two classes",
    ),
    (
        "table: empty text", "sentiment", written("a.csv", REVIEWS + ",good\n"), "a.csv", [],
        r"a\.csv, line 82: column 'text' is empty: fill it or remove the row",
    ),
    ("table: empty", "sentiment", written("a.csv", ""), "a.csv", [], r"a\.csv is empty: give a table"),
    (
        "table: not UTF-8", "sentiment", written("a.csv", "text,label\ncaf\xe9,a\n".encode("latin-1")), "a.csv", [],
        r"a\.csv is not UTF-8: byte 0xe9 at offset 14; save it as UTF-8",
    ),
    (
        "times: unsorted", "forecasting", written("a.csv", hourly(line7="2024-01-09T00,3")), "a.csv", [],
        r"a\.csv, line \d+: time 2024-01-0\d .* stands there twice with different values",
    ),
    (
        "times: duplicated", "forecasting", written("a.csv", hourly(line7="2024-01-01T04,99")), "a.csv", [],
        r"a\.csv, line 7: time 2024-01-01 04:00 .* twice with different values .*: keep one row",
    ),
    (
        "times: none at all", "forecasting", written("a.csv", hourly(line7="soon,3")), "a.csv", [],
        r"a\.csv, line 7: 'soon' in column time is not a time .* write 2024",
    ),
    (
        "values: only NaN", "forecasting", written("a.csv", re.sub(r",\S+", ",", hourly()).replace("time,", "time,v")),
        "a.csv", [], r"series 'a' has no value at all: leave it out|no column of numbers",
    ),
    (
        "values: constant", "forecasting", written("a.csv", re.sub(r",\d\S+", ",7", hourly())), "a.csv", [],
        r"a\.csv: series 'a' has the same value 7 in all 400 rows: name another",
    ),
    (
        "values: too few", "forecasting", written("a.csv", hourly(50)), "a.csv", [],
        r"too few rows: .* 'a', has 50 rows and a window needs 60 .*give longer series",
    ),
    (
        "audio: empty", "speech_commands", spoken({"yes/bad.wav": b""}), "clips", [],
        r"yes/bad\.wav: the file is empty; record it again or delete it",
    ),
    (
        "audio: truncated", "speech_commands", spoken({"yes/bad.wav": wav()[:900]}), "clips", [],
        r"yes/bad\.wav was cut short: .* copy it again",
    ),
    (
        "audio: not numbers", "speech_commands", spoken({"no/bad.wav": NOT_A_NUMBER}), "clips", [],
        r"no/bad\.wav holds samples that are not numbers",
    ),
    (
        "audio: far too long", "speech_commands", spoken({"no/bad.wav": wav(11)}), "clips", [],
        r"no/bad\.wav: .*11\.0 s long, more than 10 s",
    ),
    (
        "audio: one word", "speech_commands", spoken({}, ("yes",)), "clips", [],
        r"only the word 'yes': give at least two word folders",
    ),
    (
        "audio: no sound", "speech_commands", written("clips/yes/a.mp3", b"ID3"), "clips", [],
        r"yes/a\.mp3: not a readable .* convert or delete it",
    ),
    ("preset: unknown", "sentiment", written("a.csv", REVIEWS), "a.csv", ["--preset", "huge"], "unknown preset 'huge'"),
    ("source: unknown", "sentiment", written("a.csv", REVIEWS), "imbd", [], "unknown source 'imbd': choose from"),
    (
        "setting: unknown", "sentiment", written("a.csv", REVIEWS), "a.csv", ["--set", "epoch=3"],
        "unknown setting 'epoch': did you mean 'epochs'",
    ),
    (
        "setting: out of bounds", "sentiment", written("a.csv", REVIEWS), "a.csv", ["--set", "epochs=0"],
        "setting 'epochs' = '0'",
    ),
]  # fmt: skip


def stage(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> int:
    """The exit code of `gatewise-flows stage`, run in this process."""
    monkeypatch.setattr(sys, "argv", ["gatewise-flows", "stage", name, *arguments])
    with pytest.raises(SystemExit) as raised:
        main()
    return int(raised.value.code or 0)


def prepared(monkeypatch: pytest.MonkeyPatch, application: str, source: str, extra: list[str]) -> int:
    """The exit code of ingest and, where that went well, of preprocess."""
    common = [application, *TINY, "--source", source, *extra]
    code = stage(monkeypatch, "ingest", *common, "--out", "out/raw")
    return code or stage(monkeypatch, "preprocess", *common, "out/raw", "--out", "out/data")


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says at its end, after log lines of the usual form and the empty line that ends a bar."""
    *log, last = filter(None, capsys.readouterr().err.splitlines())
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in log), log
    return last


def nothing_half_written(folder: Path) -> bool:
    """Whether everything that stands in the output folder is a finished artifact."""
    return all((found / "artifact.json").exists() for found in (folder / "out").glob("*") if found.is_dir())


@pytest.mark.parametrize(
    ("application", "make", "source", "extra", "said"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_bad_input_is_refused(
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    application: str,
    make: Make,
    source: str,
    extra: list[str],
    said: str,
) -> None:
    make(workplace)
    assert prepared(monkeypatch, application, source, extra) == 1
    line = one_line(capsys)
    assert line.startswith("error: ")
    assert re.search(said, line), line
    assert nothing_half_written(workplace)
    assert not (workplace / "out" / "data").exists()


SPOKEN = ["--set", "synthetic_clips=30"]  # of espeak-ng's, among them words that the folder does not hold
MENDED: list[tuple[str, str, Make, str, str]] = [
    (
        "times: with gaps", "forecasting", written("a.csv", re.sub(r"2024-01-03.*\n", "", hourly())), "a.csv",
        "a: 0 missing values filled, cut into 2 pieces at longer gaps",
    ),
    (
        "values: one NaN", "forecasting", written("a.csv", hourly(line7="2024-01-01T05,")), "a.csv",
        "a: 1 missing values filled",
    ),
    (
        "times: row repeated", "forecasting",
        written("a.csv", hourly().replace("2024-01-01T05,14.830\n", "2024-01-01T05,14.830\n" * 2)), "a.csv",
        "a: 1 repeated rows with the same time and value dropped",
    ),
    (
        "audio: stereo", "speech_commands", spoken({"yes/s1_nohash_0.wav": wav(channels=2)}), "clips",
        "more than one channel were mixed",
    ),
    ("audio: two words and no others", "speech_commands", spoken({}), "clips", "out/data is ready"),
    (
        "audio: other rate", "speech_commands", spoken({"yes/s1_nohash_0.wav": wav(rate=8_000)}), "clips",
        "8000 Hz were resampled to 16000 Hz",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("application", "make", "source", "said"), [case[1:] for case in MENDED], ids=[case[0] for case in MENDED]
)
def test_input_that_can_be_mended_is_and_the_log_says_so(
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    application: str,
    make: Make,
    source: str,
    said: str,
) -> None:
    make(workplace)
    with caplog.at_level("INFO", logger="components"):
        assert prepared(monkeypatch, application, source, SPOKEN if application == "speech_commands" else []) == 0
    assert said in caplog.text


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], r"AAPL: an empty answer.*give a folder of price tables as --source"),
        (
            ["YFRateLimitError('Too Many Requests')"],
            r"AAPL: still rate limited after \d attempts: try again in an hour",
        ),
        (
            ["HTTP Error 404: possibly delisted"],
            r"AAPL: not known to Yahoo \(HTTP Error 404.*correct or leave them out",
        ),
    ],
    ids=["nothing", "rate limit", "unknown ticker"],
)
def test_yahoos_refusals_name_the_ticker(
    workplace: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answers: list[str],
    said: str,
) -> None:
    import logging

    import pandas as pd
    import yfinance

    from components.forecasting import prices

    def download(tickers: list[str], **_: Any) -> pd.DataFrame:
        for answer in answers:
            logging.getLogger("yfinance").error("%s: %s", tickers, answer)
        return pd.DataFrame()

    monkeypatch.setattr(yfinance, "download", download)
    monkeypatch.setattr(prices, "FIRST_WAIT_S", 0)
    assert prepared(monkeypatch, "forecasting", "yfinance", ["--set", "tickers=AAPL"]) == 1
    assert re.search(said, one_line(capsys))
    assert not list(workplace.glob("out/*"))


PUBLIC = {
    "text_generation": ("tiny_shakespeare", "tiny_shakespeare.txt"),
    "sentiment": ("imdb", "aclImdb_v1.tar.gz"),
    "forecasting": ("etth1", "ETTh1.csv"),
    "speech_commands": ("speech_commands_v2", "speech_commands_v0.02.tar.gz"),
}


@pytest.fixture
def no_network(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own to put files into, and a network that is down."""

    def down(*_: Any, **__: Any) -> Any:
        raise httpx.ConnectError("Network is unreachable")

    monkeypatch.setattr(httpx, "stream", down)
    monkeypatch.setenv("GATEWISE_CACHE", str(workplace / "cache"))
    monkeypatch.setenv("GATEWISE_DATA", str(workplace / "mine"))
    (workplace / "mine").mkdir()
    return workplace / "mine"


@pytest.mark.parametrize("application", PUBLIC)
def test_without_a_network_the_error_says_which_file_to_put_where(
    no_network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], application: str
) -> None:
    source, file = PUBLIC[application]
    assert prepared(monkeypatch, application, source, []) == 1
    line = one_line(capsys)
    assert re.search(r"cannot download https?://", line)
    assert f"put it at {no_network.parent / 'cache' / file}, or in a folder named by GATEWISE_DATA" in line
    assert not list(no_network.parent.glob("out/*"))


@pytest.mark.parametrize("application", PUBLIC)
def test_a_public_file_with_a_wrong_checksum_is_refused(
    no_network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], application: str
) -> None:
    source, file = PUBLIC[application]
    (no_network / file).write_bytes(b"something else")
    assert prepared(monkeypatch, application, source, []) == 1
    assert re.search(rf"{re.escape(str(no_network / file))}: sha256 is \w+, not \w+; delete the file", one_line(capsys))
    assert not list(no_network.parent.glob("out/*"))


def test_an_archive_cut_short_is_refused(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with tarfile.open(workplace / "clips.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("yes/a.wav")
        member.size = len(wav())
        archive.addfile(member, io.BytesIO(wav()))
    whole = (workplace / "clips.tar.gz").read_bytes()
    (workplace / "clips.tar.gz").write_bytes(whole[: len(whole) // 2])
    assert prepared(monkeypatch, "speech_commands", "clips.tar.gz", []) == 1
    assert "clips.tar.gz" in one_line(capsys)
    assert not list(workplace.glob("out/*"))
