"""Numbers as people write them: decimal comma, groups of three digits, marks of a missing value."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

MISSING = frozenset(
    ("", "-", "--", "---", ".", "..", "?", "na", "n/a", "n.a.", "#n/a", "#na", "#n/a n/a", "<na>", "nan", "-nan",
     "null", "none", "nil", "missing", "#value!", "#div/0!", "–", "—")
)  # fmt: skip  # in lower case
GROUPS = " '\u00a0\u202f\u2009’"  # marks between groups of digits that cannot be a decimal mark
PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$")
MARKED = re.compile(r"[-+]?\d[\d.,'\u00a0\u202f\u2009’ ]*(?:[eE][-+]?\d+)?$")
SIGNS = "$€£¥%"
NINES_APART = 0.05  # of the others' span: so far off a number of nines is suspicious, any other as far as all of it
ENDLESS = re.compile(r"[-+]?inf(?:inity)?$", re.IGNORECASE)


@dataclass(frozen=True)
class NumberForm:
    """How numbers are written.

    Attributes:
        decimal: the mark before a fraction.
        thousands: the mark between groups of three digits, "" without.
        sure: whether the cells leave no other reading.
    """

    decimal: str = "."
    thousands: str = ""
    sure: bool = True


def find_form(cells: Iterable[str], decimal: str = "", thousands: str = "") -> NumberForm:
    """The form of some cells' numbers, found from all of them; what is given stays as given."""
    cells = {cell.strip(SIGNS + " ") for cell in cells}
    texts = {cell for cell in cells if MARKED.match(cell)}
    groups = thousands or next((mark for mark in GROUPS if any(_grouped(text, mark) for text in texts)), "")
    if decimal:
        other = "," if decimal == "." else "."
        return NumberForm(decimal, groups or (other if any(other in text for text in texts) else ""))
    if thousands in (",", "."):
        return NumberForm("," if thousands == "." else ".", thousands)
    comma, point = ({text for text in texts if mark in text} for mark in ",.")
    if not comma:
        several = any(text.count(".") > 1 for text in point)
        return NumberForm(",", ".") if several else NumberForm(".", groups)
    return _with_commas(texts, comma, point, groups)


def _with_commas(texts: set[str], comma: set[str], point: set[str], groups: str) -> NumberForm:
    both = next(iter(comma & point), "")
    if both:
        return NumberForm(",", ".") if both.rfind(",") > both.rfind(".") else NumberForm(".", ",")
    if any(not _grouped(text, ",") for text in comma):
        return NumberForm(",", groups or ("." if point else ""))
    several = any(text.count(",") > 1 for text in comma)
    if several or point:
        return NumberForm(".", ",")
    small = any(abs(int(re.sub(r"\D", "", text) or 0)) >= 1000 for text in texts - comma)
    return NumberForm(",", groups, sure=False) if small else NumberForm(".", ",", sure=False)


def _grouped(text: str, mark: str) -> bool:
    """Whether a mark in a number stands only where one between groups of three digits may."""
    return re.match(rf"[-+]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+(?![\d{re.escape(mark)}])", text) is not None


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: (rows,) float64, NaN where a value is missing.
        marks: texts that were read as missing, and how often; empty cells are not counted.
        wrong: the first row that holds no number, None when there is none.
        signs: whether a number bears a sign of currency or per cent.
    """

    values: np.ndarray
    marks: dict[str, int]
    wrong: int | None
    signs: bool = False


def numbers(cells: Sequence[str], form: NumberForm, missing: Iterable[str] = ()) -> Numbers:
    """A column's numbers; each different text is read once."""
    texts, places = np.unique(np.asarray(cells, dtype=str), return_inverse=True)
    further = {text.strip().lower() for text in missing}
    values = np.full(len(texts), np.nan)
    absent, bad = np.zeros(len(texts), bool), np.zeros(len(texts), bool)
    for i, text in enumerate(texts.tolist()):
        number = _number(text.strip(), form)
        absent[i] = text.strip().lower() in MISSING | further or (number is not None and _among(number, further))
        bad[i] = number is None and not absent[i]
        if number is not None and not absent[i]:
            values[i] = number
    counts = np.bincount(places.ravel(), minlength=len(texts))
    marks = {str(texts[i]): int(counts[i]) for i in np.flatnonzero(absent) if texts[i].strip()}
    wrong = np.flatnonzero(bad[places.ravel()])
    signs = any(text.strip() != text.strip(SIGNS + " ") and known for text, known in zip(texts, ~bad, strict=True))
    return Numbers(values[places.ravel()], marks, int(wrong[0]) if len(wrong) else None, signs)


def looks_like_number(text: str) -> bool:
    """Whether a cell holds a number in any form, or says that there is none."""
    bare = text.strip().strip(SIGNS + " ")
    return bare.lower() in MISSING or MARKED.match(bare.replace("\u2212", "-")) is not None or bare[:1] == "."


def missing_in(values: np.ndarray, missing: Iterable[str]) -> np.ndarray:
    """Numbers with those that mean "no value" made NaN."""
    wanted = [float(text) for text in missing if PLAIN.match(text.strip())]
    return np.where(np.isin(values, wanted), np.nan, values) if wanted else values


def _among(number: float, texts: Iterable[str]) -> bool:
    return any(PLAIN.match(text) is not None and float(text) == number for text in texts)


def _number(text: str, form: NumberForm) -> float | None:
    text = text.replace("\u2212", "-").strip(SIGNS + " ")
    if ENDLESS.match(text):
        return float(text)
    if form.thousands:
        whole, mark, fraction = text.partition(form.decimal)
        if form.thousands in fraction:
            return None
        groups = whole.split(form.thousands)
        if len(groups) > 1 and any(len(group) != 3 for group in groups[1:]):
            return None
        text = "".join(groups) + mark + fraction
    if form.decimal != ".":
        if "." in text:
            return None
        text = text.replace(form.decimal, ".")
    return float(text) if PLAIN.match(text) else None


def suspicious(values: np.ndarray) -> tuple[float, int] | None:
    """A number that stands far outside all others and again and again: likely a mark of missing values; how often."""
    known = np.sort(values[np.isfinite(values)])
    for ordered, sign in ((known, 1), (-known[::-1], -1)):
        different = np.unique(ordered)
        if len(different) < 3:
            return None
        count = int((ordered == different[0]).sum())
        span = different[-1] - different[1]
        nines = re.match(r"-?9{2,}(?:\.[09]+)?$", f"{sign * different[0]}") is not None
        if count >= 3 and different[1] - different[0] > span * (NINES_APART if nines else 1):
            return float(sign * different[0]), count
    return None
