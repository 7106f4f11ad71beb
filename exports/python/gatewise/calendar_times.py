"""Times as minutes since 1970, whether they keep a model's rhythm, and the times that follow a history."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gatewise.errors import InputError

MINUTES_PER_DAY = 1_440
MONTHS = {"MS": 1, "ME": 1, "M": 1, "QS": 3, "QE": 3, "Q": 3, "YS": 12, "YE": 12, "Y": 12}  # by pandas alias
CALENDAR = {1: "months", 3: "quarters", 12: "years"}  # by months from row to row
WORKWEEK = "1111100"  # Monday first
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONGEST_MONTH = 31 * MINUTES_PER_DAY
LONGEST_HOLIDAY = 14 * MINUTES_PER_DAY  # of an exchange
MOST_REST_SHARE = 0.05  # of rows on days of rest: an exchange opens on a Saturday now and then
LAST_MINUTE = np.iinfo(np.int32).max  # in the year 6053


@dataclass(frozen=True)
class Rhythm:
    """When a model's rows come.

    Attributes:
        step: minutes from row to row, None where a calendar decides.
        alias: as pandas spells it: "h", "D", "B" (business days), "W", "MS", "QS", "YS".
        week: which days business days are, Monday first, 1 or 0.
        utc: whether times that state a zone are kept in UTC, as in training; else the clock on the wall counts.
    """

    step: int | None
    alias: str
    week: str = WORKWEEK
    utc: bool = False

    @property
    def name(self) -> str:
        """The alias without where in the calendar its periods end."""
        return self.alias.partition("-")[0]


def rhythm_of(settings: Mapping[str, Any]) -> Rhythm:
    """The rhythm that a bundle's settings state."""
    step = settings.get("step_minutes")
    zone = (settings.get("table") or {}).get("zone")
    week = str(settings.get("week") or WORKWEEK)
    return Rhythm(None if step is None else int(step), str(settings.get("frequency")), week, zone == "UTC")


def minutes_of(times: Any, utc: bool = False) -> np.ndarray:
    """Minutes since 1970-01-01, int64 of shape (times,).

    Args:
        times: datetime64 array, pandas DatetimeIndex, or a list of datetimes or ISO 8601 texts.
        utc: whether what states a zone is kept in UTC, else its zone is dropped: as in training.

    Raises:
        InputError: not times, or not in ascending order.
    """
    array = np.asarray(times)
    if array.ndim != 1 or not array.size:
        raise InputError(f"times have shape {array.shape}: give one time per value")
    if array.dtype.kind != "M":
        array = np.array([_moment(item, place, utc) for place, item in enumerate(array.tolist())], "datetime64[m]")
    if np.isnat(array).any():
        raise InputError(f"times[{int(np.isnat(array).argmax())}] is missing: give every value its time")
    minutes = array.astype("datetime64[m]").astype(np.int64)
    steps = np.diff(minutes)
    if (steps <= 0).any():
        place = int((steps <= 0).argmax()) + 1
        raise InputError(f"times[{place}] is not after times[{place - 1}]: sort the history and drop repeated times")
    if not -LAST_MINUTE <= minutes[0] <= minutes[-1] <= LAST_MINUTE:
        raise InputError(f"times run from {array[0]} to {array[-1]}: they must lie before the year 6053")
    return minutes


def check_rhythm(minutes: np.ndarray, rhythm: Rhythm) -> None:
    """Refuse a history with gaps, or of another rhythm than the model's.

    Raises:
        InputError: two neighbours are further apart or closer than the model's rows.
    """
    steps = np.diff(minutes)
    if rhythm.step is not None:
        wrong, wanted = steps != rhythm.step, f"the model's step is {rhythm.step}"
    elif rhythm.name == "B":
        wrong = (steps < MINUTES_PER_DAY) | (steps > LONGEST_HOLIDAY)
        wanted = "the model knows business days"
    elif rhythm.name in MONTHS:
        months = np.diff(minutes.astype("datetime64[m]").astype("datetime64[M]").astype(np.int64))
        wrong, wanted = months != MONTHS[rhythm.name], f"the model's rows are {CALENDAR[MONTHS[rhythm.name]]}"
    else:
        return
    if wrong.any():
        place = int(wrong.argmax())
        before, after = as_times(minutes[place : place + 2])
        raise InputError(
            f"times[{place + 1}] is {int(steps[place])} minutes after times[{place}], {wanted}: from {before} to "
            f"{after} is {_spoken(int(steps[place]))}: fill the gaps, or give rows of the model's rhythm"
        )
    if rhythm.name == "B":
        _check_week(minutes, rhythm.week)


