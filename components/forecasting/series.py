"""Histories of one quantity: checked row by row, gaps filled or cut, never silently."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.errors import DataError
from components.forecasting.frequency import Frequency

log = logging.getLogger(__name__)

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

    A table that runs backwards throughout is turned round; rows that say the same thing twice are dropped. Both are
    logged.

    Raises:
        DataError: times jump back, one time has two different values, or a value is infinite.
    """
    steps = np.diff(history.minutes)
    order = np.arange(len(history.minutes))
    if len(steps) and (steps <= 0).all() and (steps < 0).any():
        log.info("%s: newest row first: turned round", history.name)
        order = order[::-1]
        history, steps = history.rows(order), np.diff(history.minutes[::-1])
    if (steps < 0).any():
        place = int(np.argmax(steps < 0)) + 1
        raise DataError(
            f"{locate(int(order[place]))}: time {stamp(history.minutes[place])} of '{history.name}' comes after "
            f"{stamp(history.minutes[place - 1])}: sort the table by time, or name the column that tells series apart "
            "with --set series_column=COLUMN"
        )
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
            "series_column=COLUMN"
        )
    log.info("%s: %d repeated rows with the same time and value dropped", history.name, len(repeats))
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
        log.info("%s: %d missing values filled, cut into %d pieces at longer gaps", history.name, filled, len(pieces))
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


def varying(histories: Sequence[History], where: str) -> None:
    """Check that no series is constant.

    Raises:
        DataError: one is.
    """
    for history in histories:
        known = history.values[~np.isnan(history.values)]
        if len(known) > 1 and (known == known[0]).all():
            raise DataError(
                f"{where}: series '{history.name}' has the same value {known[0]:g} in all {len(known)} rows: leave it "
                "out (--set value_columns=... names the columns to use)"
            )
