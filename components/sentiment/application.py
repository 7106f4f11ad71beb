"""Sentiment: labelled texts in, a network that names a text's class out: a bidirectional GRU and a linear part.

The linear part weighs single word pieces and pairs of neighbours, as the strongest classical models of texts do; the
GRU reads in order. Each is right where the other is not, and the validation part says how much each counts.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from components.application import Application, Description, Feeds, Illustration, Metric, Predict, Scores
from components.converters.specs import GraphSpec, TensorSpec
from components.data.tokenizing import encode, train_wordpiece
from components.networks.gru import bidirectional
from components.sentiment import sources as text_sources
from components.sentiment.baselines import majority, tfidf_regression
from components.sentiment.batches import PADDING_ID, Part, by_length, load_part, padded, save_parts
from components.sentiment.pictures import confusion_picture, telling_texts
from components.sentiment.scores import measured, probabilities
from components.sentiment.splits import PARTS, split
from components.sentiment.word_vectors import word_vectors
from components.settings import Settings

if TYPE_CHECKING:
    import keras

UNLABELLED = "unlabelled"
DATA, LABELS, TEXTS, TOKENIZER, VECTORS = "data.npz", "labels.json", "texts.parquet", "tokenizer.json", "vectors.npy"
NO_LABEL = -1
CONFUSION = "confusion.png"
ILLUSTRATED = 2_000  # test texts in the pictures
CALIBRATION_TEXTS = 100  # of the validation part, from which integer files take their ranges
CASE_PADDING = 5  # steps of padding in one of the test vectors
USAGE = """import gatewise

