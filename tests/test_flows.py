"""The flows: what Prefect adds to the stages, on an application whose stages only count their calls."""

import base64
import json
import logging
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest

from components.application import Application, Metric, Run, Trained
from components.data.artifacts import Artifact, key_of, new_folder, open_artifact, seal, sha256_of
from components.data.choices import doubt
from components.data.sources import Source
from components.errors import DataError, SettingError, SourceError
from components.pipeline import stages as pipeline
from components.registry import names
from components.settings import Settings

pytestmark = pytest.mark.usefixtures("prefect_server")


class Config(Settings):
    shout: bool = False
    training_only: ClassVar[frozenset[str]] = Settings.training_only


class Counting:
    """An application that copies a text file and counts what was called."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.failures: list[Exception] = []  # raised by ingest, one per call
        self.verdict = {"metric": "accuracy", "higher_is_better": True, "value": 70.0, "metrics": {"accuracy": 70.0}}
        self.verdict |= {"baselines": {"majority": {"accuracy": 80.0}}, "baseline": "majority", "baseline_value": 80.0}
        self.verdict |= {"beats_baseline": False, "p_value": 0.9, "test_examples": 10}

    def application(self) -> Application:
        unused: Any = None
        return Application(
            name="counting",
            title="Counting",
            summary="a text is copied",
            metric=Metric("accuracy", higher_is_better=True, unit="%"),
            presets={"tiny": Config()},
            sources={"remote": Source("remote", "public", "a source by name", "none")},
            own_data="a text file",
            fingerprint=lambda source, _: source if source == "remote" else sha256_of(Path(source)),
            ingest=self.ingest,
            preprocess=self.preprocess,
            build=unused,
            fit=unused,
            score=unused,
            baselines=unused,
            illustrate=unused,
            describe=unused,
            front_door=unused,
            preview=unused,
        )

    def ingest(self, source: str, config: Config, folder: Path) -> dict[str, Any]:
        self.calls["ingest"] += 1
        if self.failures:
            raise self.failures.pop(0)
        text = "remote" if source == "remote" else Path(source).read_text()
        doubt("encoding", "UTF-8, found by trying")
        (folder / "raw.txt").write_text(text)
        return {"rows": 1}

    def preprocess(self, raw: Path, config: Config, folder: Path) -> dict[str, Any]:
        self.calls["preprocess"] += 1
        text = (raw / "raw.txt").read_text()
        (folder / "data.txt").write_text(text.upper() if config.shout else text)
        return {}

    def train(self, run: Run, data: Artifact, folder: Path) -> Artifact:
        self.calls["train"] += 1
        return self.sealed(folder, {"parameters": 1, "epochs": 1}, "model.txt", (data.path / "data.txt").read_text())

    def evaluate(self, run: Run, data: Artifact, model: Artifact, folder: Path) -> Artifact:
        return self.sealed(folder, self.verdict, "report.md", "# Report of counting")

    def export(self, trained: Trained, folder: Path) -> Artifact:
        return self.sealed(folder, {"variants": {"onnx": {"bytes": 3, "latency_ms": 0.1}}}, "model.onnx", "abc")

    @staticmethod
    def sealed(folder: Path, card: dict[str, Any], name: str, text: str) -> Artifact:
        with new_folder(folder) as work:
            (work / name).write_text(text)
            digest = seal(work, card)
        return Artifact(folder, digest)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    from flows import factory, stages

    made = Counting()
    app = made.application()
    monkeypatch.setattr(stages, "get", lambda _: app)
    monkeypatch.setattr(factory, "get", lambda _: app)
    for name in ("train", "evaluate", "export"):
        monkeypatch.setattr(pipeline, name, getattr(made, name))
    monkeypatch.setattr(stages, "DOWNLOAD_RETRIES", 2)
    monkeypatch.setattr(stages, "_ingest", stages._ingest.with_options(retry_delay_seconds=0, retry_jitter_factor=None))
    return made


def run(source: str, publish_anyway: bool = False, **settings: Any) -> Any:
    """One run of the flow that is made of the declaration."""
    from flows.factory import application_flow

    flow = application_flow("counting")
    return flow(preset="tiny", source=source, settings=settings, publish_anyway=publish_anyway)


@pytest.fixture
def text(workplace: Path) -> Path:
    path = workplace / "mine.txt"
    path.write_text("hello")
    return path


def test_a_second_run_with_the_same_input_skips_ingest_and_preprocess_only(counting, text):
    first, second = run(str(text)), run(str(text))
    assert counting.calls == {"ingest": 1, "preprocess": 1, "train": 2}
    assert first.plan.folder != second.plan.folder


def test_what_was_chosen_is_said_by_every_run_and_kept_on_the_card(counting, text, workplace, caplog):
    for _ in ("made", "taken from the cache"):
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="components"):
            run(str(text))
        assert "encoding: UTF-8, found by trying" in caplog.text
    (folder,) = (workplace / "home" / "artifacts" / "counting").glob("ingest-*")
    assert open_artifact(folder).card()["choices"][0]["doubtful"]


def test_a_changed_file_of_the_same_name_is_never_taken_from_the_cache(counting, text):
    run(str(text))
    text.write_text("other")
    outcome = run(str(text))
    assert counting.calls == {"ingest": 2, "preprocess": 2, "train": 2}
    assert (outcome.plan.folder / "train" / "model.txt").read_text() == "other"


def test_a_setting_that_only_training_reads_keeps_the_cached_data(counting, text):
    run(str(text))
    run(str(text), epochs=7)
    assert counting.calls["preprocess"] == 1


def test_a_setting_that_changes_the_data_makes_it_anew(counting, text):
    run(str(text))
    outcome = run(str(text), shout=True)
    assert counting.calls["preprocess"] == 2
    assert (outcome.plan.folder / "train" / "model.txt").read_text() == "HELLO"


@pytest.mark.parametrize("harm", ["gone", "altered"])
def test_a_cached_artifact_that_is_gone_or_altered_is_made_anew(counting, text, workplace, harm):
    run(str(text))
    (folder,) = (workplace / "home" / "artifacts" / "counting").glob("ingest-*")
    if harm == "gone":
        (folder / "artifact.json").unlink()
    (folder / "raw.txt").write_text("tampered")
    outcome = run(str(text))
    assert counting.calls["ingest"] == 2
    assert (folder / "raw.txt").read_text() == "hello"
    assert (outcome.plan.folder / "train" / "model.txt").read_text() == "hello"


def stored_by_prefect(folder: Path, *parts: str) -> Path:
    """Where Prefect keeps the result of the task that wrote a cached artifact."""
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

    return Path(PREFECT_LOCAL_STORAGE_PATH.value()) / key_of(*parts, str(folder))


def test_what_prefect_stores_names_no_module_of_ours(counting, text, workplace):
    run(str(text))
    for folder in (workplace / "home" / "artifacts" / "counting").iterdir():
        stored = json.loads(stored_by_prefect(folder, "sha256").read_text())
        assert b"components" not in base64.b64decode(stored["result"])


def test_a_result_that_an_older_layout_stored_is_not_read(counting, text, workplace):
    run(str(text))
    gone = base64.b64encode(b"ccomponents.artifacts\nArtifact\n.").decode()
    for folder in (workplace / "home" / "artifacts" / "counting").iterdir():
        document = json.loads(stored_by_prefect(folder, "sha256").read_text())
        stored_by_prefect(folder).write_text(json.dumps({**document, "result": gone}))
    run(str(text))
    assert counting.calls == {"ingest": 1, "preprocess": 1, "train": 2}


def test_another_home_has_a_cache_of_its_own(counting, text, workplace, monkeypatch):
    run(str(text))
    monkeypatch.setenv("GATEWISE_HOME", str(workplace / "second"))
    outcome = run(str(text))
    assert counting.calls["ingest"] == 2
    assert outcome.plan.folder.is_relative_to(workplace / "second")


def test_a_download_that_fails_is_tried_again(counting, workplace, caplog):
    counting.failures = [SourceError("no route to host")]
    with caplog.at_level(logging.WARNING, logger="flows"):
        run("remote")
    assert counting.calls["ingest"] == 2
    assert "no route to host" in caplog.text


def test_every_stage_has_a_time_limit_and_only_ingest_is_tried_again():
    from flows import stages

    tasks = {"ingest": stages._ingest, "preprocess": stages._preprocess, "promote": stages._promote}
    tasks |= {task.name: task for task in (stages.train, stages.evaluate, stages.export)}
    assert {name: task.timeout_seconds for name, task in tasks.items()} == stages.TIMEOUT_S
    assert {name for name, task in tasks.items() if task.retries} == {"ingest"}


def test_a_download_that_keeps_failing_ends_with_our_own_error_and_nothing_half_written(counting, workplace):
    counting.failures = [SourceError("no route to host")] * 3
    with pytest.raises(SourceError, match="no route to host"):
        run("remote")
    assert counting.calls["ingest"] == 3
    assert not list((workplace / "home").rglob("raw.txt"))


def test_a_bad_file_of_the_users_is_not_tried_again(counting, text):
    counting.failures = [DataError("mine.txt: empty")]
    with pytest.raises(DataError, match=r"mine\.txt: empty"):
        run(str(text))
    assert counting.calls["ingest"] == 1


def test_a_model_that_loses_is_kept_beside_the_run_and_the_flow_says_so_with_both_numbers(
    counting, text, workplace, caplog
):
    with caplog.at_level(logging.WARNING, logger="flows"):
        outcome = run(str(text))
    assert not outcome.promotion.published
    assert outcome.promotion.path == outcome.plan.folder / "export"
    assert not (workplace / "exports").exists()
    assert "70.00%" in caplog.text
    assert "80.00%" in caplog.text


def test_a_model_that_loses_is_published_when_that_is_asked_for(counting, text, workplace):
    outcome = run(str(text), publish_anyway=True)
    assert outcome.promotion.published
    assert (workplace / "exports" / "bundles" / "counting" / "model.onnx").read_text() == "abc"
    assert "loses" in outcome.promotion.reason


def test_a_model_that_wins_is_published(counting, text, workplace):
    counting.verdict |= {"value": 90.0, "beats_baseline": True}
    assert run(str(text)).promotion.published
    assert (workplace / "exports" / "bundles" / "counting" / "artifact.json").exists()


def test_runs_have_readable_names_and_show_report_metrics_variants_and_promotion(counting, text):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort

    run(str(text))
    with get_client(sync_client=True) as client:
        (latest,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        only = FlowRunFilter(id={"any_": [latest.id]})
        tasks = {task.name for task in client.read_task_runs(flow_run_filter=only)}
        artifacts = {artifact.key: artifact for artifact in client.read_artifacts(flow_run_filter=only)}
    assert latest.name == f"counting tiny on {text}"
    assert tasks == {f"ingest {text}", f"preprocess {text}", "train tiny", "evaluate tiny", "export tiny"} | {
        "promote counting"
    }
    assert set(artifacts) == {"counting-report", "counting-metrics", "counting-variants", "counting-promotion"}
    rows = json.loads(artifacts["counting-metrics"].data)
    assert rows == [{"scored": "this model", "accuracy": 70.0}, {"scored": "majority", "accuracy": 80.0}]
    assert artifacts["counting-report"].data == "# Report of counting"


def test_an_unknown_preset_fails_before_any_stage(counting, text):
    from flows.stages import planned

    with pytest.raises(SettingError, match="unknown preset 'huge'"):
        planned("counting", "huge", str(text), None)
    assert not counting.calls


@pytest.mark.parametrize("name", names())
def test_every_flow_has_a_form_with_choices_bounds_and_descriptions(name):
    from prefect.utilities.callables import parameter_schema

    flow = getattr(import_module(f"flows.{name}"), name)
    schema = parameter_schema(flow).model_dump()
    assert flow.name == name
    assert list(schema["properties"]) == ["preset", "source", "settings", "publish_anyway"]
    assert schema["properties"]["preset"]["enum"] == ["tiny", "base", "large"]
    assert all(parameter["description"] for parameter in schema["properties"].values())
    fields = next(iter(schema["definitions"].values()))["properties"]
    app = import_module(f"components.{name}.application").APPLICATION
    assert set(fields) == set(type(app.presets["tiny"]).model_fields)
    assert fields["epochs"]["anyOf"][0] == {"type": "integer", "minimum": 1, "maximum": 10_000}
    assert fields["epochs"]["default"] is None


@pytest.mark.parametrize("name", names())
def test_every_flow_refuses_a_setting_out_of_bounds_by_name(name):
    from prefect.exceptions import ParameterTypeError

    flow = getattr(import_module(f"flows.{name}"), name)
    with pytest.raises(ParameterTypeError, match=r"settings\.epochs"):
        flow.validate_parameters({"preset": "tiny", "settings": {"epochs": 0}})
    with pytest.raises(ParameterTypeError, match="preset"):
        flow.validate_parameters({"preset": "huge"})
