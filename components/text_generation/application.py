"""Text generation: a text corpus in, stacked GRUs that predict its next character or word piece out."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.application import (
    Application,
    Description,
    Example,
    FrontDoor,
    Illustration,
    Predict,
    QualityRun,
    Scores,
)
from components.text_generation import cases, ids, sources
from components.text_generation import front_door as front_door_page
from components.text_generation.baselines import losses_by_name
from components.text_generation.config import PRESETS, Config
from components.text_generation.network import network
from components.text_generation.parts import TOKENIZER, Parts, cuts
from components.text_generation.pictures import draw_losses
from components.text_generation.preview import preview as first_rows
from components.text_generation.repeats import say_repeats
from components.text_generation.samples import fenced, write_on
from components.text_generation.scores import CHUNK, METRIC, chunk_losses, measured

if TYPE_CHECKING:
    import keras

TEXT, PICTURE = "text.txt", "loss_along_the_test_text.png"
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


def fingerprint(source: str, _config: Config) -> str:
    """What identifies the raw data of a source, without loading it."""
    return sources.fingerprint(source)


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    """Write `text.txt`, UTF-8 with line feeds; return the data card."""
    text, facts = sources.read(source, config.encoding)
    (folder / TEXT).write_text(text, encoding="utf-8", newline="\n")
    return {**facts, "characters": len(text), "lines": text.count("\n"), "different_characters": len(set(text))}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write the tokenizer, the ids of the three parts and what the predictor must know; return their sizes.

    The tokenizer learns from all but the test part. See `parts.Parts` for the arrays.
    """
    text = (raw / TEXT).read_text(encoding="utf-8")
    _, end = cuts(len(text), config.validation_share, config.test_share)
    say_repeats(text[:end], text[end:])
    tokenizer = ids.train(text[:end], config.level, config.vocabulary, folder / TOKENIZER)
    parts = Parts.of(tokenizer, text, config.validation_share, config.test_share)
    parts.check_lengths(config.window)
    parts.write(folder)
    sizes = {"train_ids": len(parts.train), "validation_ids": len(parts.validation), "test_ids": len(parts.test)}
    return {**sizes, "vocabulary": parts.facts.vocabulary, "turn_end": parts.facts.turn_end}


def build(data: Path, config: Config) -> "keras.Model":
    """The network: ids (batch, time) int32 and states → logits (batch, time, vocabulary) and the next states."""
    return network(Parts.read(data).facts.vocabulary, config)


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network with carried state on the training part; return the history."""
    import keras

    from components.networks import gru, training
    from components.networks.fused_gru import fused
    from components.text_generation.streams import FreshStates, Streams, rows_of

    parts = Parts.read(data)
    rows = rows_of(config.batch_size, config.window, parts.train, parts.validation)
    streams = Streams(parts.train, rows, config.window, config.seed)
    lesson = training.Lesson(
        streams,
        Streams(parts.validation, rows, config.window),
        len(streams),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        callbacks=[FreshStates(streams)],
    )
    with fused(model, config.weight_dropout):
        return training.fit(gru.carrying(model, rows, "logits"), lesson, config, folder)


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    """Nats per character on a part, or on its first `limit` chunks of 100 ids, the state carried throughout."""
    parts = Parts.read(data)
    before, given = parts.with_past(part)
    losses = chunk_losses(predict, before, given, cases.start(config.units, config.layers), limit)
    return measured(losses, given, parts.characters)


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    """Scores of a Kneser-Ney model, its order chosen on the validation part, and of the ids' frequencies alone."""
    parts = Parts.read(data)
    losses = losses_by_name(parts, config.level)
    return {name: measured(each, parts.test, parts.characters) for name, each in losses.items()}


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:
    """What the network writes after the opening of the test part, and its loss along it beside the baseline's."""
    parts, tokenizer = Parts.read(data), ids.load(data / TOKENIZER)
    prompt = parts.test[:PROMPT_IDS]
    passages = [f"The test text begins:\n\n{fenced(ids.decode(tokenizer, prompt))}"]
    for temperature in TEMPERATURES:
        text = write_on(predict, tokenizer, prompt, cases.start(config.units, config.layers), temperature, SAMPLE_IDS)
        passages.append(f"From there the model writes, at temperature {temperature}:\n\n{fenced(text)}")
    name, baseline = next(iter(baselines(data, config).items()))
    losses = {"this model": score(predict, data, config).each, name: baseline.each}
    draw_losses(folder / PICTURE, losses, METRIC.name.replace("_", " "))
    return Illustration("## What it writes\n\n" + "\n\n".join(passages), (PICTURE,))


def describe(data: Path, config: Config) -> Description:
    """What the exporter and the device need to know."""
    from components.converters.specs import GraphSpec, TensorSpec

    parts, tokenizer = Parts.read(data), ids.load(data / TOKENIZER)
    start = cases.start(config.units, config.layers)
    states = [TensorSpec(name, ("batch", config.units), unit="hidden state") for name in start]
    logits = TensorSpec("logits", ("batch", "time", parts.facts.vocabulary), unit="unnormalised log-probability")
    return Description(
        graph=GraphSpec(
            inputs=(TensorSpec("ids", ("batch", "time"), "int32", "token id"), *states),
            outputs=(logits, *(replace(state, name=f"{state.name}_next") for state in states)),
            fixed={"batch": 1, "time": 1},
        ),
        settings={"level": config.level, "prompt_token": parts.facts.prompt_id, "turn_stop": parts.facts.turn_end},
        cases=cases.cases(parts.test, start, config.seed),
        calibration=cases.openings(parts.validation, start, OPENINGS),
        tokenizer=data / TOKENIZER,
        texts=(
            *(ids.decode(tokenizer, parts.test[at : at + CHUNK]) for at in (0, len(parts.test) // 2)),
            STRANGE_TEXT,
        ),
        step_axis="time",
        usage=USAGE,
        limits=LIMITS,
    )


def front_door(predict: Predict, data: Path, config: Config, folder: Path) -> FrontDoor:  # noqa: ARG001
    """Raw prompts, and what the network writes after them."""
    states = cases.start(config.units, config.layers)
    return front_door_page.asked(predict, Parts.read(data).test, ids.load(data / TOKENIZER), states)


def preview(raw: Path, config: Config) -> list[dict[str, Any]]:  # noqa: ARG001  the same signature in every application
    """The first rows as they were understood."""
    return first_rows(raw / TEXT)


APPLICATION = Application(
    name="text_generation",
    title="Text generation",
    summary="a text corpus becomes a streaming text generator",
    metric=METRIC,
    presets=PRESETS,
    sources=sources.SOURCES,
    own_data="one text file, or a folder of them (prose, `speaker: line` dialogue or source code)",
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
    quality={"shakespeare": QualityRun("../shared/data/shakespeare/input.txt", "tiny Shakespeare, the last tenth")},
    example=Example({"prompt": "The ", "length": 40, "seed": 1}, answers=40),
)
