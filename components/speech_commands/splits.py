"""Which part each clip belongs to: the split a data set's owners defined, or one that no speaker straddles."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

from components.data.choices import chose, doubt
from components.speech_commands.clip_files import SPLITS
from components.speech_commands.speakers import Speakers, speakers_in

NOHASH = "_nohash_"
MAX_CLIPS_PER_CLASS = 2**27 - 1  # constant of the Speech Commands split (Warden 2018, section 7)
VALIDATION_PERCENT, TEST_PERCENT = 10.0, 10.0
DIGIT_NAME = re.compile(r"(?P<label>[^_]+)_(?P<speaker>[^_]+)_(?P<index>\d+)\.\w+$")  # free spoken digits
FEW = 5  # clips of a word, with fewer of which it cannot be in all three parts
TEST_INDICES = range(5)  # free spoken digits: recordings 0-4 of each speaker and digit are the test part


def file_name(name: str) -> str:
    """The last part of a clip's name."""
    return name.rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def is_speech_commands(names: Sequence[str]) -> bool:
    """Whether clips are named as in Speech Commands, `<speaker>_nohash_<n>.wav`."""
    return sum(NOHASH in name for name in names) > len(names) / 2


def speaker_in(name: str) -> str:
    """The speaker of a clip named as in Speech Commands; `_unknown_` clips may have their word in front."""
    return file_name(name).split(NOHASH)[0].rsplit("_", 1)[-1]


def official_split(speaker: str) -> str:
    """The part of a Speech Commands speaker, by the algorithm published with the data set."""
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percent = number % (MAX_CLIPS_PER_CLASS + 1) * (100.0 / MAX_CLIPS_PER_CLASS)
    if percent < VALIDATION_PERCENT:
        return "validation"
    return "test" if percent < VALIDATION_PERCENT + TEST_PERCENT else "train"


def digit_split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Speakers and parts of clips named as the free spoken digits: test as published, validation the next five."""
    found = [DIGIT_NAME.search(file_name(name)) for name in names]
    indices = [int(match["index"]) if match else -1 for match in found]
    later = range(len(TEST_INDICES), 2 * len(TEST_INDICES))
    parts = ["test" if i in TEST_INDICES else "validation" if i in later else "train" for i in indices]
    return [match["speaker"] if match else "" for match in found], parts


def is_digits(names: Sequence[str]) -> bool:
    """Whether all clips are named `<word>_<speaker>_<number>.wav`, not as in Speech Commands, and lie in one folder."""
    if is_speech_commands(names) or len({name.rpartition("/")[0] for name in names}) != 1:
        return False
    return all(DIGIT_NAME.search(file_name(name)) for name in names)


def split(names: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str], str]:
    """Speaker and part of each clip, and a sentence on how they were split.

    Speech Commands names follow the official hash. Other names are split so that no speaker is in two parts, the
    speaker being what stands before the first `_` or `-` besides the word; names without one are split clip by clip.
    """
    if is_speech_commands(names):
        speakers = [speaker_in(name) if NOHASH in name else "" for name in names]
        parts = [official_split(speaker or file_name(n)) for speaker, n in zip(speakers, names, strict=True)]
        if set(parts) == set(SPLITS):
            return speakers, parts, "official hash of the speaker"
        chose("speakers", "dealt out to the three parts anew, since the official hash leaves one without clips")
        return speakers, dealt(speakers), "speakers dealt out 80/10/10, since the official hash leaves a part empty"
    return split_by(speakers_in(names, labels), names, labels)


def split_by(speakers: Speakers, names: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str], str]:
    """Speaker and part of each clip, and a sentence on how they were split: by these speakers where that works."""
    parts, reason = dealt(speakers.names), speakers.reason
    trained = {label for label, part in zip(labels, parts, strict=True) if part == "train"}
    if not reason and (lost := sorted(set(labels) - trained)):
        reason = f"since keeping speakers apart would leave no training clip of '{lost[0]}'"
    if reason:
        doubt(
            "speakers", f"clips are dealt out to the three parts one by one, {reason}: the test may hear known voices"
        )
        return [""] * len(names), _one_by_one(names, labels), f"clip by clip, {reason}"
    example = speakers.names[0]
    chose("speakers", f"{len(set(speakers.names))}, told by the files' names or folders, such as '{example}'")
    return list(speakers.names), parts, "speakers (as files' names or folders tell) dealt out 80/10/10"


def _one_by_one(names: Sequence[str], labels: Sequence[str]) -> list[str]:
    """Parts of clips, each word dealt out by itself so that every part has it, unless there are too few of one."""
    if min(Counter(labels).values()) < FEW:
        return dealt(list(names))
    parts: dict[int, str] = {}
    for label in set(labels):
        own = [place for place, its in enumerate(labels) if its == label]
        parts |= dict(zip(own, dealt([names[place] for place in own]), strict=True))
    return [parts[place] for place in range(len(names))]


def dealt(owners: Sequence[str]) -> list[str]:
    """Parts of clips such that one owner's clips stay together: owners in order of their hash, 80/10/10 by clips."""
    order = sorted(set(owners), key=lambda owner: hashlib.sha256(owner.encode()).hexdigest())
    counts = dict.fromkeys(order, 0)
    for owner in owners:
        counts[owner] += 1
    shares, before = {}, 0
    for owner in order:
        percent = 100 * (before + counts[owner] / 2) / len(owners)
        shares[owner] = (
            "test"
            if percent < TEST_PERCENT
            else "validation"
            if percent < TEST_PERCENT + VALIDATION_PERCENT
            else "train"
        )
        before += counts[owner]
    _fill(shares, order)
    return [shares[owner] for owner in owners]


def _fill(shares: dict[str, str], order: Sequence[str]) -> None:
    """Give the test and the validation part one owner each, should they have none and there are owners enough."""
    for position, part in enumerate(("test", "validation")):
        if part not in shares.values() and len(order) > len(SPLITS):
            shares[order[position]] = part
