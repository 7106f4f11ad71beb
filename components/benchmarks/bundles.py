"""Bundles to race with: an application's own network, data and exporter, with weights that nobody trained.

Speed, size and memory do not depend on what the weights are, so nothing is spent on training.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from components import pipeline
from components.application import Application, Scores, get
from components.artifacts import Artifact, new_folder, seal


@dataclass(frozen=True)
class Prepared:
    """What `untrained` leaves in a folder."""

    folder: Path

    @property
    def bundle(self) -> Path:
        """The bundle."""
        return self.folder / "bundle"

    @property
    def keras(self) -> Path:
        """The Keras model that it was exported from."""
        return self.folder / "model" / pipeline.MODEL


LITTLE_DATA = {  # settings that spare work on data and do not change the network
    "speech_commands": {"embedded_clips": 100, "synthetic_clips": 0, "copies": 1},
}


def untrained(application: str, settings: Mapping[str, Any], folder: Path) -> None:
    """Write the bundle of a `base` network with other `settings`, made from the embedded source, into `folder`."""
    app = replace(get(application), fit=lambda *_: {}, score=lambda *_, **__: _scores(get(application)))
    config = app.preset("base").changed({**LITTLE_DATA.get(application, {}), **settings})
    raw = pipeline.ingest(app, "embedded", config, folder / "raw")
    data = pipeline.preprocess(app, raw, config, folder / "data")
    model = pipeline.train(app, data, config, folder / "model")
    report = _report(app, folder / "report")
    pipeline.export(app, data, model, report, config, folder / "bundle", "untrained")


def _scores(app: Application) -> Scores:
    """What stands for the scores of an untrained network: one example, answered as well by every variant."""
    return Scores({app.metric.name: 0.0}, np.zeros(1))


def _report(app: Application, folder: Path) -> Artifact:
    """The evaluation that the exporter asks for."""
    with new_folder(folder) as work:
        verdict = pipeline.compare(app, _scores(app), {"nothing": _scores(app)})
        digest = seal(work, verdict)
    return Artifact(folder, digest)
