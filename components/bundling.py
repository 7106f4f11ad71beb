"""The export stage: a trained network becomes a bundle whose every variant was compared with Keras and measured."""

import hashlib
import json
import logging
import platform
import shutil
import statistics
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.application import Application, Description, Feeds, Predict
from components.artifacts import Artifact, sha256_of
from components.model_card import model_card
from components.settings import Settings
from components.step_variant import fastest_step

if TYPE_CHECKING:
    import keras

    from components.converters import VariantFile
    from gatewise.runtime import Runtime

log = logging.getLogger(__name__)

SCHEMA_VERSION = "1.0"
MANIFEST, CARD, VECTORS, TOKENIZER = "manifest.json", "MODEL_CARD.md", "testvectors.npz", "tokenizer.json"
VARIANT_EXAMPLES = 2_000  # test examples each variant is scored on: the same for all, so that they compare
LATENCY_RUNS = 30  # the median of these is reported
QUANTIZED_MARGIN = 2.0  # a quantised variant may differ on another processor by this much more than it did here
LIBRARIES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def write_bundle(
    app: Application,
    model: "keras.Model",
    data: Artifact,
    trained: Artifact,
    report: Artifact,
    config: Settings,
    preset: str,
    folder: Path,
) -> dict[str, Any]:
    """Write a bundle into `folder` and return the facts for its artifact card.

    Raises:
        ConversionError: the network cannot be exported.
        ParityError: a variant does not compute what Keras computes.
    """
    from components.converters import convert_variants
    from components.gru import predictor

    description = app.describe(data.path, config)
    reference = predictor(model)
    expected = [reference(case) for case in description.cases]
    variants = convert_variants(model, description.graph, folder, description.cases)
    _write_vectors(folder / VECTORS, description, expected)
    if description.tokenizer:
        shutil.copyfile(description.tokenizer, folder / TOKENIZER)
    (folder / CARD).write_text("")  # written last, when the numbers in it are known
    manifest = _manifest(app, data, trained, report, config, preset, description)
    manifest["variants"] = {name: _stated(folder, variant, description, expected) for name, variant in variants.items()}
    _write_manifest(folder, manifest)
    for name, variant in manifest["variants"].items():
        variant.update(_measured(app, folder, name, description, expected, data, config))
    manifest["settings"] |= fastest_step(manifest["variants"])
    (folder / CARD).write_text(model_card(app, manifest, report.card(), description), encoding="utf-8")
    _write_manifest(folder, manifest)
    return {"name": manifest["name"], "version": manifest["version"], "variants": manifest["variants"]}


def runtime_predict(runtime: "Runtime") -> Predict:
    """A predict function over a variant as a device runs it: states in and out under the graph's names."""

    def predict(feeds: Feeds) -> dict[str, np.ndarray]:
        states = [np.asarray(feeds[state.name], state.dtype) for state in runtime.states if state.name in feeds]
        outputs, following = runtime.run(feeds, states)
        return outputs | {state.next: array for state, array in zip(runtime.states, following, strict=True)}

    return predict


def _manifest(
    app: Application,
    data: Artifact,
    trained: Artifact,
    report: Artifact,
    config: Settings,
    preset: str,
    description: Description,
) -> dict[str, Any]:
    verdict, facts, now = report.card(), data.card(), datetime.now(UTC)
    raw = facts.get("raw", facts)
    source = Path(str(raw["source"])).name
    return {
        "schema_version": SCHEMA_VERSION,
        "application": app.name,
        "name": "-".join(part for part in (app.name, preset, source) if part),
        "version": f"{now:%Y%m%d-%H%M%S}-{trained.sha256[:8]}",
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "graph": _graph(description),
        "settings": dict(description.settings),
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
        "config": config.model_dump(mode="json"),
        "data": {**raw, "source": source, "sha256": facts.get("raw_sha256", data.sha256)},
        "git_commit": _git_commit(),
        "libraries": {"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}},
    }


def _graph(description: Description) -> dict[str, Any]:
    """The graph's tensors, carried states apart from inputs and outputs."""

    def listed(tensors: Any) -> list[dict[str, Any]]:
        return [
            {"name": t.name, "shape": list(t.shape), "dtype": t.dtype, "unit": t.unit}
            for t in tensors
            if not t.name.startswith("state_")
        ]

    states = [
        {"name": t.name, "next": f"{t.name}_next", "shape": list(t.shape), "dtype": t.dtype}
        for t in description.graph.inputs
        if t.name.startswith("state_")
    ]
    return {
        "inputs": listed(description.graph.inputs),
        "outputs": listed(description.graph.outputs),
        "states": states,
    }


def _stated(
    folder: Path, variant: "VariantFile", description: Description, expected: list[dict[str, np.ndarray]]
) -> dict[str, Any]:
    """A variant's entry before it is measured. The tolerance grows with outputs larger than one (raw units)."""
    path = folder / variant.file
    largest = max(float(np.abs(array).max()) for outputs in expected for array in outputs.values())
    return {
        "file": variant.file,
        "runtime": variant.runtime,
        "precision": variant.precision,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "fixed": dict(variant.fixed),
        "step_us": variant.step_us,
        "parity": None,
        "tolerance": description.tolerance * max(1.0, largest),
        "metric": None,
        "latency_ms": None,
    }


def _measured(
    app: Application,
    folder: Path,
    name: str,
    description: Description,
    expected: list[dict[str, np.ndarray]],
    data: Artifact,
    config: Settings,
) -> dict[str, Any]:
    """Parity, test metric and latency of a variant, through the runtime that devices use."""
    from components.converters import check_parity
    from gatewise.bundle import open_bundle
    from gatewise.runtime import Runtime

    bundle = open_bundle(folder)
    variant = bundle.variant(name)
    runtime = Runtime(bundle, variant)
    predict = runtime_predict(runtime)
    exact = variant.precision == "float32"
    errors = [
        check_parity(wanted, predict(case), variant.tolerance if exact else np.inf, name)
        for case, wanted in zip(description.cases, expected, strict=True)
    ]
    started = time.perf_counter()
    scores = app.score(predict, data.path, config, limit=VARIANT_EXAMPLES)
    log.info("scored %s in %.1f s", name, time.perf_counter() - started)
    return {
        "parity": max(errors),
        "tolerance": variant.tolerance if exact else max(variant.tolerance, QUANTIZED_MARGIN * max(errors)),
        "metric": scores.metrics[app.metric.name],
        "metric_examples": len(scores.each),
        "latency_ms": _latency_ms(predict, description.cases[0]),
    }


def _latency_ms(predict: Predict, case: Feeds) -> float:
    """Median milliseconds of one prediction on one thread."""
    times = []
    for _ in range(LATENCY_RUNS):
        started = time.perf_counter()
        predict(case)
        times.append(time.perf_counter() - started)
    return 1_000 * statistics.median(times)


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


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    names = [name for name in (TOKENIZER, VECTORS, CARD) if (folder / name).exists()]
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
