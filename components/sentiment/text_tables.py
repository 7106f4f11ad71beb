"""Tables of texts of the user's own in every format, each cell as it stands there, each row with its place."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.data.choices import chose
from components.data.tables import COMPRESSIONS, FORMATS, PARQUET_FORMATS, read_table
from components.data.text_files import text_of, without_nuls
from components.errors import DataError
from components.sentiment.delimited import OF_SUFFIX, SEPARATORS, rows_of

if TYPE_CHECKING:
    import pandas as pd

JSON_LINES, JSON = (".jsonl", ".ndjson"), ".json"
READ = tuple(dict.fromkeys([*FORMATS, JSON]))
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
WORDS_OF_A_TEXT = 5  # a name of a column has fewer
SAMPLE_ROWS = 1_000  # that tell whether the first row is one of them
SHOWN_CELL = 30  # characters


@dataclass(frozen=True)
class TextTable:
    """A table and where its rows stand.

    Attributes:
        frame: the cells, as text where the format knows no types.
        path: the file.
        place: what names a row, by its index.
        headed: whether it has names of columns; without, they are numbers from 1.
    """

    frame: "pd.DataFrame"
    path: Path
    place: Callable[[int], str]
    headed: bool = True


def kind_of(path: Path) -> str:
    """The suffix that says what a table is, compression apart."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def tables_of(folder: Path) -> dict[str, Path]:
    """The tables of a folder by their lower-case name without suffix.

    Raises:
        DataError: two files of one name, as in train.csv beside train.parquet.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file() or kind_of(path) not in READ:
            continue
        name = path.name.split(".")[0].lower()
        if name in found:
            raise DataError(f"{folder} holds both {found[name].name} and {path.name}: keep one of them")
        found[name] = path
    return found


def read(path: Path, separator: str = "", encoding: str = "", names: tuple[str, ...] = ()) -> TextTable:
    """The table in a file.

    Args:
        path: a CSV, TSV, JSON, JSON Lines or Parquet file, compressed or not.
        separator: its name among `SEPARATORS`; "" to find it.
        encoding: "" to find it.
        names: names that a header could hold.

    Raises:
        DataError: not such a file, nothing in it, or rows that do not fit its header.
    """
    kind = kind_of(path)
    if kind in PARQUET_FORMATS:
        return TextTable(_indexed(read_table(path)), path, lambda index: f"{path}, row {index + 1}")
    if kind not in READ:
        raise DataError(f"{path}: not a table that can be read: use one of {', '.join(READ)}")
    text = without_nuls(text_of(path, encoding), path)
    if not text.strip():
        raise DataError(f"{path} is empty: give a table with a header line and rows")
    if kind in OF_SUFFIX:
        return _delimited(text, path, SEPARATORS.get(separator, ""), names)
    return _of_records(_records(text, path, kind), path)


def _indexed(frame: "pd.DataFrame") -> "pd.DataFrame":
    """The table with its index as columns where that has names."""
    named = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(level=named) if named else frame


def _delimited(text: str, path: Path, separator: str, names: tuple[str, ...]) -> TextTable:
    import pandas as pd

    rows = rows_of(text, path, kind_of(path), separator)
    headed = _is_header(rows.cells, names)
    first = 1 if headed else 0
    if len(rows.cells) == first:
        raise DataError(f"{path} has a header but no rows: give a table with rows")
    numbers = [str(number) for number in range(1, len(rows.cells[0]) + 1)]
    header = (
        [cell.strip() or number for cell, number in zip(rows.cells[0], numbers, strict=True)] if headed else numbers
    )
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise DataError(f"{path} has {header.count(repeated[0])} columns '{repeated[0]}': give each a name of its own")
    if not headed:
        chose("header", f"{path.name} has no line of names: its columns are numbered from 1")
    lines = rows.lines[first:]
    frame = pd.DataFrame(rows.cells[first:], columns=header, dtype=object)
    return TextTable(frame, path, lambda index: f"{path}, line {lines[index]}", headed)


def _is_header(cells: list[list[str]], names: tuple[str, ...]) -> bool:
    """Whether the first row names columns: it holds a usual name, or nothing that looks like a row of the table."""
    first = [cell.strip() for cell in cells[0]]
    if {cell.lower() for cell in first} & {name.lower() for name in names}:
        return True
    if first == [str(number) for number in range(len(first))]:
        return True  # as pandas writes columns that have no names
    below = cells[1:SAMPLE_ROWS]
    return not any(
        NUMBER.fullmatch(cell)
        or len(cell.split()) >= WORDS_OF_A_TEXT
        or (cell and len(below) > 1 and sum(row[at].strip() == cell for row in below) > 1)
        for at, cell in enumerate(first)
    )


def _records(text: str, path: Path, kind: str) -> list[tuple[str, Any]]:
    """The records of a JSON file, each with its place."""
    if kind == JSON and (whole := _whole(text, path)) is not None:
        return [(f"{path}, row {at}", record) for at, record in enumerate(whole, start=1)]
    found: list[tuple[str, Any]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            found.append((f"{path}, row {len(found) + 1}", _parsed(line, f"{path}, line {number}", kind)))
    return found


def _whole(text: str, path: Path) -> list[Any] | None:
    """The records of one JSON value, None where the file holds one value per line."""
    try:
        value = json.loads(text)
    except ValueError as error:
        if text.lstrip().startswith("["):
            raise DataError(f"{path} cannot be read as json: {error}: write the file again") from None
        return None
    if isinstance(value, list):
        return value
    lists = {name: inner for name, inner in value.items() if isinstance(inner, list)} if isinstance(value, dict) else {}
    if len(lists) == 1:
        ((name, inner),) = lists.items()
        chose("records", f"the list '{name}' of {path.name}")
        return inner
    return _columns_as_records(value, path)


def _columns_as_records(value: Any, path: Path) -> list[Any]:
    """The records of a table that stands column by column, as pandas writes it."""
    if isinstance(value, dict) and value and all(isinstance(inner, dict) for inner in value.values()):
        keys = next(iter(value.values()))
        return [{name: inner.get(key) for name, inner in value.items()} for key in keys]
    raise DataError(f"{path} cannot be read as json: it holds no list of records: give an array of objects")


def _parsed(line: str, where: str, kind: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise DataError(f"{where} cannot be read as {kind[1:]}: {error}: write one JSON object per line") from None


def _of_records(records: list[tuple[str, Any]], path: Path) -> TextTable:
    import pandas as pd

    for place, record in records:
        if not isinstance(record, dict):
            raise DataError(f"{place} is no object with names and values: give one for each text")
    if not records:
        raise DataError(f"{path} holds no records: give an object with names and values for each text")
    frame = pd.DataFrame([record for _, record in records], dtype=object)
    frame.columns = [str(name).strip() for name in frame.columns]
    return TextTable(frame, path, lambda index: records[index][0])


def first_row(table: TextTable) -> str:
    """The first row with the names of its columns, for a question."""
    cells = [(name, " ".join(str(value).split())) for name, value in table.frame.iloc[0].items()]
    return ", ".join(f"{name}: '{cell[:SHOWN_CELL]}{'…' if len(cell) > SHOWN_CELL else ''}'" for name, cell in cells)
