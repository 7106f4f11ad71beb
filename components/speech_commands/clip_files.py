"""The sound files of a user's folder or archive, in a fixed order; whatever is passed over is said."""

import csv
import hashlib
import os
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from components.data.artifacts import sha256_of
from components.data.choices import chose, doubt
from components.errors import DataError

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", ".au", ".caf", ".w64")
UNREAD = (".m4a", ".aac", ".mp4", ".wma", ".amr", ".3gp", ".webm", ".mka", ".ra")  # sound that soundfile cannot read
ARCHIVES = (".tar.gz", ".tgz", ".tar")
TABLE = "clips.csv"  # beside archives or word folders: columns file, label, split and, if wanted, archive, speaker
SPLITS = ("train", "validation", "test")
NOT_THE_USERS = "__MACOSX"  # what macOS lays beside the files in an archive
LINKS_NAMED = 5
HEAD_BYTES = 4_096  # in which a WAV or FLAC file says its sample rate

TableRow = dict[str, str | tuple[str, str]]


@dataclass(frozen=True)
class ClipFile:
    """One sound file.

    Attributes:
        archive: its archive's name, or nothing.
        name: its path inside the archive or folder.
        read: its first bytes, as many as asked for, all with -1.
    """

    archive: str
    name: str
    read: Callable[[int], bytes]


def clip_files(path: Path, say: bool = True) -> Iterator[ClipFile]:
    """Every sound file of a folder, of the archives in it, or of an archive.

    Args:
        path: the folder or archive.
        say: whether to say what was passed over.

    Raises:
        DataError: neither a folder nor an archive, or an archive that is not whole.
    """
    passed: Counter[str] = Counter()
    if path.is_dir():
        for archive in sorted(path.iterdir()):
            if archive.name.endswith(ARCHIVES) and not archive.name.startswith("."):
                yield from _members(archive, archive.name, passed)
        files, links = _walk(path)
        if links and say:
            chose(
                "linked folders", f"read as if they were there: {', '.join(links[:LINKS_NAMED])} ({len(links)} in all)"
            )
        for file in files:
            name = file.relative_to(path).as_posix()
            if _is_sound(name, passed):
                yield ClipFile("", name, _reader(file))
    elif path.name.endswith(ARCHIVES):
        yield from _members(path, "", passed)
    else:
        raise DataError(f"{path}: not a folder of <word>/*.wav|flac and not a .tar.gz of one")
    if say:
        _say(passed)


def fingerprint_of(path: Path) -> str:
    """A hex sha256 of an archive, or of a folder with what its symbolic links lead to."""
    whole = sha256_of(path)
    files, links = _walk(path) if path.is_dir() else ([], [])
    if not links:
        return whole
    linked = [file for file in files if any((path / link) in file.parents for link in links)]
    lines = [f"{file.relative_to(path).as_posix()} {sha256_of(file)}\n" for file in linked]
    return hashlib.sha256("".join([whole, *lines]).encode()).hexdigest()


def read_clip_table(path: Path) -> dict[tuple[str, str], TableRow]:
    """Rows of a `clips.csv` by (archive without its ending, file).

    Raises:
        DataError: a column is missing, or a split is none; names the line.
    """
    with path.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    for column in ("file", "label", "split"):
        if not rows or column not in rows[0]:
            raise DataError(f"{path}: no column '{column}'; the table needs file, label and split")
    wrong = next((number for number, row in enumerate(rows, 2) if row["split"] not in SPLITS), None)
    if wrong:
        raise DataError(f"{path}, line {wrong}: split '{rows[wrong - 2]['split']}' is none of {', '.join(SPLITS)}")
    keyed = [(((row.get("archive") or "").split(".tar")[0], row["file"]), row) for row in rows]
    return {key: {**row, "key": key} for key, row in keyed}


def _walk(path: Path) -> tuple[list[Path], list[str]]:
    """All files below a folder, those behind symbolic links too, and these links; each folder once, all sorted."""
    found, links, seen = [], [], {path.resolve()}
    for folder, below, files in os.walk(path, followlinks=True):
        new = {Path(folder, name): Path(folder, name).resolve() for name in sorted(below)}
        below[:] = [link.name for link, target in new.items() if target not in seen]
        seen |= set(new.values())
        links += [Path(folder, name).relative_to(path).as_posix() for name in below if Path(folder, name).is_symlink()]
        found += [Path(folder, name) for name in files if Path(folder, name).is_file()]
    return sorted(found), sorted(links)


def _reader(file: Path) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        with file.open("rb") as stream:
            return stream.read(count)

    return read


def _member_reader(stream: IO[bytes] | None, archive: Path) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        if stream is None:
            return b""
        with _whole(archive):
            stream.seek(0)
            return stream.read(count)

    return read


@contextmanager
def _whole(archive: Path) -> Iterator[None]:
    """Refuse an archive that ends before its files do."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, KeyError) as error:
        raise DataError(f"{archive}: not a whole archive ({error}); fetch or pack it again") from None


def _members(archive: Path, shown: str, passed: Counter[str]) -> Iterator[ClipFile]:
    with _whole(archive), tarfile.open(archive) as members:
        for member in members:
            name = member.name.removeprefix("./")
            if not member.isdir() and _is_sound(name, passed):
                yield ClipFile(shown, name, _member_reader(members.extractfile(member), archive))


def _is_sound(name: str, passed: Counter[str]) -> bool:
    """Whether a file is to be read as a clip; counts the sound that is not."""
    path = PurePosixPath(name)
    suffix = path.suffix.lower()
    if suffix not in (*SUFFIXES, *UNREAD):
        return False
    if any(part.startswith(".") or part == NOT_THE_USERS for part in path.parts):
        passed["hidden"] += 1
        return False
    passed[suffix] += suffix in UNREAD
    return suffix in SUFFIXES


def _say(passed: Counter[str]) -> None:
    if hidden := passed.pop("hidden", 0):
        chose("hidden files", f"{hidden} sound files passed over whose name, or whose folder's name, begins with a dot")
    for suffix, count in sorted(passed.items()):
        if count:
            doubt(
                "files not read", f"{count} {suffix} files: convert them to WAV, for example with ffmpeg, to use them"
            )
