"""The ways in which people write a time, as patterns, and the numbers that a matching text holds."""

import re
from dataclasses import dataclass

MONTH_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero ene gennaio", "feb february februar febrero",
            "mar march mär märz mrz marzo",
            "apr april abril abr", "may mai mayo", "jun june juni junio", "jul july juli julio",
            "aug august agosto ago", "sep sept september septiembre", "oct october okt oktober octubre",
            "nov november noviembre", "dec december dez dezember diciembre dic",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "wet": 0, "west": 60, "eet": 120,
    "eest": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
}  # fmt: skip  # minutes ahead of UTC
CLOCK = (
    r"(?P<H>\d{1,2})(?:[:.h](?P<M>\d{2})(?:[:.](?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?"
    r"\s*(?P<p>[AaPp]\.?[Mm]\.?)?"
)
ZONE = r"(?:\s*(?P<z>Z|[A-Za-z]{3,4}|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?))?(?:\s*\[[\w/+-]+\])?"
END = rf"(?:(?:T|_|,?\s+|:){CLOCK}{ZONE})?$"
WEEKDAY = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Mo|Di|Mi|Do|Fr|Sa|So)[a-z]*\.?,?\s+)?"
YEAR = r"(?P<y>\d{4}|\d{2}|'\d{2})"
NAME = r"(?P<name>[^\W\d_]{3,10})\.?"


@dataclass(frozen=True)
class Pattern:
    """One way to write a time.

    Attributes:
        name: as a person would call it.
        text: what matches it.
        unit: what one step of it is: "time", "month", "quarter", "week" or "year".
    """

    name: str
    text: re.Pattern[str]
    unit: str = "time"


def _pattern(name: str, text: str, unit: str = "time") -> Pattern:
    return Pattern(name, re.compile(text, re.IGNORECASE), unit)


PATTERNS = (
    _pattern("year-month-day", WEEKDAY + r"(?P<y>\d{4})(?P<s>[-/. ])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})" + END),
    _pattern("day/month/year", WEEKDAY + r"(?P<a>\d{1,2})(?P<s>[-/. ])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d{2})" + END),
    _pattern(
        "yearmonthday", r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?:[T ]?(?P<H>\d\d)(?:(?P<M>\d\d)(?P<S>\d\d)?)?)?(?P<z>Z)?$"
    ),
    _pattern("yearmonthday and clock", r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)" + END),
    _pattern("day month-name year", WEEKDAY + rf"(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?[-/ ]*{NAME}[-/, ]*{YEAR}" + END),
    _pattern(
        "month-name day year", WEEKDAY + rf"{NAME}[- ]*(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?[- ]+(?P<y>\d{{4}})" + END
    ),
    _pattern("year-month-name-day", rf"(?P<y>\d{{4}})[-/ ]?{NAME}[-/ ]?(?P<d>\d{{1,2}})" + END),
    _pattern("year-month", r"(?P<y>\d{4})(?:[-/. ]|[-/ ]?M)(?P<m>\d{1,2})$", "month"),
    _pattern("yearmonth", r"(?P<y>\d{4})(?P<m>\d{2})$", "month"),
    _pattern("month/year", r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})$", "month"),
    _pattern("month-name year", rf"{NAME}[-/, ]*{YEAR}$", "month"),
    _pattern("year month-name", rf"(?P<y>\d{{4}})[-/, ]*{NAME}$", "month"),
    _pattern("year and quarter", r"(?P<y>\d{4})[-/:. ]?Q(?P<q>[1-4])$", "quarter"),
    _pattern("quarter and year", rf"(?:Q(?P<q>[1-4])|(?P<k>[1-4])\.?Q)[-/:. ]*{YEAR}$", "quarter"),
    _pattern("year and week", r"(?P<y>\d{4})[-/ ]?(?:W|KW|CW)[- ]?(?P<w>\d{1,2})(?:-?(?P<v>[1-7]))?$", "week"),
    _pattern("week and year", r"(?:W|KW|CW)[- ]?(?P<w>\d{1,2})[-/ ](?P<y>\d{4})$", "week"),
    _pattern("year", r"(?P<y>[12]\d{3})(?:\.0)?$", "year"),
)
TIME_OF_DAY = re.compile(rf"{CLOCK}{ZONE}$|(?P<c>\d{{3,4}})$")
TIMES_OF_DAY_MARK = re.compile(r"[:.h]\d\d|[AaPp]\.?[Mm]")


@dataclass(frozen=True)
class Parts:
    """The numbers of one text; `first` and `second` of a date whose order is not known yet, `dotted` as in 1.2.2020.

    Attributes:
        offset: minutes ahead of UTC, None without one.
    """

    year: int
    month: int
    day: int
    first: int
    second: int
    dotted: bool
    short_year: bool
    microseconds: int
    offset: int | None


def parts_of(match: re.Match[str]) -> Parts | None:
    """What a matching text says, None where its words are no month or zone."""
    found = match.groupdict()
    month = MONTH_NAMES.get(found["name"].lower()) if found.get("name") else _int(found, "m", 1)
    offset = _offset(found.get("z"))
    clock = _microseconds(found)
    if month is None or offset == "unknown" or clock is None:
        return None
    year = found["y"].lstrip("'")
    quarter = _int(found, "q", 0) or _int(found, "k", 0)
    if quarter:
        month = 3 * quarter - 2
    if found.get("w"):
        month = -_int(found, "w", 1)  # a week counts as a negative month until the year is known
    return Parts(
        int(year), month, _int(found, "d", _int(found, "v", 1)), _int(found, "a", 0), _int(found, "b", 0),
        found.get("s") == ".", len(year) < 4, clock, offset if isinstance(offset, int) else None,
    )  # fmt: skip


def _int(found: dict[str, str | None], name: str, default: int) -> int:
    text = found.get(name)
    return default if text is None else int(text)


def _offset(text: str | None) -> int | str | None:
    """Minutes ahead of UTC, "unknown" for a word that is no zone."""
    if not text:
        return None
    word = text.lower()
    if word in ZONES:
        return ZONES[word]
    digits = re.sub(r"^(utc|gmt)", "", word)
    if digits[0] not in "+-":
        return "unknown"
    hours, minutes = int(digits[1:3]), int(digits[-2:]) if len(digits) > 3 else 0
    return (hours * 60 + minutes) * (-1 if digits[0] == "-" else 1)


def _microseconds(found: dict[str, str | None]) -> int | None:
    """Microseconds into the day; None where the clock says what no clock says."""
    hour, minute, second = _int(found, "H", 0), _int(found, "M", 0), _int(found, "S", 0)
    half = (found.get("p") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    fraction = int((found.get("f") or "0").ljust(6, "0")[:6])
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction
