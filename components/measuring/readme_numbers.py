"""`python -m components.measuring.readme_numbers`: puts the numbers of `reports/*.json` into the README's tables.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`. Numbers are rounded against us: ours to the worse side,
a baseline's to its better side.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Any

from components.measuring.machine import described
from components.registry import get

ROOT = Path(__file__).resolve().parents[2]
README, REPORTS = ROOT / "README.md", ROOT / "reports"
PROOF = 0.05  # p-value from which a lead counts as none


def updated(text: str, reports: Path = REPORTS) -> str:
    """The README's text with every marked table written anew from the reports."""
    for name, table in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        lines = "\n".join(table(reports))
        text = pattern.sub(lambda _, new=f"{begin}{lines}\n{end}": new, text)  # type: ignore[misc]
    return text


def quality(reports: Path) -> list[str]:
    """One row per real-data run: the model's metric, the hardest baseline's, the verdict, time and sizes."""
    lines = [
        "| application | data | metric | model | hardest baseline | | training | model file: float32, int8 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in _read(reports / "quality.json").values():
        metric = get(row["application"]).metric
        digits = 2 if metric.unit == "%" else 4
        ours = rounded(row["value"], digits, up=not metric.higher_is_better)
        theirs = rounded(row["baseline_value"], digits, up=metric.higher_is_better)
        better = "higher" if metric.higher_is_better else "lower"
        sizes = ", ".join(_size(row["variants"][name]["bytes"]) for name in ("onnx", "onnx-int8"))
        lines.append(
            f"| `{row['application']}` | {row['about']} | {_words(metric.name)}, {better} is better "
            f"| **{ours}{metric.unit}** | {theirs}{metric.unit}, {_words(row['baseline'])} | {_verdict(row)} "
            f"| {rounded(row['training_minutes'], 0, up=True)} min | {sizes} |"
        )
    return lines


def speed(reports: Path) -> list[str]:
    """What the project set out to reach in speed and size, beside what `make bench` measured."""
    found = _read(reports / "bench.json")
    if not found:
        return ["Nothing measured on a quiet machine yet: `make bench` writes `reports/bench.md`."]
    words = {True: "yes", False: "**no**", None: "not measured"}
    lines = ["| | wanted | measured | reached |", "|---|---:|---:|---|"]
    for row in found["targets"]:
        unit = row["limit"].split()[-1]
        measured = "–" if row["measured"] is None else f"{_significant(row['measured'], row['limit'][0] == '≤')} {unit}"
        lines.append(f"| {row['target']} | {row['limit']} | {measured} | {words[row['reached']]} |")
    return lines


def machine(reports: Path) -> list[str]:
    """The machine that the numbers above are from."""
    machines = [row["machine"] for row in _read(reports / "quality.json").values()]
    return [f"Measured on: {described(machines[0])}."] if machines else []


TABLES: Mapping[str, Callable[[Path], list[str]]] = {"quality": quality, "machine": machine, "speed": speed}


def rounded(value: float, digits: int, *, up: bool) -> str:
    """A number with so many digits after the point, rounded up or down."""
    step = Decimal(1).scaleb(-digits)
    return f"{Decimal(repr(float(value))).quantize(step, ROUND_CEILING if up else ROUND_FLOOR):,}"


def _significant(value: float, up: bool, digits: int = 3) -> str:
    """A number with three significant digits, rounded up or down."""
    before_point = Decimal(repr(float(value))).adjusted() + 1
    if before_point > digits:
        step = 10 ** (before_point - digits)
        return f"{int(rounded(value / step, 0, up=up).replace(',', '')) * step:,}"
    return rounded(value, digits - before_point, up=up)


def _verdict(row: Mapping[str, Any]) -> str:
    if not row["beats_baseline"]:
        return "**loses**"
    if row["p_value"] is None:
        return "wins"
    shown = f"p = {_significant(row['p_value'], True, 2)}" if row["p_value"] > 1e-4 else "p = 0.0001"
    return f"wins, {shown}" if row["p_value"] < PROOF else f"ahead, but {shown} is no proof"


def _size(count: int) -> str:
    """Bytes in the unit that suits them, rounded up."""
    return f"{rounded(count / 1e6, 2, up=True)} MB" if count >= 1e6 else f"{rounded(count / 1e3, 0, up=True)} kB"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _read(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def main() -> int:
    """Rewrite the README where its numbers are not those of the reports."""
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
