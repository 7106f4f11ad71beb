"""Sentiment: labelled texts in, a bidirectional GRU that names a text's class out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from components.application import Application, Description, Illustration, Metric, Predict, Scores
from components.catalog import RemoteFile, Source, fetch, is_own, named, own_path
from components.settings import Settings

if TYPE_CHECKING:
    import keras

PADDING_ID = 0


class Config(Settings):
    """Settings of a sentiment training."""

    vocabulary: int = Field(8_000, ge=64, le=100_000, description="word pieces in the tokenizer")
    embedding: int = Field(64, ge=1, le=1_024, description="numbers per word piece")
    max_length: int = Field(128, ge=4, le=4_096, description="word pieces read of each text; the rest is cut off")
    text_column: str = Field("", description="column with the text; found by its usual names when empty")
    label_column: str = Field("", description="column with the label; found by its usual names when empty")
    validation_share: float = Field(0.1, gt=0, lt=0.5, description="share of the training texts kept for validation")
    test_share: float = Field(0.1, gt=0, lt=0.5, description="share kept for the test where the source has no split")

    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"embedding"}


PRESETS = {
    "tiny": Config(vocabulary=1_000, embedding=32, max_length=32, units=32, epochs=4, batch_size=32, learning_rate=5e-3),
    "base": Config(vocabulary=16_000, max_length=256, units=64, dropout=0.4, epochs=4, batch_size=64),
    "large": Config(vocabulary=32_000, embedding=128, max_length=400, units=128, dropout=0.5, epochs=6, batch_size=64),
}

SOURCES = {
    source.name: source
    for source in (
        Source("embedded", "embedded", "reviews from a grammar with negation, contrast and intensity", "Apache-2.0"),
        Source(
            "imdb",
            "public",
            "Large Movie Review Dataset: 25,000 + 25,000 film reviews, official split",
            "no formal licence; free for research, cite Maas et al. 2011",
            (RemoteFile("aclImdb_v1.tar.gz", "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"),),
        ),
    )
}

METRIC = Metric("accuracy", higher_is_better=True, unit="%")


def fingerprint(source: str, config: Config) -> str:
    """What identifies the raw data of a source, without loading it."""
    raise NotImplementedError


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    """Write `train.parquet` (text, label) and, where the source has a split, `test.parquet`; return the data card."""
    raise NotImplementedError


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write tokenizer, labels and the ids of the three parts; return their sizes.

    `data.npz` holds train_ids (rows, max_length) int32, train_labels (rows,) int32, and validation_* and test_* alike.
    """
    raise NotImplementedError


def build(data: Path, config: Config) -> "keras.Model":
    """The network: ids (batch, time) int32 → probabilities (batch, labels)."""
    raise NotImplementedError


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network on the training part; return the history."""
    raise NotImplementedError


def score(predict: Predict, data: Path, config: Config, limit: int | None = None) -> Scores:
    """Accuracy on the test part, or on its first `limit` texts."""
    raise NotImplementedError


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    """Scores of TF-IDF with logistic regression and of the majority class on the same test part."""
    raise NotImplementedError


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:
    """A confusion matrix and the texts the network is surest and least sure of."""
    raise NotImplementedError


def describe(data: Path, config: Config) -> Description:
    """What the exporter and the device need to know."""
    raise NotImplementedError


APPLICATION = Application(
    name="sentiment",
    title="Sentiment of texts",
    metric=METRIC,
    presets=PRESETS,
    sources=SOURCES,
    own_data="a CSV, TSV, JSON Lines or Parquet table with a text and a label column, or a folder with train.* and test.*",
    fingerprint=fingerprint,
    ingest=ingest,
    preprocess=preprocess,
    build=build,
    fit=fit,
    score=score,
    baselines=baselines,
    illustrate=illustrate,
    describe=describe,
)
