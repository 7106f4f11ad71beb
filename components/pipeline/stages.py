"""The six stages, each from artifacts to an artifact, each usable alone."""

import json
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.application import Application, Run, Trained
from components.data.artifacts import Artifact, key_of, new_folder, seal
from components.data.choices import as_json, collected
from components.networks import quiet_import
from components.pipeline.comparison import compare
from components.registry import import_layers

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

STAGES = ("ingest", "preprocess", "train", "evaluate", "export", "promote")
CODE_VERSION = 5  # counts up when ingest or preprocess of any application writes something else from the same input
MODEL, SCORES, REPORT = "model.keras", "scores.json", "report.md"


@dataclass(frozen=True)
class Promotion:
    """Whether a bundle was published, why, and where it is now."""

    published: bool
    reason: str
    path: Path


def ingest_key(run: Run[Any]) -> str:
    """A key that changes when the raw data, or what ingest makes of it, changes."""
    app = run.application
    return key_of("ingest", CODE_VERSION, app.name, app.fingerprint(run.source, run.config), run.config.data_fields())


def preprocess_key(run: Run[Any], raw: Artifact) -> str:
    """A key that changes when the raw artifact, or what preprocess makes of it, changes."""
    return key_of("preprocess", CODE_VERSION, run.application.name, raw.sha256, run.config.data_fields())


def ingest(run: Run[Any], folder: Path) -> Artifact:
    """Raw data of a source in the application's canonical form, with its data card."""
    return _stage(
        folder, lambda work: {"source": run.source, **_said(run.application.ingest, run.source, run.config, work)}
    )


def preprocess(run: Run[Any], raw: Artifact, folder: Path) -> Artifact:
    """Arrays, tokenizer and splits, ready to train on."""
    facts = {"raw": raw.card(), "raw_sha256": raw.sha256}
    return _stage(folder, lambda work: {**facts, **_said(run.application.preprocess, raw.path, run.config, work)})


def train(run: Run[Any], data: Artifact, folder: Path) -> Artifact:
    """The trained Keras network and its history.

    A training that was cut off is taken up again at its last whole epoch by calling this again with the same folder.
    """
    quiet_import.import_tensorflow()
    import keras

    from components.networks.training import seed_everything

    app, config = run.application, run.config
    checkpoints = folder.with_name(f"{folder.name}.checkpoints")
    keras.backend.clear_session()
    seed_everything(config.seed)
    model = app.build(data.path, config)

    def work(target: Path) -> dict[str, Any]:
        started = time.monotonic()
        history = app.fit(model, data.path, config, checkpoints)
        minutes = (time.monotonic() - started) / 60
        model.save(target / MODEL)
        (target / "history.json").write_text(json.dumps(history, indent=1))
        parameters = sum(int(weight.size) for weight in model.get_weights())
        return {"parameters": parameters, "epochs": len(history.get("loss", [])), "minutes": minutes}

    artifact = _stage(folder, work)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return artifact


def load_model(model: Artifact) -> "keras.Model":
    """The trained Keras network of a train artifact."""
    import keras

    import_layers()
    loaded: keras.Model = keras.saving.load_model(model.path / MODEL, compile=False)
    return loaded


def evaluate(run: Run[Any], data: Artifact, model: Artifact, folder: Path) -> Artifact:
    """Scores of the model and of every baseline on the frozen test part, with a report a person can read."""
    from components.networks.gru import predictor
    from components.pipeline.report import write_report

    app, config = run.application, run.config
    predict = predictor(load_model(model))

    def work(target: Path) -> dict[str, Any]:
        scores = app.score(predict, data.path, config)
        others = app.baselines(data.path, config)
        illustration = app.illustrate(predict, data.path, config, target)
        verdict = compare(app, scores, others)
        (target / SCORES).write_text(json.dumps(verdict, indent=2))
        write_report(target / REPORT, run, verdict, illustration, (data, model))
        return verdict

    return _stage(folder, work)


def export(trained: Trained[Any], folder: Path) -> Artifact:
    """The bundle: every variant in parity with Keras and measured, manifest, test vectors, model card."""
    from components.bundles.writing import write_bundle

    keras_model = load_model(trained.model)
    return _stage(folder, lambda work: write_bundle(trained, keras_model, work))


def promote(
    app: Application[Any], bundle: Artifact, report: Artifact, publish_anyway: bool, published: Path
) -> Promotion:
    """Publish a bundle to `published/<application>` if it beats its baseline, or if told to in any case."""
    verdict = report.card()
    metric, target = app.metric, published / app.name
    numbers = (
        f"{metric.name} {metric.shown(verdict['value'])} against {metric.shown(verdict['baseline_value'])} "
        f"of the baseline {verdict['baseline']}"
    )
    if not (verdict["beats_baseline"] or publish_anyway):
        return Promotion(False, f"not published, the model loses: {numbers}", bundle.path)
    with new_folder(target) as work:
        shutil.copytree(bundle.path, work, dirs_exist_ok=True)
    wins = "the model wins" if verdict["beats_baseline"] else "although the model loses, as asked"
    return Promotion(True, f"published, {wins}: {numbers}", target)


def _said(stage: Callable[..., dict[str, Any]], *inputs: Any) -> dict[str, Any]:
    """The facts that a stage of an application returns, with the choices that it made on the way."""
    with collected() as choices:
        facts = stage(*inputs)
    return {**facts, "choices": as_json(choices)}


def _stage(folder: Path, work: Callable[[Path], dict[str, Any]]) -> Artifact:
    """Run a stage's work in a temporary folder, seal it and put it in place."""
    with new_folder(folder) as temporary:
        digest = seal(temporary, work(temporary))
    log.info("%s is ready", folder)
    return Artifact(folder, digest)
