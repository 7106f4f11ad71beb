"""One stage alone on artifact folders, for people who wire the stages themselves."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from components.application import Run, Trained
from components.data.artifacts import Artifact, open_artifact
from components.errors import SettingError
from components.pipeline import stages as pipeline

INPUTS: Mapping[str, tuple[str, ...]] = {
    "ingest": (),
    "preprocess": ("RAW",),
    "train": ("DATA",),
    "evaluate": ("DATA", "MODEL"),
    "export": ("DATA", "MODEL", "REPORT"),
    "promote": ("BUNDLE", "REPORT"),
}


def run_stage(name: str, run: Run[Any], inputs: Sequence[Path], out: Path | None, publish_anyway: bool = False) -> str:
    """One line about what the stage made.

    Args:
        name: of the stage.
        run: what it is about.
        inputs: folders of the artifacts it works on, as INPUTS lists them.
        out: the folder to write; for promote the folder of published bundles.
        publish_anyway: for promote: publish the bundle even if it loses.

    Raises:
        SettingError: no such stage, or other inputs than it takes.
        DataError: an input that is not a finished artifact.
    """
    if name not in INPUTS:
        raise SettingError(f"unknown stage '{name}': choose from {', '.join(INPUTS)}")
    if len(inputs) != len(INPUTS[name]):
        raise SettingError(f"stage {name} takes {' '.join(INPUTS[name]) or 'no folder'}, not {len(inputs)} folders")
    artifacts = [open_artifact(path.resolve()) for path in inputs]
    if name == "promote":
        bundle, report = artifacts
        published = (out or Path("exports/bundles")).resolve()
        promotion = pipeline.promote(run.application, bundle, report, publish_anyway, published)
        return f"{promotion.reason}\n{promotion.path}"
    if out is None:
        raise SettingError(f"stage {name} needs --out, the folder to write")
    made = _stages(run, out.resolve())[name](*artifacts)
    return f"{made.path} {made.sha256}"


def _stages(run: Run[Any], out: Path) -> dict[str, Callable[..., Artifact]]:
    return {
        "ingest": lambda: pipeline.ingest(run, out),
        "preprocess": lambda raw: pipeline.preprocess(run, raw, out),
        "train": lambda data: pipeline.train(run, data, out),
        "evaluate": lambda data, model: pipeline.evaluate(run, data, model, out),
        "export": lambda data, model, report: pipeline.export(Trained(run, data, model, report), out),
    }
