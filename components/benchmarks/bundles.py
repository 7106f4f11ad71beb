"""Bundles to race with: an application's own network, data and exporter, with weights that nobody trained.

Speed, size and memory do not depend on what the weights are, so nothing is spent on training. Only zeros would matter:
converters leave out a bias that is zero, as it is in a new network and never after training.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.application import Application, Run, Scores, Trained
from components.data.artifacts import Artifact, new_folder, seal
from components.pipeline import stages
from components.pipeline.comparison import compare
from components.registry import get

if TYPE_CHECKING:
    import keras


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
        return self.folder / "model" / stages.MODEL


EXAMPLES = 2  # that stand for a test part: the paired test with the baseline needs two
BIAS = 0.01  # standard deviation
LITTLE_DATA = {  # settings that spare work on data and do not change the network
    "speech_commands": {"embedded_clips": 100, "synthetic_clips": 0, "copies": 1},
}


def untrained(application: str, settings: Mapping[str, Any], folder: Path) -> None:
    """Write the bundle of a `base` network with other `settings`, made from the embedded source, into `folder`."""
    app = replace(get(application), fit=_no_zeros, score=lambda *_, **__: _scores(get(application)))
    config = app.preset("base").changed({**LITTLE_DATA.get(application, {}), **settings})
    run = Run(app, "embedded", config, "untrained")
    data = stages.preprocess(run, stages.ingest(run, folder / "raw"), folder / "data")
    model = stages.train(run, data, folder / "model")
    stages.export(Trained(run, data, model, _report(app, folder / "report")), folder / "bundle")


def _no_zeros(model: "keras.Model", *_: Any) -> dict[str, list[float]]:
    """Give biases values that no converter can leave out, in the place of training."""
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if not variable.numpy().any():
            variable.assign(BIAS * rng.standard_normal(variable.shape))
    return {}


def _scores(app: Application[Any]) -> Scores:
    """What stands for the scores of an untrained network: a few examples, answered as well by every variant."""
    return Scores({app.metric.name: 0.0}, np.zeros(EXAMPLES))


def _report(app: Application[Any], folder: Path) -> Artifact:
    """The evaluation that the exporter asks for."""
    with new_folder(folder) as work:
        verdict = compare(app, _scores(app), {"nothing": _scores(app)})
        digest = seal(work, verdict)
    return Artifact(folder, digest)
