"""Tables of the user's own: every format reads alike, and every fault is one sentence that names its place."""

import gzip
from pathlib import Path

import pandas as pd
import pytest

from components.data.tables import is_table, read_table
from components.errors import DataError

ROWS = pd.DataFrame({"text": ["fine, really", "say “hm”"], "label": [1, 0]})


def written(path: Path) -> Path:
    kind = path.name.removesuffix(".gz").rsplit(".", 1)[1]
    if kind in ("csv", "tsv"):
        ROWS.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
    elif kind == "parquet":
        ROWS.to_parquet(path, index=False)
    else:
        ROWS.to_json(path, orient="records", lines=True)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.ndjson", "a.parquet", "A.CSV", "a.csv.gz"])
def test_every_format_reads_alike(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    written(tmp_path / name.lower()).rename(path)
    table = read_table(path)
    assert table["text"].tolist() == ROWS["text"].tolist()
    assert table["label"].tolist() == [1, 0]


def test_cells_stay_text_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\nNA,01\nNone,1\n")
    table = read_table(path, text_only=True)
    assert table["text"].tolist() == ["NA", "None"]
    assert table["label"].tolist() == ["01", "1"]


def test_a_byte_order_mark_is_not_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\na,b\n".encode("utf-8-sig"))
    assert list(read_table(path).columns) == ["text", "label"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.csv", "text,label\ncaf\xe9,1\n".encode("latin-1"), "is not UTF-8 (byte 0xe9"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "line 3"),
        ("a.jsonl", b'{"text": "a"\n', "cannot be read as jsonl"),
        ("a.parquet", b"PAR1 but not really", "cannot be read as parquet"),
        ("a.csv.gz", b"not gzip", "cannot be read as csv"),
        ("a.xlsx", b"PK", "use one of .csv, .tsv, .jsonl, .ndjson, .parquet"),
    ],
)
def test_a_bad_file_is_one_error_that_names_it(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    message = str(caught.value)
    assert str(path) in message
    assert said in message
    assert "\n" not in message


def test_a_cut_off_compressed_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n" + b"some words,1\n" * 500)[:40])
    with pytest.raises(DataError, match=r"a\.csv\.gz cannot be read"):
        read_table(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "none.csv")


def test_what_is_a_table_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("about")
    assert not is_table(tmp_path / "README.md")
    assert is_table(written(tmp_path / "train.csv"))
