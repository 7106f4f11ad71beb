"""Files that would unpack to far more than they are: refused before anything is unpacked."""

import zipfile
from pathlib import Path
from typing import Any

from components.errors import ConversionError

SUSPICIOUS = 1 << 28  # bytes: what unpacks to less hurts nobody
MOST_TIMES = 20  # as large as the file: trained weights hardly compress at all


def check_sizes(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise unless the parts of a `.keras` file, and the weights in them, are of sensible sizes."""
    import h5py

    packed = path.stat().st_size
    _check(path, packed, sum(part.file_size for part in archive.infolist()))
    for part in archive.infolist():
        if part.filename.endswith(".h5"):
            with archive.open(part) as stream:
                try:
                    with h5py.File(stream) as file:
                        check_arrays(path, file, packed)
                except OSError:  # damaged: the loader says so
                    return


def check_arrays(path: Path, file: Any, packed: int) -> None:
    """Raise unless the arrays of an open HDF5 file are of sensible sizes."""
    sizes: list[int] = []
    file.visititems(lambda _, item: sizes.append(int(getattr(item, "nbytes", 0))))
    _check(path, packed, sum(sizes))


def _check(path: Path, packed: int, unpacked: int) -> None:
    if unpacked > max(SUSPICIOUS, MOST_TIMES * packed):
        raise ConversionError(
            f"{path} has {packed / 1e6:.1f} MB and would unpack to {unpacked / 1e9:.1f} GB, which no trained model "
            "does: save the model again, uncompressed"
        )
