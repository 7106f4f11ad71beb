"""One stage alone on artifact folders, for people who wire the stages themselves."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.application import Application, get
from components.data.artifacts import Artifact, open_artifact
from components.errors import SettingError
from components.pipeline import stages as pipeline
from components.settings import Settings

INPUTS: Mapping[str, tuple[str, ...]] = {
    "ingest": (),
    "preprocess": ("RAW",),
    "train": ("DATA",),
    "evaluate": ("DATA", "MODEL"),
    "export": ("DATA", "MODEL", "REPORT"),
    "promote": ("BUNDLE", "REPORT"),
}


def run_stage(
    name: str,
    application: str,
    inputs: list[Path],
    out: Path | None,
    preset: str,
    source: str,
    settings: Mapping[str, Any],
    publish_anyway: bool,
) -> str:
    """One line about what the stage made.

    Raises:
        SettingError: no such stage, or other inputs than it takes.
        DataError: an input that is not a finished artifact.
    """
    if name not in INPUTS:
        raise SettingError(f"unknown stage '{name}': choose from {', '.join(INPUTS)}")
    if len(inputs) != len(INPUTS[name]):
        raise SettingError(f"stage {name} takes {' '.join(INPUTS[name]) or 'no folder'}, not {len(inputs)} folders")
    app = get(application)
    artifacts = [open_artifact(path.resolve()) for path in inputs]
    if name == "promote":
        bundle, report = artifacts
        published = (out or Path("exports/bundles")).resolve()
        promotion = pipeline.promote(app, bundle, report, publish_anyway, published)
        return f"{promotion.reason}\n{promotion.path}"
    if out is None:
        raise SettingError(f"stage {name} needs --out, the folder to write")
    made = _stages(app, app.preset(preset).changed(settings), out.resolve(), preset, source)[name](*artifacts)
    return f"{made.path} {made.sha256}"


def _stages(
    app: Application, config: Settings, out: Path, preset: str, source: str
) -> dict[str, Callable[..., Artifact]]:
    return {
        "ingest": lambda: pipeline.ingest(app, source, config, out),
        "preprocess": lambda raw: pipeline.preprocess(app, raw, config, out),
        "train": lambda data: pipeline.train(app, data, config, out),
        "evaluate": lambda data, model: pipeline.evaluate(app, data, model, config, out),
        "export": lambda data, model, report: pipeline.export(app, data, model, report, config, out, preset),
    }
