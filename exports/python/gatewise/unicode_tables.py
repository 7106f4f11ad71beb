"""Character classes as the training tokenizer sees them, whatever Unicode version this Python has.

Hugging Face `tokenizers` classifies characters by tables older (punctuation, format characters: Unicode 7) and newer
(letters, numbers, lower case: Unicode 16) than Python's own. Listed here is the difference; a test compares both on
every code point.
"""

import unicodedata
from collections.abc import Iterable

ASCII_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")  # symbols such as $ and + among them
REPLACEMENT = "\ufffd"
KEPT_CONTROLS = frozenset("\t\n\r")


def _codes(ranges: str) -> frozenset[str]:
    """The characters of space-separated hex ranges such as '2e43-2e4f 61d'."""
    pairs = [part.partition("-") for part in ranges.split()]
    return frozenset(chr(c) for a, _, b in pairs for c in range(int(a, 16), int(b or a, 16) + 1))


def _shifts(rows: Iterable[tuple[int, int, int]]) -> dict[str, str]:
    """Upper to lower case of (first, last, first in lower case)."""
    return {chr(first + i): chr(lower + i) for first, last, lower in rows for i in range(last - first + 1)}


# Format characters (Cf) of Unicode versions after 7: kept, not removed.
YOUNG_FORMAT = _codes("890-891 8e2 110cd 13430-1343f")

# Punctuation of Unicode versions after 7: part of words.
YOUNG_PUNCTUATION = _codes(
    "61d 9fd a76 c77 c84 1b4e-1b4f 1b7d-1b7f 2e43-2e4f 2e52-2e5d 10d6e 10ead 10f55-10f59 10f86-10f89 113d4-113d5 "
    "113d7-113d8 1144b-1144f 1145a-1145b 1145d 11660-1166c 116b9 1183b 11944-11946 119e2 11a3f-11a46 11a9a-11a9c "
    "11a9e-11aa2 11b00-11b09 11be1 11c41-11c45 11c70-11c71 11ef7-11ef8 11f43-11f4f 11fff 12ff1-12ff2 16d6d-16d6f "
    "16e97-16e9a 16fe2 1e5ff 1e95e-1e95f"
)
FORMER_PUNCTUATION = _codes("166d 111c9")  # symbols today

# Letters and numbers of Unicode 15 and 16.
YOUNG_LETTERS = _codes(
    "1c89-1c8a a7cb-a7cd a7da-a7dc 105c0-105f3 10d4a-10d65 10d6f-10d85 10ec2-10ec4 1123f-11240 11380-11389 1138b 1138e "
    "11390-113b5 113b7 113d1 113d3 11bc0-11be0 11f02 11f04-11f10 11f12-11f33 1342f 13441-13446 13460-143fa 16100-1611d "
    "16d40-16d6c 18cff 1b132 1b155 1df25-1df2a 1e030-1e06d 1e4d0-1e4eb 1e5d0-1e5ed 1e5f0 2b739 2ebf0-2ee5d 31350-323af"
)
YOUNG_NUMBERS = _codes(
    "10d40-10d49 116d0-116e3 11bf0-11bf9 11f50-11f59 16130-16139 16d70-16d79 1ccf0-1ccf9 1d2c0-1d2d3 1e4f0-1e4f9 "
    "1e5f1-1e5fa"
)
YOUNG_LOWER = _shifts(
    [
        (0x1C89, 0x1C89, 0x1C8A),
        (0xA7CB, 0xA7CB, 0x264),
        (0xA7CC, 0xA7CC, 0xA7CD),
        (0xA7CE, 0xA7CE, 0xA7CF),
        (0xA7D2, 0xA7D2, 0xA7D3),
        (0xA7D4, 0xA7D4, 0xA7D5),
        (0xA7DA, 0xA7DA, 0xA7DB),
        (0xA7DC, 0xA7DC, 0x19B),
        (0x10D50, 0x10D65, 0x10D70),
        (0x16EA0, 0x16EB8, 0x16EBB),
    ]
)


def is_removed(char: str) -> bool:
    """Whether cleaning deletes the character: NUL, U+FFFD, control, format and private-use characters."""
    if char in KEPT_CONTROLS or char in YOUNG_FORMAT:
        return False
    return char == REPLACEMENT or unicodedata.category(char) in ("Cc", "Cf", "Co")


def is_space(char: str) -> bool:
    """Whether the character has Unicode's White_Space property."""
    return char.isspace() and not "\x1c" <= char <= "\x1f"


def is_punctuation(char: str) -> bool:
    """Whether the character is a token of its own for a BERT-style splitter."""
    if char in ASCII_PUNCTUATION or char in FORMER_PUNCTUATION:
        return True
    return unicodedata.category(char)[0] == "P" and char not in YOUNG_PUNCTUATION


def lower(char: str) -> str:
    """The character in lower case, regardless of its neighbours (a final sigma stays σ)."""
    return YOUNG_LOWER.get(char) or char.lower()


def ascii_class(char: str) -> str:
    """An ASCII character of the same class as `char`: letter Z, digit 0, newline or '!' for anything else."""
    category = unicodedata.category(char)[0]
    if category == "L" or char in YOUNG_LETTERS:
        return "Z"
    if category == "N" or char in YOUNG_NUMBERS:
        return "0"
    return "\n" if is_space(char) else "!"
