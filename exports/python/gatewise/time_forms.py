"""One column of times: the one form that all its rows are written in, found from all of them, and the times."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from gatewise.number_forms import PLAIN
from gatewise.reading import Reading
from gatewise.time_patterns import PATTERNS, Parts, Pattern, parts_of

DAY_US = 86_400_000_000
PLAUSIBLE = (1000, 3000)  # years
EPOCH_YEARS = (1900, 2200)
UNITS = (("seconds", 1_000_000.0), ("milliseconds", 1_000.0), ("microseconds", 1.0), ("nanoseconds", 1e-3))
EXCEL_DAYS = (18_264, 80_000)  # 1950 to 2119
EXCEL_START = np.datetime64("1899-12-30", "us").astype(np.int64)
COMPACT = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-4])?(?:[0-5]\d){0,2}$")
WRITE = "write 2024-01-31 15:00, or say how with time_format"
TIED = 0.02  # readings whose fitness differs by less fit alike
SHORT_YEAR_AHEAD = 5  # a two-digit year up to so many years from now is in this century


@dataclass(frozen=True)
class Times:
    """A column of times.

    Attributes:
        local: microseconds since 1970 on the clock that was written down, (rows,) int64.
        offset: minutes ahead of UTC, (rows,) int64, None where no row states one.
        form: the form's name.
        dayfirst: the order of day and month, None where the form leaves no question.
    """

    local: np.ndarray
    offset: np.ndarray | None
    form: str
    dayfirst: bool | None = None


class NotTimesError(ValueError):
    """A column is not one of times: `row` is the first that is not, `reason` says how."""

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(reason)
        self.row, self.reason = row, reason


def read_times(cells: Sequence[str], reading: Reading, about: str = "dates") -> Times:
    """The times of a column, all in one form; what had to be chosen is said to `reading`.

    Raises:
        NotTimesError: a row is no time, or not in the form of the others.
    """
    stripped = np.char.strip(np.asarray(cells, dtype=str))
    texts, first_rows, places = np.unique(stripped, return_index=True, return_inverse=True)
    order = np.argsort(first_rows)
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    found = _read([str(texts[i]) for i in order], first_rows[order], rank[places.ravel()], reading, about)
    places = rank[places.ravel()]
    offset = None if found.offset is None else found.offset[places]
    return replace(found, local=found.local[places], offset=offset)


def _read(texts: list[str], rows: np.ndarray, places: np.ndarray, reading: Reading, about: str) -> Times:
    """Times of different texts in order of appearance; `rows` is where each appears first."""
    if reading.time_format:
        read = _by_format(texts, rows, reading.time_format)
        if read is not None:
            return read
    if all(PLAIN.match(text) for text in texts) and not all(map(COMPACT.match, texts)):
        counted = _counted(np.array([float(text) for text in texts]))
        if counted is not None:
            reading.say(about, f"read as {counted.form}")
            return counted
    pattern, parts = _pattern_of(texts, rows)
    return _dated(pattern, parts, rows, places, reading, about)


def _by_format(texts: list[str], rows: np.ndarray, form: str) -> Times:
    moments = []
    for text, row in zip(texts, rows, strict=True):
        try:
            moments.append(datetime.strptime(text, form))
        except ValueError:
            raise NotTimesError(int(row), f"is not written as time_format {form}") from None
    local = np.array([moment.replace(tzinfo=None) for moment in moments], "datetime64[us]").astype(np.int64)
    offsets = [moment.utcoffset() for moment in moments]
    if any(offset is None for offset in offsets):
        return Times(local, None, form)
    minutes = [offset.total_seconds() / 60 for offset in offsets if offset is not None]
    return Times(local, np.array(minutes).astype(np.int64), form)


def _counted(numbers: np.ndarray) -> Times | None:
    """Numbers that count from a start: since 1970 in one unit, or Excel's days; None for other numbers."""
    if EXCEL_DAYS[0] <= numbers.min() and numbers.max() <= EXCEL_DAYS[1]:
        seconds = np.round(numbers * 86_400).astype(np.int64)
        return Times(EXCEL_START + seconds * 1_000_000, None, "Excel's days since 1900")
    bounds = [np.datetime64(f"{year}-01-01", "us").astype(np.int64) for year in EPOCH_YEARS]
    if np.abs(numbers).max() < 1e8:
        return None
    for name, factor in UNITS:
        moments = numbers * factor
        if bounds[0] <= moments.min() and moments.max() <= bounds[1]:
            return Times(np.round(moments).astype(np.int64), None, f"{name} since 1970")
    return None


