"""Tables of a folder: those of one layout together, and pieces of one series that stand in files of their own."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from components.data.choices import chose, doubt
from components.data.tables import is_table
from components.errors import DataError
from components.forecasting.frequency import infer
from components.forecasting.series import History


@dataclass(frozen=True)
class FileSeries:
    """The series of one file.

    Attributes:
        path: the file.
        histories: its series, in order of time.
        record: how it was read.
        names: the columns that tell its series apart; without any, the file's name is its series' name.
        values: how many columns are forecast.
    """

    path: Path
    histories: list[History]
    record: dict[str, Any]
    names: tuple[str, ...]
    values: int

    @property
    def layout(self) -> tuple[str, str, str]:
        """What files of one kind have in common: time columns, name columns, frequency."""
        alias = infer([np.unique(history.minutes) for history in self.histories], str(self.path)).alias
        return "+".join(self.record["time"]).lower(), "+".join(self.names).lower(), alias


def tables_of(folder: Path, pattern: str) -> list[Path]:
    """The tables of a folder, sorted.

    Raises:
        DataError: there is none.
    """
    found = sorted(file for file in folder.glob(pattern or "**/*") if is_table(file))
    if not found:
        told = f"matches {pattern!r}" if pattern else "in this folder"
        raise DataError(f"{folder}: no table {told}: give CSV or Parquet")
    return found


def alike(files: Sequence[FileSeries], folder: Path) -> list[FileSeries]:
    """The files of the commonest layout; what was left out is said."""
    layouts = [file.layout for file in files]
    common, count = Counter(layouts).most_common(1)[0]
    left = [str(file.path.relative_to(folder)) for file, own in zip(files, layouts, strict=True) if own != common]
    if left:
        doubt(
            "files",
            f"{folder}: {count} of {len(files)} tables are alike ({', '.join(filter(None, common))}) and are read; "
            f"left out: {', '.join(left)}; choose with --set files=PATTERN",
        )
    return [file for file, own in zip(files, layouts, strict=True) if own == common]


def joined(files: Sequence[FileSeries], folder: Path) -> list[History]:
    """Every series once: what follows in time under one name, or in files whose names differ in digits, is one.

    Raises:
        DataError: one series in two files at the same time.
    """
    groups: dict[str, list[History]] = {}
    for file in files:
        for history in file.histories:
            groups.setdefault(_key(file, history), []).append(history)
    found: list[History] = []
    for key, histories in groups.items():
        histories.sort(key=lambda history: int(history.minutes[0]))
        apart = all(a.minutes[-1] < b.minutes[0] for a, b in pairwise(histories))
        found += [_end_to_end(key, histories)] if apart and len(histories) > 1 else histories
    twice = [name for name, count in Counter(history.name for history in found).items() if count > 1]
    if twice:
        raise DataError(
            f"{folder}: series '{twice[0]}' is in two files: keep one, or name files with --set files=PATTERN"
        )
    return found


def _key(file: FileSeries, history: History) -> str:
    """What pieces of one series share: their name, without digits where it is only the file's."""
    return history.name if file.names or file.values > 1 else re.sub(r"[\W_]*\d+[\W_]*", " ", history.name).strip()


def _end_to_end(key: str, histories: Sequence[History]) -> History:
    name = key or "series"
    files = ", ".join(dict.fromkeys(history.name for history in histories))
    chose("files", f"{len(histories)} pieces that follow each other in time are one series, '{name}': {files}")
    return replace(
        histories[0],
        name=name,
        minutes=np.concatenate([history.minutes for history in histories]),
        values=np.concatenate([history.values for history in histories]),
        extras=np.concatenate([history.extras for history in histories]),
    )
