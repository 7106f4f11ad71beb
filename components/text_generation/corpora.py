"""Texts to learn from: the interpreter's own and Project Gutenberg books; how any of them is read."""

import hashlib
import re
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from components.data.text_files import text_of, without_nuls
from components.errors import DataError, SourceError

BETWEEN_FILES = "\n\n"
CODE_PACKAGES = ("asyncio", "collections", "concurrent", "email", "html", "http", "importlib", "json", "logging")

BOOK_STARTS = re.compile(r"^\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)
BOOK_ENDS = re.compile(r"^\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG.*$", re.MULTILINE)

PROSE_LETTERS = 0.85  # share of letters and spaces from which a paragraph counts as prose
SPEAKER_AND_LINE = re.compile(r"^[^\W\d_][\w .'’-]{0,30}: \S")
SPEAKER_ALONE = re.compile(r"^[^\W\d_][\w .'’-]{0,30}:$")
DIALOGUE_SHARE = 0.6  # of the lines (or paragraphs) that must open with a speaker for a text to count as dialogue


def python_topics() -> str:
    """The prose of the language reference that every CPython carries, one line per paragraph.

    Tables, grammar and code are left out. Topics share paragraphs: each is kept once, or the test part would repeat
    what was trained on.
    """
    from pydoc_data.topics import topics

    paragraphs = [" ".join(part.split()) for _, text in sorted(topics.items()) for part in text.split("\n\n")]
    prose = [part for part in dict.fromkeys(paragraphs) if _letters(part) >= PROSE_LETTERS * len(part) > 0]
    return BETWEEN_FILES.join(prose) + "\n"


def python_library() -> str:
    """Source code of some of the standard library's packages, about a million characters.

    Raises:
        SourceError: this Python was installed without its source.
    """
    root = Path(sysconfig.get_path("stdlib"))
    files = [file for package in CODE_PACKAGES for file in sorted((root / package).rglob("*.py"))]
    if not files:
        raise SourceError(f"no source code in {root}: this Python came without it; give a folder of code of your own")
    texts = (read_text(file).strip("\n") for file in files)
    return BETWEEN_FILES.join(text for text in texts if text) + "\n"


def read_book(path: Path) -> str:
    """A Project Gutenberg book without the licence text around it.

    Raises:
        DataError: not such a text.
    """
    book = book_in(read_text(path))
    if book is None:
        raise DataError(
            f"{path}: no text between '*** START OF' and '*** END OF': not a plain text of Project Gutenberg; "
            f"delete the file and fetch it again"
        )
    return book + "\n"


def book_in(text: str) -> str | None:
    """The book that Project Gutenberg's licence stands around, None where there is none or more than one."""
    starts, ends = list(BOOK_STARTS.finditer(text)), list(BOOK_ENDS.finditer(text))
    if len(starts) != 1 or len(ends) != 1 or ends[0].start() <= starts[0].end():
        return None
    return text[starts[0].end() : ends[0].start()].strip()


def read_text(path: Path, encoding: str = "") -> str:
    """The text of a file without NUL characters, its line ends made `\\n`.

    Raises:
        DataError: no encoding of it can be told.
    """
    text = without_nuls(text_of(path, encoding), path)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def fingerprint(files: Iterable[Path]) -> str:
    """Hex sha256 over the content of files in their order."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def turn_end(text: str) -> str | None:
    """What ends a speaker's turn where the text is dialogue, None where it is not.

    A line feed for `speaker: line` texts; an empty line where the speaker stands alone above what they say.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    if _share(SPEAKER_AND_LINE, lines) >= DIALOGUE_SHARE:
        return "\n"
    if _share(SPEAKER_ALONE, [part.strip().splitlines()[0] for part in paragraphs]) >= DIALOGUE_SHARE:
        return "\n\n"
    return None


def _share(pattern: re.Pattern[str], lines: list[str]) -> float:
    return sum(bool(pattern.match(line)) for line in lines) / max(1, len(lines))


def _letters(text: str) -> int:
    return sum(character.isalpha() or character == " " for character in text)
