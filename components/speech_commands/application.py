"""Speech commands: labelled clips of spoken words in, a recogniser out that hears them in a live stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.application import (
    Application,
    Description,
    Example,
    FrontDoor,
    Illustration,
    Metric,
    Predict,
    QualityRun,
    Scores,
)
from components.data.confusion import confusion, draw_confusion
from components.speech_commands import front_door as front_door_page
from components.speech_commands import sources
from components.speech_commands.config import PRESETS, Config
from components.speech_commands.detections import detections, hear, smoothed, stream_metrics
from components.speech_commands.network import graph, network, on_spectra, start_states
from components.speech_commands.parts import read_facts, read_part, read_whole
from components.speech_commands.preview import preview as first_rows
from components.speech_commands.recordings import make_stream
from gatewise.clip_search import clip_search

if TYPE_CHECKING:
    import keras

METRIC = Metric("accuracy", higher_is_better=True, unit="%")

USAGE = """import gatewise

recogniser = gatewise.load("BUNDLE")
print(recogniser.predict(samples, sample_rate=16_000))   # one clip
for detection in recogniser.stream(microphone_chunks):   # a live stream, chunks of any size
    print(detection.time_s, detection.label, detection.probability)"""
LIMITS = (
    "It was trained on single words within a second of sound. Words it never heard, other languages, distant or "
    "overlapping speakers make it err. The false accepts per hour above are those of a stream as dense with speech as "
    "the test clips one after the other, not of an hour of ordinary sound."
)


def fingerprint(source: str, config: Config) -> str:
    """What identifies the raw data of a source, without loading it."""
    return sources.fingerprint(source, config.seed)


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    """Write every clip at one sample rate, with label, speaker and part; return the data card."""
    return sources.ingest(source, config, folder)


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write clips, labels and background noise of the three parts; return their sizes."""
    from components.speech_commands.ingest import prepare

    return prepare(raw, folder, config)


def build(data: Path, config: Config) -> "keras.Model":
    """The network: samples (batch, samples) and states → probabilities (batch, frames, labels) and next states."""
    from components.speech_commands.streams import some_spectra

    facts = read_facts(data)
    return network(facts, config.shape, some_spectra(read_part(data, "train"), facts))


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network on streams of changed clips; return the history."""
    from components.networks import training
    from components.networks.fused_gru import fused
    from components.speech_commands import streams
    from components.speech_commands.augmentation import Augmentation

    facts, train, validation = read_facts(data), read_part(data, "train"), read_part(data, "validation")
    changes, normalise = Augmentation().scaled(config.augmentation), streams.normaliser(model)
    retold = streams.retold_spectra(train, facts, config.copies, changes, config.seed, folder)
    heard = streams.Heard(retold, np.array(train.labels), streams.noise_spectra(train, facts), normalise)
    training_streams = streams.ClipStreams(heard, facts, config, changes)
    clips, labels = streams.clip_spectra(validation, facts), np.array(validation.labels)
    trained = on_spectra(model, config.shape)
    lesson = training.Lesson(
        training_streams,
        streams.whole_clips(clips, labels, normalise, facts, config.batch_size),
        len(training_streams),
        streams.clip_loss(facts.frames, config.label_smoothing),
        metrics=[streams.clip_accuracy(config.decision_frames, facts.frames)],
    )
    with fused(model):
        history = training.fit(trained, lesson, config, folder)
    streams.calibrate(model, streams.answers_to(trained, normalise(clips)), labels, config.decision_frames)
    return history


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    """Accuracy on a part's clips, or on `limit` of them; without a limit also how a stream of them is heard."""
    from components.speech_commands.scores import answers, chosen_clips

    facts, clips = read_facts(data), read_part(data, part)
    rows = chosen_clips(clips, limit)
    means = answers(predict, clips, rows, facts, config.shape, config.decision_frames)
    wrong = (means.argmax(axis=1) != np.asarray(clips.labels)[rows]).astype(float)
    metrics = {"accuracy": 100 * (1 - float(wrong.mean()))}
    if limit is None:
        stream = make_stream(clips, facts, config.seed)
        heard = hear(predict, stream, facts, start_states(facts, config.shape, 1))
        metrics |= stream_metrics(heard, stream, facts, config.rule)
    return Scores(metrics, wrong)


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    """Scores of logistic regression on each mel's mean and deviation, and of the commonest label."""
    from components.speech_commands.baselines import regression_answers

    facts, train, test = read_facts(data), read_part(data, "train"), read_part(data, "test")
    commonest = np.full(len(test.labels), np.bincount(train.labels).argmax())
    found = {"logistic_regression": regression_answers(train, test, facts, config.seed), "commonest_label": commonest}
    wrong = {name: (answer != np.asarray(test.labels)).astype(float) for name, answer in found.items()}
    return {name: Scores({"accuracy": 100 * (1 - float(each.mean()))}, each) for name, each in wrong.items()}


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:
    """A table of precision and recall by label, the confusion matrix, and a stream with what is heard in it."""
    from components.speech_commands.pictures import draw_stream
    from components.speech_commands.scores import answers, label_table

    facts, part = read_facts(data), read_part(data, "test")
    rows = np.arange(len(part.labels))
    means = answers(predict, part, rows, facts, config.shape, config.decision_frames)
    table = confusion(np.asarray(part.labels), means.argmax(axis=1), len(facts.labels))
    draw_confusion(table, facts.labels, "test clips", folder / "confusion.png")
    stream = make_stream(part, facts, config.seed)
    heard = hear(predict, stream, facts, start_states(facts, config.shape, 1))
    found, late = detections(heard, facts.labels, config.rule), config.decision_frames - 1
    padded = np.concatenate([np.full((late, len(facts.labels)), np.nan), smoothed(heard, config.decision_frames)])
    draw_stream(stream, padded, found, facts, config.threshold, folder / "stream.png")
    return Illustration(label_table(table, facts.labels), ("confusion.png", "stream.png"))


