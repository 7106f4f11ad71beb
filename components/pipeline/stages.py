"""The six stages, each from artifacts to an artifact, each usable alone."""

import json
import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.application import Application, Scores
from components.data.artifacts import Artifact, key_of, new_folder, seal
from components.errors import DataError
from components.networks import quiet_import
from components.settings import Settings

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

STAGES = ("ingest", "preprocess", "train", "evaluate", "export", "promote")
CODE_VERSION = 3  # counts up when ingest or preprocess of any application writes something else from the same input
LAYER_MODULES = (  # Keras finds its layers by name only when imported
    "components.networks.log_mel",
    "components.sentiment.pooling",
    "components.forecasting.layers",
    "components.sentiment.layers",
)
MODEL, SCORES, REPORT = "model.keras", "scores.json", "report.md"


@dataclass(frozen=True)
class Promotion:
    """Whether a bundle was published, why, and where it is now."""

    published: bool
    reason: str
    path: Path


def ingest_key(app: Application, source: str, config: Settings) -> str:
    """A key that changes when the raw data, or what ingest makes of it, changes."""
    return key_of("ingest", CODE_VERSION, app.name, app.fingerprint(source, config), config.data_fields())


def preprocess_key(app: Application, raw: Artifact, config: Settings) -> str:
    """A key that changes when the raw artifact, or what preprocess makes of it, changes."""
    return key_of("preprocess", CODE_VERSION, app.name, raw.sha256, config.data_fields())


def ingest(app: Application, source: str, config: Settings, folder: Path) -> Artifact:
    """Raw data of a source in the application's canonical form, with its data card."""
    return _stage(folder, lambda work: {"source": source, **app.ingest(source, config, work)})


def preprocess(app: Application, raw: Artifact, config: Settings, folder: Path) -> Artifact:
    """Arrays, tokenizer and splits, ready to train on."""
    facts = raw.card()
    return _stage(
        folder, lambda work: {"raw": facts, "raw_sha256": raw.sha256, **app.preprocess(raw.path, config, work)}
    )


def train(app: Application, data: Artifact, config: Settings, folder: Path) -> Artifact:
    """The trained Keras network and its history.

    A training that was cut off is taken up again at its last whole epoch by calling this again with the same folder.
    """
    quiet_import.import_tensorflow()
    import keras

    from components.networks.training import seed_everything

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

    for module in LAYER_MODULES:
        import_module(module)
    loaded: keras.Model = keras.saving.load_model(model.path / MODEL, compile=False)
    return loaded


def evaluate(app: Application, data: Artifact, model: Artifact, config: Settings, folder: Path) -> Artifact:
    """Scores of the model and of every baseline on the frozen test part, with a report a person can read."""
    from components.networks.gru import predictor
    from components.pipeline.report import write_report

    predict = predictor(load_model(model))

    def work(target: Path) -> dict[str, Any]:
        scores = app.score(predict, data.path, config)
        others = app.baselines(data.path, config)
        illustration = app.illustrate(predict, data.path, config, target)
        verdict = compare(app, scores, others)
        (target / SCORES).write_text(json.dumps(verdict, indent=2))
        write_report(target / REPORT, app, verdict, illustration, data.card(), model, config)
        return verdict

    return _stage(folder, work)


def compare(app: Application, scores: Scores, others: dict[str, Scores]) -> dict[str, Any]:
    """The model's metrics beside every baseline's, with the hardest baseline named and a paired test against it.

    Raises:
        DataError: the application has no baseline.
    """
    if not others:
        raise DataError(f"{app.name} has no baseline to compare with")
    metric = app.metric
    values = {name: other.metrics[metric.name] for name, other in others.items()}
    hardest = max(values, key=lambda name: values[name] if metric.higher_is_better else -values[name])
    value = scores.metrics[metric.name]
    return {
        "metric": metric.name,
        "higher_is_better": metric.higher_is_better,
        "value": value,
        "metrics": dict(scores.metrics),
        "baselines": {name: dict(other.metrics) for name, other in others.items()},
        "baseline": hardest,
        "baseline_value": values[hardest],
        "beats_baseline": metric.better(value, values[hardest]),
        "p_value": paired_p_value(scores, others[hardest]),
        "test_examples": len(scores.each),
    }


def paired_p_value(model: Scores, baseline: Scores) -> float | None:
    """One-sided p-value that the model's losses are below the baseline's, example by example.

    A paired permutation test (random sign flips of the differences, 9,999 of them, fixed seed). None where the two
    were not measured on the same examples.
    """
    import numpy as np
    from scipy.stats import permutation_test

    if model.each.shape != baseline.each.shape or not len(model.each):
        return None
    test = permutation_test(
        (np.asarray(model.each, float), np.asarray(baseline.each, float)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        alternative="less",
        vectorized=True,
        n_resamples=9_999,
        batch=100,
        rng=np.random.default_rng(0),
    )
    return float(test.pvalue)


def export(
    app: Application,
    data: Artifact,
    model: Artifact,
    report: Artifact,
    config: Settings,
    folder: Path,
    preset: str = "",
) -> Artifact:
    """The bundle: every variant in parity with Keras and measured, manifest, test vectors, model card."""
    from components.bundles.writing import write_bundle

    keras_model = load_model(model)
    return _stage(folder, lambda work: write_bundle(app, keras_model, data, model, report, config, preset, work))


def promote(app: Application, bundle: Artifact, report: Artifact, publish_anyway: bool, published: Path) -> Promotion:
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


def _stage(folder: Path, work: Callable[[Path], dict[str, Any]]) -> Artifact:
    """Run a stage's work in a temporary folder, seal it and put it in place."""
    with new_folder(folder) as temporary:
        digest = seal(temporary, work(temporary))
    log.info("%s is ready", folder)
    return Artifact(folder, digest)
