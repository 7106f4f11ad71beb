"""A table of series as columns of text or numbers, whatever its header looks like."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.delimited import read_cells
from gatewise.errors import InputError
from gatewise.number_forms import PLAIN
from gatewise.reading import Reading
from gatewise.series_columns import TIMES

MOST_HEADER_ROWS = 3  # what yfinance's frames have: field, ticker, name of the index
FIELDS = ("close", "adj close", "open", "volume")


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        path: its file.
        columns: texts as they stand there, or numbers, by name, (rows,).
        lines: where each row stands in the file, (rows,).
        place: what those count: "line" or "row".
        separator: between fields, "" in a file that has none.
        encoding: of the text, "" in a file that is none.
    """

    path: Path
    columns: dict[str, Sequence[str] | np.ndarray]
    lines: np.ndarray
    place: str
    separator: str = ""
    encoding: str = ""

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return list(self.columns)

    def texts(self, name: str) -> Sequence[str]:
        """A column as text."""
        column = self.columns[name]
        return [f"{number:.17g}" for number in column.tolist()] if isinstance(column, np.ndarray) else column

    def where(self, row: int) -> str:
        """Where a row stands, as a person counts."""
        return f"{self.path}, {self.place} {int(self.lines[row])}"


def read_text_sheet(path: str | Path, reading: Reading, guess: Callable[[bytes], str] | None = None) -> Sheet:
    """The table in a text file, with one row of names and one column per quantity.

    Raises:
        InputError: no such file, nothing in it, or rows that do not fit its header.
    """
    cells = read_cells(path, reading, guess)
    twice = next((name for i, name in enumerate(cells.header) if name and name in cells.header[:i]), None)
    levels = _header_rows(cells.rows)
    if twice and not levels:
        raise InputError(f"{path}: two columns are called '{twice}': rename one of them")
    names = [name or f"unnamed: {i}" for i, name in enumerate(cells.header)]
    if levels:
        names = _paired(names, cells.rows[:levels])
        reading.say("header", f"{Path(path).name} has {levels + 1} rows of names: field, ticker, time")
    columns: dict[str, Any] = {name: [row[i] for row in cells.rows[levels:]] for i, name in enumerate(names)}
    lines = np.array(cells.lines[levels:], int)
    return unpaired(Sheet(Path(path), columns, lines, "line", cells.separator, cells.encoding))


def _header_rows(rows: Sequence[Sequence[str]]) -> int:
    """How many rows after the first are names too: they hold no number and begin with a word or nothing."""
    count = 0
    for row in rows[:MOST_HEADER_ROWS]:
        words = [cell.strip() for cell in row]
        if len(row) < 2 or any(char.isdigit() for char in words[0]) or any(PLAIN.match(word) for word in words[1:]):
            break
        count += 1
    named = any(row[0].strip().lower() in ("", "ticker", "price", *TIMES) for row in rows[:count])
    beyond = len(rows) > count and any(char.isdigit() for char in rows[count][0])
    return count if count and named and beyond and count < MOST_HEADER_ROWS else 0


def _paired(names: list[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Names of one row, each a pair written as Python does, for a header of several."""
    firsts = [names[0], *(row[0].strip() for row in rows)]
    time = next((first for first in firsts[::-1] if first.lower() in TIMES), "Date")
    levels = [names, *rows]
    pairs = [tuple(level[i].strip() for level in levels if level[i].strip()) for i in range(1, len(names))]
    return [time, *(str(pair) if len(pair) > 1 else pair[0] for pair in pairs)]


def unpaired(sheet: Sheet) -> Sheet:
    """A table whose columns are named by pairs of field and ticker as a long one, with a column of tickers."""
    pairs = {name: pair for name in sheet.names if (pair := _pair(name))}
    if not pairs:
        return sheet
    field = next((level for level in (0, 1) if any(pair[level].lower() in FIELDS for pair in pairs.values())), 0)
    tickers = list(dict.fromkeys(pair[1 - field] for pair in pairs.values()))
    plain = [name for name in sheet.names if name not in pairs]
    fields = list(dict.fromkeys(pair[field] for pair in pairs.values()))
    count, columns = len(sheet.lines), {name: list(sheet.texts(name)) * len(tickers) for name in plain}
    columns["Ticker"] = [ticker for ticker in tickers for _ in range(count)]
    by_pair = {pair: name for name, pair in pairs.items()}
    for name in fields:
        wanted = [(name, ticker) if field == 0 else (ticker, name) for ticker in tickers]
        cells = [sheet.texts(by_pair[pair]) if pair in by_pair else [""] * count for pair in wanted]
        columns[name] = [cell for block in cells for cell in block]
    return replace(sheet, columns=dict(columns), lines=np.tile(sheet.lines, len(tickers)))


def _pair(name: str) -> tuple[str, str] | None:
    """The two parts of a name such as "('Close', 'KO')"."""
    if not (name.startswith("(") and name.endswith(")")):
        return None
    try:
        parts = ast.literal_eval(name)
    except (ValueError, SyntaxError):
        return None
    parts = tuple(str(part).strip() for part in parts if str(part).strip()) if isinstance(parts, tuple) else ()
    return (parts[0], parts[1]) if len(parts) == 2 else None
