"""Text generation: a text corpus in, stacked GRUs that predict its next character or word piece out."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from components.application import Application, Description, Illustration, Metric, Predict, Scores
from components.settings import Settings
from components.text_generation import cases as text_cases
from components.text_generation import ids as text_ids
from components.text_generation import sources as corpus_catalog
from components.text_generation.ngram import NGramModel, best_order
from components.text_generation.parts import TOKENIZER, Parts, cuts
from components.text_generation.samples import draw_losses, fenced, write_on
from components.text_generation.scores import CHUNK, chunk_losses

if TYPE_CHECKING:
    import keras

TEXT, PICTURE = "text.txt", "loss_along_the_test_text.png"
LONGEST_NGRAM = {"character": 9, "subword": 4}
PROMPT_IDS, SAMPLE_IDS, TEMPERATURES = 60, 300, (0.5, 0.9)
OPENINGS = 16  # pieces of the validation part, from which integer files take their ranges
STRANGE_TEXT = "Zoë’s naïve café:\n\tdef f(x):  return x**2  # 数 🙂\r\n"  # what no training text may have

USAGE = """
import gatewise

generator = gatewise.load("BUNDLE")
print(generator.predict("The ", length=300, temperature=0.7, seed=1))
for piece in generator.stream("The ", length=300):
    print(piece, end="", flush=True)
"""
LIMITS = (
    "It writes in the manner of its training text and knows nothing else: do not take what it says for fact. It may "
    "repeat passages of that text. What it makes of another language or domain is noise."
)


class Config(Settings):
    """Settings of a text generation training."""

    level: Literal["character", "subword"] = Field("character", description="what the network reads and writes")
    vocabulary: int = Field(1_000, ge=257, le=100_000, description="word pieces in the tokenizer, at subword level")
    embedding: int = Field(64, ge=1, le=1_024, description="numbers per character or word piece")
    tied: bool = Field(False, description="whether the output layer shares the embedding's weights")
    weight_dropout: float = Field(0.0, ge=0, lt=1, description="share of recurrent weights dropped while training")
    window: int = Field(100, ge=2, le=2_000, description="steps through which gradients flow back")
    validation_share: float = Field(0.05, gt=0, lt=0.4, description="share of the text, before the test part")
    test_share: float = Field(0.1, gt=0, lt=0.4, description="share of the text, at its end")

    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"embedding", "tied", "weight_dropout"}


PRESETS = {
    "tiny": Config(units=256, embedding=32, window=64, dropout=0.2, epochs=6, batch_size=16, learning_rate=6e-3),
    "base": Config(  # dropout shares as in the literature, not tuned
        units=512,
        window=64,
        dropout=0.3,
        weight_dropout=0.2,
        epochs=20,
        batch_size=64,
        learning_rate=4e-3,
        patience=4,
    ),
    "large": Config(
        units=768, layers=2, embedding=128, window=128, dropout=0.4, epochs=30, batch_size=64, learning_rate=2e-3
    ),
}

SOURCES = corpus_catalog.SOURCES

METRIC = Metric("nats_per_character", higher_is_better=False, unit="")


def fingerprint(source: str, _config: Config) -> str:
    """What identifies the raw data of a source, without loading it."""
    return corpus_catalog.fingerprint(source)


def ingest(source: str, _config: Config, folder: Path) -> dict[str, Any]:
    """Write `text.txt`, UTF-8 with line feeds; return the data card."""
    text, facts = corpus_catalog.read(source)
    (folder / TEXT).write_text(text, encoding="utf-8", newline="\n")
    return {**facts, "characters": len(text), "lines": text.count("\n"), "different_characters": len(set(text))}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write the tokenizer, the ids of the three parts and what the predictor must know; return their sizes.

    The tokenizer learns from all but the test part. See `parts.Parts` for the arrays.
    """
    text = (raw / TEXT).read_text(encoding="utf-8")
    _, end = cuts(len(text), config.validation_share, config.test_share)
    tokenizer = text_ids.train(text[:end], config.level, config.vocabulary, folder / TOKENIZER)
    parts = Parts.of(tokenizer, text, config.validation_share, config.test_share)
    parts.check_lengths(config.window)
    parts.write(folder)
    sizes = {"train_ids": len(parts.train), "validation_ids": len(parts.validation), "test_ids": len(parts.test)}
    return {**sizes, "vocabulary": parts.facts.vocabulary, "turn_end": parts.facts.turn_end}


