"""The front-door check: raw test rows through the light package in its own process must answer as the evaluation did.

Whatever lies between a user's row and the graph (cleaning, columns, times, where in a clip the word is) is checked
here as a device meets it: a bundle that answers otherwise is not made.
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from components.application import Call, FrontDoor, Predict, Trained
from components.errors import ParityError

log = logging.getLogger(__name__)

VARIANT = "onnx"  # the float32 file: what int8 costs is measured elsewhere
ACCEPTED = 1e-3  # of the larger number, where both are numbers: float32 in two runtimes, printed in decimal
TIMEOUT_S = 600
QUIET = {"ORT_DISABLE_TELEMETRY": "1"}


def check_front_door(trained: Trained[Any], predict: Predict, bundle: Path) -> dict[str, Any]:
    """How many raw rows were asked, and by how much the answers differ at the most.

    Args:
        trained: the run and its data.
        predict: the network as the evaluation ran it.
        bundle: the folder of the bundle.

    Raises:
        ParityError: the light package refuses a row or answers something else; names row, answer and expectation.
    """
    run = trained.run
    with tempfile.TemporaryDirectory() as folder:
        asked = run.application.front_door(predict, trained.data.path, run.config, Path(folder))
        answers = [json.loads(line) for call in asked.calls for line in _said(run.application.name, bundle, call)]
    largest = _compared(run.application.name, asked, answers)
    log.info("front door: %d raw test rows answered as evaluated (largest difference %.1e)", len(answers), largest)
    return {"rows": len(answers), "largest_difference": largest}


def _compared(name: str, asked: FrontDoor, answers: Sequence[Any]) -> float:
    if len(answers) != len(asked.expected):
        raise ParityError(f"front door of {name}: {len(answers)} answers to {len(asked.expected)} raw test rows")
    largest = 0.0
    for row, (wanted, got) in enumerate(zip(asked.expected, answers, strict=True), start=1):
        for place, one, other in _leaves(wanted, got, ""):
            difference = _difference(one, other)
            if not difference <= ACCEPTED:
                raise ParityError(
                    f"front door of {name}: to raw test row {row} the device answers {place} = {other!r}, the "
                    f"evaluation {one!r}: what training does to a row before the graph, the light package does not"
                )
            largest = max(largest, difference)
    return largest


def _difference(one: Any, other: Any) -> float:
    """0 for equal values, the relative difference of numbers (absolute below one), infinity for anything else."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (one, other))
    if numbers:
        return abs(one - other) / max(1.0, abs(one), abs(other))
    return 0.0 if one == other else float("inf")


def _leaves(wanted: Any, got: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Every value that is expected with the one in its place; None where the answer has none."""
    if isinstance(wanted, Mapping):
        given = got if isinstance(got, Mapping) else {}
        for name, value in wanted.items():
            yield from _leaves(value, given.get(name), f"{place}.{name}" if place else str(name))
    elif isinstance(wanted, list | tuple):
        for index, (value, other) in enumerate(zip_longest(wanted, got if isinstance(got, list) else [])):
            yield from _leaves(value, other, f"{place}[{index}]")
    else:
        yield place, wanted, got


def _said(name: str, bundle: Path, call: Call) -> list[str]:
    command = [sys.executable, "-m", "gatewise", "predict", "--json", "--variant", VARIANT, *call.options]
    command += ["--", str(bundle), *call.inputs]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env={**os.environ, **QUIET}
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ParityError(f"front door of {name}: the light package refuses a raw test row: {said}")
    return [line for line in done.stdout.splitlines() if line.strip()]
