"""Which folder of a clip's path is its word, which its speaker, and which names are none of both."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.data.choices import chose, doubt
from components.speech_commands.words import CORE_WORDS, OTHER_WORDS

BACKGROUND, UNKNOWN, SILENCE = "_background_noise_", "_unknown_", "_silence_"
SPECIAL = {
    **dict.fromkeys(("background", "background noise", "noise", "noises", "bg noise"), BACKGROUND),
    **dict.fromkeys(("unknown", "unknowns", "other words", "others"), UNKNOWN),
    "silence": SILENCE,
}
PART_FOLDERS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation"}
SPEAKER_PREFIX = r"(s|p|id|spk|speaker|user|person|participant|subject|sub|voice|talker|child|adult)"
SPEAKER_FOLDER = re.compile(rf"{SPEAKER_PREFIX}[ _-]?\d+|\d{{2,}}|[0-9a-f]{{8}}", re.IGNORECASE)
ARCHIVE = re.compile(r"^[^/]*\.(tar|tar\.gz|tgz):")  # in front of names from archives
KNOWN_WORDS = {*CORE_WORDS, *OTHER_WORDS}


@dataclass(frozen=True)
class Place:
    """What a clip's folders say of it: its label, nothing where it lies in no folder, and perhaps its speaker."""

    label: str
    speaker: str = ""


def folders_of(name: str) -> list[str]:
    """The folders of a clip's name, without its archive."""
    return ARCHIVE.sub("", name).split("/")[:-1]


def special(name: str, words: Sequence[str]) -> str:
    """The label of a clip in a folder of noise, silence or other words, nothing elsewhere; `words` are commands."""
    for folder in reversed(folders_of(name)):
        plain = re.sub(r"[ _-]+", " ", folder.casefold()).strip()
        if folder not in words and plain in SPECIAL:
            return SPECIAL[plain]
    return ""


def places(names: Sequence[str], words: Sequence[str]) -> list[Place]:
    """Where each clip belongs by its folders: <word>/x.wav, <word>/<speaker>/x.wav or <speaker>/<word>/x.wav.

    Args:
        names: paths of clips.
        words: the commands, where they were named.
    """
    labels = [special(name, words) for name in names]
    _say_special(names, labels)
    plain = [folders_of(name) for name, label in zip(names, labels, strict=True) if not label]
    shared = _shared_depth(plain)
    deep = [(folders[-2], folders[-1]) for folders in plain if len(folders) - shared > 1]
    loose = {folders[-1] for folders in plain if len(folders) - shared == 1}
    outer_is_word, named = _order(deep, loose, words) if deep else (False, False)
    return [
        Place(label) if label else _place(folders_of(name), shared, outer_is_word, named)
        for name, label in zip(names, labels, strict=True)
    ]


def _place(folders: Sequence[str], shared: int, outer_is_word: bool, named: bool) -> Place:
    if len(folders) - shared < 2:
        return Place(folders[-1] if folders else "")
    word, speaker = (folders[-2], folders[-1]) if outer_is_word else (folders[-1], folders[-2])
    return Place(word, speaker if named else "")


def _shared_depth(paths: Sequence[Sequence[str]]) -> int:
    """How many folders at the beginning all paths have in common, the last one of each aside."""
    depth, most = 0, min((len(path) for path in paths), default=0) - 1
    while depth < most and len({path[depth] for path in paths}) == 1:
        depth += 1
    return depth


def _order(deep: Sequence[tuple[str, str]], loose: set[str], words: Sequence[str]) -> tuple[bool, bool]:
    """Whether the outer of two folders is the word, and whether the other one is a speaker; said."""
    outer, inner = ({pair[i] for pair in deep} for i in (0, 1))
    example = "/".join(deep[0])
    if {name.casefold() for name in outer} <= PART_FOLDERS:
        doubt("folders", f"{', '.join(sorted(outer))} are not taken for parts: give a clips.csv with a split column")
        return False, False
    for known in (set(words), loose, KNOWN_WORDS):
        if len(outer & known) * len(inner) != len(inner & known) * len(outer):  # shares compared
            return _said(len(outer & known) * len(inner) > len(inner & known) * len(outer), example)
    numbered = [sum(bool(SPEAKER_FOLDER.fullmatch(name)) for name in names) / len(names) for names in (outer, inner)]
    if numbered[0] != numbered[1]:
        return _said(numbered[1] > numbered[0], example)
    doubt("folders", f"the last one is taken for the word, as in {example}/: give words=… if the one before it is")
    return False, False


def _said(outer_is_word: bool, example: str) -> tuple[bool, bool]:
    order = "<word>/<speaker>" if outer_is_word else "<speaker>/<word>"
    chose("folders", f"read as {order}/, for example {example}/")
    return outer_is_word, True


def _say_special(names: Sequence[str], labels: Iterable[str]) -> None:
    """Say which folders are taken for noise, silence or other words though not named as those of Speech Commands."""
    found = {
        (folder, label)
        for name, label in zip(names, labels, strict=True)
        for folder in folders_of(name)
        if label and folder != label and special(f"{folder}/x", ()) == label
    }
    for folder, label in sorted(found):
        chose("folders", f"'{folder}' is taken for {label}, no command: name it in words=… if it is one")
