"""Which columns of a table are forecast, which tell series apart, and their numbers: found, said, or asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.data.choices import chose, doubt
from components.errors import DataError
from gatewise.number_forms import NumberForm
from gatewise.reading import Reading
from gatewise.series_columns import COUNTERS, NAMES, VALUES, TimeColumns, resolve_all, time_columns, usual
from gatewise.series_sheet import Sheet
from gatewise.series_values import group_rows, is_numeric

SURE_NAMES = NAMES[:8]  # these tell series apart wherever they stand; the others only where times repeat without


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
        has = ", ".join(sheet.names)
        raise DataError(f"{sheet.path}: no column '{missing}'; it has {has}: name one with --set {setting}=COLUMN")
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
            numeric += [name] if is_numeric(sheet, name, form, reading) else []
    likely = [name for name in usual(sheet.names, VALUES) if name not in used]
    if likely:
        others = [name for name in numeric if name != likely[0]]
        if others:
            say = chose if likely[0].lower() == "close" else doubt
            say("value column", f"{likely[0]}, not {', '.join(others)}: set value_columns to forecast another")
        return likely[:1]
    if not numeric:
        raise DataError(f"{sheet.path}: no column of numbers beside the time: name one with --set value_columns=COLUMN")
    left = [name for name in sheet.names if name not in used and name not in numeric]
    if left:
        chose("columns", f"{', '.join(left)} of {sheet.path.name}: no numbers, or row numbers: left out")
    if len(numeric) > 1:
        chose("value columns", f"every column of numbers is a series: {', '.join(numeric)}")
    return numeric


def _unique(sheet: Sheet, names: Sequence[str], minutes: np.ndarray) -> bool:
    """Whether no series has a time twice."""
    groups = group_rows(sheet, names).values() if names else [np.arange(len(minutes))]
    return all(len(np.unique(minutes[rows])) == len(rows) for rows in groups)
