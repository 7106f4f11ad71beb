"""How often a series is measured, read off its times, and what follows from it: cycles, context, horizon."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.errors import DataError

HOUR, DAY, WEEK, YEAR = 60, 1_440, 10_080, 525_960  # minutes; a year of 365.25 days
MOST_ROWS = 336  # two weeks of hours: a longer context costs more than it tells
REST_SHARE = 0.01  # of all rows: a day of the week with fewer is one of rest
REST_SEEN = 21  # daily rows from which rest on days other than the weekend can be told
MOST_REST = 3  # days of a week
WORKWEEK = "1111100"  # days with rows, Monday first
REGULAR_SHARE = 0.5  # of all steps that must be alike in a series on a fixed grid


@dataclass(frozen=True)
class Frequency:
    """The rhythm of a set of series.

    Attributes:
        alias: as pandas spells it: "15min", "h", "D", "B" (business days), "W", "MS", "QS", "YS".
        step: minutes from row to row; None where it varies (business days, months).
        widest: minutes between neighbouring rows beyond which a history is cut in two (None: step decides).
        seasons: cycles in rows, shortest first.
        cycles: calendar cycles in minutes that can matter.
        context: rows to look back on unless the settings say otherwise.
        horizon: rows to forecast unless the settings say otherwise.
        week: which days business days are, Monday first, 1 or 0.
    """

    alias: str
    step: int | None
    widest: int | None
    seasons: tuple[int, ...]
    cycles: tuple[int, ...]
    context: int
    horizon: int
    week: str = WORKWEEK


BUSINESS_DAYS = Frequency("B", None, 14 * DAY, (5,), (WEEK,), 60, 5)  # 14 days: the longest holiday of an exchange
DAYS = Frequency("D", DAY, None, (7,), (WEEK, YEAR), 56, 7)
WEEKS = Frequency("W", WEEK, None, (52,), (YEAR,), 104, 4)
MONTHS = Frequency("MS", None, 45 * DAY, (12,), (YEAR,), 24, 6)
QUARTERS = Frequency("QS", None, 120 * DAY, (4,), (YEAR,), 12, 4)
YEARS = Frequency("YS", None, 500 * DAY, (), (), 12, 3)
CALENDAR_STEPS = ((27, 32, MONTHS), (89, 93, QUARTERS), (364, 367, YEARS))  # days from, days below, frequency


def infer(times: Sequence[np.ndarray], where: str) -> Frequency:
    """The frequency that the commonest step between rows stands for.

    Args:
        times: minutes since 1970 of every series, each ascending, (rows,).
        where: the data's name, for the message.

    Raises:
        DataError: no two rows, or steps so uneven that no frequency describes them.
    """
    steps = np.concatenate([np.diff(minutes) for minutes in times] or [np.empty(0, int)])
    if not len(steps):
        raise DataError(f"{where}: too few rows: no series has two; give longer series")
    sizes, counts = np.unique(steps, return_counts=True)
    step, share = int(sizes[counts.argmax()]), counts.max() / len(steps)
    for least, below, frequency in CALENDAR_STEPS:
        if np.mean((steps >= least * DAY) & (steps < below * DAY)) > REGULAR_SHARE:
            return frequency
    if share < REGULAR_SHARE:
        raise DataError(
            f"{where}: rows come in no regular step (the commonest, {step} minutes, is {share:.0%} of them): "
            "resample the table to hours, days, weeks or months"
        )
    if step == DAY:
        return _daily(np.concatenate(times) // DAY)
    return WEEKS if step == WEEK else _grid(step)


def _daily(days: np.ndarray) -> Frequency:
    """Every day, or the days of the week that are not of rest."""
    shares = np.bincount((days + 3) % 7, minlength=7) / len(days)  # 1970-01-01 was a Thursday
    rest = shares < REST_SHARE
    if len(days) < REST_SEEN:
        return BUSINESS_DAYS if rest[5:].all() else DAYS
    if not 0 < rest.sum() <= MOST_REST:
        return DAYS
    week = "".join("0" if day else "1" for day in rest)
    return replace(BUSINESS_DAYS, week=week, seasons=(week.count("1"),))


def _grid(step: int) -> Frequency:
    """The frequency of rows `step` minutes apart."""
    seasons = tuple(cycle // step for cycle in (DAY, WEEK) if cycle % step == 0 and cycle // step > 1)
    context = max([rows for rows in (7 * DAY // step, 2 * DAY // step) if rows <= MOST_ROWS], default=MOST_ROWS)
    alias = {HOUR: "h", DAY: "D"}.get(step) or (f"{step // HOUR}h" if step % HOUR == 0 else f"{step}min")
    return Frequency(alias, step, None, seasons, (DAY, WEEK, YEAR), max(8, context), min(24, max(4, DAY // step)))
