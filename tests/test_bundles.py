"""One check that every application's bundle must pass, from raw data to an answer of the light package."""

import hashlib
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

import gatewise
from components.application import Run, Trained
from components.bundles.front_door import ACCEPTED, check_front_door
from components.data.artifacts import Artifact
from components.errors import ParityError
from components.networks.gru import predictor
from components.pipeline import stages
from components.registry import get, names
from gatewise.verify import verify

pytestmark = [
    pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
]

SMALL = {
    "text_generation": {"epochs": 1, "units": 16},
    "sentiment": {"epochs": 1, "units": 8},
    "forecasting": {"epochs": 1, "units": 8},
    "speech_commands": {"epochs": 1, "units": 16, "clips_per_word": 12},
}


@pytest.fixture(scope="module", params=names())
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """Every stage's artifact of one short training on the embedded source."""
    app = get(request.param)
    known = type(app.preset("tiny")).model_fields
    config = app.preset("tiny").changed({k: v for k, v in SMALL[app.name].items() if k in known})
    folder = tmp_path_factory.mktemp(app.name)
    asked = Run(app, "embedded", config, "tiny")
    data = stages.preprocess(asked, stages.ingest(asked, folder / "ingest"), folder / "preprocess")
    model = stages.train(asked, data, folder / "train")
    report = stages.evaluate(asked, data, model, folder / "evaluate")
    bundle = stages.export(Trained(asked, data, model, report), folder / "export")
    return {"data": data, "model": model, "report": report, "bundle": bundle}


def manifest_of(bundle: Artifact) -> dict:
    return json.loads((bundle.path / "manifest.json").read_text())


def test_every_variant_reproduces_its_test_vectors(run):
    results = verify(gatewise.bundle.open_bundle(run["bundle"].path))
    assert {"onnx", "tflite"} <= {result.variant for result in results}
    assert all(result.passed for result in results), results


def test_onnx_holds_native_gru_nodes_and_no_loop(run):
    for path in run["bundle"].path.glob("*.onnx"):
        if "step" in path.name:
            continue  # a one-step graph needs no recurrent operator
        kinds = [node.op_type for node in onnx.load(path).graph.node]
        assert "GRU" in kinds, path
        assert not {"Loop", "Scan"} & set(kinds), path


def test_manifest_states_what_a_device_and_a_reviewer_need(run):
    manifest = manifest_of(run["bundle"])
    assert manifest["preset"] == "tiny"
    assert manifest["baselines"]
    assert len(manifest["data"]["sha256"]) == 64
    assert manifest["data"]["licence"]
    for variant in manifest["variants"].values():
        path = run["bundle"].path / variant["file"]
        assert variant["bytes"] == path.stat().st_size
        assert 0 <= variant["parity"] <= variant["tolerance"]
        assert variant["latency_ms"] > 0
        assert np.isfinite(variant["metric"])


def test_files_that_do_not_ship_are_left_out_with_a_reason(run):
    manifest = manifest_of(run["bundle"])
    assert {"onnx", "onnx-int8", "tflite", "tflite-int8"} <= set(manifest["variants"])
    wanted = "tflite-micro" if manifest["graph"]["states"] else "tflite-full-int8"
    assert wanted in {*manifest["variants"], *(entry["variant"] for entry in manifest["left_out"])}
    assert all(entry["reason"] for entry in manifest["left_out"])
    named = {variant["file"] for variant in manifest["variants"].values()}
    assert {path.name for path in run["bundle"].path.glob("model*.tflite")} <= named
    for name, variant in manifest["variants"].items():
        assert variant["recommended"] or f"{name} †" in (run["bundle"].path / "MODEL_CARD.md").read_text()


def test_a_model_that_streams_runs_on_a_microcontroller(run):
    manifest = manifest_of(run["bundle"])
    if not manifest["graph"]["states"]:
        pytest.skip("reads a sequence as a whole")
    variant = manifest["variants"]["tflite-micro"]
    assert variant["recommended"]
    assert set(variant["fixed"].values()) >= {1}
    assert "AddWhile" not in variant["micro"]["operations"]
    header = (run["bundle"].path / "model_micro.h").read_text()
    assert f"#define GATEWISE_MODEL_BYTES {variant['bytes']}" in header


