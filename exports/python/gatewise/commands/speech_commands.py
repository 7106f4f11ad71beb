"""What `gatewise predict` takes and prints for speech commands."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from gatewise.commands import ArgumentGroup, files

CHUNK_SECONDS = 0.1  # sound fed at a time with --stream, as from a microphone


def add_options(group: ArgumentGroup) -> None:
    """Add what this application alone understands."""
    group.add_argument("--stream", action="store_true", help="print every command heard with its time")
    group.add_argument("--channel", type=int, default=0, help="channel of the WAV files, from 1; 0 mixes all")


def answer(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per clip, or with --stream one per command heard."""
    from gatewise.audio import read_wav

    for path in files(options, "a WAV file"):
        samples, rate = read_wav(path, options.channel)
        if options.stream:
            size = max(1, int(CHUNK_SECONDS * rate))
            chunks = (samples[begin : begin + size] for begin in range(0, len(samples), size))
            for heard in predictor.stream(chunks, rate):
                plain = f"{heard.time_s:8.2f} s  {heard.label}  {heard.probability:.1%}  {path}"
                yield (json.dumps({"file": path, **asdict(heard)}) if options.json else plain) + "\n"
        else:
            command = predictor.predict(samples, rate)
            where = f"  (heard from {command.start_s:.2f} s on)" if command.start_s else ""
            plain = f"{command.label}  {command.probability:.1%}  {path}{where}"
            yield (json.dumps({"file": path, **asdict(command)}) if options.json else plain) + "\n"