def _pattern_of(texts: list[str], rows: np.ndarray) -> tuple[Pattern, list[Parts]]:
    """The pattern that every text matches.

    Raises:
        NotTimesError: there is none; named is the first text that is not as most others are.
    """
    best: tuple[int, int, Pattern] | None = None
    for pattern in PATTERNS:
        parts: list[Parts] = []
        for text in texts:
            match = pattern.text.match(text)
            read = parts_of(match) if match else None
            if read is None or not _possible(read):
                break
            parts.append(read)
        if len(parts) == len(texts):
            return pattern, parts
        matching = sum(_matches(pattern, text) for text in texts[:2000])
        if best is None or matching > best[0]:
            best = (matching, len(parts), pattern)
    assert best is not None  # noqa: S101, there are patterns
    matching, place, pattern = best
    if not matching:
        raise NotTimesError(int(rows[0]), f"is not a time: {WRITE}")
    place = next(i for i, text in enumerate(texts) if not _matches(pattern, text))
    raise NotTimesError(int(rows[place]), f"is not a time written as the others ({pattern.name}): {WRITE}")


def _matches(pattern: Pattern, text: str) -> bool:
    match = pattern.text.match(text)
    read = parts_of(match) if match else None
    return read is not None and _possible(read)


def _possible(parts: Parts) -> bool:
    if parts.first and not (1 <= parts.first <= 31 and 1 <= parts.second <= 31 and min(parts.first, parts.second) < 13):
        return False
    if not parts.short_year and not PLAUSIBLE[0] <= parts.year < PLAUSIBLE[1]:
        return False
    return (1 <= parts.month <= 12 or -53 <= parts.month < 0) and 1 <= parts.day <= 31


def _dated(
    pattern: Pattern, parts: list[Parts], rows: np.ndarray, places: np.ndarray, reading: Reading, about: str
) -> Times:
    """Times of a pattern's parts, with the century and the order of day and month that fit all of them best."""
    offsets = [part.offset for part in parts]
    if any(offset is None for offset in offsets) and any(offset is not None for offset in offsets):
        odd = next(i for i, offset in enumerate(offsets) if (offset is None) != (offsets[0] is None))
        raise NotTimesError(
            int(rows[odd]), "has an offset from UTC where others have none, or none where others have one"
        )
    array = _Arrays(parts)
    readings = list(_orders(array, rows, reading))
    fits = [fitness(moments[places], reading.step) for _, _, moments in readings]
    best = next(i for i in range(len(fits)) if fits[i] >= max(fits) - TIED)
    dayfirst, century, moments = readings[best]
    ties = [i for i in range(len(fits)) if i != best and readings[i][0] != dayfirst and fits[i] >= fits[best] - TIED]
    if array.short:
        reading.say(about, f"years of two digits: {century}")
    _say_order(reading, about, pattern, dayfirst, array, bool(ties))
    offset = None if offsets[0] is None else np.array(offsets, np.int64)
    return Times(moments, offset, pattern.name, dayfirst)


