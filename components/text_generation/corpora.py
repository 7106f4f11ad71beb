"""Texts to learn from: the interpreter's own, Project Gutenberg books, and a user's file or folder."""

import hashlib
import logging
import re
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from components.errors import DataError, SourceError

log = logging.getLogger(__name__)

PROSE = (".txt", ".text", ".md", ".rst", ".tex", ".org")
CODE = (
    *(".py", ".pyi", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".java", ".kt"),
    *(".scala", ".go", ".rs", ".rb", ".php", ".swift", ".r", ".jl", ".lua", ".pl", ".sh", ".sql", ".hs", ".ml", ".ex"),
    *(".html", ".css", ".xml", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg"),
)
BETWEEN_FILES = "\n\n"
BYTE_ORDER_MARK = "\ufeff"
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
    text = read_text(path)
    start, end = BOOK_STARTS.search(text), BOOK_ENDS.search(text)
    if start is None or end is None or end.start() <= start.end():
        raise DataError(
            f"{path}: no text between '*** START OF' and '*** END OF': not a plain text of Project Gutenberg; "
            f"delete the file and fetch it again"
        )
    return text[start.end() : end.start()].strip() + "\n"


def read_own(path: Path) -> str:
    """The text of one UTF-8 file, or of a folder's text and code files in the order of their names.

    Raises:
        DataError: a file is not UTF-8, or there is no text in the file or in any of the folder.
    """
    texts = [text.strip("\n") for file in own_files(path) if (text := read_text(file)).strip()]
    if not texts:
        raise DataError(f"{path} is empty: give a {'folder of files' if path.is_dir() else 'file'} with text")
    return BETWEEN_FILES.join(texts) + "\n"


def own_files(path: Path) -> list[Path]:
    """The file itself, or the text and code files of a folder and the folders in it, hidden ones passed over.

    Raises:
        DataError: the folder holds none.
    """
    if not path.is_dir():
        return [path]
    found = [file for file in sorted(path.rglob("*")) if file.is_file() and not _hidden(file.relative_to(path))]
    files = [file for file in found if file.suffix.lower() in PROSE + CODE]
    if not files:
        raise DataError(f"{path}: no text in this folder: give files named {', '.join(PROSE)} or source code (.py, …)")
    if len(files) < len(found):
        log.info("%s: reading %d files, passing over %d that are not text", path, len(files), len(found) - len(files))
    return files


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, its line ends made `\\n`.

    Raises:
        DataError: the file is not UTF-8.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}; save it as UTF-8"
        ) from None
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


def _hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)
