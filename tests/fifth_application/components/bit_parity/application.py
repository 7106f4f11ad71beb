"""Bit parity: is the number of ones in a row of bits odd? The whole of a fifth application."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from components.application import (
    Application,
    Call,
    Description,
    Example,
    FrontDoor,
    Illustration,
    Metric,
    Predict,
    Scores,
)
from components.converters.specs import GraphSpec, TensorSpec
from components.data.sources import Source
from components.settings import Settings

if TYPE_CHECKING:
    import keras

BITS = "bits.npz"
SHARES = {"train": 0.8, "validation": 0.9, "test": 1.0}  # where each part ends
LABELS = ["even", "odd"]


class Config(Settings):
    """Settings of a training."""

    rows: int = Field(200, ge=20, description="rows of bits")
    length: int = Field(4, ge=1, description="bits in a row")

    training_only: ClassVar[frozenset[str]] = Settings.training_only


def fingerprint(source: str, config: Config) -> str:
    return f"{source} {config.seed}"


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    bits = np.random.default_rng(config.seed).integers(0, 2, (config.rows, config.length))
    np.savez(folder / BITS, bits=bits)
    return {"licence": "Apache-2.0", "rows": len(bits)}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    bits = np.load(raw / BITS)["bits"]
    ends = [int(share * len(bits)) for share in SHARES.values()]
    np.savez(folder / BITS, **dict(zip(SHARES, np.split(bits, ends[:-1]), strict=True)))
    return {"labels": LABELS}


def build(data: Path, config: Config) -> "keras.Model":
    import keras

    bits = keras.Input((None, 1), name="bits")
    x = keras.layers.GRU(config.units)(bits)
    return keras.Model({"bits": bits}, {"probabilities": keras.layers.Dense(2, "softmax", name="probabilities")(x)})


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    import tensorflow as tf

    from components.networks import training

    def batches(part: str) -> "tf.data.Dataset":
        bits, odd = _examples(data, part)
        return tf.data.Dataset.from_tensor_slices(({"bits": bits}, {"probabilities": odd})).batch(20)

    train = batches("train")
    loss = {"probabilities": "sparse_categorical_crossentropy"}
    lesson = training.Lesson(train, batches("validation"), len(train), loss)
    return training.fit(model, lesson, config, folder)


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    bits, odd = (array[:limit] for array in _examples(data, part))
    return _scores(predict({"bits": bits})["probabilities"].argmax(axis=1), odd)


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    commonest = np.bincount(_examples(data, "train")[1]).argmax()
    odd = _examples(data, "test")[1]
    return {"commonest": _scores(np.full(len(odd), commonest), odd)}


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:
    return Illustration("Bits are not much to look at.")


def describe(data: Path, config: Config) -> Description:
    bits, _ = _examples(data, "test")
    graph = GraphSpec(
        (TensorSpec("bits", ("batch", "time", 1)),),
        (TensorSpec("probabilities", ("batch", 2)),),
        {"batch": 1, "time": config.length},
    )
    usage = 'import gatewise\n\ngatewise.load("BUNDLE").predict([1, 0, 1])'
    return Description(graph, {"labels": LABELS}, ({"bits": bits[:1]},), usage=usage, limits="It knows bits alone.")


def front_door(predict: Predict, data: Path, config: Config, folder: Path) -> FrontDoor:
    bits, _ = _examples(data, "test")
    answers = predict({"bits": bits})["probabilities"].argmax(axis=1)
    calls = tuple(Call(("".join(str(int(bit)) for bit in row.ravel()),)) for row in bits[:2])
    return FrontDoor(calls, tuple({"answer": LABELS[answer]} for answer in answers[:2]))


def preview(raw: Path, config: Config) -> list[dict[str, Any]]:
    return [{"bits": str(row)} for row in np.load(raw / BITS)["bits"][:3]]


def _examples(data: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    bits = np.load(data / BITS)[part]
    return bits[..., None].astype(np.float32), bits.sum(axis=1) % 2


def _scores(answers: np.ndarray, odd: np.ndarray) -> Scores:
    wrong = (answers != odd).astype(float)
    return Scores({"accuracy": 100 * (1 - float(wrong.mean()))}, wrong)


APPLICATION = Application(
    name="bit_parity",
    title="Bit parity",
    summary="rows of bits become a judge of whether their ones are odd in number",
    metric=Metric("accuracy", higher_is_better=True, unit="%"),
    presets={"tiny": Config(units=4, epochs=1)},
    sources={"embedded": Source("embedded", "embedded", "random bits", "Apache-2.0")},
    own_data="none",
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
    example=Example({"bits": [1, 0, 1]}),
)