class _Arrays:
    """Parts as arrays."""

    def __init__(self, parts: Sequence[Parts]) -> None:
        self.year = np.array([part.year for part in parts])
        self.month = np.array([part.month for part in parts])
        self.day = np.array([part.day for part in parts])
        self.first = np.array([part.first for part in parts])
        self.second = np.array([part.second for part in parts])
        self.dotted = parts[0].dotted
        self.short = any(part.short_year for part in parts)
        self.clock = np.array([part.microseconds for part in parts], np.int64)

    def moments(self, dayfirst: bool | None, century: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | int:
        """Microseconds since 1970, or the place of the first date that does not exist."""
        year = century(self.year) if self.short else self.year
        month, day = self.month, self.day
        if dayfirst is not None:
            day, month = (self.first, self.second) if dayfirst else (self.second, self.first)
        if (month < 0).any():
            return _weeks(year, -month, day) + self.clock
        if (month > 12).any():
            return int(np.argmax(month > 12))
        months = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
        days = months.astype("datetime64[D]") + (day - 1)
        beyond = days.astype("datetime64[M]") != months
        return int(np.argmax(beyond)) if beyond.any() else days.astype("datetime64[us]").astype(np.int64) + self.clock


def _orders(array: _Arrays, rows: np.ndarray, reading: Reading) -> list[tuple[bool | None, str, np.ndarray]]:
    """Every reading under which all dates exist: (day first, century, microseconds), the likeliest first.

    Raises:
        NotTimesError: there is none.
    """
    usual: list[bool | None] = [None]
    if array.first.any():
        likely = array.dotted if reading.usual_dayfirst is None else reading.usual_dayfirst
        usual = [likely, not likely] if reading.dayfirst is None else [reading.dayfirst]
    pivot = (datetime.now().year + SHORT_YEAR_AHEAD) % 100
    centuries: dict[str, Callable[[np.ndarray], np.ndarray]] = {"written": lambda year: year}
    if array.short:
        centuries = {
            f"up to {pivot:02d} in the 2000s, above in the 1900s": lambda y: np.where(y <= pivot, 2000, 1900) + y,
            "all in the 1900s": lambda y: 1900 + y,
        }
    found, wrong = [], 0
    for dayfirst in usual:
        for name, century in centuries.items():
            moments = array.moments(dayfirst, century)
            if isinstance(moments, int):
                wrong = max(wrong, moments)
            else:
                found.append((dayfirst, name, moments))
    if not found:
        order = "" if reading.dayfirst is None else f" with the {'day' if reading.dayfirst else 'month'} first"
        raise NotTimesError(int(rows[wrong]), f"is not a time{order if array.first.any() else ''}: {WRITE}")
    return found


def fitness(moments: np.ndarray, step: int | None = None) -> float:
    """How like a series some times are: in order, and without holes in their commonest step; 0 to 2."""
    jumps = np.diff(moments)
    jumps = jumps[jumps != 0]
    if not len(jumps):
        return 0.0
    order = max((jumps > 0).mean(), (jumps < 0).mean())
    steps = np.diff(np.unique(moments))
    sizes, counts = np.unique(steps, return_counts=True)
    usual = step * 60_000_000 if step else sizes[counts.argmax()]
    if not step and (steps >= 27 * DAY_US).all() and len(sizes) > 1:  # months differ
        usual = int(np.median(steps))
    return float(order + min(1.0, (len(steps) * usual) / (moments.max() - moments.min())))


def _weeks(year: np.ndarray, week: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Microseconds of days of ISO weeks: the first week is the one with January 4."""
    fourth = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3
    monday = fourth - (fourth + 3) % 7
    return (monday + 7 * (week - 1) + day - 1) * DAY_US


def _say_order(
    reading: Reading, about: str, pattern: Pattern, dayfirst: bool | None, array: _Arrays, tied: bool
) -> None:
    if dayfirst is None:
        reading.say(about, f"read as {pattern.name}")
        return
    order = "day first" if dayfirst else "month first"
    other = str(not dayfirst).lower()
    if reading.dayfirst is not None:
        reading.say(about, f"{order}, as set or as all files together tell")
    elif (np.maximum(array.first, array.second) > 12).any():
        reading.say(about, f"{order}, since a number above 12 stands where the day must be")
    elif tied:
        reading.say(about, f"{order}, though the other order fits as well: set dayfirst={other} if it is wrong", True)
    else:
        reading.say(about, f"{order}, since only so the rows follow each other in one rhythm")
