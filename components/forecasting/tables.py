"""Series of the user's own: tables wide or long, one file or a folder of them, columns found by their usual names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import DataError
from components.forecasting.columns import Columns, named, names_of, times_of, values_of
from components.forecasting.folders import FileSeries, alike, joined, tables_of
from components.forecasting.series import History, in_order
from components.forecasting.sheets import read_sheet, tell
from gatewise.errors import InputError
from gatewise.number_forms import NumberForm
from gatewise.reading import Reading
from gatewise.series_clock import minutes_and_zone
from gatewise.series_sheet import Sheet
from gatewise.series_values import column_of, form_of, group_rows
from gatewise.time_forms import NotTimesError, Times, read_times

__all__ = ["Columns", "read_histories", "read_recorded"]


@dataclass(frozen=True)
class _Clock:
    """The times of a table: columns, minutes since 1970, their zone and the form they were read in."""

    names: tuple[str, ...]
    minutes: np.ndarray
    zone: str
    form: Times


def read_histories(path: Path, columns: Columns, files: str = "", reading: Reading | None = None) -> list[History]:
    """Every series of a table, or of a folder of tables, each in order of time.

    Raises:
        DataError: see `read_recorded`.
    """
    return read_recorded(path, columns, files, reading)[0]


def read_recorded(
    path: Path, columns: Columns, files: str = "", reading: Reading | None = None
) -> tuple[list[History], dict[str, Any]]:
    """Every series of a table or of a folder of tables, and how they were read, for the device to read alike.

    A folder may hold tables of several layouts: the commonest is read, and what was left out is said.

    Args:
        path: the file or folder.
        columns: the columns named by the user.
        files: which files of a folder to read, a pattern such as "daily/*.csv"; all when empty.
        reading: what the user says of how the tables are written.

    Raises:
        DataError: no table, no such column, a time or value that cannot be read or trusted.
    """
    reading = reading or Reading()
    if path.is_file():
        found = [read_file(path, columns, reading)]
        histories = found[0].histories
    else:
        paths = tables_of(path, files)
        reading = _one_order(paths, columns, reading)
        found = alike([read_file(file, columns, reading) for file in paths], path)
        histories = joined(found, path)
    gaps = [int(np.diff(history.minutes).max()) for history in histories if len(history.minutes) > 1]
    return histories, found[0].record | {"longest_gap": max(gaps, default=0)}


def _one_order(paths: Sequence[Path], columns: Columns, reading: Reading) -> Reading:
    """The reading with the order of day and month that the rows of all files together tell, where that is a question.

    A file of a year of months alone could be one of twelve days.
    """
    if len(paths) == 1 or reading.dayfirst is not None:
        return reading
    texts: list[str] = []
    together = replace(reading, notes=[])
    try:
        for path in paths:
            silent = replace(reading, notes=[])
            found = times_of(read_sheet(path, silent), columns.time).texts
            if read_times(found, silent).dayfirst is None:
                return reading
            texts += found
        order = read_times(texts, together, "dates of all files").dayfirst
    except (NotTimesError, InputError):  # files of several layouts: each is read by itself, and refused by line
        return reading
    tell(together)
    return replace(reading, dayfirst=order)


def read_file(path: Path, columns: Columns, reading: Reading) -> FileSeries:
    """Every series of one table, each in order of time.

    Raises:
        DataError: see `read_recorded`.
    """
    reading = replace(reading, notes=[])
    try:
        return _read(path, columns, reading)
    except InputError as error:
        raise DataError(str(error)) from None
    finally:
        tell(reading)


def _read(path: Path, columns: Columns, reading: Reading) -> FileSeries:
    sheet = read_sheet(path, reading)
    clock = _clock(sheet, columns, reading)
    names = names_of(sheet, columns.series, set(clock.names), clock.minutes)
    extras = named(sheet, columns.extras, "extra_columns")
    used = {*names, *extras, *clock.names}
    form = form_of(sheet, {*names, *clock.names}, reading)
    chosen = values_of(sheet, columns.values, used, form, reading)
    values = {name: column_of(sheet, name, form, reading) for name in chosen}
    beside = [column_of(sheet, name, form, reading) for name in extras]
    table = np.column_stack(beside) if beside else np.empty((len(sheet.lines), 0))
    histories = _histories(sheet, names, clock.minutes, values, table)
    record = _record(sheet, clock, form, reading) | {"series": names, "values": chosen, "extras": extras}
    return FileSeries(path, histories, record, tuple(names), len(chosen))


def _clock(sheet: Sheet, columns: Columns, reading: Reading) -> _Clock:
    found = times_of(sheet, columns.time)
    try:
        times = read_times(found.texts, reading)
    except NotTimesError as error:
        text = found.texts[error.row]
        raise DataError(f"{sheet.where(error.row)}: '{text}' in column {found.names[0]} {error.reason}") from None
    try:
        minutes, zone = minutes_and_zone(times, reading)
    except ValueError as error:
        raise DataError(f"{sheet.path}: {error}") from None
    return _Clock(found.names, minutes, zone, times)


def _histories(
    sheet: Sheet, names: list[str], minutes: np.ndarray, values: dict[str, np.ndarray], extras: np.ndarray
) -> list[History]:
    """One history per name and value column."""
    groups = group_rows(sheet, names) if names else {sheet.path.name.split(".")[0]: np.arange(len(minutes))}
    histories = []
    for group, rows in groups.items():
        for value, column in values.items():
            title = value if not names and len(values) > 1 else group if len(values) == 1 else f"{group} {value}"
            history = History(title, minutes[rows], column[rows], extras[rows])
            histories.append(in_order(history, lambda place, rows=rows: sheet.where(int(rows[place]))))  # type: ignore[misc]
    return histories


def _record(sheet: Sheet, clock: _Clock, form: NumberForm, reading: Reading) -> dict[str, Any]:
    """How a table was read, as the bundle keeps it."""
    return {
        "time": list(clock.names),
        "time_form": clock.form.form,
        "time_format": reading.time_format,
        "dayfirst": clock.form.dayfirst,
        "zone": clock.zone,
        "separator": sheet.separator,
        "decimal": form.decimal,
        "thousands": form.thousands,
        "encoding": sheet.encoding,
        "missing": list(reading.missing),
    }