def describe(data: Path, config: Config) -> Description:
    """What the exporter and the device need to know."""
    from components.speech_commands.scores import examples, whole_examples

    facts = read_facts(data)
    search = clip_search(facts.clip_samples)
    return Description(
        graph=graph(facts, config.shape),
        settings={
            "labels": list(facts.labels),
            "sample_rate": facts.sample_rate,
            "hop": facts.hop,
            "decision_frames": config.decision_frames,
            "threshold": config.threshold,
            "refractory_ms": config.refractory_ms,
            "clip_samples": facts.clip_samples,
            "search_step": search.step,
            "search_as_loud": search.as_loud,
        },
        cases=tuple(examples(read_part(data, "test"), facts, config.shape, config.seed)),
        calibration=tuple(whole_examples(read_part(data, "validation"), facts, config.shape)),
        step_axis="samples",
        usage=USAGE,
        limits=LIMITS,
    )


def front_door(predict: Predict, data: Path, config: Config, folder: Path) -> FrontDoor:
    """Test recordings as long as they are, and what the evaluation heard in the clips cut out of them."""
    from components.speech_commands.scores import answers

    facts, part, whole = read_facts(data), read_part(data, "test"), read_whole(data)
    means = answers(predict, part, np.array(list(whole)), facts, config.shape, config.decision_frames)
    return front_door_page.asked(list(whole.values()), means, facts.labels, facts.sample_rate, folder)


def preview(raw: Path, config: Config) -> list[dict[str, Any]]:  # noqa: ARG001  the same signature in every application
    """The first rows as they were understood."""
    return first_rows(raw)


APPLICATION = Application(
    name="speech_commands",
    title="Speech commands",
    summary="labelled clips of spoken words become a recogniser that listens to a stream",
    metric=METRIC,
    presets=PRESETS,
    sources=sources.SOURCES,
    own_data="a folder of <word>/*.wav (flac, mp3, ogg) or <word>/<speaker>/*.wav, a .tar.gz of one, or either with a "
    "clips.csv (file, label, split)",
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
    quality={
        "speech_commands": QualityRun(
            "../shared/data/speech_commands", "Speech Commands, 2,387 clips, 12 labels, speakers apart"
        )
    },
    example=Example(vectors={"samples": "samples"}),
)
