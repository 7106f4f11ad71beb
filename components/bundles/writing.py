"""The export stage: a trained network becomes a bundle whose every variant was compared with Keras and measured."""

import hashlib
import json
import logging
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.application import Description, Trained
from components.bundles.choice import fastest_step
from components.bundles.entries import enter
from components.bundles.front_door import check_front_door
from components.bundles.measuring import Measuring
from components.bundles.model_card import model_card
from components.converters.specs import TensorSpec, states_of
from components.data.choices import as_json, choices_on

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

SCHEMA_VERSION = "1.0"
MANIFEST, CARD, VECTORS, TOKENIZER = "manifest.json", "MODEL_CARD.md", "testvectors.npz", "tokenizer.json"
HEADER = "model_micro.h"
HEADER_BYTES = 1 << 19  # a larger C header is not worth carrying: `gatewise header BUNDLE` writes it
LIBRARIES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def write_bundle(trained: Trained[Any], model: "keras.Model", folder: Path) -> dict[str, Any]:
    """Write a bundle into `folder` and return the facts for its artifact card.

    Raises:
        ConversionError: the network cannot be exported.
        ParityError: a variant does not compute what Keras computes.
    """
    from components.converters.network_files import export_variants
    from components.networks.gru import predictor

    run, data = trained.run, trained.data
    app, config = run.application, run.config
    description = app.describe(data.path, config)
    reference = predictor(model)
    expected = [reference(case) for case in description.cases]
    exported = export_variants(model, description.graph, folder, description.cases, description.calibration)
    _write_vectors(folder / VECTORS, description, expected)
    if description.tokenizer:
        shutil.copyfile(description.tokenizer, folder / TOKENIZER)
    (folder / CARD).write_text("")  # written last, when the numbers in it are known
    manifest = _manifest(trained, description)
    measuring = Measuring(app, folder, description, expected, data.path, config)
    enter(manifest, exported, measuring, lambda: _write_manifest(folder, manifest))
    for name, variant in manifest["variants"].items():
        variant.update(measuring.measured(name))
    for name, taken in measuring.latencies(list(manifest["variants"])).items():
        manifest["variants"][name]["latency_ms"] = taken
    manifest["settings"] |= fastest_step(manifest["variants"])
    _write_manifest(folder, manifest)
    manifest["front_door"] = check_front_door(trained, reference, folder)
    (folder / CARD).write_text(model_card(app, manifest, trained.report.card(), description), encoding="utf-8")
    _write_manifest(folder, manifest)
    if _write_header(folder):
        _write_manifest(folder, manifest)
    return {"name": manifest["name"], "version": manifest["version"], "variants": manifest["variants"]}


def _manifest(trained: Trained[Any], description: Description) -> dict[str, Any]:
    run, data = trained.run, trained.data
    app, preset = run.application, run.preset
    verdict, facts, now = trained.report.card(), data.card(), datetime.now(UTC)
    raw = facts.get("raw", facts)
    source = Path(str(raw["source"])).name
    return {
        "schema_version": SCHEMA_VERSION,
        "application": app.name,
        "name": "-".join(part for part in (app.name, preset, source) if part),
        "version": f"{now:%Y%m%d-%H%M%S}-{trained.model.sha256[:8]}",
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "graph": _graph(description),
        "settings": dict(description.settings),
        "example": asdict(app.example),
        "variants": {},
        "default_variant": "onnx",
        "files": {},
        "metrics": {
            "primary": app.metric.name,
            "higher_is_better": app.metric.higher_is_better,
            "unit": app.metric.unit,
            "test": verdict["metrics"],
        },
        "baselines": verdict["baselines"],
        "preset": preset,
        "config": run.config.model_dump(mode="json"),
        "choices": as_json(choices_on(facts)),
        "data": {
            **{name: value for name, value in raw.items() if name != "choices"},
            "source": source,
            "sha256": facts.get("raw_sha256", data.sha256),
        },
        "git_commit": _git_commit(),
        "libraries": {"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}},
    }


def _graph(description: Description) -> dict[str, Any]:
    """The graph's tensors, carried states apart from inputs and outputs."""

    states = [asdict(state) for state in states_of(description.graph)]
    carried = {state[end] for state in states for end in ("name", "next")}

    def listed(tensors: Sequence[TensorSpec]) -> list[dict[str, Any]]:
        return [asdict(tensor) for tensor in tensors if tensor.name not in carried]

    return {
        "inputs": listed(description.graph.inputs),
        "outputs": listed(description.graph.outputs),
        "states": states,
    }


def _write_vectors(path: Path, description: Description, expected: list[dict[str, np.ndarray]]) -> None:
    """Test vectors as plain arrays: inputs and Keras' outputs of every case, and texts with their ids."""
    arrays: dict[str, Any] = {}
    for index, (case, outputs) in enumerate(zip(description.cases, expected, strict=True)):
        arrays |= {f"case{index}/input/{name}": array for name, array in case.items()}
        arrays |= {f"case{index}/output/{name}": array for name, array in outputs.items()}
    if description.texts and description.tokenizer:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(description.tokenizer))
        arrays["text"] = np.array(description.texts)
        for index, text in enumerate(description.texts):
            arrays[f"ids/{index}"] = np.array(tokenizer.encode(text).ids, np.int32)
    np.savez_compressed(path, **arrays)


def _write_header(folder: Path) -> bool:
    """Whether the microcontroller's variant was written as a C header: not where there is none, or the text is long."""
    from gatewise.bundle import open_bundle
    from gatewise.c_header import c_header, micro_variant

    bundle = open_bundle(folder)
    if micro_variant(bundle) is None:
        return False
    text = c_header(bundle)
    if len(text) <= HEADER_BYTES:
        (folder / HEADER).write_text(text, encoding="ascii")
    return len(text) <= HEADER_BYTES


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    names = [name for name in (TOKENIZER, VECTORS, CARD, HEADER) if (folder / name).exists()]
    manifest["files"] = {name: _file_entry(folder / name) for name in names}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2, default=str), encoding="utf-8")


def _file_entry(path: Path) -> Mapping[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _git_commit() -> str | None:
    """The commit this code is at, None outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "rev-parse", "HEAD"]
    answer = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
