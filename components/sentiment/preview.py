"""The first rows as they were understood."""

from pathlib import Path
from typing import Any

TEXTS = 3  # of each part and label
CHARACTERS = 80


def preview(raw: Path, parts: tuple[str, ...]) -> list[dict[str, Any]]:
    """The first texts of each label in each part that the source has."""
    import pandas as pd

    found: list[dict[str, Any]] = []
    for part in parts:
        if (raw / f"{part}.parquet").exists():
            table = pd.read_parquet(raw / f"{part}.parquet")
            for label, rows in table.groupby("label"):
                texts = rows["text"].head(TEXTS)
                found += [{"part": part, "label": label, "text": _short(text)} for text in texts]
    return found


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CHARACTERS else line[: CHARACTERS - 1] + "…"
