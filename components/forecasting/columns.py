"""Which columns of a table are forecast, which tell series apart, and their numbers: found, said, or asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.data.choices import chose, doubt
from components.errors import DataError
from components.forecasting.sheets import Sheet, is_blank
from gatewise.number_forms import NumberForm, Numbers, find_form, missing_in, numbers, suspicious
from gatewise.reading import Reading
from gatewise.series_columns import COUNTERS, NAMES, VALUES, TimeColumns, resolve_all, time_columns, usual

SURE_NAMES = NAMES[:8]  # these tell series apart wherever they stand; the others only where times repeat without
MOSTLY = 0.8  # of a column's cells that are numbers: what else stands there is a mistake, not another kind of column


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; empty where they are to be found by their usual names."""

    time: str | tuple[str, ...] = ()
    series: str | tuple[str, ...] = ()
    values: str | tuple[str, ...] = ()
    extras: str | tuple[str, ...] = ()


def named(sheet: Sheet, wanted: str | Sequence[str], setting: str) -> list[str]:
    """The columns that a setting names.

    Raises:
        DataError: one of them is not there.
    """
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    found, missing = resolve_all(sheet.names, [name for name in names if name])
    if missing is not None:
        raise DataError(
            f"{sheet.path}: no column '{missing}'; it has {', '.join(sheet.names)}: name one with "
            f"--set {setting}=COLUMN"
        )
    return found


def times_of(sheet: Sheet, wanted: str | Sequence[str]) -> TimeColumns:
    """The columns of time.

    Raises:
        DataError: there are none; the columns are listed.
    """
    found = time_columns(sheet.names, sheet.texts, named(sheet, wanted, "time_column"))
    if found is None:
        raise DataError(
            f"{sheet.path}: none of the usual columns time, date, timestamp, month, ... and no column of dates; it has "
            f"{', '.join(sheet.names)}: name one with --set time_column=COLUMN"
        )
    if not wanted:
        chose("time column", ", ".join(found.names))
    return found


def names_of(sheet: Sheet, wanted: str | Sequence[str], used: set[str], minutes: np.ndarray) -> list[str]:
    """The columns that tell series apart: as named, or by usual names as far as times repeat without them."""
    if wanted:
        return named(sheet, wanted, "series_column")
    likely = [name for name in usual(sheet.names, NAMES) if name not in used]
    chosen = [name for name in likely if name.lower() in SURE_NAMES][:1]
    for name in likely:
        if name not in chosen and not _unique(sheet, chosen, minutes):
            chosen.append(name)
    if chosen:
        chose("series column", f"{', '.join(chosen)} tells series apart")
    return chosen