def test_float32_variants_score_what_keras_scores(run):
    manifest, verdict = manifest_of(run["bundle"]), run["report"].card()
    for name in ("onnx", "tflite"):
        variant = manifest["variants"][name]
        if variant["metric_examples"] == verdict["test_examples"]:
            assert variant["metric"] == pytest.approx(verdict["value"], rel=1e-3)


def test_report_shows_the_model_beside_its_baselines(run):
    report = (run["report"].path / "report.md").read_text()
    verdict = run["report"].card()
    assert verdict["baseline"].replace("_", " ") in report
    for picture in Path(run["report"].path).glob("*.png"):
        assert picture.name in report


def test_model_card_can_be_followed_on_a_device(run):
    card = (run["bundle"].path / "MODEL_CARD.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    compile(code, "MODEL_CARD.md", "exec")
    assert "gatewise.load(" in code
    assert "## Limits" in card


def test_a_losing_model_is_kept_and_not_published_unless_told_to(run, tmp_path):
    app = get(manifest_of(run["bundle"])["application"])
    losing = json.loads((run["report"].path / "artifact.json").read_text())
    losing["card"]["beats_baseline"] = False
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "artifact.json").write_text(json.dumps(losing))
    report = Artifact(folder, losing["sha256"])
    kept = stages.promote(app, run["bundle"], report, publish_anyway=False, published=tmp_path / "bundles")
    assert not kept.published
    assert kept.path == run["bundle"].path
    assert not (tmp_path / "bundles").exists()
    told = stages.promote(app, run["bundle"], report, publish_anyway=True, published=tmp_path / "bundles")
    assert told.published
    gatewise.load(told.path)


def test_a_network_that_an_older_layout_saved_is_still_read(run, tmp_path):
    """Keras writes the module of a layer into the file; layers are found by their registered names all the same."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(run["model"].path / "model.keras") as now, zipfile.ZipFile(path, "w") as before:
        for name in now.namelist():
            content = now.read(name)
            if name == "config.json":
                content = re.sub(rb'"module": "components[\w.]*"', b'"module": "components.gone"', content)
            before.writestr(name, content)
    network = stages.load_model(Artifact(tmp_path, ""))
    again = stages.load_model(run["model"])
    for old, new in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_raw_test_rows_went_through_the_front_door(run):
    front_door = manifest_of(run["bundle"])["front_door"]
    assert front_door["rows"] >= 3
    assert front_door["largest_difference"] < ACCEPTED


BREAKS = {
    "text_generation": lambda settings: settings,  # its tokenizer is broken instead
    "sentiment": lambda settings: settings | {"max_length": 1},
    "forecasting": lambda settings: settings | {"quantiles": [0.1, 0.3, 0.5, 0.7, 0.9]},
    "speech_commands": lambda settings: settings | {"decision_frames": 1},
}  # what a device could do otherwise than training did


def test_a_front_door_that_answers_otherwise_fails_the_export(run, tmp_path):
    bundle = shutil.copytree(run["bundle"].path, tmp_path / "bundle")
    manifest = json.loads((bundle / "manifest.json").read_text())
    app = get(manifest["application"])
    manifest["settings"] = BREAKS[app.name](manifest["settings"])
    if app.name == "text_generation":
        tokenizer = json.loads((bundle / "tokenizer.json").read_text())
        words = tokenizer["model"]["vocab"]
        words["e"], words["t"] = words["t"], words["e"]
        content = json.dumps(tokenizer).encode()
        (bundle / "tokenizer.json").write_bytes(content)
        stated = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        manifest["files"]["tokenizer.json"] = stated
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    config = app.preset("tiny").changed(manifest["config"])
    trained = Trained(Run(app, "embedded", config, "tiny"), run["data"], run["model"], run["report"])
    predict = predictor(stages.load_model(run["model"]))
    check_front_door(trained, predict, run["bundle"].path)
    with pytest.raises(ParityError, match=f"front door of {app.name}"):
        check_front_door(trained, predict, bundle)