classifier = gatewise.load("sentiment")
answer = classifier.predict("It starts slowly, but the ending is wonderful.")
print(answer.label, answer.probability)"""
LIMITS = """It is a bidirectional GRU with a linear part beside it, which weighs word pieces and pairs of neighbours;
the answer is the sum of both. It knows the kind of text that it was trained on, in that language. Irony misleads it,
and it reads the beginning of a long text only. It always answers with one of its labels, whether or not one fits: look
at the probability."""


class Config(Settings):
    """Settings of a sentiment training."""

    vocabulary: int = Field(8_000, ge=64, le=100_000, description="word pieces in the tokenizer")
    embedding: int = Field(64, ge=1, le=1_024, description="numbers per word piece")
    vectors: bool = Field(True, description="start word pieces from their neighbours in the texts, labelled or not")
    pairs: int = Field(4_096, ge=0, le=2**22, description="rows for pairs in the linear part; 0 for the GRU alone")
    max_length: int = Field(128, ge=4, le=4_096, description="word pieces read of each text; the rest is cut off")
    stretch: int = Field(128, ge=4, le=4_096, description="word pieces of each text in a training step, from anywhere")
    word_dropout: float = Field(0.0, ge=0, lt=1, description="share of word pieces hidden while training")
    input_dropout: float = Field(0.0, ge=0, lt=1, description="share of embedding features dropped while training")
    taught_epochs: int = Field(0, ge=0, le=1_000, description="passes over self-labelled texts, where there are any")
    bfloat16: bool = Field(False, description="train with bfloat16 products where the processor has them")
    text_column: str = Field("", description="column with the text; found by its usual names when empty")
    label_column: str = Field("", description="column with the label; found by its usual names when empty")
    validation_share: float = Field(0.1, gt=0, lt=0.5, description="share of the training texts kept for validation")
    test_share: float = Field(0.1, gt=0, lt=0.5, description="share kept for the test where the source has no split")

    training_only: ClassVar[frozenset[str]] = Settings.training_only.union(
        ("pairs", "max_length", "stretch", "word_dropout", "input_dropout", "taught_epochs", "bfloat16")
    )


PRESETS = {
    "tiny": Config(
        vocabulary=400, embedding=32, vectors=False, max_length=48, stretch=48, units=32, epochs=6, learning_rate=5e-3
    ),
    "base": Config(
        vocabulary=12_000, embedding=64, pairs=2**18, max_length=600, stretch=256, dropout=0.5, input_dropout=0.2,
        epochs=3, taught_epochs=2, batch_size=128, learning_rate=3e-3, bfloat16=True
    ),
    "large": Config(
        vocabulary=24_000, embedding=128, pairs=2**20, max_length=800, stretch=400, units=128, dropout=0.5,
        input_dropout=0.3, epochs=4, taught_epochs=2, batch_size=128, learning_rate=3e-3, bfloat16=True
    ),
}  # fmt: skip

SOURCES = text_sources.SOURCES

METRIC = Metric("accuracy", higher_is_better=True, unit="%")


def fingerprint(source: str, config: Config) -> str:  # noqa: ARG001  the same signature in every application
    """What identifies the raw data of a source, without loading it."""
    return text_sources.fingerprint(source)


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    """Write a table `text`, `label` per part that the source has, and its texts without label; return the data card."""
    import pandas as pd

    found, card = text_sources.load(source, config.text_column, config.label_column)
    for name, table in found.parts.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    pd.DataFrame({"text": found.unlabelled}, dtype=str).to_parquet(folder / f"{UNLABELLED}.parquet", index=False)
    sizes = {f"{name}_texts": len(table) for name, table in found.parts.items()}
    return card | sizes | {"unlabelled_texts": len(found.unlabelled)}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write tokenizer, label names, texts, word vectors and the ids of the three parts; return their sizes."""
    import pandas as pd

    tables = {name: pd.read_parquet(raw / f"{name}.parquet") for name in PARTS if (raw / f"{name}.parquet").exists()}
    tables = split(tables, config.validation_share, config.test_share, config.seed)
    labels = sorted(set(tables["train"]["label"]))
    (folder / LABELS).write_text(json.dumps(labels), encoding="utf-8")
    pd.concat([table.assign(part=name) for name, table in tables.items()]).to_parquet(folder / TEXTS, index=False)
    tokenizer = train_wordpiece(tables["train"]["text"].tolist(), config.vocabulary, folder / TOKENIZER)
    parts = {
        name: Part(encode(tokenizer, table["text"].tolist()), table["label"].map(labels.index).to_numpy(np.int32))
        for name, table in tables.items()
    }
    unlabelled = encode(tokenizer, pd.read_parquet(raw / f"{UNLABELLED}.parquet")["text"].tolist())
    parts[UNLABELLED] = Part(unlabelled, np.full(len(unlabelled), NO_LABEL, np.int32))
    save_parts(folder / DATA, **parts)
    if config.vectors:
        sequences = parts["train"].ids + unlabelled
        np.save(folder / VECTORS, word_vectors(sequences, tokenizer.get_vocab_size(), config.embedding, config.seed))
    return {"labels": labels, "vocabulary": tokenizer.get_vocab_size()} | {
        name: len(part) for name, part in parts.items()
    }


