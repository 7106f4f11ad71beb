"""`reports/bench.json` with every number, and `reports/bench.md` made of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from components.benchmarks import targets

QUALITY = "quality.json"
HOW = (
    "Measured by `make bench`: every peer in its own process, peers asked in turns; medians of all turns, ratios "
    "paired turn by turn; ± is half the distance between the quartiles. `n×` is how many times faster a row is than "
    "the peer that the column or the text names."
)


def write(folder: Path, tables: Mapping[str, Any], modules: Mapping[str, ModuleType]) -> None:
    """Write both files from the tables' numbers; file sizes come from what `make quality` wrote beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    quality = json.loads((folder / QUALITY).read_text()) if (folder / QUALITY).exists() else {}
    ordered = {name: tables[name] for name in modules if name in tables}
    judged = targets.judged({**ordered, "quality": quality})
    _replace(folder / "bench.json", json.dumps({"tables": ordered, "targets": judged}, indent=1) + "\n")
    _replace(folder / "bench.md", markdown(ordered, judged, modules))


def markdown(tables: Mapping[str, Any], judged: list[dict[str, Any]], modules: Mapping[str, ModuleType]) -> str:
    """The whole report as Markdown."""
    parts = [
        "# Speed\n",
        f"{HOW}\n",
        "## Targets\n",
        *targets.lines(judged),
    ]
    for name, table in tables.items():
        module = modules[name]
        parts += [f"\n## {module.TITLE}\n", f"{module.TEXT}\n", f"{table['machine']}; {table['measured']}.\n"]
        parts += module.lines(table)
        parts += ["", *(f"- {remark}" for remark in table["notes"])] if table["notes"] else []
    return "\n".join(parts) + "\n"


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
