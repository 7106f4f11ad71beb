"""Who speaks, as file names tell: `<speaker>_<number>.wav`, but neither words nor numbers of takes."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from components.speech_commands.layout import ARCHIVE, SPEAKER_PREFIX

MIN_SPEAKERS = 5  # fewer cannot be kept apart in three parts
MOSTLY = 0.95  # of the clips
NUMBERED = re.compile(r"(?P<prefix>\D*)\d+")
SPEAKER_PREFIXES = re.compile(SPEAKER_PREFIX, re.IGNORECASE)
NAMES_SHOWN = 4


@dataclass(frozen=True)
class Speakers:
    """The speaker of each clip, none if `reason` says why they cannot be told; it begins as in "clip by clip, …"."""

    names: list[str]
    reason: str = ""


def speakers_in(names: Sequence[str], labels: Sequence[str]) -> Speakers:
    """The speakers that file names tell: what stands before the first `_` or `-` once the word is taken away."""
    found = [_candidate(name, label) for name, label in zip(names, labels, strict=True)]
    return judged(found, labels, "file names")


def judged(found: Sequence[str], labels: Sequence[str], where: str) -> Speakers:
    """These as speakers, unless they are none or too few.

    Args:
        found: what may be the speaker of each clip.
        labels: the clips' words.
        where: what tells them.
    """
    shown = ", ".join(repr(name) for name in sorted(set(found))[:NAMES_SHOWN])
    count = len(set(found))
    if count == 1:
        reason = f"since the {where} tell of one speaker only, or of none ({shown})"
    elif _are_takes(found, labels):
        reason = f"since the numbers in the {where} ({shown}, …) are those of takes and not of speakers"
    elif _follow_words(found, labels) or count > len(found) / 2:
        reason = f"since no speaker can be told from the {where}"
    elif count < MIN_SPEAKERS:
        reason = f"since there are only {count} speakers ({shown})"
    else:
        return Speakers(list(found))
    return Speakers([""] * len(found), reason)


def _candidate(name: str, label: str) -> str:
    parts = re.split(r"[_-]", PurePosixPath(ARCHIVE.sub("", name)).stem)
    others = [part for part in parts if part.casefold() != label.casefold()]
    return (others or parts)[0]


def _are_takes(found: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether all are numbers, with the same letters in front that name no speaker, and none comes twice in a word."""
    matches = [NUMBERED.fullmatch(name) for name in found]
    prefixes = {match["prefix"] for match in matches if match}
    if not all(matches) or len(prefixes) != 1 or SPEAKER_PREFIXES.fullmatch(prefixes.pop().rstrip(" ")):
        return False
    pairs = Counter(zip(found, labels, strict=True))
    return sum(count for count in pairs.values() if count == 1) >= MOSTLY * len(found)


def _follow_words(found: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether each word has its own one: another spelling of the word."""
    by_label = defaultdict(set)
    for name, label in zip(found, labels, strict=True):
        by_label[label].add(name)
    return all(len(names) == 1 for names in by_label.values()) and len(by_label) == len(set(found)) > 1
