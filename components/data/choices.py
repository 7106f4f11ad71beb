"""What was chosen for the user while data was read: said in the log, and kept for report, manifest and `inspect`.

A reader says `chose("date form", "day first, found from the daily rhythm")`; whoever called it, at any distance, gets
the list from `collected()`. `doubt(…)` is the same for a choice that could be wrong: it is logged as a warning.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """One choice.

    Attributes:
        about: what was chosen, two or three words.
        chosen: what it became and why, one sentence without a full stop.
        doubtful: whether it could be wrong.
    """

    about: str
    chosen: str
    doubtful: bool = False


_now: ContextVar[list[Choice] | None] = ContextVar("choices", default=None)


def chose(about: str, chosen: str) -> None:
    """Say and keep a choice that is sure."""
    _keep(Choice(about, chosen))


def doubt(about: str, chosen: str) -> None:
    """Say and keep a choice that could be wrong, with what to do if it is."""
    _keep(Choice(about, chosen, doubtful=True))


@contextmanager
def collected() -> Iterator[list[Choice]]:
    """The choices that are made within the block, in order, each once."""
    kept: list[Choice] = []
    before = _now.set(kept)
    try:
        yield kept
    finally:
        _now.reset(before)


def as_json(choices: list[Choice]) -> list[dict[str, Any]]:
    """For a data card."""
    return [asdict(choice) for choice in choices]


def choices_on(card: Mapping[str, Any]) -> list[Choice]:
    """The choices on a data card, those of the raw data that it was made of first."""
    entries = [*card.get("raw", {}).get("choices", ()), *card.get("choices", ())]
    return list(dict.fromkeys(Choice(**entry) for entry in entries))


def say_again(card: Mapping[str, Any]) -> None:
    """Log the choices that were made when the data of a card was read, in a run that takes it as it is."""
    for entry in card.get("choices", ()):
        _log(Choice(**entry))


def choices_list(choices: Sequence[Choice]) -> str:
    """A Markdown list, those that could be wrong first."""
    ordered = sorted(choices, key=lambda choice: not choice.doubtful)
    return "\n".join(f"- {'**check** ' if one.doubtful else ''}{one.about}: {one.chosen}" for one in ordered)


def _keep(choice: Choice) -> None:
    kept = _now.get()
    if kept is not None and choice in kept:
        return
    _log(choice)
    if kept is not None:
        kept.append(choice)


def _log(choice: Choice) -> None:
    log.log(logging.WARNING if choice.doubtful else logging.INFO, "%s: %s", choice.about, choice.chosen)
