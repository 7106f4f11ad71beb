"""Sentiment: labelled texts in, a network that names a text's class out: a bidirectional GRU and a linear part.

The linear part weighs single word pieces and pairs of neighbours, as the strongest classical models of texts do; the
GRU reads in order. Each is right where the other is not, and the validation part says how much each counts.
"""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.application import (
    Application,
    Description,
    Example,
    Feeds,
    FrontDoor,
    Illustration,
    Metric,
    Predict,
    QualityRun,
    Scores,
)
from components.converters.specs import GraphSpec, TensorSpec
from components.data.choices import doubt
from components.data.confusion import confusion, draw_confusion
from components.data.tokenizing import encode, train_wordpiece
from components.sentiment import front_door as front_door_page
from components.sentiment import sources
from components.sentiment.baselines import majority, tfidf_regression
from components.sentiment.batches import PADDING_ID, Part, by_length, load_part, padded, save_parts
from components.sentiment.config import PRESETS, Config
from components.sentiment.network import network
from components.sentiment.pictures import telling_texts
from components.sentiment.preview import preview as first_rows
from components.sentiment.repeats import without_repeats
from components.sentiment.scores import measured, probabilities
from components.sentiment.splits import PARTS, split
from components.sentiment.tables import check, say_unmeasured
from components.sentiment.word_vectors import word_vectors

if TYPE_CHECKING:
    import keras
    import pandas as pd
    from tokenizers import Tokenizer

UNLABELLED = "unlabelled"
DATA, LABELS, TEXTS, TOKENIZER, VECTORS = "data.npz", "labels.json", "texts.parquet", "tokenizer.json", "vectors.npy"
CLEANING = "cleaning.json"  # the steps, in their order
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


METRIC = Metric("accuracy", higher_is_better=True, unit="%")


def fingerprint(source: str, config: Config) -> str:  # noqa: ARG001  the same signature in every application
    """What identifies the raw data of a source, without loading it."""
    return sources.fingerprint(source)


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    """Write a table `raw`, `text`, `label` per part, the texts without label and the cleaning; return the data card."""
    import pandas as pd

    found, card = sources.load(source, config)
    parts = without_repeats(found.parts)
    check(parts, source)
    say_unmeasured(parts)
    for name, table in parts.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    (folder / CLEANING).write_text(json.dumps(card["cleaning"]), encoding="utf-8")
    pd.DataFrame({"text": found.unlabelled}, dtype=str).to_parquet(folder / f"{UNLABELLED}.parquet", index=False)
    sizes = {f"{name}_texts": len(table) for name, table in parts.items()}
    return card | sizes | {"unlabelled_texts": len(found.unlabelled)}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write tokenizer, label names, texts, word vectors and the ids of the three parts; return their sizes."""
    import pandas as pd

    tables = {name: pd.read_parquet(raw / f"{name}.parquet") for name in PARTS if (raw / f"{name}.parquet").exists()}
    tables = split(tables, config.validation_share, config.test_share, config.seed)
    shutil.copyfile(raw / CLEANING, folder / CLEANING)
    labels = sorted(set(tables["train"]["label"]))
    (folder / LABELS).write_text(json.dumps(labels), encoding="utf-8")
    tokenizer = train_wordpiece(tables["train"]["text"].tolist(), config.vocabulary, folder / TOKENIZER)
    tables, ids = _with_words(tables, tokenizer)
    pd.concat([table.assign(part=name) for name, table in tables.items()]).to_parquet(folder / TEXTS, index=False)
    parts = {
        name: Part(ids[name], table["label"].map(labels.index).to_numpy(np.int32)) for name, table in tables.items()
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


def _with_words(
    tables: "dict[str, pd.DataFrame]", tokenizer: "Tokenizer"
) -> "tuple[dict[str, pd.DataFrame], dict[str, list[np.ndarray]]]":
    """The texts that hold a word, and their ids: the device refuses the others."""
    kept, ids = {}, {}
    for name, table in tables.items():
        encoded = encode(tokenizer, table["text"].tolist())
        worded = np.array([len(row) > 0 for row in encoded], bool)
        if not worded.all():
            doubt("texts without a word", f"{int((~worded).sum())} of the {name} part are left out")
        kept[name], ids[name] = table[worded], [row for row in encoded if len(row)]
    return kept, ids


def build(data: Path, config: Config) -> "keras.Model":
    """The network: ids (batch, time) int32 → probabilities (batch, labels)."""
    vectors = data / VECTORS
    return network(_vocabulary(data), len(_labels(data)), config, vectors if vectors.exists() else None)


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
    table = confusion(part.labels, found.argmax(axis=1), len(labels))
    draw_confusion(table, labels, "test texts", folder / CONFUSION)
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
        settings={"labels": labels, "max_length": config.max_length, "cleaning": _cleaning(data)},
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


def _cleaning(data: Path) -> list[str]:
    return list(json.loads((data / CLEANING).read_text(encoding="utf-8")))


def _vocabulary(data: Path) -> int:
    return len(json.loads((data / TOKENIZER).read_text(encoding="utf-8"))["model"]["vocab"])


def _texts(data: Path, part: str, column: str = "text") -> list[str]:
    """A part's texts after cleaning, or as they were ("raw")."""
    import pandas as pd

    return list(pd.read_parquet(data / TEXTS, filters=[("part", "==", part)])[column])


def front_door(predict: Predict, data: Path, config: Config, folder: Path) -> FrontDoor:  # noqa: ARG001
    """Raw test texts, and what the network says of them."""
    part = load_part(data / DATA, "test").first(front_door_page.TEXTS)
    found = probabilities(predict, part, config.max_length)
    return front_door_page.asked(_texts(data, "test", "raw")[: len(found)], found, _labels(data))


def preview(raw: Path, config: Config) -> list[dict[str, Any]]:  # noqa: ARG001  the same signature in every application
    """The first rows as they were understood."""
    return first_rows(raw, PARTS)


APPLICATION = Application(
    name="sentiment",
    title="Sentiment of texts",
    summary="labelled texts become a classifier that names a text's label",
    metric=METRIC,
    presets=PRESETS,
    sources=sources.SOURCES,
    own_data="a CSV, TSV, JSON or Parquet table of labelled texts, train.* and test.* of it, or pos/ and neg/ folders",
    fingerprint=fingerprint,
    ingest=ingest,
    preprocess=preprocess,
    build=build,
    fit=fit,
    score=score,
    baselines=baselines,
    illustrate=illustrate,
    describe=describe,
    front_door=front_door,
    preview=preview,
    layers=("components.sentiment.layers",),
    quality={"imdb": QualityRun("../shared/data/imdb", "IMDB, the official 25,000 test reviews")},
    example=Example({"text": "The plot was dull, but the acting was not bad at all."}),
)