def check_gaps(minutes: np.ndarray, rhythm: Rhythm, longest: int, fill_limit: int) -> None:
    """Refuse a history that has a gap longer than its model's training had, wherever it is.

    Args:
        minutes: ascending.
        rhythm: of the model.
        longest: minutes between neighbouring rows of the training at the most.
        fill_limit: rows that may be missing in any case.

    Raises:
        InputError: there is such a gap.
    """
    unit = rhythm.step or (LONGEST_HOLIDAY if rhythm.name == "B" else LONGEST_MONTH * MONTHS.get(rhythm.name, 12))
    steps = np.diff(minutes)
    if len(steps) and steps.max() > max(longest, (fill_limit + 1) * unit):
        place = int(steps.argmax())
        before, after = as_times(minutes[place : place + 2])
        raise InputError(
            f"no rows between {before} and {after}, a gap of {_spoken(int(steps[place]))}: fill it, or give the rows "
            "after it alone"
        )


def _check_week(minutes: np.ndarray, week: str) -> None:
    days = (minutes // MINUTES_PER_DAY + 3) % 7  # 1970-01-01 was a Thursday
    rest = np.isin(days, [day for day, works in enumerate(week) if works == "0"])
    if rest.sum() > 1 and rest.mean() > MOST_REST_SHARE:
        open_days = ", ".join(name for name, works in zip(WEEKDAYS, week, strict=True) if works == "1")
        place = int(rest.argmax())
        raise InputError(
            f"times[{place}] ({as_times(minutes)[place]}) and {int(rest.sum()) - 1} more are on days of rest, the "
            f"model knows {open_days}: leave these rows out"
        )


def _spoken(minutes: int) -> str:
    """A span of time as a person says it."""
    for size, name in ((525_960, "years"), (43_830, "months"), (MINUTES_PER_DAY, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes / size:.3g} {name}"
    return f"{minutes} minutes"


def following(minutes: np.ndarray, count: int, rhythm: Rhythm) -> np.ndarray:
    """The `count` times after the last one, (count,): by step, or by the calendar that the rhythm names.

    Raises:
        InputError: a calendar unknown here.
    """
    if rhythm.step is not None:
        return minutes[-1] + rhythm.step * np.arange(1, count + 1)
    if rhythm.name == "B":
        day, time_of_day = divmod(int(minutes[-1]), MINUTES_PER_DAY)
        ahead = np.arange(1, count + 1)
        days = np.busday_offset(np.datetime64(day, "D"), ahead, roll="backward", weekmask=rhythm.week)
        return days.astype(np.int64) * MINUTES_PER_DAY + time_of_day
    if rhythm.name in MONTHS:
        return _months_later(np.datetime64(int(minutes[-1]), "m"), MONTHS[rhythm.name] * np.arange(1, count + 1))
    raise InputError(
        f"the times after a history of frequency '{rhythm.alias}' cannot be told: give times of the horizon too"
    )


def _months_later(last: np.datetime64, months: np.ndarray) -> np.ndarray:
    """Minutes of the same day in later months; the end of a month stays the end."""
    month = last.astype("datetime64[M]")
    into = int((last - month.astype("datetime64[m]")).astype(np.int64))  # minutes into the month
    day, time_of_day = divmod(into, MINUTES_PER_DAY)
    at_end = day == _days_in(month) - 1
    later = month + months
    days = [_days_in(m) - 1 if at_end else min(day, _days_in(m) - 1) for m in later]
    return later.astype("datetime64[m]").astype(np.int64) + np.array(days) * MINUTES_PER_DAY + time_of_day


def _days_in(month: np.datetime64) -> int:
    return int(((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64))


def ending_now(count: int, rhythm: Rhythm) -> np.ndarray:
    """`count` minutes of a history whose last value is of the present."""
    moment = datetime.now(UTC).replace(tzinfo=None) if rhythm.utc else datetime.now()
    now = int(np.datetime64(moment, "m").astype(np.int64))
    if rhythm.step is not None:
        return now // rhythm.step * rhythm.step + rhythm.step * np.arange(1 - count, 1)
    if rhythm.name == "B":
        today, back = np.datetime64(now // MINUTES_PER_DAY, "D"), np.arange(1 - count, 1)
        days = np.busday_offset(today, back, roll="backward", weekmask=rhythm.week)
        return days.astype(np.int64) * MINUTES_PER_DAY
    if rhythm.name in MONTHS:
        month = np.datetime64(now, "m").astype("datetime64[M]").astype("datetime64[m]")
        return _months_later(month, MONTHS[rhythm.name] * np.arange(1 - count, 1))
    raise InputError(f"a model of frequency '{rhythm.alias}' needs to know when its values were measured: give times")


def _moment(item: Any, place: int, utc: bool) -> np.datetime64:
    try:
        moment = datetime.fromisoformat(item.strip()) if isinstance(item, str) else item
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = (moment.astimezone(UTC) if utc else moment).replace(tzinfo=None)
        if isinstance(moment, int | float):
            raise ValueError("a number")
        return np.datetime64(moment, "m")
    except (TypeError, ValueError):
        raise InputError(f"times[{place}] = {item!r} is not a time: give datetimes or ISO 8601 texts") from None


def as_times(minutes: np.ndarray) -> np.ndarray:
    """Minutes since 1970 as datetime64[m]."""
    return minutes.astype(np.int64).astype("datetime64[m]")
