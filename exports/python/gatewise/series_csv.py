"""Histories from a CSV file, read as the bundle's training table was read: times, values and extra columns by name."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.calendar_times import check_gaps, rhythm_of
from gatewise.errors import InputError
from gatewise.number_forms import PLAIN, NumberForm
from gatewise.reading import Reading, recorded
from gatewise.series_clock import minutes_and_zone
from gatewise.series_columns import COUNTERS, VALUES, TimeColumns, resolve, resolve_all, time_columns, usual
from gatewise.series_sheet import Sheet, read_text_sheet
from gatewise.series_values import column_of, form_of, group_rows, is_numeric
from gatewise.time_forms import NotTimesError, read_times

FILL_LIMIT = 3  # missing rows in a row that are no gap, where a bundle does not say


@dataclass(frozen=True)
class History:
    """Columns of a CSV file, in order of time.

    Attributes:
        name: the series' name, "" where the file holds one.
        values: (rows,).
        times: datetime64, (rows,), None without a time column.
        extra: values by column name, (rows,) each.
    """

    name: str
    values: np.ndarray
    times: np.ndarray | None
    extra: dict[str, np.ndarray]


@dataclass(frozen=True)
class Wanted:
    """What is to be read of a file.

    Attributes:
        extras: the extra columns that the model needs.
        column: the value column that the user names.
        time: the time column that the user names.
        context: how many rows the model looks at.
    """

    extras: tuple[str, ...] = ()
    column: str | None = None
    time: str | None = None
    context: int = 1


def read_histories(path: str | Path, settings: Mapping[str, Any], wanted: Wanted) -> tuple[list[History], Reading]:
    """The histories in a CSV file with a header row or in a file of bare numbers, and what was found out about it.

    Args:
        path: the file.
        settings: of the bundle: how its training table was read, and how many missing values in a row are filled.
        wanted: the columns asked for; others as in training, or by their usual names.

    Raises:
        InputError: no such file or column, a cell that is not a number, a time that is none, a time twice.
    """
    reading = recorded(settings)
    sheet = read_text_sheet(path, reading)
    bare = _bare(sheet, settings)
    if bare is not None:
        return [bare], reading
    if not len(sheet.lines):
        raise InputError(f"{path} has a header and no rows: give a history")
    layout = _layout(sheet, settings.get("table") or {}, wanted, reading)
    minutes = None if layout.times is None else _minutes(sheet, layout.times, reading)
    numbers = {name: column_of(sheet, name, layout.form, reading) for name in {*layout.values, *layout.extras}}
    extra = dict(zip(wanted.extras, (numbers[name] for name in layout.extras), strict=True))
    groups = group_rows(sheet, layout.names) if layout.names else {"": np.arange(len(sheet.lines))}
    histories = []
    for group, rows in groups.items():
        for name in layout.values:
            title = " ".join(filter(None, [group, name if len(layout.values) > 1 else ""]))
            whole = _Rows(sheet, name, rows, numbers[name], minutes, extra)
            histories.append(_history(title, whole, settings, wanted.context, reading))
    return histories, reading


@dataclass(frozen=True)
class _Layout:
    """Which columns of a sheet are read as what."""

    times: TimeColumns | None
    names: list[str]
    values: list[str]
    extras: list[str]
    form: NumberForm


def _layout(sheet: Sheet, table: Mapping[str, Any], wanted: Wanted, reading: Reading) -> _Layout:
    times = _times(sheet, table, wanted)
    names = [found for name in table.get("series") or () if (found := resolve(sheet.names, name)) is not None]
    extras, missing = resolve_all(sheet.names, wanted.extras)
    if missing is not None:
        has = ", ".join(sheet.names)
        raise InputError(f"{sheet.path} has no column '{missing}', which this model needs: it has {has}")
    used = {*names, *(times.names if times else ())}
    form = form_of(sheet, used, reading)
    values = _value_columns(sheet, table, wanted, used | set(extras), reading)
    _no_time_overlooked(sheet, times, {*used, *extras, *values})
    return _Layout(times, names, values, extras, form)


def _bare(sheet: Sheet, settings: Mapping[str, Any]) -> History | None:
    """The history of a file that is nothing but numbers, one per line."""
    if len(sheet.names) != 1 or not PLAIN.match(sheet.names[0]):
        return None
    cells = [sheet.names[0], *sheet.texts(sheet.names[0])]
    whole = replace(sheet, columns={"value": cells}, lines=np.arange(1, len(cells) + 1))
    reading = recorded(settings)
    return History("", column_of(whole, "value", form_of(whole, set(), reading), reading), None, {})


def _times(sheet: Sheet, table: Mapping[str, Any], wanted: Wanted) -> TimeColumns | None:
    """The columns of time: as asked for, as in training, or by usual names; None where there are none."""
    if wanted.time is not None:
        found, missing = resolve_all(sheet.names, wanted.time.split(","))
        if missing is not None:
            raise InputError(f"{sheet.path} has no column '{missing}': choose from {', '.join(sheet.names)}")
        return time_columns(sheet.names, sheet.texts, found)
    trained = [str(name) for name in table.get("time") or ()]
    found, missing = resolve_all(sheet.names, trained)
    parts = len(trained) > 2 or (len(trained) == 2 and trained[0].lower().startswith(("year", "jahr")))
    return time_columns(sheet.names, sheet.texts, () if missing is not None or parts else found)


def _value_columns(
    sheet: Sheet, table: Mapping[str, Any], wanted: Wanted, used: set[str], reading: Reading
) -> list[str]:
    """The columns of values: as asked for, as in training, one with a usual name, or the only one of numbers."""
    if wanted.column is not None:
        found = resolve(sheet.names, wanted.column)
        if found is None:
            raise InputError(f"{sheet.path} has no column '{wanted.column}': choose from {', '.join(sheet.names)}")
        return [found]
    trained = [str(name) for name in table.get("values") or ()]
    columns, missing = resolve_all(sheet.names, trained)
    if trained and missing is None:
        return columns
    left = [name for name in sheet.names if name not in used and name.lower() not in COUNTERS]
    form = form_of(sheet, used, reading)
    numeric = [name for name in left if is_numeric(sheet, name, form, reading)]
    likely = [name for name in usual(left, VALUES) if not trained or len(numeric) == 1]
    if likely:
        if len(numeric) > 1:
            others = ", ".join(name for name in numeric if name != likely[0])
            reading.say("value column", f"{likely[0]}, not {others}: name another with --column", True)
        return likely[:1]
    if len(numeric or left) == 1:
        return (numeric or left)[:1]
    told = f", this model was trained on {', '.join(trained)}" if trained else ""
    raise InputError(
        f"{sheet.path} has the columns {', '.join(sheet.names)}{told}: say which holds the values with --column"
    )


def _no_time_overlooked(sheet: Sheet, times: TimeColumns | None, known: set[str]) -> None:
    """Refuse a table in which no column of time was found though there are columns that nobody knows.

    Raises:
        InputError: there is such a column.
    """
    unknown = [name for name in sheet.names if name not in known]
    if times is None and unknown:
        raise InputError(
            f"{sheet.path} has the columns {', '.join(sheet.names)}, none of which is known to hold times: name it "
            "with --time, or drop the columns beside the values"
        )


def _minutes(sheet: Sheet, found: TimeColumns, reading: Reading) -> np.ndarray:
    try:
        times = read_times(found.texts, reading)
    except NotTimesError as error:
        if reading.time_format:  # another file may write its times in another way than the training's
            return _minutes(sheet, found, replace(reading, time_format=""))
        text = found.texts[error.row]
        reason = error.reason.partition(", or say how")[0]
        raise InputError(f"{sheet.where(error.row)}: '{text}' in column {found.names[0]} {reason}") from None
    try:
        return minutes_and_zone(times, reading)[0]
    except ValueError as error:
        raise InputError(f"{sheet.path}: {error}") from None


def _no_gap(history: History, settings: Mapping[str, Any], sheet: Sheet) -> None:
    longest = int((settings.get("table") or {}).get("longest_gap") or 0)
    minutes = np.asarray(history.times).astype(np.int64)
    try:
        check_gaps(minutes, rhythm_of(settings), longest, int(settings.get("fill_limit") or FILL_LIMIT))
    except InputError as error:
        raise InputError(f"{sheet.path}{f', series {history.name!r}' if history.name else ''}: {error}") from None


@dataclass(frozen=True)
class _Rows:
    """The rows of one series in a sheet, with its columns over all rows."""

    sheet: Sheet
    column: str
    rows: np.ndarray
    values: np.ndarray
    minutes: np.ndarray | None
    extra: dict[str, np.ndarray]


def _history(name: str, whole: _Rows, settings: Mapping[str, Any], context: int, reading: Reading) -> History:
    """The rows that a model looks at, in order of time, each time once, short gaps filled as in training."""
    rows = whole.rows
    if whole.minutes is not None:
        rows = rows[np.argsort(whole.minutes[rows], kind="stable")]
        if (np.diff(whole.minutes[whole.rows]) < 0).any():
            reading.say("order", "the rows are sorted by time")
        rows = _once(whole, rows)
    known = np.flatnonzero(~np.isnan(whole.values[rows]))
    if not len(known):
        raise InputError(f"{whole.sheet.path}: column {whole.column} holds no value: name another with --column")
    rows = rows[known[0] : known[-1] + 1]
    limit = int(settings.get("fill_limit") or 0)
    values = filled(whole.values[rows], limit)
    count = int(np.isnan(whole.values[rows]).sum() - np.isnan(values).sum())
    if count:
        reading.say("gaps", f"{count} missing values of {whole.column} are filled with the value before", True)
    extra = {key: filled(column[rows], limit) for key, column in whole.extra.items()}
    times = None if whole.minutes is None else whole.minutes[rows].astype("datetime64[m]")
    history = History(name, values, times, extra)
    if times is not None:
        _no_gap(history, settings, whole.sheet)
    return _last(history, rows[-context:], whole, settings)


def _once(whole: _Rows, rows: np.ndarray) -> np.ndarray:
    """Rows without those that say the same thing again.

    Raises:
        InputError: one time has two values.
    """
    minutes = whole.minutes
    assert minutes is not None  # noqa: S101, called with times only
    again = np.flatnonzero(np.diff(minutes[rows]) == 0) + 1
    for place in again:
        before, after = whole.values[rows[place - 1]], whole.values[rows[place]]
        if before != after and not (np.isnan(before) and np.isnan(after)):
            moment = str(minutes[rows[place]].astype("datetime64[m]")).replace("T", " ")
            raise InputError(
                f"{whole.sheet.where(int(rows[place]))}: the time {moment} stands there twice with different values "
                f"({before:g} and {after:g}): keep one row, or give a file of one series"
            )
    return np.delete(rows, again)


def filled(values: np.ndarray, limit: int) -> np.ndarray:
    """Values with gaps of up to `limit` rows filled by the value before; longer gaps stay."""
    values = values.copy()
    missing = np.flatnonzero(np.isnan(values))
    for run in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
        if len(run) and run[0] > 0 and len(run) <= limit:
            values[run] = values[run[0] - 1]
    return values


def _last(history: History, rows: np.ndarray, whole: _Rows, settings: Mapping[str, Any]) -> History:
    """The last rows of a history, those that a model looks at; `rows` is where they stand in the sheet.

    Raises:
        InputError: one of them holds no value, or one that the model's logarithm cannot take, by its line.
    """
    count = len(rows)
    low = history.values[-count:] <= 0
    if settings.get("transform") == "log" and low.any():
        row = int(rows[low.argmax()])
        raise InputError(
            f"{whole.sheet.where(row)}: {whole.column} is {whole.values[row]:g}, this model takes logarithms: only "
            "values above zero can be forecast: correct or leave out such rows"
        )
    for name, column in {whole.column: history.values, **history.extra}.items():
        missing = np.isnan(column[-count:])
        if missing.any():
            row = int(rows[missing.argmax()])
            raise InputError(
                f"{whole.sheet.where(row)}: column {name} holds no value: fill it in, or give a longer file"
            )
    times = None if history.times is None else history.times[-count:]
    extra = {name: column[-count:] for name, column in history.extra.items()}
    return replace(history, values=history.values[-count:], times=times, extra=extra)
