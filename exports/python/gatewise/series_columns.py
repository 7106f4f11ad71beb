"""Which columns of a table hold time, names and values: found by their usual names and by what stands in them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gatewise.number_forms import MISSING, PLAIN
from gatewise.reading import Reading
from gatewise.time_forms import NotTimesError, read_times
from gatewise.time_patterns import TIME_OF_DAY, TIMES_OF_DAY_MARK

TIMES = (
    "datetime", "date_time", "date time", "timestamp", "time", "date", "ds", "datum", "observation_date",
    "utc_timestamp", "epoch", "unix", "unixtime", "unix_time", "ts",
    "day", "month", "week", "quarter", "year", "period", "zeit", "zeitpunkt", "zeitstempel", "tag",
    "monat", "woche", "jahr", "fecha", "data", "jour", "mois", "année",
)  # fmt: skip  # likeliest first, in lower case
PARTS = {
    "year": ("year", "yr", "jahr", "yyyy"), "month": ("month", "mo", "monat", "mm"), "day": ("day", "tag", "dd"),
    "hour": ("hour", "hr", "stunde", "hh"), "minute": ("minute", "minuten"), "quarter": ("quarter", "quartal"),
    "week": ("week", "woche"),
}  # fmt: skip
CLOCKS = ("time", "hour", "uhrzeit", "zeit", "stunde", "hora", "heure", "time of day", "hr", "clock", "hour_of_day")
LIKE_TIME = re.compile(
    r"date|datum|time|stamp|zeit|epoch|unix|fecha|period|month|monat|week|quarter|^day$|^year$", re.IGNORECASE
)
NAMES = (
    "series", "symbol", "ticker", "name", "unique_id", "series_id", "station", "item_id", "store", "shop", "item",
    "product", "sku", "store_id", "product_id", "region", "country", "city", "sensor", "sensor_id", "meter_id",
)  # fmt: skip
VALUES = (
    "close",
    "value",
    "y",
    "target",
    "sales",
    "demand",
    "price",
    "adj close",
    "adjclose",
    "wert",
    "valor",
    "valeur",
)
COUNTERS = ("no", "id", "index", "unnamed: 0", "nr", "row", "")  # row numbers, no quantity
SAMPLE = 60  # cells that say whether a column could be one of times

Cells = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class TimeColumns:
    """The columns that hold the time, and their texts put together, (rows,)."""

    names: tuple[str, ...]
    texts: Sequence[str]


def resolve(names: Sequence[str], wanted: str) -> str | None:
    """The column of that name: as it is written, else in other letters where only one column is meant."""
    if wanted in names:
        return wanted
    for plain in (_spaced, lambda name: _spaced(name).lower()):
        alike = [name for name in names if plain(name) == plain(wanted)]
        if len(alike) == 1:
            return alike[0]
    return None


def resolve_all(names: Sequence[str], wanted: Sequence[str]) -> tuple[list[str], str | None]:
    """Columns of some names, of which one with commas may have been cut at them, and the first name that is none."""
    found, place = [], 0
    while place < len(wanted):
        for end in range(len(wanted), place, -1):
            name = resolve(names, ",".join(wanted[place:end]))
            if name is not None:
                found.append(name)
                place = end
                break
        else:
            return found, wanted[place]
    return found, None


def usual(names: Sequence[str], likely: Iterable[str]) -> list[str]:
    """The columns that bear one of the likely names, in the order of those."""
    by_lower: dict[str, str] = {}
    for name in names:
        by_lower.setdefault(name.lower().strip("#* "), name)
    return [by_lower[name] for name in likely if name in by_lower]


def time_columns(names: Sequence[str], cells: Cells, wanted: Sequence[str] = ()) -> TimeColumns | None:
    """The columns of time: those asked for, or found by name and content; None where there are none."""
    if wanted:
        return _joined(list(wanted), cells)
    parts = _parts(names)
    if parts:
        return TimeColumns(tuple(parts.values()), _from_parts({part: cells(name) for part, name in parts.items()}))
    name = _time_column(names, cells)
    if name is None:
        return None
    clock = next((other for other in usual(names, CLOCKS) if other != name and _clocks(cells(other))), None)
    if clock is None or any(":" in text for text in _sample(cells(name))):
        return TimeColumns((name,), cells(name))
    return _joined([name, clock], cells)


def _time_column(names: Sequence[str], cells: Cells) -> str | None:
    by_name = usual(names, TIMES)
    other = [name for name in names if LIKE_TIME.search(name) and name not in by_name]
    good = [name for name in [*by_name, *other] if _times(cells(name))]
    if good:
        return good[0]
    sure = [name for name in by_name if name.lower() != "data" and not _counts(cells(name))]
    if sure:
        return sure[0]
    texts = [name for name in names if not all(PLAIN.match(text) for text in _sample(cells(name)))]
    return next((name for name in texts if _times(cells(name))), None)


def _spaced(name: str) -> str:
    return re.sub(r"\s*,\s*", ",", name.strip().strip("\"'"))


def _sample(texts: Sequence[str]) -> list[str]:
    return [text.strip() for text in [*texts[: SAMPLE // 2], *texts[-SAMPLE // 2 :]]]


def _times(texts: Sequence[str]) -> bool:
    """Whether a sample of cells are times with a date."""
    sample = _sample(texts)
    try:
        read_times(sample, Reading())
    except NotTimesError:
        return False
    return True


def _counts(texts: Sequence[str]) -> bool:
    """Whether cells are small numbers or times of day, as in a column `month` beside `date`."""
    sample = _sample(texts)
    return _clocks(sample) or all(PLAIN.match(text) and len(text) < 4 for text in sample)


def _clocks(texts: Sequence[str]) -> bool:
    """Whether a sample of cells are times of day."""
    sample = [text for text in _sample(texts) if text.lower() not in MISSING]
    return bool(sample) and all(TIME_OF_DAY.match(text) for text in sample)


def _joined(names: list[str], cells: Cells) -> TimeColumns:
    """Date and clock put together."""
    if len(names) == 1:
        return TimeColumns((names[0],), cells(names[0]))
    dates, clocks = cells(names[0]), cells(names[1])
    hours = names[1].lower() not in ("time", "zeit", "uhrzeit", "clock")
    texts = [f"{date.strip()} {_clock(clock.strip(), hours)}" for date, clock in zip(dates, clocks, strict=True)]
    return TimeColumns(tuple(names), texts)


def _clock(text: str, hours: bool) -> str:
    """A time of day as hours and minutes; bare numbers are hours, or hours and minutes in four digits."""
    if TIMES_OF_DAY_MARK.search(text) and "." not in text[:3]:
        return text
    if "." in text and text.count(".") > 1:
        return text.replace(".", ":")
    whole = text.partition(".")[0]
    if not whole.isdigit():
        return text
    return f"{whole.zfill(2)}:00" if hours or len(whole) < 3 else f"{whole.zfill(4)[:2]}:{whole[-2:]}"


def _parts(names: Sequence[str]) -> dict[str, str]:
    """The column of each part of a time that is spread over columns; empty where it is not."""
    found = {part: columns[0] for part, known in PARTS.items() if (columns := usual(names, known))}
    if "year" not in found:
        return {}
    if "month" in found:
        chain = ["year", "month", *(["day"] if "day" in found else [])]
        if "day" in found:
            chain += [part for part in ("hour", "minute") if part in found]
        return {part: found[part] for part in chain}
    other = next((part for part in ("quarter", "week") if part in found), None)
    return {"year": found["year"], other: found[other]} if other else {}


def _from_parts(columns: dict[str, Sequence[str]]) -> list[str]:
    """Texts of times from their parts."""

    def whole(text: str) -> str:
        return text.strip().removesuffix(".0")

    parts = {part: [whole(text) for text in texts] for part, texts in columns.items()}
    marks = {"month": "-", "day": "-", "hour": " ", "minute": ":", "quarter": "-Q", "week": "-W"}
    texts = list(parts.pop("year"))
    for part, cells in parts.items():
        texts = [text + marks[part] + cell.lstrip("QqWw") for text, cell in zip(texts, cells, strict=True)]
    return texts