def group_rows(sheet: Sheet, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of each series by its name, in order of appearance."""
    columns = [np.char.strip(np.asarray(sheet.texts(name), dtype=str)) for name in names]
    keys = columns[0]
    if len(columns) > 1:
        titled = [np.char.add(f"{name} ", column) for name, column in zip(names, columns, strict=True)]
        keys = titled[0]
        for column in titled[1:]:
            keys = np.char.add(np.char.add(keys, ", "), column)
    different, first, places = np.unique(keys, return_index=True, return_inverse=True)
    if (different == "").any():
        row = int(first[np.argmax(different == "")])
        raise DataError(f"{sheet.where(row)}: column {names[0]} is empty: name the series of this row, or drop it")
    rows = np.split(np.argsort(places.ravel(), kind="stable"), np.cumsum(np.bincount(places.ravel()))[:-1])
    return {str(different[i]): rows[i] for i in np.argsort(first)}


def values_of(
    sheet: Sheet, wanted: str | Sequence[str], used: set[str], form: NumberForm, reading: Reading
) -> list[str]:
    """The columns to forecast: as named, one with a usual name, or every column of numbers.

    Raises:
        DataError: there is none, or a column of numbers holds a word.
    """
    if wanted:
        return named(sheet, wanted, "value_columns")
    numeric = []
    for name in sheet.names:
        if name not in used and name.lower() not in COUNTERS and not name.startswith("unnamed: "):
            numeric += [name] if _numeric(sheet, name, form, reading) else []
    likely = [name for name in usual(sheet.names, VALUES) if name not in used]
    if likely:
        others = [name for name in numeric if name != likely[0]]
        if others:
            say = chose if likely[0].lower() == "close" else doubt
            say("value column", f"{likely[0]}, not {', '.join(others)}: set value_columns to forecast another")
        return likely[:1]
    if not numeric:
        raise DataError(f"{sheet.path}: no column of numbers beside the time: name one with --set value_columns=COLUMN")
    if len(numeric) > 1:
        chose("value columns", f"every column of numbers is a series: {', '.join(numeric)}")
    return numeric


def form_of(sheet: Sheet, used: set[str], reading: Reading) -> NumberForm:
    """How the table writes its numbers, from all cells beside time and names."""
    cells: list[str] = []
    for name in sheet.names:
        column = sheet.columns[name]
        if name not in used and not isinstance(column, np.ndarray):
            cells += set(column)
    form = find_form(cells, reading.decimal, reading.thousands)
    if not form.sure and sheet.separator == ";":  # what Excel writes where the comma is the decimal mark
        form = NumberForm(",", "", sure=False)
    if (form.decimal, form.thousands) != (".", ""):
        marks = f"'{form.decimal}' before fractions" + (f", '{form.thousands}' in thousands" if form.thousands else "")
        (chose if form.sure or reading.decimal or reading.thousands else doubt)("numbers", f"{marks}: set decimal and "
            "thousands if that is wrong")  # fmt: skip
    return form


def column_of(sheet: Sheet, name: str, form: NumberForm, reading: Reading) -> np.ndarray:
    """A column as float64, NaN where a value is missing; what was read as missing is said.

    Raises:
        DataError: a cell that is no number, by its line.
    """
    read = _read(sheet, name, form, reading)
    if read.wrong is not None:
        text = sheet.texts(name)[read.wrong]
        raise DataError(
            f"{sheet.where(read.wrong)}: '{text}' in column {name} is not a number: correct it, or set missing, "
            "decimal "
            "or thousands"
        )
    for mark, count in read.marks.items():
        chose("missing values", f"'{mark}' in column {name} of {sheet.path.name}, {count} times, means no value")
    odd = suspicious(read.values)
    if odd:
        doubt(
            "missing values",
            f"column {name} of {sheet.path.name} holds {odd[0]:g} in {odd[1]} rows, far from all other values: if it "
            f"means no value, set missing={odd[0]:g}",
        )
    return read.values


def _read(sheet: Sheet, name: str, form: NumberForm, reading: Reading) -> Numbers:
    column = sheet.columns[name]
    if isinstance(column, np.ndarray):
        return Numbers(missing_in(column, reading.missing), {}, None)
    return numbers(column, form, reading.missing)


def _numeric(sheet: Sheet, name: str, form: NumberForm, reading: Reading) -> bool:
    """Whether a column holds numbers; one that holds almost only numbers is read as such, and its word refused."""
    column = sheet.columns[name]
    if isinstance(column, np.ndarray):
        return bool(np.isfinite(column).any())
    read = numbers(column, form, reading.missing)
    known = int(np.isfinite(read.values).sum())
    if read.wrong is None:
        return known > 0
    filled = sum(not is_blank(text) for text in column)
    if known >= MOSTLY * filled:
        column_of(sheet, name, form, reading)
    return False


def _unique(sheet: Sheet, names: Sequence[str], minutes: np.ndarray) -> bool:
    """Whether no series has a time twice."""
    groups = group_rows(sheet, names).values() if names else [np.arange(len(minutes))]
    return all(len(np.unique(minutes[rows])) == len(rows) for rows in groups)
