"""Bundles: a folder or a .zip whose manifest names every file with its size and sha256. Nothing is ever unpickled."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.bundle_files import MANIFEST, Files, files_of, first_line
from gatewise.errors import BundleError, SchemaError

SCHEMA_MAJOR = 1
MANIFEST_LIMIT_BYTES = 16 << 20  # a larger manifest is not one of ours


@dataclass(frozen=True)
class Tensor:
    """An input or output of the graph; an axis is a size or, where it may vary, a name."""

    name: str
    shape: tuple[int | str, ...]
    dtype: str
    unit: str = ""


@dataclass(frozen=True)
class State:
    """A carried state: the input `name` and the output `next` of the same shape; zeros to start with."""

    name: str
    next: str
    shape: tuple[int | str, ...]
    dtype: str


@dataclass(frozen=True)
class Variant:
    """One model file: runtime × precision, the axes it has frozen, and what was measured of it."""

    name: str
    file: str
    runtime: str
    precision: str
    bytes: int
    sha256: str
    fixed: Mapping[str, int]
    parity: float | None  # largest error against Keras, in the output's unit
    tolerance: float  # largest error accepted
    metric: float | None
    latency_ms: float | None


@dataclass(frozen=True)
class Bundle:
    """A checked bundle: its manifest as typed values, its files on request."""

    path: Path
    application: str
    name: str
    version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    states: tuple[State, ...]
    settings: Mapping[str, Any]
    variants: Mapping[str, Variant]
    default_variant: str
    manifest: Mapping[str, Any] = field(repr=False)
    _files: Files = field(repr=False)

    def read(self, name: str) -> bytes:
        """The bytes of a file that the manifest names, its size and sha256 checked.

        Raises:
            BundleError: not in the manifest, missing or altered.
        """
        stated = _stated(self.manifest).get(name)
        if stated is None:
            raise BundleError(f"bundle {self.path} has no {name}: {MANIFEST} does not name it")
        return _read_checked(self.path, self._files, name, stated)

    def variant(self, name: str | None = None) -> Variant:
        """The variant of that name; the default one without a name.

        Raises:
            BundleError: there is none.
        """
        chosen = name or self.default_variant
        if chosen not in self.variants:
            raise BundleError(f"bundle {self.path} has no variant '{chosen}': choose from {', '.join(self.variants)}")
        return self.variants[chosen]

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of an .npz file by key."""
        try:
            with np.load(io.BytesIO(self.read(name)), allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files}
        except ValueError as error:
            raise BundleError(f"{name} of bundle {self.path} holds no plain arrays: {first_line(error)}") from None


def open_bundle(path: str | Path) -> Bundle:
    """The bundle in a folder or .zip file, every file's size and sha256 checked.

    Raises:
        BundleError: not a bundle, or a file is missing or altered.
        SchemaError: made by a newer major version.
    """
    path = Path(path)
    files = files_of(path)
    manifest = _manifest(path, files)
    _check_schema(path, manifest)
    try:
        bundle = _parsed(path, files, manifest)
        stated = _stated(manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{MANIFEST} of bundle {path} is incomplete: {first_line(error)}: make the bundle again"
        ) from None
    for name, (size, sha256) in stated.items():
        _read_checked(path, files, name, (size, sha256))
    bundle.variant()
    return bundle


def _manifest(path: Path, files: Files) -> dict[str, Any]:
    size = files.size(MANIFEST)
    if size is None:
        raise BundleError(f"{path} is not a bundle: it holds no {MANIFEST}")
    if size > MANIFEST_LIMIT_BYTES:
        raise BundleError(f"{MANIFEST} of {path} has {size} bytes, more than any bundle's: this is not a bundle")
    try:
        manifest = json.loads(files.read(MANIFEST))
    except ValueError as error:
        raise BundleError(
            f"{MANIFEST} of bundle {path} is not JSON: {first_line(error)}: make the bundle again"
        ) from None
    if not isinstance(manifest, dict):
        raise BundleError(f"{MANIFEST} of bundle {path} is not a JSON object: make the bundle again")
    return manifest


def _check_schema(path: Path, manifest: Mapping[str, Any]) -> None:
    version = manifest.get("schema_version")
    major = str(version).partition(".")[0]
    if not isinstance(version, str) or not major.isdecimal() or int(major) < 1:
        raise BundleError(f"{MANIFEST} of bundle {path} has schema_version {version!r}: expected '{SCHEMA_MAJOR}.x'")
    if int(major) > SCHEMA_MAJOR:
        raise SchemaError(
            f"bundle {path} has schema version {version}, this gatewise reads {SCHEMA_MAJOR}.x: upgrade gatewise"
        )


def _parsed(path: Path, files: Files, manifest: Mapping[str, Any]) -> Bundle:
    graph = manifest["graph"]
    return Bundle(
        path=path,
        application=str(manifest["application"]),
        name=str(manifest["name"]),
        version=str(manifest["version"]),
        inputs=tuple(_tensor(item) for item in graph["inputs"]),
        outputs=tuple(_tensor(item) for item in graph["outputs"]),
        states=tuple(State(s["name"], s["next"], tuple(s["shape"]), s["dtype"]) for s in graph["states"]),
        settings=dict(manifest["settings"]),
        variants={name: _variant(name, item) for name, item in manifest["variants"].items()},
        default_variant=str(manifest["default_variant"]),
        manifest=manifest,
        _files=files,
    )


def _tensor(item: Mapping[str, Any]) -> Tensor:
    return Tensor(item["name"], tuple(item["shape"]), item["dtype"], item.get("unit") or "")


def _variant(name: str, item: Mapping[str, Any]) -> Variant:
    return Variant(
        name=name,
        file=item["file"],
        runtime=item["runtime"],
        precision=item["precision"],
        bytes=int(item["bytes"]),
        sha256=item["sha256"],
        fixed={axis: int(size) for axis, size in (item.get("fixed") or {}).items()},
        parity=item.get("parity"),
        tolerance=float(item["tolerance"]),
        metric=item.get("metric"),
        latency_ms=item.get("latency_ms"),
    )


def _stated(manifest: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Size and sha256 of every file that the manifest names."""
    stated = {item["file"]: (int(item["bytes"]), item["sha256"]) for item in manifest["variants"].values()}
    stated |= {name: (int(item["bytes"]), item["sha256"]) for name, item in manifest["files"].items()}
    for name in stated:
        if Path(name).name != name or name == ".." or "\\" in name or ":" in name:
            raise ValueError(f"'{name}' is not a plain file name")
    return stated


def _read_checked(path: Path, files: Files, name: str, stated: tuple[int, str]) -> bytes:
    size = files.size(name)
    if size is None:
        raise BundleError(f"{name} is missing from bundle {path}: copy the whole bundle again")
    if size != stated[0]:
        raise BundleError(f"{name} of bundle {path} was altered: {size} bytes, not {stated[0]}: copy it again")
    content = files.read(name)
    if hashlib.sha256(content).hexdigest() != stated[1]:
        raise BundleError(f"{name} of bundle {path} was altered: its sha256 is not the stated one: copy it again")
    return content
