"""Archives of the user's own, unpacked for as long as they are read."""

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.data.choices import chose
from components.data.text_files import is_content
from components.errors import DataError

TAR_NAMES = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tar.xz")


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it holds files."""
    return path.is_file() and path.name.lower().endswith((*TAR_NAMES, ".zip"))


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The folder that an archive holds; errors within name the archive.

    Raises:
        DataError: not a whole archive, or what reading its content raises.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        try:
            _unpack(path, root)
            yield _innermost(root)
        except DataError as error:
            raise DataError(str(error).replace(str(_innermost(root)), str(path))) from None


def _unpack(path: Path, root: Path) -> None:
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(root, [name for name in archive.namelist() if is_content(name)])  # noqa: S202
        else:
            with tarfile.open(path) as packed:
                packed.extractall(root, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise DataError(f"{path} is not a whole archive ({error}): copy it again") from None
    chose("archive", f"{path.name} is read as the folder that it holds")


def _innermost(root: Path) -> Path:
    """The first folder that holds more than a folder."""
    entries = [entry for entry in root.iterdir() if is_content(entry.name)]
    return _innermost(entries[0]) if len(entries) == 1 and entries[0].is_dir() else root
