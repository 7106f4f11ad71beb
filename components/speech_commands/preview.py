"""The first clips as they were understood."""

from pathlib import Path
from typing import Any

from components.speech_commands.store import read_table

WORDS, CLIPS = 8, 2  # words, and clips of each


def preview(raw: Path) -> list[dict[str, Any]]:
    """The first clips of the first words: label, speaker, part and seconds."""
    rows, _, rate, _ = read_table(raw)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        shown = found.setdefault(row.label, [])
        if len(shown) < CLIPS:
            part = row.split or "all"
            seconds = round(row.samples / rate, 2)
            shown.append(
                {"label": row.label, "speaker": row.speaker, "part": part, "seconds": seconds, "file": row.name}
            )
    return [clip for word in list(found)[:WORDS] for clip in found[word]]
