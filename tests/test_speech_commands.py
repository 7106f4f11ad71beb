"""The recogniser from spoken words to detections in a stream."""

import builtins
import json
import os
import shutil
import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.application import Application
from components.errors import DataError, SettingError, SourceError
from components.registry import get
from components.speech_commands import sources as clip_sources
from components.speech_commands import synthetic as synthetic_speech
from components.speech_commands.config import Config
from components.speech_commands.detections import (
    Rule,
    detections,
    hear,
    smoothed,
    stream_metrics,
)
from components.speech_commands.parts import ClipFacts, Part, read_facts, read_part
from components.speech_commands.recordings import Stream, make_stream

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

WORDS = ("yes", "no", "stop")
FACTS = ClipFacts(("yes", "no", "_unknown_", "_silence_"), 16_000, 640, 16_000, "")
RULE = Rule(decision_frames=5, threshold=0.6, refractory_s=0.8)


@pytest.fixture(scope="module")
def application() -> Application:
    return get("speech_commands")


@pytest.fixture(scope="module")
def config(application: Application) -> Any:
    """A network so small, trained so shortly, that a test can wait for it."""
    small = {
        "words": WORDS,
        "embedded_clips": 240,
        "units": 24,
        "filters": 4,
        "features": 16,
        "epochs": 8,
        "batch_size": 8,
    }
    return application.preset("tiny").changed({**small, "augmentation": 0.1, "learning_rate": 0.01})


