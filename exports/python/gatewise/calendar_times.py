"""Times as minutes since 1970 on the clock on the wall, and the times that follow a history."""

from datetime import datetime
from typing import Any

import numpy as np

from gatewise.errors import InputError

MINUTES_PER_DAY = 1_440
MONTHS = {"MS": 1, "ME": 1, "M": 1, "QS": 3, "QE": 3, "Q": 3, "YS": 12, "YE": 12, "Y": 12}  # by pandas alias
LAST_MINUTE = np.iinfo(np.int32).max  # in the year 6053


def minutes_of(times: Any) -> np.ndarray:
    """Minutes since 1970-01-01, int64 of shape (times,); a zone is dropped, as in training: clocks on the wall count.

    Args:
        times: datetime64 array, pandas DatetimeIndex, or a list of datetimes or ISO 8601 texts.

    Raises:
        InputError: not times, or not in ascending order.
    """
    array = np.asarray(times)
    if array.ndim != 1 or not array.size:
        raise InputError(f"times have shape {array.shape}: give one time per value")
    if array.dtype.kind != "M":
        array = np.array([_moment(item, place) for place, item in enumerate(array.tolist())], "datetime64[m]")
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


def check_steps(minutes: np.ndarray, step: int) -> None:
    """Refuse a history with gaps.

    Raises:
        InputError: two neighbours are not `step` minutes apart.
    """
    wrong = np.diff(minutes) != step
    if wrong.any():
        place = int(wrong.argmax())
        found = int(minutes[place + 1] - minutes[place])
        raise InputError(
            f"times[{place + 1}] is {found} minutes after times[{place}], the model's step is {step}: fill the gaps"
        )


def following(minutes: np.ndarray, count: int, step: int | None, alias: str) -> np.ndarray:
    """The `count` times after the last one, (count,): by step, or by the calendar that the pandas alias names.

    Raises:
        InputError: a calendar unknown here.
    """
    if step is not None:
        return minutes[-1] + step * np.arange(1, count + 1)
    name = alias.partition("-")[0]
    if name == "B":
        day, time_of_day = divmod(int(minutes[-1]), MINUTES_PER_DAY)
        days = np.busday_offset(np.datetime64(day, "D"), np.arange(1, count + 1), roll="backward")
        return days.astype(np.int64) * MINUTES_PER_DAY + time_of_day
    if name in MONTHS:
        return _months_later(np.datetime64(int(minutes[-1]), "m"), MONTHS[name] * np.arange(1, count + 1))
    raise InputError(f"the times after a history of frequency '{alias}' cannot be told: give times of the horizon too")


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


def ending_now(count: int, step: int | None, alias: str) -> np.ndarray:
    """`count` minutes of a history whose last value is of the present."""
    now = int(np.datetime64(datetime.now(), "m").astype(np.int64))
    if step is not None:
        return now // step * step + step * np.arange(1 - count, 1)
    if alias.partition("-")[0] == "B":
        days = np.busday_offset(np.datetime64(now // MINUTES_PER_DAY, "D"), np.arange(1 - count, 1), roll="backward")
        return days.astype(np.int64) * MINUTES_PER_DAY
    if alias.partition("-")[0] in MONTHS:
        month = np.datetime64(now, "m").astype("datetime64[M]").astype("datetime64[m]")
        return _months_later(month, MONTHS[alias.partition("-")[0]] * np.arange(1 - count, 1))
    raise InputError(f"a model of frequency '{alias}' needs to know when its values were measured: give times")


def _moment(item: Any, place: int) -> np.datetime64:
    try:
        moment = datetime.fromisoformat(item.strip()) if isinstance(item, str) else item
        if isinstance(moment, datetime) and moment.tzinfo is not None:
            moment = moment.replace(tzinfo=None)
        if isinstance(moment, int | float):
            raise ValueError("a number")
        return np.datetime64(moment, "m")
    except (TypeError, ValueError):
        raise InputError(f"times[{place}] = {item!r} is not a time: give datetimes or ISO 8601 texts") from None


def as_times(minutes: np.ndarray) -> np.ndarray:
    """Minutes since 1970 as datetime64[m]."""
    return minutes.astype(np.int64).astype("datetime64[m]")