def build(data: Path, config: Config) -> "keras.Model":
    """The network: ids (batch, time) int32 and states → logits (batch, time, vocabulary) and the next states."""
    import keras

    from components.networks import gru

    vocabulary = Parts.read(data).facts.vocabulary
    ids = keras.Input((None,), dtype="int32", name="ids")
    states = gru.state_inputs(config.units, config.layers)
    if config.tied:
        embedding = keras.layers.ReversibleEmbedding(vocabulary, config.embedding, name="embedding")
    else:
        embedding = keras.layers.Embedding(vocabulary, config.embedding, name="embedding")
    x, following = gru.stack(embedding(ids), config.units, states, config.dropout, locked=True)  # (batch, time, units)
    if config.tied:
        x = keras.layers.Dense(config.embedding, name="narrowed")(x)  # (batch, time, embedding)
        logits = embedding(x, reverse=True)  # (batch, time, vocabulary)
    else:
        logits = keras.layers.Dense(vocabulary, name="output")(x)
    logits = keras.layers.Identity(name="logits")(logits)
    return keras.Model([ids, *states], {"logits": logits, **following}, name="text_generation")


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network with carried state on the training part; return the history."""
    import keras

    from components.networks import gru, training
    from components.networks.fused_gru import fused
    from components.text_generation.streams import FreshStates, Streams, rows_of

    parts = Parts.read(data)
    rows = rows_of(config.batch_size, config.window, parts.train, parts.validation)
    streams = Streams(parts.train, rows, config.window, config.seed)
    with fused(model, config.weight_dropout):
        return training.fit(
            gru.carrying(model, rows, "logits"),
            streams,
            Streams(parts.validation, rows, config.window),
            config,
            folder,
            steps_per_epoch=len(streams),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            callbacks=[FreshStates(streams)],
        )


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    """Nats per character on a part, or on its first `limit` chunks of 100 ids, the state carried throughout."""
    parts = Parts.read(data)
    before, ids = parts.with_past(part)
    return _scores(chunk_losses(predict, before, ids, text_cases.start(config.units, config.layers), limit), ids, parts)


def _scores(losses: np.ndarray, ids: np.ndarray, parts: Parts) -> Scores:
    """Scores from the nats per id of the first chunks of some ids, (chunks,)."""
    ids = ids[: len(losses) * CHUNK]
    each = losses * len(ids) / parts.characters[ids].sum()  # (chunks,), their mean is all nats over all characters
    nats = float(each.mean())
    metrics = {METRIC.name: nats, "bits_per_character": nats / math.log(2), "perplexity": math.exp(nats)}
    return Scores(metrics, each)


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    """Scores of a Kneser-Ney model, its order chosen on the validation part, and of the ids' frequencies alone."""
    parts = Parts.read(data)
    longest = min(LONGEST_NGRAM[config.level], len(parts.train) - 1)
    model = NGramModel(parts.train, parts.facts.vocabulary, longest)
    order = best_order(model, parts.train, parts.validation)
    whole = parts.test[: len(parts.test) // CHUNK * CHUNK]
    losses = model.losses(parts.validation, whole).reshape(longest, -1, CHUNK).mean(axis=2)  # (order, chunks)
    named = {f"{order}-gram": losses[order - 1], "frequencies": losses[0]}
    return {name: _scores(each, parts.test, parts) for name, each in named.items()}


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:
    """What the network writes after the opening of the test part, and its loss along it beside the baseline's."""
    parts, tokenizer = Parts.read(data), text_ids.load(data / TOKENIZER)
    prompt = parts.test[:PROMPT_IDS]
    passages = [f"The test text begins:\n\n{fenced(text_ids.decode(tokenizer, prompt))}"]
    for temperature in TEMPERATURES:
        text = write_on(
            predict, tokenizer, prompt, text_cases.start(config.units, config.layers), temperature, SAMPLE_IDS
        )
        passages.append(f"From there the model writes, at temperature {temperature}:\n\n{fenced(text)}")
    name, baseline = next(iter(baselines(data, config).items()))
    losses = {"this model": score(predict, data, config).each, name: baseline.each}
    draw_losses(folder / PICTURE, losses, METRIC.name.replace("_", " "))
    return Illustration("## What it writes\n\n" + "\n\n".join(passages), (PICTURE,))


def describe(data: Path, config: Config) -> Description:
    """What the exporter and the device need to know."""
    from components.converters.specs import GraphSpec, TensorSpec

    parts, tokenizer = Parts.read(data), text_ids.load(data / TOKENIZER)
    start = text_cases.start(config.units, config.layers)
    states = [TensorSpec(name, ("batch", config.units), unit="hidden state") for name in start]
    logits = TensorSpec("logits", ("batch", "time", parts.facts.vocabulary), unit="unnormalised log-probability")
    return Description(
        graph=GraphSpec(
            inputs=(TensorSpec("ids", ("batch", "time"), "int32", "token id"), *states),
            outputs=(logits, *(replace(state, name=f"{state.name}_next") for state in states)),
            fixed={"batch": 1, "time": 1},
        ),
        settings={"level": config.level, "prompt_token": parts.facts.prompt_id, "turn_stop": parts.facts.turn_end},
        cases=text_cases.cases(parts.test, start, config.seed),
        calibration=text_cases.openings(parts.validation, start, OPENINGS),
        tokenizer=data / TOKENIZER,
        texts=(
            *(text_ids.decode(tokenizer, parts.test[at : at + CHUNK]) for at in (0, len(parts.test) // 2)),
            STRANGE_TEXT,
        ),
        step_axis="time",
        usage=USAGE,
        limits=LIMITS,
    )


APPLICATION = Application(
    name="text_generation",
    title="Text generation",
    metric=METRIC,
    presets=PRESETS,
    sources=SOURCES,
    own_data="one UTF-8 text file, or a folder of them (prose, `speaker: line` dialogue or source code)",
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
