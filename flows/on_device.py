"""Run by the demo in the light environment: one timed prediction of a bundle, as JSON on stdout.

Imports the light package and numpy only.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

import gatewise

REPEATS = 20
CHARACTERS = 40
NOT_COUNTED = {"pip", "setuptools", "wheel"}


def prediction(predictor: Any, vectors: Any) -> tuple[Callable[[], Any], int]:
    """A call that predicts once, on an input of the bundle's test vectors, and how many predictions it counts for."""
    name = type(predictor).__name__
    if name == "TextGenerator":
        return lambda: predictor.predict("The ", length=CHARACTERS, seed=1), CHARACTERS
    if name == "SentimentClassifier":
        return lambda: predictor.predict("The plot was dull, but the acting was not bad at all."), 1
    if name == "CommandRecognizer":
        return lambda: predictor.predict(vectors["case0/input/samples"][0]), 1
    values = vectors["case0/input/values"][0]  # (context,)
    minutes = vectors["case0/input/minutes"][0][: len(values)]  # (context,)
    extra = {"extra": vectors["case0/input/extra"][0]} if "case0/input/extra" in vectors else {}
    times = np.datetime64("1970-01-01T00:00") + minutes.astype("timedelta64[m]")
    return lambda: predictor.predict(values, times=times, **extra), 1


def shown(answer: Any) -> str:
    """The answer in one line."""
    if hasattr(answer, "label"):
        return f"{answer.label} ({answer.probability:.0%})"
    if hasattr(answer, "median"):
        return "median " + ", ".join(f"{value:.4g}" for value in np.ravel(answer.median)[:5]) + " …"
    return json.dumps(answer, ensure_ascii=False)


def main(path: str) -> None:
    """Print the answer, the median milliseconds per prediction and the installed packages."""
    predict, count = prediction(gatewise.load(path), np.load(Path(path) / "testvectors.npz"))
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
