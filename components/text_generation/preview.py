"""The first lines as they were understood."""

from pathlib import Path
from typing import Any

LINES, CHARACTERS = 8, 100


def preview(path: Path) -> list[dict[str, Any]]:
    """The first lines of an ingested text that are not empty, as Python would write them."""
    found: list[dict[str, Any]] = []
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                found.append({"line": number, "text": repr(line[:CHARACTERS].rstrip("\n"))[1:-1]})
            if len(found) == LINES:
                break
    return found
