"""How a table of series is written: what a user or a bundle says of it, and what was found out while it was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Note:
    """One thing that was found out or chosen while a table was read.

    Attributes:
        about: two or three words.
        chosen: what it became and why.
        doubtful: whether it could be wrong.
    """

    about: str
    chosen: str
    doubtful: bool = False


@dataclass(frozen=True)
class Reading:
    """How a table is to be read; what is empty is found from all of its rows.

    Attributes:
        separator: between fields.
        decimal: the mark before a fraction, "." or ",".
        thousands: the mark between groups of three digits.
        encoding: of the text; tried after UTF-8 and UTF-16.
        missing: further texts and numbers that mean "no value".
        time_format: as `datetime.strptime` spells it.
        dayfirst: whether 01/02/2020 is in February.
        usual_dayfirst: the same, where the rows themselves do not tell.
        step: minutes between rows, where they are known beforehand: it decides between two readings of a date.
        notes: what was found out, in order; grows while tables are read.
    """

    separator: str = ""
    decimal: str = ""
    thousands: str = ""
    encoding: str = ""
    missing: tuple[str, ...] = ()
    time_format: str = ""
    dayfirst: bool | None = None
    usual_dayfirst: bool | None = None
    step: int | None = None
    notes: list[Note] = field(default_factory=list, compare=False)

    def say(self, about: str, chosen: str, doubtful: bool = False) -> None:
        """Keep a note, once."""
        note = Note(about, chosen, doubtful)
        if note not in self.notes:
            self.notes.append(note)


def recorded(settings: Mapping[str, Any]) -> Reading:
    """How a bundle's own training table was read, as far as it says so: a start for reading others like it."""
    table: Mapping[str, Any] = settings.get("table") or {}
    return Reading(
        encoding=str(table.get("encoding") or ""),
        missing=tuple(map(str, table.get("missing") or ())),
        time_format=str(table.get("time_format") or ""),
        usual_dayfirst=table.get("dayfirst"),
        step=settings.get("step_minutes"),
    )