@pytest.fixture(scope="module")
def raw(application: Application, config: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words spoken by espeak-ng."""
    folder = tmp_path_factory.mktemp("raw")
    application.ingest("embedded", config, folder)
    return folder


@pytest.fixture(scope="module")
def data(application: Application, config: Any, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three parts of spoken words."""
    folder = tmp_path_factory.mktemp("data")
    application.preprocess(raw, config, folder)
    return folder


@pytest.fixture(scope="module")
def trained(application: Application, config: Any, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A trained network and its history."""
    from components.networks.training import seed_everything

    seed_everything(config.seed)
    model = application.build(data, config)
    return model, application.fit(model, data, config, tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="module")
def predict(trained: Any) -> Any:
    from components.networks.gru import predictor

    return predictor(trained[0])


def test_training_learns(trained: Any) -> None:
    history = trained[1]
    assert history["loss"][-1] < 0.75 * history["loss"][0]


def test_the_test_clips_are_answered_better_than_by_chance(
    application: Application, config: Any, data: Path, predict: Any
) -> None:
    scores = application.score(predict, data, config)
    others = application.baselines(data, config)
    assert set(scores.metrics) == {"accuracy", "stream_hit_rate", "stream_false_accepts_per_hour"}
    assert scores.metrics["accuracy"] > others["commonest_label"].metrics["accuracy"] + 15
    assert next(iter(others)) == "logistic_regression"
    assert scores.each.shape == others["logistic_regression"].each.shape == read_part(data, "test").labels.shape


def test_a_limit_takes_clips_of_every_label(application: Application, config: Any, data: Path, predict: Any) -> None:
    assert application.score(predict, data, config, limit=7).each.shape == (7,)


@pytest.mark.parametrize("chunks", [(1,) * 12, (5, 7), (11, 1), (12,)], ids=str)
def test_any_chunk_size_gives_the_same_probabilities(
    config: Any, data: Path, predict: Any, chunks: tuple[int, ...]
) -> None:
    from components.speech_commands.network import start_states

    facts = read_facts(data)
    samples = read_part(data, "test").samples(0, 2)[:, 4_000 : 4_000 + 12 * facts.hop]
    states = start_states(facts, config.shape, 2)
    whole = predict({"samples": samples, **states})["probabilities"]
    parts, at = [], 0
    for frames in chunks:
        outputs = predict({"samples": samples[:, at : at + frames * facts.hop], **states})
        states = {name: outputs[f"{name}_next"] for name in states}
        parts.append(outputs["probabilities"])
        at += frames * facts.hop
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-5)
    assert whole.shape == (2, 12, len(facts.labels))


def test_what_was_trained_is_what_hears_samples(config: Any, data: Path, trained: Any, predict: Any) -> None:
    from components.speech_commands.network import on_spectra, start_states
    from components.speech_commands.streams import clip_spectra, normaliser

    facts, part = read_facts(data), read_part(data, "validation")
    frames = normaliser(trained[0])(clip_spectra(part, facts))
    states = start_states(facts, config.shape, len(part.clips))
    heard = predict({"samples": part.samples(0, len(part.clips)), **states})["probabilities"]
    np.testing.assert_allclose(on_spectra(trained[0], config.shape)(frames).numpy(), heard, atol=1e-4)


def test_the_description_fits_the_network(application: Application, config: Any, data: Path, predict: Any) -> None:
    description = application.describe(data, config)
    inputs = {tensor.name: tensor.shape for tensor in description.graph.inputs}
    outputs = {tensor.name: tensor.shape for tensor in description.graph.outputs}
    for case in description.cases:
        assert set(case) == set(inputs)
        answers = predict(case)
        assert set(answers) == set(outputs)
        assert case["samples"].shape[1] % description.settings["hop"] == 0
        assert all(len(outputs[name]) == array.ndim for name, array in answers.items())
    assert set(description.settings) == SETTINGS
    json.dumps(dict(description.settings))


SETTINGS = {
    "labels",
    "sample_rate",
    "hop",
    "decision_frames",
    "threshold",
    "refractory_ms",
    "clip_samples",
    "search_step",
    "search_as_loud",
}


def test_pictures_are_drawn(application: Application, config: Any, data: Path, predict: Any, tmp_path: Path) -> None:
    illustration = application.illustrate(predict, data, config, tmp_path)
    assert "| yes |" in illustration.markdown
    assert all((tmp_path / name).stat().st_size > 5_000 for name in illustration.pictures)


def test_no_voice_is_in_two_parts(raw: Path) -> None:
    from components.speech_commands.store import read_table

    rows, *_ = read_table(raw)
    voices = {part: {row.speaker for row in rows if row.split == part} for part in ("train", "validation", "test")}
    assert all(voices.values())
    assert not voices["train"] & (voices["validation"] | voices["test"])
    assert not voices["validation"] & voices["test"]


def test_synthetic_clips_only_train(
    application: Application, config: Any, raw: Path, data: Path, tmp_path: Path
) -> None:
    sizes = application.preprocess(raw, config.changed({"synthetic_clips": 60}), tmp_path)["clips"]
    assert sizes["train"] > len(read_part(data, "train").labels)
    assert sizes["test"] == len(read_part(data, "test").labels)


def test_without_espeak_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "espeakng_loader":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(synthetic_speech, "speaker", synthetic_speech.Speaker)  # espeak-ng starts once in a process
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SourceError, match=r"pip install gatewise-flows\[speech\]"):
        clip_sources.ingest("embedded", Config(words=WORDS, embedded_clips=100, seed=1), tmp_path)


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(SourceError, match="no voice 'xx-nowhere'"):
        synthetic_speech.speaker().say("yes", "xx-nowhere", 160, 50, 50)


def test_the_same_seed_speaks_the_same_samples_whatever_was_said_before() -> None:
    first = [clip.samples for clip in synthetic_speech.speak(("yes", "no"), 40, 16_000, 3)]
    list(synthetic_speech.speak(("other", "words"), 10, 8_000, 5))
    again = [clip.samples for clip in synthetic_speech.speak(("yes", "no"), 40, 16_000, 3)]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not shutil.which("pgrep"), reason="pgrep lists processes and is not installed")
def test_a_process_that_speaks_is_ended_with_the_one_that_listens() -> None:
    clips = synthetic_speech.speak(("yes", "no"), 100_000, 16_000, 3)
    assert next(clips).label == "yes"
    clips.close()
    ours = ["pgrep", "-P", str(os.getpid()), "-f", synthetic_speech.SPEAKING]
    assert not subprocess.run(ours, capture_output=True, text=True, check=False).stdout


def test_a_fingerprint_changes_with_the_data(application: Application, config: Any, tmp_path: Path) -> None:
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a.wav").write_bytes(b"1")
    before = application.fingerprint(str(tmp_path), config)
    (tmp_path / "yes" / "a.wav").write_bytes(b"2")
    assert application.fingerprint(str(tmp_path), config) != before
    assert application.fingerprint("embedded", config) != application.fingerprint("fsdd", config)


def test_settings_are_checked(application: Application) -> None:
    with pytest.raises(SettingError, match="threshold"):
        application.preset("tiny").changed({"threshold": 2})


def probabilities(*spans: tuple[int, int, int], frames: int = 200) -> np.ndarray:
    """Certain silence, and between two frames certainty of a label."""
    out = np.zeros((frames, 4))
    out[:, 3] = 1
    for first, last, label in spans:
        out[first:last] = np.eye(4)[label]
    return out


def test_a_word_is_detected_once_its_frames_fill_the_mean() -> None:
    (found,) = detections(probabilities((50, 65, 0)), FACTS.labels, RULE)
    assert (found.frame, found.label) == (53, 0)  # 3 of 5 frames: the mean reaches 0.6


def test_the_same_word_is_heard_again_only_after_the_refractory_time() -> None:
    frames = [one.frame for one in detections(probabilities((50, 60, 1), (66, 90, 1)), FACTS.labels, RULE)]
    assert frames == [53, 73]


def test_a_word_whose_probability_stays_is_heard_once() -> None:
    frames = [one.frame for one in detections(probabilities((50, 190, 1)), FACTS.labels, RULE)]
    assert frames == [53]


def test_labels_in_underscores_are_never_detected() -> None:
    assert detections(probabilities((10, 90, 2)), FACTS.labels, RULE) == []


def test_a_stream_shorter_than_the_decision_detects_nothing() -> None:
    assert detections(probabilities((0, 4, 0), frames=4), FACTS.labels, RULE) == []
    assert smoothed(np.ones((4, 2)), 5).shape == (0, 2)


def test_the_device_detects_what_the_training_side_counts() -> None:
    """The same stream of probabilities through the light package's rule."""
    from gatewise.speech_commands import CommandRecognizer

    rng = np.random.default_rng(3)
    sharp = np.exp(3 * rng.normal(size=(40, 4))).repeat(10, axis=0)
    stream = (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32)
    device = object.__new__(CommandRecognizer)
    device.labels, device.sample_rate, device._hop = FACTS.labels, FACTS.sample_rate, FACTS.hop
    device._window, device._threshold, device._refractory_s = RULE.decision_frames, RULE.threshold, RULE.refractory_s
    device._commands = np.array([True, True, False, False])
    device._recent, device._frames, device._quiet_until = np.zeros((5, 4), np.float32), 0, 0.0
    device._armed = np.ones(4, bool)
    theirs = [(round(d.time_s * 25), d.label) for frame in stream if (d := device._decide(frame))]
    ours = [(d.frame, FACTS.labels[d.label]) for d in detections(stream, FACTS.labels, RULE)]
    assert ours == theirs
    assert len(ours) > 3


def test_hits_and_false_accepts_are_counted() -> None:
    said = np.array([[40, 90, 0], [120, 170, 1]])
    stream = Stream(np.zeros(200 * 640, np.float32), said)
    metrics = stream_metrics(probabilities((60, 75, 0), (5, 15, 1), (140, 150, 2)), stream, FACTS, RULE)
    assert metrics["stream_hit_rate"] == 50
    assert metrics["stream_false_accepts_per_hour"] == pytest.approx(1 / (8 / 3_600))


def test_a_stream_is_the_same_however_it_is_cut() -> None:
    rng = np.random.default_rng(5)
    clips = rng.integers(-9_000, 9_000, (7, 16_000)).astype(np.int16)
    noise = rng.integers(-900, 900, 50_000).astype(np.int16)
    stream = make_stream(Part(clips, np.array([0, 1, 2, 3, 0, 1, 2]), noise), FACTS, 4)
    whole = stream.samples[:]
    parts = [stream.samples[first : first + 3_210] for first in range(0, len(whole), 3_210)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert len(stream.said) == 6
    for first, last, _ in stream.said:
        said, quiet = whole[first * 640 : last * 640], whole[(first - 12) * 640 : first * 640]
        assert np.sqrt(np.mean(said**2)) > 5 * np.sqrt(np.mean(quiet**2)) > 0


def test_a_stream_of_many_clips_takes_no_memory() -> None:
    clips = np.broadcast_to(np.ones(16_000, np.int16), (100_000, 16_000))
    tracemalloc.start()
    stream = make_stream(Part(clips, np.zeros(100_000, int), np.ones(50_000, np.int16)), FACTS, 4)
    assert len(stream.samples) > 1.5 * 100_000 * 16_000
    assert len(stream.samples[-160_000:]) == 160_000
    assert tracemalloc.get_traced_memory()[1] < 60e6
    tracemalloc.stop()


def test_a_long_stream_is_heard_in_pieces_with_its_state_carried(config: Any, data: Path, predict: Any) -> None:
    from components.speech_commands.network import start_states

    facts, part = read_facts(data), read_part(data, "test")
    stream = make_stream(part, facts, 1)
    stream = Stream(stream.samples[: 21 * facts.sample_rate], stream.said)
    heard = hear(predict, stream, facts, start_states(facts, config.shape, 1))
    whole = predict({"samples": stream.samples[None], **start_states(facts, config.shape, 1)})["probabilities"][0]
    np.testing.assert_allclose(heard, whole, atol=1e-4)
    assert len(heard) == 21 * 25


def test_a_part_without_clips_is_refused(tmp_path: Path) -> None:
    from components.speech_commands.parts import Sounds, write_parts
    from components.speech_commands.store import Row

    rows = [Row("yes/a.wav", "yes", "", "train", 0, 4), Row("no/a.wav", "no", "", "train", 4, 4)]
    facts, nothing = replace(FACTS, labels=("yes", "no", "_silence_")), Sounds([], np.zeros(0, np.int16))
    with pytest.raises(DataError, match="no clips for the validation part"):
        write_parts(Sounds(rows, np.ones(8, np.int16)), nothing, facts, 1, tmp_path)
