"""Labelled texts in the forms that people keep them in: every form reads alike, and what was chosen is said."""

import gzip
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from components.data.choices import collected
from components.errors import DataError, SettingError
from components.sentiment import sources
from components.sentiment.application import Config
from components.sentiment.repeats import without_repeats

ROWS = [(f"the film was {'great' if at % 2 else 'awful'}, number {at} café", str(at % 2)) for at in range(30)]
TEXTS = [text for text, _ in ROWS]
COMMA = "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in ROWS)


def loaded(path: Path, **settings: Any) -> tuple[pd.DataFrame, str]:
    """The training part, and all that was said."""
    with collected() as choices:
        found, _ = sources.load(str(path), Config().changed(settings))
    return found.parts["train"], "\n".join(f"{choice.about}: {choice.chosen}" for choice in choices)


def zipped(files: Mapping[str, bytes]) -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", COMMA.encode(), "text column: 'text'"),
        ("a.csv", COMMA.encode("utf-16"), "a.csv is utf-16, as its byte order mark says"),
        ("a.csv", COMMA.encode("utf-16-le"), "read as utf-16-le, found from its NUL bytes"),
        ("a.csv", COMMA.encode("cp1252"), "a.csv is not UTF-8 (line 2): read as cp1252"),
        ("a.csv.gz", gzip.compress(COMMA.encode()), "text column"),
        ("a.csv.xz", lzma.compress(COMMA.encode()), "text column"),
        ("a.zip", zipped({"deep/reviews.csv": COMMA.encode(), "__MACOSX/._reviews.csv": b"x"}), "archive: a.zip"),
        ("a.csv", COMMA.split("\n", 1)[1].encode(), "no line of names: its columns are numbered from 1"),
        ("a.csv", b"sep=;\n" + COMMA.replace('",', '";').replace("text,", "text;").encode(), "a semicolon"),
        ("a.json", json.dumps({"data": [{"text": t, "label": n} for t, n in ROWS]}).encode(), "the list 'data'"),
        ("a.json", "\n".join(json.dumps({"text": t, "label": n}) for t, n in ROWS).encode(), "text column"),
        ("a.tsv", b"text\tlabel\n" + "".join(f"{t}\t{n}\n" for t, n in ROWS).encode(), "label column: 'label'"),
    ],
)
def test_every_form_reads_alike(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    train, choices = loaded(path)
    assert train["text"].tolist() == TEXTS
    assert train["label"].tolist() == [label for _, label in ROWS]
    assert said in choices


def classes(part: str = "") -> dict[str, bytes]:
    return {f"mine/{part}{'neg' if label == '0' else 'pos'}/{at}.txt": f"{part}{text}".encode()
            for at, (text, label) in enumerate(ROWS)}  # fmt: skip


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_of_folders_is_labelled_by_their_names(
    tmp_path: Path, pack: Callable[[Mapping[str, bytes]], bytes]
) -> None:
    path = tmp_path / ("a.zip" if pack is zipped else "a.tar.gz")
    path.write_bytes(pack(classes()))
    train, said = loaded(path)
    assert sorted(train["text"]) == sorted(TEXTS)
    assert set(train["label"]) == {"neg", "pos"}
    assert "the names of the folders in mine: neg, pos; a text is a file" in said


def test_folders_of_parts_and_classes_are_an_official_split(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({**classes("train/"), **classes("test/"), "mine/train/unsup/0.txt": b"who knows"}))
    found, _ = sources.load(str(path))
    assert {name: len(part) for name, part in found.parts.items()} == {"train": 30, "test": 30}
    assert found.unlabelled == ["who knows"]


def test_files_named_after_classes_hold_a_text_per_line(tmp_path: Path) -> None:
    for label, name in (("1", "rt.pos"), ("0", "rt.neg")):
        (tmp_path / name).write_text("\n".join(text for text, mark in ROWS if mark == label) + "\n")
    train, said = loaded(tmp_path)
    assert train["label"].value_counts().to_dict() == {"neg": 15, "pos": 15}
    assert "a text is a line" in said


@pytest.mark.parametrize(
    ("content", "settings", "said"),
    [
        ("text,label\nfine, really,0\nbad,1\n", {}, "line 2: 3 cells where the first line has 2 (in 1 rows)"),
        ('text,label\n"fine" or not,0\nbad, "x,1\n', {}, "a.csv, line 2: ',' expected after"),
        (COMMA.replace(",1\n", ",1.0\n", 1), {}, "the labels '1' and '1.0' look like one"),
        (COMMA, {"label_names": ["2=odd"]}, "label_names names '2', which no text has; the labels are 0, 1"),
        (COMMA, {"text_column": "3"}, "no column '3'; it has text, label"),
        (COMMA, {"encoding": "utf-16"}, "is not utf-16"),
        (COMMA.replace("text,", "label,"), {}, "has 2 columns 'label'"),
        (COMMA + "meh,x\n" * 9, {}, "label 'x' has 1 different texts, 3 are needed"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place(
    tmp_path: Path, content: str, settings: dict[str, Any], said: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        loaded(path, **settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_damaged_utf8_is_refused_and_not_read_as_something_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(COMMA.encode() + b'"odd \xff",0\n')
    with pytest.raises(DataError, match=r"is not UTF-8: byte 0xff at offset \d+; save it as UTF-8 or name"):
        loaded(path)


def test_an_encoding_that_does_not_exist_is_a_setting_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(COMMA)
    with pytest.raises(SettingError, match="encoding 'klingon' is not known"):
        loaded(tmp_path / "a.csv", encoding="klingon")


def test_lone_quotes_never_swallow_a_line(tmp_path: Path) -> None:
    texts = ['"' * (at in (3, 7)) + f"text {at}" + '"' * (at in (5, 9)) for at in range(12)]
    lines = [f"{text}\t{at % 2}" for at, text in enumerate(texts)]
    (tmp_path / "a.tsv").write_text("\n".join(["text\tlabel", *lines]))
    train, said = loaded(tmp_path / "a.tsv")
    assert len(train) == 12
    assert train["text"][3] == '"text 3'
    assert "2 lone ones belong to the texts" in said


def test_enclosed_texts_of_several_lines_stay_whole(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(COMMA.replace(" was", "\nwas"))
    train, _ = loaded(tmp_path / "a.csv")
    assert train["text"].tolist() == [text.replace(" was", "\nwas") for text in TEXTS]


def test_labels_get_the_names_that_the_user_or_the_table_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(COMMA)
    assert set(loaded(path)[0]["label"]) == {"0", "1"}
    assert set(loaded(path, label_names=["0=ham", "1=spam"])[0]["label"]) == {"ham", "spam"}
    path.write_text(COMMA.replace("text,label", "text,sentiment"))
    assert set(loaded(path)[0]["label"]) == {"negative", "positive"}
    path.write_text("text,label,rating\n" + "".join(f'"{text}",{label},{3 + int(label)}\n' for text, label in ROWS))
    train, said = loaded(path)
    assert set(train["label"]) == {"negative", "positive"}
    assert "every text with 1 has a higher 'rating'" in said


def test_spellings_of_a_label_are_joined_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(COMMA.replace(",1\n", ",1.0\n").replace(",0\n", ",0\n") + "more,1\n")
    train, said = loaded(path, join_labels=True)
    assert set(train["label"]) == {"0", "1"}
    assert "'1.0' joined with '1'" in said


def test_repeats_leave_the_part_that_is_learned_from() -> None:
    def table(*rows: tuple[str, str]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=["text", "label"])

    with collected() as choices:
        parts = without_repeats(
            {
                "train": table(("A b", "x"), ("a  B", "x"), ("told", "x"), ("seen", "y"), ("torn", "x"), ("torn", "y")),
                "validation": table(("told", "x"), ("kept", "y")),
                "test": table(("Told", "x"), ("seen", "y")),
            }
        )
    assert {name: part["text"].tolist() for name, part in parts.items()} == {
        "train": ["A b"],
        "validation": ["kept"],
        "test": ["Told", "seen"],
    }
    said = [choice.chosen.split(":")[0] for choice in choices]
    assert said == [
        "1 texts of the validation part stand in the test part too",
        "2 texts of the train part stand in the test part too",
        "1 texts have two labels or more, 'torn' among them",
        "1 rows that repeat another row of the training part are dropped",
    ]
