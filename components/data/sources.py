"""Sources of raw data: what they are, where they come from, and how their files reach this machine unharmed."""

import logging
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.data.artifacts import sha256_of
from components.errors import SettingError, SourceError

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

TIMEOUT_S = 30.0
CHUNK_BYTES = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """A file at a public address; `sha256` is None where its owner publishes none and it may change."""

    name: str
    url: str
    sha256: str | None = None
    bytes: int | None = None


@dataclass(frozen=True)
class Source:
    """One entry of an application's catalogue.

    Attributes:
        name: what `--source` takes.
        kind: "embedded" (no network), "public" (fixed files) or "live" (asked for anew every time).
        summary: one line for `gatewise-flows sources`.
        licence: as far as its owner states one.
        files: what `fetch` brings for a public source.
    """

    name: str
    kind: str
    summary: str
    licence: str
    files: tuple[RemoteFile, ...] = ()


def is_own(source: str) -> bool:
    """Whether a source is a path of the user's and not a name: it exists, or it looks like a path."""
    return os.sep in source or source.startswith((".", "~")) or Path(source).suffix != "" or Path(source).exists()


def own_path(source: str) -> Path:
    """The user's file or folder.

    Raises:
        SourceError: nothing is there.
    """
    path = Path(source).expanduser()
    if not path.exists():
        raise SourceError(
            f"{source}: no such file or folder; give an existing path or a name from `gatewise-flows sources`"
        )
    return path


def named(sources: Mapping[str, Source], name: str) -> Source:
    """The catalogue's entry of that name.

    Raises:
        SettingError: there is none.
    """
    if name not in sources:
        raise SettingError(f"unknown source '{name}': choose from {', '.join(sources)}, or give a path of your own")
    return sources[name]


def cache_folder() -> Path:
    """Where downloads are kept: `GATEWISE_CACHE`, or `~/.cache/gatewise`."""
    return Path(os.environ.get("GATEWISE_CACHE", "~/.cache/gatewise")).expanduser()


def identity(file: RemoteFile) -> str:
    """What changes when its content does: the stated checksum, or that of the user's own copy, or the address."""
    if file.sha256:
        return file.sha256
    own = [place / file.name for place in _own_places() if (place / file.name).is_file()]
    return sha256_of(own[0]) if own else file.url


def fetch(file: RemoteFile) -> Path:
    """The file on this machine: from the folder `GATEWISE_DATA`, from the cache, or downloaded with resume.

    Raises:
        SourceError: no network, an answer that is not the file, or a wrong checksum.
    """
    for place in [*_own_places(), cache_folder()]:
        if (place / file.name).is_file():
            return _checked(place / file.name, file)
    target = cache_folder() / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    _download(file, partial)
    try:
        _checked(partial, file)
    except SourceError:
        partial.unlink()
        raise
    return partial.replace(target)


def _own_places() -> list[Path]:
    """The folder that the user named for files of their own, if any."""
    return [Path(os.environ["GATEWISE_DATA"])] if os.environ.get("GATEWISE_DATA") else []


def _checked(path: Path, file: RemoteFile) -> Path:
    """The path, once its content is known to be the stated one."""
    found = sha256_of(path) if file.sha256 else None
    if found != file.sha256:
        raise SourceError(
            f"{path}: sha256 is {found}, not {file.sha256}; delete the file and fetch it again from {file.url}"
        )
    return path


def _download(file: RemoteFile, partial: Path) -> None:
    """Append to `partial` what is missing of the file, with a progress bar."""
    import httpx

    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with httpx.stream("GET", file.url, headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as answer:
            if answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # the whole file had come already; the checksum decides
            answer.raise_for_status()
            _append(answer, partial, have if answer.status_code == httpx.codes.PARTIAL_CONTENT else 0, file.name)
    except (httpx.HTTPError, OSError, zlib.error) as error:
        raise SourceError(
            f"cannot download {file.url} ({type(error).__name__}: {error}); fetch it yourself and put it at "
            f"{cache_folder() / file.name}, or in a folder named by GATEWISE_DATA"
        ) from None


def _append(answer: "httpx.Response", partial: Path, have: int, name: str) -> None:
    from components.data.progress import new_bar

    log.info("downloading %s%s", name, f" from byte {have}" if have else "")
    total = int(answer.headers.get("content-length", 0)) + have or None
    with partial.open("ab" if have else "wb") as stream, new_bar() as bar:
        task = bar.add_task(name, total=total, completed=have, note="bytes")
        for chunk in answer.iter_bytes(CHUNK_BYTES):
            stream.write(chunk)
            bar.advance(task, len(chunk))
