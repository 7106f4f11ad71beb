"""Tables of texts with a separator between the cells, as programs write them and as people do.

Texts hold quotes, separators and line ends of their own. A reading is taken only where every row has as many cells as
the first one: a shifted column would train on wrong labels.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.data.choices import chose
from components.errors import DataError

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
NAMES = {mark: name for name, mark in SEPARATORS.items()}
OF_SUFFIX = {".csv": ",", ".tsv": "\t"}
SAMPLE_LINES = 200
EXCEL_HINT = re.compile(r"\Asep=(.)\r?\n")
ESCAPED_QUOTE = re.compile(r'(?<!\\)((?:\\\\)*)\\"')
LONGEST_CELL = 1 << 30


@dataclass(frozen=True)
class Rows:
    """The rows of a table, the first one included, and the line in which each begins."""

    cells: list[list[str]]
    lines: list[int]


def rows_of(text: str, path: Path, kind: str, separator: str = "") -> Rows:
    """The rows of a table.

    Args:
        text: the whole table.
        path: its file, for messages.
        kind: the suffix that says what it is, compression apart.
        separator: the sign between cells, "" to find it.

    Raises:
        DataError: names the line that does not fit the first one.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if hint := EXCEL_HINT.match(text):
        separator, text = separator or hint[1], "\n" + text[hint.end() :]
    usual = OF_SUFFIX.get(kind, "\t")
    mark = separator or _found(text, usual)
    if mark != usual:
        chose("separator", f"{path.name} has a {NAMES.get(mark, repr(mark))} between its cells")
    try:
        rows = _quoted(text, mark, path)
    except DataError:
        if bare := _bare(text, mark, path):
            return bare
        raise
    several_lines = len(rows.cells) < sum(bool(line.strip()) for line in text.split("\n"))
    return (_bare(text, mark, path) if several_lines else None) or rows


def _found(text: str, usual: str) -> str:
    """The separator that the first line holds and that cuts most lines into as many cells; the usual one if it can."""
    sample = [line for line in text.split("\n", SAMPLE_LINES)[:SAMPLE_LINES] if line.strip()]
    scores = {}
    for mark in dict.fromkeys([usual, *NAMES]):
        widths = [len(row) for row in csv.reader(sample, delimiter=mark)]
        if widths and widths[0] > 1:
            scores[mark] = widths.count(widths[0]) / len(widths)
    if scores.get(usual, 0) > 0.9:
        return usual
    return max(scores, key=lambda mark: scores[mark], default=usual)


def _bare(text: str, mark: str, path: Path) -> Rows | None:
    """The rows where quotes are signs like any other: every line fits, and some quote could not enclose its cell.

    Asked where quotes that enclose give no table, or one with cells of several lines: lone ones may have joined them.
    """
    numbered = [(line, at) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]
    cells = [line.split(mark) for line, _ in numbered]
    if not cells or any(len(row) != len(cells[0]) for row in cells):
        return None
    lone = sum(not _encloses(cell) for row in cells for cell in row if cell.startswith('"'))
    if not lone:
        return None
    chose("quotes", f"{path.name} encloses no cells in quotes: {lone} lone ones belong to the texts")
    return Rows(cells, [at for _, at in numbered])


def _encloses(cell: str) -> bool:
    """Whether a cell that begins with a quote is one that quotes enclose, those within doubled."""
    return len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")


def _quoted(text: str, mark: str, path: Path) -> Rows:
    """The rows where quotes enclose cells; quotes within are doubled, or stand behind a backslash."""
    fault = ""
    for escaped in (False, True):
        if escaped and '\\"' not in text:
            break
        try:
            rows = _strict(ESCAPED_QUOTE.sub(r'\1""', text) if escaped else text, mark, path)
        except DataError as error:
            fault = fault or str(error)
            continue
        if escaped:
            chose("quotes", f"{path.name} has quotes within cells behind a backslash")
        return rows
    raise DataError(fault)


def _strict(text: str, mark: str, path: Path) -> Rows:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(_lines(text), delimiter=mark, strict=True)
    rows, begin = Rows([], []), 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.cells.append(row)
                rows.lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {begin}: {error}: enclose a text in quotes and double the quotes within it"
        ) from None
    _check_widths(rows, mark, path)
    return rows


def _lines(text: str) -> Iterator[str]:
    """The lines with their ends; nothing but a line feed ends one."""
    yield from (line + "\n" for line in text.split("\n"))


def _check_widths(rows: Rows, mark: str, path: Path) -> None:
    widths = Counter(map(len, rows.cells))
    if len(widths) < 2:
        return
    wanted = len(rows.cells[0])
    others = len(rows.cells) - widths[wanted]
    row, line = next((row, line) for row, line in zip(rows.cells, rows.lines, strict=True) if len(row) != wanted)
    raise DataError(
        f"{path}, line {line}: {len(row)} cells where the first line has {wanted} (in {others} rows): "
        f"enclose texts that hold a {NAMES.get(mark, mark)} in quotes"
    )
