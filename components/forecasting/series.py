"""Histories of one quantity: checked row by row, gaps filled or cut, never silently."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.data.choices import chose, doubt
from components.errors import DataError
from components.forecasting.frequency import Frequency

Locate = Callable[[int], str]  # row position → where it stands, for messages


@dataclass(frozen=True)
class History:
    """One series.

    Attributes:
        name: its name, as a person knows it: a ticker, a station, a column.
        minutes: minutes since 1970-01-01, ascending, (rows,) int64. Times are wall-clock times: offsets are dropped.
        values: raw values, NaN where missing, (rows,) float64.
        extras: further columns, (rows, extras) float64.
    """

    name: str
    minutes: np.ndarray
    values: np.ndarray
    extras: np.ndarray

    def rows(self, keep: np.ndarray | slice) -> "History":
        """The same series with only some rows."""
        return replace(self, minutes=self.minutes[keep], values=self.values[keep], extras=self.extras[keep])


def in_order(history: History, locate: Locate) -> History:
    """The history in ascending order without repeated rows.

    A table that runs backwards or in no order is sorted; rows that say the same thing twice are dropped. Both are said.

    Raises:
        DataError: one time has two different values, or a value is infinite.
    """
    order = np.arange(len(history.minutes))
    steps = np.diff(history.minutes)
    if (steps < 0).any():
        if (steps <= 0).all():
            chose("order", f"{history.name}: newest row first: turned round")
            order = order[::-1]
        else:
            place = int(np.argmax(steps < 0)) + 1
            chose(
                "order",
                f"{history.name}: {int((steps < 0).sum())} rows come after a later one, the first at "
                f"{locate(place)} ({stamp(history.minutes[place])}): sorted by time",
            )
            order = np.argsort(history.minutes, kind="stable")
        history = history.rows(order)
        steps = np.diff(history.minutes)
    if np.isinf(history.values).any():
        place = int(np.argmax(np.isinf(history.values)))
        raise DataError(f"{locate(int(order[place]))}: the value of '{history.name}' is infinite: correct or empty it")
    return _without_repeats(history, steps, lambda place: locate(int(order[place])))


def _without_repeats(history: History, steps: np.ndarray, locate: Locate) -> History:
    repeats = np.flatnonzero(steps == 0) + 1
    if not len(repeats):
        return history
    before, after = history.values[repeats - 1], history.values[repeats]
    differ = (before != after) & ~(np.isnan(before) & np.isnan(after))
    if differ.any():
        place = int(repeats[np.argmax(differ)])
        raise DataError(
            f"{locate(place)}: time {stamp(history.minutes[place])} of '{history.name}' stands there twice with "
            f"different values ({history.values[place - 1]:g} and {history.values[place]:g}): keep one row, name the "
            "column to forecast with --set value_columns=COLUMN, or the one that tells series apart with --set "
            "series_column=COLUMN; where clocks were put back, write times with their offset from UTC"
        )
    chose("repeats", f"{history.name}: {len(repeats)} repeated rows with the same time and value dropped")
    return history.rows(np.setdiff1d(np.arange(len(history.minutes)), repeats))


def segments(history: History, frequency: Frequency, fill_limit: int) -> list[History]:
    """The pieces of a history without gaps: short gaps are filled with the value before, long ones cut it in two.

    Args:
        history: in order.
        frequency: decides what a gap is; rows missing from a fixed grid are put in.
        fill_limit: rows in a row that may be filled.

    Raises:
        DataError: a time that does not stand on the grid, or a history without one value.
    """
    known = np.flatnonzero(~np.isnan(history.values))
    if not len(known):
        raise DataError(f"series '{history.name}' has no value at all: leave it out")
    history = history.rows(slice(known[0], known[-1] + 1))
    if frequency.step:
        history = _on_grid(history, frequency.step)
    values, filled = _forward_filled(history.values[:, None], fill_limit)
    extras, _ = _forward_filled(history.extras, fill_limit)
    history = replace(history, values=values[:, 0], extras=extras)
    whole = ~np.isnan(np.column_stack([values, extras])).any(axis=1)
    pieces = _cut(history, whole, frequency)
    if filled or len(pieces) > 1:
        chose("gaps", f"{history.name}: {filled} missing values filled, cut into {len(pieces)} pieces at longer gaps")
    return pieces


def _on_grid(history: History, step: int) -> History:
    """The history with a row for every step, NaN where there was none."""
    places, rest = np.divmod(history.minutes - history.minutes[0], step)
    if rest.any():
        row = int(np.argmax(rest > 0))
        raise DataError(
            f"series '{history.name}': time {stamp(history.minutes[row])} is not a whole number of {step}-minute steps "
            f"after {stamp(history.minutes[0])}: correct it or resample the table"
        )
    minutes = history.minutes[0] + step * np.arange(places[-1] + 1)
    values = np.full(len(minutes), np.nan)
    extras = np.full((len(minutes), history.extras.shape[1]), np.nan)
    values[places], extras[places] = history.values, history.extras
    return replace(history, minutes=minutes, values=values, extras=extras)


def _forward_filled(columns: np.ndarray, limit: int) -> tuple[np.ndarray, int]:
    """Columns with gaps of up to `limit` rows filled by the value before; longer gaps stay whole. And how many."""
    filled, count = columns.copy(), 0
    for column in filled.T:
        missing = np.flatnonzero(np.isnan(column))
        for run in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
            if len(run) and run[0] > 0 and len(run) <= limit:
                column[run] = column[run[0] - 1]
                count += len(run)
    return filled, count


def _cut(history: History, whole: np.ndarray, frequency: Frequency) -> list[History]:
    """Runs of rows that are whole and no further apart than the frequency allows."""
    breaks = ~(whole[1:] & whole[:-1])
    if frequency.widest:
        breaks |= np.diff(history.minutes) > frequency.widest
    runs = np.split(np.arange(len(whole)), np.flatnonzero(breaks) + 1)
    return [history.rows(run) for run in runs if whole[run[0]]]


def stamp(minutes: int) -> str:
    """Minutes since 1970 as a person writes a time."""
    return str(np.datetime64(int(minutes), "m")).replace("T", " ")


def varying(histories: Sequence[History], where: str) -> list[History]:
    """The series that are not constant; the others are named and left out.

    Raises:
        DataError: all of them are constant or empty.
    """
    kept, reasons = [], []
    for history in histories:
        known = history.values[~np.isnan(history.values)]
        if len(known) and (len(known) == 1 or (known != known[0]).any()):
            kept.append(history)
            continue
        told = f"has the same value {known[0]:g} in all {len(known)} rows" if len(known) else "has no value at all"
        reasons.append(f"series '{history.name}' {told}")
    if not kept:
        raise DataError(
            f"{where}: {reasons[0] if reasons else 'no series'}: name another with --set value_columns=COLUMN"
        )
    for reason in reasons:
        doubt("left out", f"{reason}: nothing can be learned from it")
    return kept
