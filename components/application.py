"""What an application declares, and the registry of the four."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.errors import SettingError

if TYPE_CHECKING:
    import keras

    from components.catalog import Source
    from components.converters.specs import GraphSpec
    from components.settings import Settings

NAMES = ("text_generation", "sentiment", "forecasting", "speech_commands")

Feeds = Mapping[str, np.ndarray]
Predict = Callable[[Feeds], dict[str, np.ndarray]]  # named arrays in, named arrays out; no state is kept inside


@dataclass(frozen=True)
class Metric:
    """The one number by which models of an application are compared."""

    name: str
    higher_is_better: bool
    unit: str

    def better(self, challenger: float, other: float) -> bool:
        """Whether `challenger` beats `other`; a tie does not."""
        return challenger > other if self.higher_is_better else challenger < other

    def shown(self, value: float) -> str:
        """The value as a person reads it, with its unit."""
        return f"{value:.2f}%" if self.unit == "%" else f"{value:.4f} {self.unit}".rstrip()


@dataclass(frozen=True)
class Scores:
    """Metrics of one model on the frozen test part.

    Attributes:
        metrics: every metric by name; the application's primary metric is among them.
        each: one value per test example, lower is better (a loss or 0/1 error), for paired tests; shape (examples,).
    """

    metrics: Mapping[str, float]
    each: np.ndarray


@dataclass(frozen=True)
class Illustration:
    """What a person wants to see of a model: a passage of Markdown, and pictures by file name beside it."""

    markdown: str
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """What the exporter and the device need to know of a trained model."""

    graph: "GraphSpec"
    settings: Mapping[str, Any]  # the predictor's settings, as the bundle's manifest holds them
    cases: tuple[Feeds, ...]  # real preprocessed inputs, batch 1, for parity and test vectors
    tokenizer: Path | None = None
    texts: tuple[str, ...] = ()  # raw texts whose ids the device's tokenizer must reproduce
    step_axis: str | None = None  # name of the axis along which a streaming model carries its state
    tolerance: float = 1e-4  # largest accepted |exported - Keras| in float32
    usage: str = ""  # a few lines of Python for the model card
    limits: str = ""  # what the model is not good for, for the model card


@dataclass(frozen=True)
class Application:
    """One of the four applications: the same functions in each, called by the stages in this order."""

    name: str
    title: str
    metric: Metric
    presets: Mapping[str, "Settings"]
    sources: Mapping[str, "Source"]
    own_data: str  # the formats a user's own file or folder may have, in one sentence
    fingerprint: Callable[[str, Any], str]  # (source, config) -> what identifies the raw data, cheap to compute
    ingest: Callable[[str, Any, Path], dict[str, Any]]  # (source, config, folder) -> facts for the data card
    preprocess: Callable[[Path, Any, Path], dict[str, Any]]  # (raw, config, folder) -> facts
    build: Callable[[Path, Any], "keras.Model"]  # (data, config) -> the network, with the graph's names
    fit: Callable[["keras.Model", Path, Any, Path], dict[str, list[float]]]  # (model, data, config, folder) -> history
    score: Callable[..., Scores]  # (predict, data, config, limit=None) -> scores on the test part
    baselines: Callable[[Path, Any], dict[str, Scores]]  # (data, config) -> scores by baseline name, hardest first
    illustrate: Callable[[Predict, Path, Any, Path], Illustration]  # (predict, data, config, folder)
    describe: Callable[[Path, Any], Description]  # (data, config)
    default_source: str = field(default="embedded")

    def preset(self, name: str) -> Any:
        """The preset of that name.

        Raises:
            SettingError: there is none.
        """
        if name not in self.presets:
            raise SettingError(f"unknown preset '{name}' of {self.name}: choose from {', '.join(self.presets)}")
        return self.presets[name]


def get(name: str) -> Application:
    """The application of that name; its module is imported on first use.

    Raises:
        SettingError: there is none.
    """
    if name not in NAMES:
        raise SettingError(f"unknown application '{name}': choose from {', '.join(NAMES)}")
    application: Application = import_module(f"components.{name}").APPLICATION
    return application
