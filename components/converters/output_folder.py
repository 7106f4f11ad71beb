"""The folder that a conversion writes, and which of the files in it may be replaced: those that one wrote itself.

A conversion works in a folder of its own, named `.<out>.converting-…`: beside a folder that does not exist yet, which
then appears whole, or inside one that does. It holds a lock on that folder, so that the next conversion tells a running
one from one that was killed, and removes what the latter left.

`conversion.json` lists every file with its sha256. A file of a listed name with other content is somebody else's: it is
kept under another name.
"""

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.data.artifacts import sha256_of
from components.errors import ConversionError

try:
    import fcntl
except ImportError:  # Windows has no such locks: there a killed conversion's folder is left to its owner
    fcntl = None  # type: ignore[assignment]

CARD, TABLE, HEADER = "conversion.json", "PARITY.md", "model_micro.h"
FILES = "files"  # in the card: sha256 by name
WORKING = ".converting-"
ASIDE = ".yours"  # behind the name of a file that is kept


def checked(out: Path) -> Path:
    """The folder to write, links followed, if nothing stands in the way.

    Raises:
        ConversionError: a file is there, or a folder with files and without a conversion.
    """
    try:
        target = out.resolve()
    except (OSError, RuntimeError) as error:
        raise ConversionError(f"{out} leads nowhere: name a folder to write ({error})") from error
    if target.exists() and not target.is_dir():
        raise ConversionError(f"{out} is a file: name a folder to write")
    if target.is_dir():
        _remove_leftovers(target, target)
        if any(not _at_work(entry) for entry in target.iterdir()) and not (target / CARD).is_file():
            raise ConversionError(f"{out} holds files that no conversion made: name a new or an empty folder")
        _recorded(target)
    return target


@contextmanager
def conversion_folder(target: Path) -> Iterator[Path]:
    """A folder to work in whose files stand in `target` when the block ends well, and vanish when it fails."""
    parent = target if target.is_dir() else target.parent
    parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(parent, target)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}{WORKING}", dir=parent))
    lock = _locked(work)
    try:
        yield work
        if parent == target or target.is_dir():
            _take_places(work, target)
        else:
            work.chmod(0o755)
            work.rename(target)
    finally:
        if lock is not None:
            os.close(lock)
        shutil.rmtree(work, ignore_errors=True)


def checksums(folder: Path) -> dict[str, str]:
    """Sha256 by name of the files in a folder."""
    return {file.name: sha256_of(file) for file in sorted(folder.iterdir()) if file.is_file()}


def _take_places(work: Path, target: Path) -> None:
    """Move finished files to `target`; the old ones of a conversion go first, those of others are kept aside.

    The card goes before what it lists: a conversion that is killed in between leaves nothing that no card knows.
    """
    for name, digest in _recorded(target).items():
        file = target / name
        if file.is_file() and digest in ("", sha256_of(file)):
            file.unlink()
    for file in sorted(work.iterdir(), key=lambda file: file.name != CARD):
        place = target / file.name
        if place.exists() and file.name != CARD:
            place.rename(_free_name(place))
        file.replace(place)


def _free_name(place: Path) -> Path:
    candidates = (place.with_name(f"{place.name}{ASIDE}{number or ''}") for number in range(1_000_000))
    return next(candidate for candidate in candidates if not candidate.exists())


def _recorded(folder: Path) -> dict[str, str]:
    """Sha256 by name of what an earlier conversion wrote, "" where its card is of a version that did not keep them.

    Raises:
        ConversionError: the card is not one.
    """
    path = folder / CARD
    if not path.is_file():
        return {}
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        older = {str(variant["file"]): "" for variant in card["variants"].values()} | {TABLE: "", HEADER: ""}
        known = {str(name): str(digest) for name, digest in card.get(FILES, older).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(f"{path} is not a conversion's: name a new or an empty folder") from error
    return {name: digest for name, digest in known.items() if Path(name).name == name}


def _at_work(entry: Path) -> bool:
    return entry.is_dir() and WORKING in entry.name


def _remove_leftovers(parent: Path, target: Path) -> None:
    """Remove the working folders of killed conversions to `target`."""
    for folder in parent.glob(f".{glob.escape(target.name)}{WORKING}*"):
        lock = _locked(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def _locked(folder: Path) -> int | None:
    """A file descriptor that holds the lock of a folder, None where another process has it."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # it vanished, as the one who worked there ended
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
