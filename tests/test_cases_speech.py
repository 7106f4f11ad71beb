"""Sound as people have it: wrong headers, long clips, odd codecs and channels, in training and on the device alike."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gatewise
from components.application import Run, Trained
from components.data.choices import collected
from components.errors import DataError
from components.pipeline import stages
from components.registry import get
from components.speech_commands.audio import ClipReader, to_pcm
from components.speech_commands.parts import fitted, read_facts, read_part, read_whole
from gatewise import InputError
from gatewise.__main__ import main
from gatewise.audio import read_wav
from gatewise.clip_search import clip_search

pytestmark = pytest.mark.filterwarnings(  # Keras 3.15 reads TensorFlow 2.21 variables in numpy's older way
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

SAME_SOUND = ("int32max.wav", "data_zero.wav", "riff_is_filesize.wav")


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of sound files as people have them."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "cases" / "speech_commands"
    if not folder.is_dir():
        pytest.skip("no cases: ../shared/cases is not beside the repository")
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained[Any]:
    """The tiny preset trained on espeak-ng's words, among them the one of the cases."""
    app = get("speech_commands")
    folder = tmp_path_factory.mktemp("recogniser")
    run = Run(app, "embedded", app.preset("tiny"), "tiny")
    raw = stages.ingest(run, folder / "ingest")
    data = stages.preprocess(run, raw, folder / "preprocess")
    model = stages.train(run, data, folder / "train")
    return Trained(run, data, model, stages.evaluate(run, data, model, folder / "evaluate"))


@pytest.fixture(scope="module")
def bundle(trained: Trained[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle; making it asks the light package about raw recordings of every length."""
    return stages.export(trained, tmp_path_factory.mktemp("bundle") / "export").path


@pytest.fixture(scope="module")
def recogniser(bundle: Path) -> Any:
    return gatewise.load(bundle)


def answered(recogniser: Any, path: Path) -> str:
    return recogniser.predict(*read_wav(path)).label


def decoded(path: Path) -> tuple[np.ndarray, ClipReader]:
    reader = ClipReader()
    return reader.decode(path.read_bytes(), path.name), reader


@pytest.mark.parametrize("name", ["b_word_then_1s_quiet.wav", *SAME_SOUND, "float_unscaled.wav", "antiphase.wav"])
def test_the_device_hears_the_same_word(recogniser: Any, cases: Path, name: str) -> None:
    word = answered(recogniser, cases / "a_word.wav")
    assert word[0] != "_"
    assert answered(recogniser, cases / name) == word


@pytest.mark.parametrize("quiet_s", [0.0, 0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_word_is_heard_wherever_it_is_in_a_clip(recogniser: Any, cases: Path, quiet_s: float, side: str) -> None:
    samples, rate = read_wav(cases / "a_word.wav")
    quiet = 1e-4 * np.random.default_rng(1).standard_normal(int(quiet_s * rate)).astype(np.float32)
    clip = np.concatenate([quiet, samples] if side == "before" else [samples, quiet])
    assert recogniser.predict(clip, rate).label == recogniser.predict(samples, rate).label


def test_a_word_before_silence_is_detected_once(bundle: Path, cases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(bundle), str(cases / "c_word_then_zeros.wav"), "--stream", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 1


@pytest.mark.parametrize("name", SAME_SOUND)
def test_every_sample_is_read_whatever_the_header_says(
    cases: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    wanted, rate = read_wav(cases / "a_word.wav")
    caplog.clear()
    samples, same_rate = read_wav(cases / name)
    np.testing.assert_array_equal(samples, wanted)
    assert rate == same_rate
    assert [record.getMessage() for record in caplog.records] == [
        f"{cases / name}: the length in its header is wrong, all samples that are there are read"
    ]
    trained_on, reader = decoded(cases / name)
    np.testing.assert_array_equal(trained_on, samples)
    assert sum(reader.notes.values()) == 1


def test_floats_in_the_range_of_integers_are_scaled_and_said(cases: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted, _ = read_wav(cases / "a_word.wav")
    samples, _ = read_wav(cases / "float_unscaled.wav")
    assert "read in the range of 16-bit integers" in caplog.text
    np.testing.assert_allclose(samples, wanted, atol=1e-4)
    trained_on, reader = decoded(cases / "float_unscaled.wav")
    np.testing.assert_array_equal(trained_on, samples)
    with collected() as choices:
        reader.report()
    assert [choice.doubtful for choice in choices] == [True]


def test_a_codec_is_decoded_for_training_and_refused_by_name_on_the_device(cases: Path) -> None:
    with pytest.raises(InputError, match=r"gsm\.wav .*GSM 6\.10.*convert it to 16-bit PCM"):
        read_wav(cases / "gsm.wav")
    samples, reader = decoded(cases / "gsm.wav")
    wanted, _ = read_wav(cases / "a_word.wav")
    assert len(samples) == pytest.approx(len(wanted), rel=0.05)
    assert np.abs(samples).max() > 0.3
    with collected() as choices:
        reader.report()
    assert [choice.chosen for choice in choices] == ["gsm.wav: GSM 6.10 decoded; a device reads PCM and floats only"]


def test_channels_of_opposite_phase_are_no_silence(cases: Path, caplog: pytest.LogCaptureFixture) -> None:
    wanted, _ = read_wav(cases / "a_word.wav")
    samples, _ = read_wav(cases / "antiphase.wav")
    assert "channel 1 of 2 is taken" in caplog.text
    np.testing.assert_allclose(samples, wanted, atol=1e-4)
    np.testing.assert_array_equal(decoded(cases / "antiphase.wav")[0], samples)
    second, _ = read_wav(cases / "antiphase.wav", channel=2)
    np.testing.assert_array_equal(second, -samples)
    np.testing.assert_array_equal(
        ClipReader(channel=2).decode((cases / "antiphase.wav").read_bytes(), "antiphase.wav"), second
    )


def test_a_channel_that_is_not_there_is_refused(cases: Path) -> None:
    with pytest.raises(InputError, match=r"antiphase\.wav: no channel 3: there are 2"):
        read_wav(cases / "antiphase.wav", channel=3)
    with pytest.raises(DataError, match="no channel 3"):
        ClipReader(channel=3).decode((cases / "antiphase.wav").read_bytes(), "antiphase.wav")


def test_training_and_device_cut_the_same_clip(cases: Path) -> None:
    samples, _ = read_wav(cases / "b_word_then_1s_quiet.wav")
    whole = to_pcm(samples)
    start = clip_search(16_000).start(samples)
    np.testing.assert_array_equal(fitted(whole, 16_000), whole[start : start + 16_000])


def test_the_device_answers_whole_recordings_as_the_report_counts_them(
    trained: Trained[Any], bundle: Path, recogniser: Any
) -> None:
    data = trained.data.path
    facts, part, whole = read_facts(data), read_part(data, "test"), read_whole(data)
    assert json.loads((bundle / "manifest.json").read_text())["settings"]["search_step"] == facts.clip_samples // 10
    for place, samples in whole.items():
        quiet = np.zeros(facts.sample_rate // 2, np.int16)
        longer = np.concatenate([quiet, samples, quiet])
        cut = fitted(longer, facts.clip_samples)
        assert recogniser.predict(longer).probabilities == recogniser.predict(cut).probabilities
        assert recogniser.predict(samples).probabilities == recogniser.predict(part.clips[place]).probabilities
