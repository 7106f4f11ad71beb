"""Labelled clips on disk: one file of 16-bit samples and one table, however many clips there are."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from components.speech_commands.audio import Clip, to_pcm

SAMPLES, TABLE, FACTS = "samples.pcm", "clips.csv", "facts.json"


@dataclass(frozen=True)
class Row:
    """Where a clip lies in the file of samples, and whose it is."""

    name: str
    label: str
    speaker: str
    split: str
    start: int
    samples: int


def write_clips(folder: Path, clips: Iterable[Clip]) -> list[Row]:
    """Append the samples of all clips to one file and return their rows; the table is written by `write_table`."""
    rows, start = [], 0
    with (folder / SAMPLES).open("wb") as stream:
        for clip in clips:
            stream.write(to_pcm(clip.samples).tobytes())
            rows.append(Row(clip.name, clip.label, clip.speaker, clip.split, start, len(clip.samples)))
            start += len(clip.samples)
    return rows


def write_table(folder: Path, rows: Iterable[Row], rate: int, split: str) -> None:
    """Write the table beside the samples, and what holds for all of them."""
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(Row.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)
    (folder / FACTS).write_text(json.dumps({"sample_rate": rate, "split": split}))


def read_table(folder: Path) -> tuple[list[Row], np.ndarray, int, str]:
    """The rows, all samples as 16-bit integers (mapped, not read), the sample rate, and how the parts were made."""
    with (folder / TABLE).open(newline="", encoding="utf-8") as stream:
        rows = [
            Row(row["name"], row["label"], row["speaker"], row["split"], int(row["start"]), int(row["samples"]))
            for row in csv.DictReader(stream)
        ]
    facts = json.loads((folder / FACTS).read_text())
    return rows, np.memmap(folder / SAMPLES, "<i2", "r"), int(facts["sample_rate"]), str(facts["split"])
