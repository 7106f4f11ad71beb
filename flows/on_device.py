"""Run by the demo in the light environment: one timed prediction of a bundle, as JSON on stdout.

Imports the light package and numpy only.
"""

import json
import statistics
import sys
import time
from importlib.metadata import distributions
from typing import Any

import numpy as np

import gatewise
from gatewise.examples import example_call

REPEATS = 20
NOT_COUNTED = {"pip", "setuptools", "wheel"}


def shown(answer: Any) -> str:
    """The answer in one line."""
    if hasattr(answer, "label"):
        return f"{answer.label} ({answer.probability:.0%})"
    if hasattr(answer, "median"):
        return "median " + ", ".join(f"{value:.4g}" for value in np.ravel(answer.median)[:5]) + " …"
    return json.dumps(answer, ensure_ascii=False)


def main(path: str) -> None:
    """Print the answer, the median milliseconds per prediction and the installed packages."""
    predict, count = example_call(gatewise.load(path))
    answer, times = predict(), []
    for _ in range(REPEATS):
        started = time.perf_counter()
        predict()
        times.append(1_000 * (time.perf_counter() - started) / count)
    packages = sorted({found.metadata["Name"].lower() for found in distributions()} - NOT_COUNTED)
    facts = {"shown": shown(answer), "milliseconds": statistics.median(times), "packages": packages}
    sys.stdout.write(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1])
