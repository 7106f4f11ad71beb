"""Table `memory`: the most memory that reading and preparing data takes, and how it grows with ten times the data."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.benchmarks.markdown import MISSING, grid
from components.benchmarks.memory_job import JOBS
from components.benchmarks.preparing import QUIET
from components.benchmarks.processes import QUICK, Effort, note

TITLE = "Memory of ingest and preprocess"
TEXT = (
    "Peak resident memory (VmHWM) of a process that takes made-up data through ingest and preprocess, at a size and at "
    "ten times that size. `growth` is what each further unit of data costs, by which larger data can be planned."
)
TIMES = 10
MEGABYTE = 1e6
QUICK_SHARE = 20  # of the sizes, where only the way is tried


def run(folder: Path, effort: Effort) -> dict[str, Any]:  # noqa: ARG001  the same signature in every table
    """The table."""
    notes: list[str] = []
    rows = []
    for name, job in JOBS.items():
        small = max(1, job.small // QUICK_SHARE) if effort == QUICK else job.small
        peaks = [_peak(name, size, notes) for size in (small, TIMES * small)]
        rows.append({"data": name, "unit": job.unit, "sizes": [small, TIMES * small], "bytes": peaks})
    return {"rows": rows, "notes": notes}


def _peak(name: str, size: int, notes: list[str]) -> int | None:
    command = [sys.executable, "-m", "components.benchmarks.memory_job", name, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **QUIET})
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        note(notes, f"{name} at {size:,}: {said[-1]}.")
        return None
    return int(json.loads(done.stdout.splitlines()[-1])["bytes"])


def lines(table: Mapping[str, Any]) -> list[str]:
    """The table as Markdown."""
    header = ["data", "size", "memory", f"{TIMES}× the size", "memory", "ratio", "growth per unit"]
    return grid(header, [_cells(row) for row in table["rows"]])


def _cells(row: Mapping[str, Any]) -> list[str]:
    (small, large), (one, other) = row["sizes"], row["bytes"]
    shown = [MISSING if value is None else f"{value / MEGABYTE:,.0f} MB" for value in (one, other)]
    growth, ratio = MISSING, MISSING
    if one and other:
        growth = f"{(other - one) / (large - small) / 1_000:,.1f} kB per {row['unit'].removesuffix('s')}"
        ratio = f"{other / one:.1f}×"
    return [row["data"], f"{small:,} {row['unit']}", shown[0], f"{large:,}", shown[1], ratio, growth]
