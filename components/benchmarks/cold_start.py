"""Table `cold_start`: from the start of a process to its first answer, and the most memory it held."""

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.benchmarks.bundles import Prepared, untrained
from components.benchmarks.markdown import duration, grid, share, speedup_of
from components.benchmarks.preparing import prepared
from components.benchmarks.processes import QUIET, Effort, note
from components.benchmarks.timing import Timing, timed_rows
from components.errors import GatewiseError
from components.registry import names

log = logging.getLogger(__name__)

TITLE = "Cold start"
TEXT = (
    "From the start of the Python process to its first answer, files in the page cache, and the most memory the "
    "process held (VmHWM). Gatewise: load a bundle, every file's sha256 checked, predict. TensorFlow: load the same "
    "`.keras` file, call it once on ready arrays."
)
LIGHT, TENSORFLOW = "Gatewise", "TensorFlow"
LIGHT_STARTS = 3  # for one of TensorFlow
EDGE = Path(".venv-edge/bin/python")  # as `make bench` makes it: the light package and what it needs, nothing else
HERE = Path(__file__).parent
MEGABYTE = 1e6


def prepare(folder: Path) -> None:
    """The `base` bundle of every application."""
    for name in names():
        untrained(name, {}, folder / name)


def run(folder: Path, effort: Effort) -> dict[str, Any]:
    """The table."""
    models = prepared("cold_start", folder)
    edge = EDGE.exists()
    python = str(EDGE.absolute()) if edge else sys.executable
    notes = [f"Gatewise ran in {'the light environment .venv-edge' if edge else 'the full environment .venv'}."]
    rows: list[dict[str, Any]] = []
    for name in names():
        made = Prepared(models / name)
        vectors = made.bundle / "testvectors.npz"
        commands = {
            LIGHT: [python, "-I", str(HERE / "first_answer.py"), str(made.bundle)],
            TENSORFLOW: [
                sys.executable,
                "-m",
                "components.benchmarks.first_answer_keras",
                str(made.keras),
                str(vectors),
            ],
        }
        rows += [{"application": name, **row} for row in _measured(name, commands, notes, effort.starts)]
    return {"rows": rows, "notes": notes}


def _measured(name: str, commands: Mapping[str, list[str]], notes: list[str], starts: int) -> list[dict[str, Any]]:
    """Rows of one application; one unmeasured start of each fills the page cache."""
    timings, memory = {}, {}
    for peer, command in commands.items():
        try:
            first_answer(command)
            results = [first_answer(command) for _ in range(LIGHT_STARTS * starts if peer == LIGHT else starts)]
        except GatewiseError as error:
            note(notes, f"{peer} is left out of {name}: {error}.")
            continue
        timings[peer] = Timing(tuple((seconds * 1e9,) for seconds, _ in results))
        memory[peer] = statistics.median(peak for _, peak in results) / MEGABYTE
    log.info("cold start of %s measured", name)
    shortest = min((len(timing.turns) for timing in timings.values()), default=0)
    pairs = {peer: Timing(timing.turns[:shortest]) for peer, timing in timings.items()}
    speedups = {row["peer"]: row["speedup"] for row in timed_rows(pairs, [TENSORFLOW])}
    return [
        {"peer": peer, **timing.row(), "megabytes": memory[peer], "speedup": speedups[peer]}
        for peer, timing in timings.items()
    ]


def first_answer(command: list[str]) -> tuple[float, int]:
    """Seconds from the process' start to its first line, and its peak memory in bytes.

    Raises:
        GatewiseError: it did not answer; its last line is quoted.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        started = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ, **QUIET}
        ) as process:
            answers = iter(process.stdout or ())
            first = next(answers, "")
            seconds = time.perf_counter() - started
            second = "".join(answers)
        errors.seek(0)
        said = [line.strip() for line in errors if line.strip()] or ["it said nothing"]
    if process.returncode or not first:
        raise GatewiseError(said[-1])
    return seconds, int(json.loads(second)["bytes"])


def lines(table: Mapping[str, Any]) -> list[str]:
    """The table as Markdown."""
    header = ["application", "by", "first answer", "fastest", "spread", "peak memory", f"× {TENSORFLOW}"]
    return grid(
        header,
        [
            [
                row["application"],
                row["peer"],
                duration(row["median_us"]),
                duration(row["fastest_us"]),
                share(row["spread"]),
                f"{row['megabytes']:.0f} MB",
                speedup_of(row, TENSORFLOW),
            ]
            for row in table["rows"]
        ],
    )