def build(data: Path, config: Config) -> "keras.Model":
    """The network: ids (batch, time) int32 → probabilities (batch, labels)."""
    import keras

    from components.sentiment.layers import Blend, LinearText
    from components.sentiment.pooling import MaskedPooling

    vocabulary, labels = _vocabulary(data), len(_labels(data))
    ids = keras.Input((None,), dtype="int32", name="ids")
    embedding = keras.layers.Embedding(vocabulary, config.embedding, mask_zero=True, name="embedding")
    x = embedding(ids)  # (batch, time, embedding)
    if (data / VECTORS).exists():
        embedding.set_weights([np.load(data / VECTORS)])
    x = keras.layers.SpatialDropout1D(config.input_dropout, name="input_dropout")(x)
    x = bidirectional(x, config.units, config.layers, config.dropout)  # (batch, time, 2 * units)
    x = MaskedPooling(name="pooling")(x)  # (batch, 4 * units)
    x = keras.layers.Dropout(config.dropout, name="pooling_dropout")(x)
    x = keras.layers.Dense(labels, name="logits")(x)
    if config.pairs:
        x = Blend(name="blend")([x, LinearText(vocabulary, config.pairs, labels, name="linear")(ids)])
    x = keras.layers.Softmax(name="probabilities")(x)
    return keras.Model({"ids": ids}, {"probabilities": x}, name="sentiment")


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network on the training part, and on the texts without label if asked; return the history."""
    from components.sentiment.self_training import SelfTraining

    train, validation, unlabelled = (load_part(data / DATA, name) for name in ("train", "validation", UNLABELLED))
    training = SelfTraining(model, config, len(_labels(data)), _vocabulary(data))
    return training.fit(train, validation, unlabelled, folder)


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    """Accuracy on a part, or on its first `limit` texts."""
    texts = load_part(data / DATA, part).first(limit)
    return measured(probabilities(predict, texts, config.max_length), texts.labels)


def baselines(data: Path, config: Config) -> dict[str, Scores]:  # noqa: ARG001  the same signature in every application
    """Scores of TF-IDF with logistic regression and of the majority class on the same test part."""
    labels, texts = _labels(data), {part: _texts(data, part) for part in PARTS}
    known = texts["train"] + texts["validation"]  # neither has a use for a validation part
    train, validation, test = (load_part(data / DATA, part).labels for part in PARTS)
    seen = np.concatenate([train, validation])
    regression = tfidf_regression(known, seen, texts["test"], len(labels))
    return {
        "tfidf_logistic_regression": measured(regression, test),
        "majority_class": measured(majority(seen, len(test), len(labels)), test),
    }


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:
    """A confusion matrix and the texts the network is surest and least sure of."""
    part, labels = load_part(data / DATA, "test").first(ILLUSTRATED), _labels(data)
    found = probabilities(predict, part, config.max_length)
    confusion_picture(part.labels, found.argmax(axis=1), labels, folder / CONFUSION)
    return Illustration(telling_texts(_texts(data, "test"), part.labels, found, labels), (CONFUSION,))


def describe(data: Path, config: Config) -> Description:
    """What the exporter and the device need to know."""
    part, labels, texts = load_part(data / DATA, "test"), _labels(data), _texts(data, "test")
    order = list(by_length(part, 1, config.max_length))
    chosen = [int(order[place][0]) for place in (0, len(order) // 2, -1)]  # a short, a usual and a long text
    ids = [padded([part.ids[row]], config.max_length) for row in chosen]
    spare = min(CASE_PADDING, config.max_length - ids[0].shape[1])
    ids[0] = np.pad(ids[0], ((0, 0), (0, spare)), constant_values=PADDING_ID)
    return Description(
        graph=GraphSpec(
            inputs=(TensorSpec("ids", ("batch", "time"), "int32", "word piece, 0 = padding"),),
            outputs=(TensorSpec("probabilities", ("batch", len(labels)), "float32", "probability of each label"),),
            fixed={"batch": 1, "time": config.max_length},
        ),
        settings={"labels": labels, "max_length": config.max_length},
        cases=tuple({"ids": row} for row in ids),
        calibration=_calibration(data, config),
        tokenizer=data / TOKENIZER,
        texts=tuple(texts[row] for row in chosen),
        usage=USAGE,
        limits=LIMITS,
    )


def _calibration(data: Path, config: Config) -> tuple[Feeds, ...]:
    """Texts of the validation part, each a batch of one."""
    texts = load_part(data / DATA, "validation").first(CALIBRATION_TEXTS)
    return tuple({"ids": padded([ids], config.max_length)} for ids in texts.ids)


def _labels(data: Path) -> list[str]:
    return list(json.loads((data / LABELS).read_text(encoding="utf-8")))


def _vocabulary(data: Path) -> int:
    return len(json.loads((data / TOKENIZER).read_text(encoding="utf-8"))["model"]["vocab"])


def _texts(data: Path, part: str) -> list[str]:
    import pandas as pd

    return list(pd.read_parquet(data / TEXTS, filters=[("part", "==", part)])["text"])


APPLICATION = Application(
    name="sentiment",
    title="Sentiment of texts",
    metric=METRIC,
    presets=PRESETS,
    sources=SOURCES,
    own_data="a CSV, TSV, JSON Lines or Parquet table with a text and a label column, or train.* and test.* of it",
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
