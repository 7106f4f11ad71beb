"""Tables and numbers as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MISSING = "–"


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; its first column is text, the others numbers."""
    aligned = ["---", *["---:"] * (len(header) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (header, aligned, *rows)]


def duration(microseconds: float) -> str:
    """A time in the unit that suits it, three digits."""
    if microseconds < 1_000:
        return f"{microseconds:.3g} µs"
    if microseconds < 1e6:
        return f"{microseconds / 1e3:.3g} ms"
    return f"{microseconds / 1e6:.3g} s"


def times(ratio: float) -> str:
    """A ratio."""
    return f"{ratio:.0f}×" if ratio >= 100 else f"{ratio:.2g}×" if ratio < 10 else f"{ratio:.3g}×"


def share(part: float) -> str:
    """A spread, as a share of the median."""
    return f"±{part:.0%}"


def speedup_of(row: Mapping[str, Any], reference: str) -> str:
    """A row's speed relative to a reference."""
    ratio = row["speedup"].get(reference)
    return MISSING if ratio is None else times(ratio)
