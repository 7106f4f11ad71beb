"""The manifest's entries of a bundle's variants: which files ship, which do not and why."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from components.bundles.choice import largest_loss
from components.bundles.measuring import EXACT, Measuring
from components.converters.tflite.integer_variants import FILES, LeftOut
from components.data.artifacts import sha256_of

if TYPE_CHECKING:
    from components.converters import VariantFile
    from components.converters.tflite.integer_variants import Exported

log = logging.getLogger(__name__)

EXACT_VARIANT = "onnx"  # what the others are compared with
FLOAT_TFLITE = "tflite"


def enter(manifest: dict[str, Any], exported: "Exported", measuring: Measuring, save: Callable[[], None]) -> None:
    """Enter every file that ships under `variants`, judged on the validation part, and the others under `left_out`.

    Args:
        manifest: the bundle's manifest.
        exported: what was written into its folder.
        measuring: measures variants.
        save: writes the manifest to the folder.
    """
    entries = manifest["variants"]
    manifest["left_out"] = [asdict(entry) for entry in exported.left_out]
    entries |= {name: stated(measuring, variant) for name, variant in exported.variants.items()}
    save()
    exact = measuring.validation(EXACT_VARIANT)
    for name, entry in entries.items():
        entry |= _verdict(measuring, name, entry["precision"], exact)
    for name, files in exported.choices.items():
        judged = [_judged(manifest, measuring, name, file, exact, save) for file in files]
        chosen = next((place for place, (reason, _) in enumerate(judged) if not reason), None)
        for place, (file, (reason, entry)) in enumerate(zip(files, judged, strict=True)):
            if place == chosen:
                entries[name] = _kept(measuring, name, entry)
            else:
                better = "" if chosen is None else f"{files[chosen].precision} is good enough"
                _discard(manifest, measuring, file, LeftOut(name, file.precision, reason or better, _numbers(entry)))
    save()


def stated(measuring: Measuring, variant: "VariantFile") -> dict[str, Any]:
    """A variant's entry before it is measured. The tolerance grows with outputs larger than one (raw units)."""
    path = measuring.folder / variant.file
    largest = max(float(np.abs(array).max()) for outputs in measuring.expected for array in outputs.values())
    entry = {
        "file": variant.file,
        "runtime": variant.runtime,
        "precision": variant.precision,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "fixed": dict(variant.fixed),
        "step_us": variant.step_us,
        "tried_us": dict(variant.tried_us),
        "parity": None,
        "tolerance": measuring.description.tolerance * max(1.0, largest),
        "metric": None,
        "latency_ms": None,
    }
    return entry | ({"micro": dict(variant.micro)} if variant.micro else {})


def _verdict(measuring: Measuring, name: str, precision: str, exact: tuple[float, int]) -> dict[str, Any]:
    """How much worse than float32 a variant is on the validation part, and whether it is used unasked."""
    if precision == EXACT:
        return {"loss": 0.0, "recommended": True}  # held to Keras by the parity check
    return measuring.verdict(name, exact)


def _judged(
    manifest: dict[str, Any],
    measuring: Measuring,
    name: str,
    file: "VariantFile",
    exact: tuple[float, int],
    save: Callable[[], None],
) -> tuple[str, dict[str, Any]]:
    """Why an alternative does not ship, empty where it may, and its entry."""
    entries, metric = manifest["variants"], measuring.app.metric
    entry, largest = stated(measuring, file), entries[FLOAT_TFLITE]["bytes"]
    entries[name] = entry
    save()
    try:
        entry |= _verdict(measuring, name, file.precision, exact)
    except (RuntimeError, ValueError) as error:  # LiteRT's own
        return f"LiteRT cannot run it: {str(error).splitlines()[0]}", entry
    finally:
        del entries[name]
    if not entry["recommended"]:
        return (
            f"its {metric.name.replace('_', ' ')} on {exact[1]} validation examples is {entry['loss']:.4g} worse than "
            f"float32's, and {largest_loss(metric, *exact):.4g} is accepted"
        ), entry
    if not file.micro and entry["bytes"] >= largest:
        return f"it has {entry['bytes']:,} bytes, the float32 file {largest:,}", entry
    return "", entry


def _kept(measuring: Measuring, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of the chosen alternative, its file under the variant's own name unless it is another variant's."""
    if entry["precision"] != EXACT:
        (measuring.folder / entry["file"]).rename(measuring.folder / FILES[name])
        entry["file"] = FILES[name]
    return entry


def _discard(manifest: dict[str, Any], measuring: Measuring, file: "VariantFile", why: LeftOut) -> None:
    """Delete a file that is not another variant's, and enter why it does not ship."""
    if all(entry["file"] != file.file for entry in manifest["variants"].values()):
        (measuring.folder / file.file).unlink()
        manifest["left_out"].append(asdict(why))
        log.info("%s in %s is left out: %s", why.variant, why.precision, why.reason)


def _numbers(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What was measured of an alternative."""
    arena = (entry.get("micro") or {}).get("arena_bytes")
    numbers = {"bytes": entry["bytes"], "loss": entry.get("loss"), "arena_bytes": arena}
    return {name: value for name, value in numbers.items() if value is not None}
