"""A history from a CSV file: times, values and extra columns by name."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gatewise.errors import InputError

TIMES = ("time", "date", "datetime", "timestamp", "date_time", "ds")  # looked for in this order, in any case
VALUES = ("value", "close", "price", "y", "target")
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class History:
    """Columns of a CSV file, in its order.

    Attributes:
        values: (rows,).
        times: ISO 8601 texts, (rows,), None without a time column.
        extra: values by column name, (rows,) each.
    """

    values: np.ndarray
    times: list[str] | None
    extra: dict[str, np.ndarray]


def read_history(path: str | Path, extras: Sequence[str] = (), column: str | None = None) -> History:
    """The history in a CSV file with a header row, or in a file of bare numbers, one per line.

    Args:
        path: the file; comma, semicolon or tab separate its columns.
        extras: names of the extra columns to read.
        column: name of the value column; without, a usual name or the only column left.

    Raises:
        InputError: no such file or column, or a cell that is not a number (names its line).
    """
    rows = _rows(path)
    if len(rows[0]) == 1 and _is_number(rows[0][0]):
        return History(_numbers(path, "value", rows, 0, first_line=1), None, {})
    header, body = [name.strip() for name in rows[0]], rows[1:]
    if not body:
        raise InputError(f"{path} has a header and no rows: give a history")
    time = _found(header, TIMES)
    value = _value_column(path, header, time, extras, column)
    missing = [name for name in extras if name not in header]
    if missing:
        raise InputError(f"{path} has no column '{missing[0]}', which this model needs: it has {', '.join(header)}")
    return History(
        _numbers(path, header[value], body, value),
        None if time is None else [row[time].strip() for row in body],
        {name: _numbers(path, name, body, header.index(name)) for name in extras},
    )


def _rows(path: str | Path) -> list[list[str]]:
    """The file's rows of cells, all of the header's width."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from None
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    rows = [row for row in csv.reader(text.splitlines(), delimiter=separator) if any(cell.strip() for cell in row)]
    if not rows:
        raise InputError(f"{path} is empty: give a history")
    uneven = [line for line, row in enumerate(rows, 1) if len(row) != len(rows[0])]
    if uneven:
        raise InputError(
            f"{path} row {uneven[0]} has {len(rows[uneven[0] - 1])} cells, the header {len(rows[0])}: mend it"
        )
    return rows


def _value_column(
    path: str | Path, header: Sequence[str], time: int | None, extras: Sequence[str], column: str | None
) -> int:
    if column is not None:
        if column not in header:
            raise InputError(f"{path} has no column '{column}': choose from {', '.join(header)}")
        return header.index(column)
    rest = [place for place, name in enumerate(header) if place != time and name not in extras]
    usual = _found(header, VALUES)
    if usual is None and len(rest) != 1:
        raise InputError(f"{path} has the columns {', '.join(header)}: say which holds the values with --column")
    return rest[0] if usual is None else usual


def _found(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Place of the first of the names in the header, in any case."""
    lowered = [name.lower() for name in header]
    return next((lowered.index(name) for name in names if name in lowered), None)


def _numbers(path: str | Path, name: str, rows: Sequence[Sequence[str]], place: int, first_line: int = 2) -> np.ndarray:
    values = np.empty(len(rows))
    for line, row in enumerate(rows):
        if not _is_number(row[place]):
            raise InputError(
                f"{path} row {line + first_line}: {name} = '{row[place]}' is not a number: mend or drop it"
            )
        values[line] = float(row[place])
    return values


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
