"""A user's own text: a file, or what of a folder is text, each text once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from components.data.choices import chose, doubt
from components.errors import DataError
from components.text_generation.corpora import BETWEEN_FILES, BOOK_STARTS, book_in, read_text

PROSE = (".txt", ".text", ".md", ".rst", ".tex", ".org")
CODE = (
    *(".py", ".pyi", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".c", ".h", ".cc", ".cpp", ".hpp", ".cs", ".java", ".kt"),
    *(".scala", ".go", ".rs", ".rb", ".php", ".swift", ".r", ".jl", ".lua", ".pl", ".sh", ".sql", ".hs", ".ml", ".ex"),
    *(".html", ".css", ".xml", ".json", ".yaml", ".yml", ".toml", ".ini", ".cfg"),
)
PACKED = (".gz", ".xz", ".bz2")
NOT_THE_USERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "bower_components", "__MACOSX"})
SNIFFED = 8_192  # bytes
BINARY_SHARE = 0.03  # of control bytes, from which a file is no text
CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n\r\f\x1b\0"))
WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
SHOWN = 5  # files in a message


def read_own(path: Path, encoding: str = "") -> str:
    """The text of one file, or of a folder's text and code files in the order of their names, copies once.

    Raises:
        DataError: no encoding of a file can be told, or there is no text in the file or in any of the folder.
    """
    if path.is_dir():
        _say_passed_over(path)
    texts: dict[str, Path] = {}
    copies = []
    for file in own_files(path):
        text = _without_licence(read_text(file, encoding), file).strip("\n")
        if text.strip() and text in texts:
            copies.append(file)
        elif text.strip():
            texts[text] = file
    if not texts:
        raise DataError(f"{path} is empty: give a {'folder of files' if path.is_dir() else 'file'} with text")
    if copies:
        doubt("copies", f"{len(copies)} files repeat another one, and each text is read once: {_few(copies, path)}")
    return BETWEEN_FILES.join(texts) + "\n"


def own_files(path: Path) -> list[Path]:
    """The file itself, or the text and code files of a folder and the folders in it.

    Raises:
        DataError: the folder holds none.
    """
    if not path.is_dir():
        return [path]
    files = [file for file, reason in _judged(path) if not reason]
    if not files:
        raise DataError(f"{path}: no text in this folder: give files named {', '.join(PROSE)} or source code (.py, …)")
    return files


def _judged(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder in order, and why it is passed over, "" where it is read."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file, _reason_against(file, file.relative_to(folder))


def _reason_against(file: Path, relative: Path) -> str:
    for part in relative.parts[:-1]:
        if part.startswith(".") or part in NOT_THE_USERS:
            return f"in {part}"
    if relative.name.startswith("."):
        return "hidden"
    suffixes = [suffix.lower() for suffix in file.suffixes]
    kind = suffixes[-2:-1] if suffixes[-1:] and suffixes[-1] in PACKED else suffixes[-1:]
    if not kind or kind[0] not in PROSE + CODE:
        return "not text by their names"
    return "binary" if kind == suffixes[-1:] and _is_binary(file) else ""


def _is_binary(file: Path) -> bool:
    """Whether a file named like text is none: its beginning holds control bytes in plenty."""
    with file.open("rb") as stream:
        seen = stream.read(SNIFFED)
    if not seen or seen.startswith(WIDE_MARKS):
        return False
    return len(seen) - len(seen.translate(None, CONTROLS)) > BINARY_SHARE * len(seen)


def _say_passed_over(folder: Path) -> None:
    """Say how many files are read and which are not, by reason."""
    judged = list(_judged(folder))
    reasons = Counter(reason for _, reason in judged if reason)
    read = sum(not reason for _, reason in judged)
    if not reasons:
        chose("files", f"all {read} of {folder.name} are read")
        return
    parts = []
    for reason, count in reasons.items():
        files = [file for file, given in judged if given == reason]
        parts.append(f"{count} {reason} ({_few(files, folder)})")
    chose("files", f"{read} of {folder.name} are read; passed over are {', '.join(parts)}")


def _without_licence(text: str, file: Path) -> str:
    """The text without Project Gutenberg's licence around a book."""
    if not BOOK_STARTS.search(text):
        return text
    book = book_in(text)
    if book is None:
        doubt("licence text", f"{file.name} holds Project Gutenberg's licence, which is learned too: cut it out")
        return text
    chose("licence text", f"Project Gutenberg's, around the book in {file.name}, is left out")
    return book


def _few(files: list[Path], folder: Path) -> str:
    names = [str(file.relative_to(folder)) for file in files[:SHOWN]]
    return ", ".join(names) + (" …" if len(files) > SHOWN else "")
