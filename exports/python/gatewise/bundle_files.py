"""Where a bundle's files lie: a folder, or a .zip that is read in memory."""

from pathlib import Path
from typing import Protocol

from gatewise.errors import BundleError

MANIFEST = "manifest.json"


class Files(Protocol):
    """Where a bundle's files lie."""

    def size(self, name: str) -> int | None:
        """Bytes of a file, None when it is not there."""

    def read(self, name: str) -> bytes:
        """A file's bytes."""


class _Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self, name: str) -> int | None:
        file = self._path / name
        return file.stat().st_size if file.is_file() else None

    def read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{name} of bundle {self._path} cannot be read: {error.strerror}") from None


class _Zip:
    """Reads members in memory and never unpacks one, so no member name can lead out of the archive."""

    def __init__(self, path: Path) -> None:
        import zipfile

        self._path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._sizes = {info.filename: info.file_size for info in archive.infolist()}
        except (zipfile.BadZipFile, OSError) as error:
            raise BundleError(f"{path} is not a readable .zip: {first_line(error)}: copy the bundle again") from None
        manifests = [name for name in self._sizes if name.count("/") <= 1 and name.split("/")[-1] == MANIFEST]
        self._prefix = min(manifests, key=len)[: -len(MANIFEST)] if manifests else ""

    def size(self, name: str) -> int | None:
        return self._sizes.get(self._prefix + name)

    def read(self, name: str) -> bytes:
        import zipfile
        import zlib

        try:
            with zipfile.ZipFile(self._path) as archive:
                return archive.read(self._prefix + name)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            raise BundleError(
                f"{name} in {self._path} cannot be unpacked: {first_line(error)}: copy it again"
            ) from None


def files_of(path: Path) -> Files:
    """The files of a folder or a .zip.

    Raises:
        BundleError: neither of them.
    """
    if path.is_dir():
        return _Folder(path)
    if path.is_file():
        return _Zip(path)
    raise BundleError(f"no bundle at {path}: give a folder or a .zip file that holds {MANIFEST}")


def first_line(error: Exception) -> str:
    """An exception as one line: its type for the reader who knows Python, its text for everyone."""
    return f"{type(error).__name__}: {error}".splitlines()[0]
