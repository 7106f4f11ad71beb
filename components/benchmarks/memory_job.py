"""A process that makes data of a size, takes it through ingest and preprocess, and says how much memory that took."""

import csv
import json
import logging
import sys
import tempfile
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from components.application import Run
from components.benchmarks.first_answer import peak_bytes
from components.pipeline import stages
from components.registry import get

WORDS = 2_000  # different made-up words
RATE = 16_000  # Hz


@dataclass(frozen=True)
class Job:
    """What is fed to which application.

    Attributes:
        application: its name.
        unit: what a size counts.
        small: the smaller size; the larger one is ten times that.
        write: makes the data of a size in a folder and returns what `--source` takes.
        settings: in place of the preset `tiny`'s.
    """

    application: str
    unit: str
    small: int
    write: Callable[[Path, int], Path]
    settings: Mapping[str, Any] = field(default_factory=dict)


def _words(rng: np.random.Generator, count: int) -> np.ndarray:
    letters = np.array(list("etaoinshrdlu"))
    known = np.array(["".join(rng.choice(letters, rng.integers(2, 9))) for _ in range(WORDS)])
    return known[rng.zipf(1.3, count) % WORDS]


def _text(folder: Path, size: int) -> Path:
    """A text of `size` thousand characters, twelve words a line."""
    path, rng = folder / "text.txt", np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < 1_000 * size:
            file.write("\n".join(" ".join(line) for line in _words(rng, 12_000).reshape(-1, 12)) + "\n")
    return path


def _reviews(folder: Path, size: int) -> Path:
    """A table of `size` thousand texts of a hundred words."""
    path, rng = folder / "reviews.csv", np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for number in range(size):
            for row, words in enumerate(_words(rng, 100_000).reshape(-1, 100)):
                writer.writerow([" ".join(words), "ab"[(number + row) % 2]])
    return path


def _series(folder: Path, size: int) -> Path:
    """A table of `size` thousand hourly rows of one series."""
    path, rng = folder / "series.csv", np.random.default_rng(0)
    times = np.datetime64("1990-01-01T00") + np.arange(1_000 * size)
    values = 20 + np.cumsum(rng.normal(size=len(times))) / 50
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time", "value"])
        writer.writerows((time, f"{value:.4f}") for time, value in zip(times, values, strict=True))
    return path


def _clips(folder: Path, size: int) -> Path:
    """`size` hundred one-second clips of two words by ten speakers."""
    rng = np.random.default_rng(0)
    for number in range(100 * size):
        path = folder / "clips" / ("yes", "no")[number % 2] / f"speaker{number // 2 % 10}_{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE, RATE, "NONE", ""))
            file.writeframes(rng.integers(-3_000, 3_000, RATE, np.int16).tobytes())
    return folder / "clips"


JOBS = {
    "text, characters": Job("text_generation", "thousand characters", 2_000, _text),
    "text, word pieces": Job("text_generation", "thousand characters", 2_000, _text, {"level": "subword"}),
    "reviews": Job("sentiment", "thousand texts", 4, _reviews),
    "series": Job("forecasting", "thousand rows", 50, _series),
    "clips": Job("speech_commands", "hundred clips", 5, _clips),
}


def peak(job: Job, size: int) -> int:
    """The most bytes that this process held after both stages."""
    app = get(job.application)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = str(job.write(folder, size))
        run = Run(app, source, app.preset("tiny").changed(job.settings))
        stages.preprocess(run, stages.ingest(run, folder / "raw"), folder / "data")
        return peak_bytes()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    chosen = JOBS[sys.argv[1]]
    sys.stdout.write(json.dumps({"bytes": peak(chosen, int(sys.argv[2]))}) + "\n")
