"""The six stages as Prefect tasks: thin wrappers that add retries, timeouts, caching and what the UI shows."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import Task, task
from prefect.runtime import flow_run
from prefect.tasks import exponential_backoff
from pydantic import BaseModel

from components.application import Run, Trained
from components.data.artifacts import Artifact, home, key_of, open_artifact
from components.data.choices import say_again
from components.data.sources import is_own
from components.errors import DataError
from components.pipeline import stages as pipeline
from components.pipeline.stages import Promotion
from components.registry import get
from components.settings import Settings
from flows import display
from flows.parameters import changes

log = logging.getLogger(__name__)

PUBLISHED = Path("exports/bundles")  # in the working folder, like components.data.artifacts.home
RESULT = "sha256"  # what a cached task returns: a plain text, so that no stored result names a module of ours
DOWNLOAD_RETRIES = 3
RETRY_BASE_S = 2  # waits of 2, 4 and 8 seconds, each up to half as long again
RETRY_JITTER = 0.5
MINUTES = 60
TIMEOUT_S = {
    "ingest": 120 * MINUTES,
    "preprocess": 120 * MINUTES,
    "train": 48 * 60 * MINUTES,
    "evaluate": 6 * 60 * MINUTES,
    "export": 60 * MINUTES,
    "promote": 10 * MINUTES,
}


@dataclass(frozen=True)
class Plan:
    """What one flow run is about, and the folder its own artifacts go to."""

    application: str
    preset: str
    source: str
    config: Settings
    folder: Path

    @property
    def run(self) -> Run[Any]:
        """What the stages are given."""
        return Run(get(self.application), self.source, self.config, self.preset)


@dataclass(frozen=True)
class Outcome:
    """What one flow run made."""

    plan: Plan
    report: Artifact
    bundle: Artifact
    promotion: Promotion


def planned(application: str, preset: str, source: str, settings: BaseModel | None) -> Plan:
    """The plan of the flow run that calls this. A retried run gets the same folder and takes its training up again.

    Raises:
        SettingError: an unknown preset or setting, or a value out of bounds.
    """
    config = get(application).preset(preset).changed(changes(settings))
    name = f"{preset}-{Path(source).name}-{str(flow_run.id)[:8]}"
    return Plan(application, preset, source, config, home() / "runs" / application / name)


def ingest(plan: Plan) -> Artifact:
    """Raw data, from the cache where the same input was ingested before."""
    key = pipeline.ingest_key(plan.run)
    retries = 0 if is_own(plan.source) else DOWNLOAD_RETRIES  # a file that is wrong stays wrong
    return _cached(_ingest.with_options(retries=retries), _shared_folder(plan, "ingest", key), plan)


def preprocess(plan: Plan, raw: Artifact) -> Artifact:
    """Arrays ready to train on, from the cache where the same raw artifact was preprocessed before."""
    key = pipeline.preprocess_key(plan.run, raw)
    return _cached(_preprocess, _shared_folder(plan, "preprocess", key), plan, raw)


@task(timeout_seconds=TIMEOUT_S["train"], task_run_name="train {plan.preset}")
def train(plan: Plan, data: Artifact) -> Artifact:
    """The trained network."""
    return pipeline.train(plan.run, data, plan.folder / "train")


@task(timeout_seconds=TIMEOUT_S["evaluate"], task_run_name="evaluate {plan.preset}")
def evaluate(plan: Plan, data: Artifact, model: Artifact) -> Artifact:
    """The report, shown in Prefect's UI as a page and as a table of metrics."""
    run = plan.run
    report = pipeline.evaluate(run, data, model, plan.folder / "evaluate")
    display.show_report(run.application, report)
    return report


@task(timeout_seconds=TIMEOUT_S["export"], task_run_name="export {plan.preset}")
def export(plan: Plan, data: Artifact, model: Artifact, report: Artifact) -> Artifact:
    """The bundle."""
    trained = Trained(plan.run, data, model, report)
    bundle = pipeline.export(trained, plan.folder / "export")
    display.show_variants(trained.run.application, bundle)
    return bundle


def promote(plan: Plan, bundle: Artifact, report: Artifact, publish_anyway: bool) -> Outcome:
    """The outcome of the run: its bundle published if it earned that, else kept beside the run, said with numbers."""
    promotion = _promote(plan, bundle, report, publish_anyway)
    return Outcome(plan, report, bundle, promotion)


def _asked_key(_: Any, arguments: dict[str, Any]) -> str:
    """Prefect's cache key: the artifact's folder, whose name holds the key of the content it is made of."""
    return key_of(RESULT, str(arguments["folder"]))


def _log_retry(_task: Any, _run: Any, state: Any) -> bool:
    log.warning("ingest failed, trying again: %s", state.message)
    return True


@task(
    name="ingest",
    task_run_name="ingest {plan.source}",
    cache_key_fn=_asked_key,
    persist_result=True,
    timeout_seconds=TIMEOUT_S["ingest"],
    retries=DOWNLOAD_RETRIES,
    retry_delay_seconds=exponential_backoff(RETRY_BASE_S),
    retry_jitter_factor=RETRY_JITTER,
    retry_condition_fn=_log_retry,
)
def _ingest(plan: Plan, folder: Path) -> str:
    return pipeline.ingest(plan.run, folder).sha256


@task(
    name="preprocess",
    task_run_name="preprocess {plan.source}",
    cache_key_fn=_asked_key,
    persist_result=True,
    timeout_seconds=TIMEOUT_S["preprocess"],
)
def _preprocess(plan: Plan, raw: Artifact, folder: Path) -> str:
    return pipeline.preprocess(plan.run, raw, folder).sha256


@task(name="promote", task_run_name="promote {plan.application}", timeout_seconds=TIMEOUT_S["promote"])
def _promote(plan: Plan, bundle: Artifact, report: Artifact, publish_anyway: bool) -> Promotion:
    app = get(plan.application)
    promotion = pipeline.promote(app, bundle, report, publish_anyway, PUBLISHED.resolve())
    log.log(logging.INFO if promotion.published else logging.WARNING, "%s: %s", app.name, promotion.reason)
    display.show_promotion(app, promotion)
    return promotion


def _shared_folder(plan: Plan, stage: str, key: str) -> Path:
    """Where a cached stage keeps its artifact, for every run with the same input."""
    return home() / "artifacts" / plan.application / f"{stage}-{key}"


def _cached(stage: Task[Any, str], folder: Path, *inputs: Any) -> Artifact:
    """The stage's artifact in `folder`: made anew unless Prefect knows it and the folder still holds it unharmed."""
    found = _found(folder)
    made = Artifact(folder, stage.with_options(refresh_cache=found is None)(*inputs, folder))
    artifact = made if found is None or made == found else open_artifact(folder)
    if artifact == found:  # made by an earlier run, whose log nobody reads now
        say_again(artifact.card())
    return artifact


def _found(folder: Path) -> Artifact | None:
    try:
        return open_artifact(folder)
    except DataError:
        return None
