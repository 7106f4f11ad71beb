"""Sound in: WAV files of every usual format, and a resampler that chunks cannot confuse."""

import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise import InputError
from gatewise.audio import Resampler, read_wav, resample, to_float

RATE = 8_000
TONE = 0.5 * np.sin(2 * np.pi * 440 * np.arange(800) / RATE)


def riff(data, tag, channels, bits, rate=RATE, stated=None, extra=b""):
    """A WAV file's bytes."""
    width = channels * bits // 8
    header = struct.pack("<HHIIHH", tag, channels, rate, rate * width, width, bits) + extra
    size = len(data) if stated is None else stated
    chunks = b"fmt " + struct.pack("<I", len(header)) + header + b"LIST\x03\x00\x00\x00abc\x00"
    chunks += b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def pcm(samples, bits):
    whole = np.round(samples * (2 ** (bits - 1) - 1)).astype("<i4")
    if bits == 8:
        return (whole + 128).astype("u1").tobytes()
    return b"".join(int(value).to_bytes(bits // 8, "little", signed=True) for value in whole)


EXTENSIBLE = struct.pack("<HHI", 22, 16, 0) + struct.pack("<H", 1) + bytes(14)


@pytest.mark.parametrize(
    ("content", "tolerance"),
    [
        (riff(pcm(TONE, 8), 1, 1, 8), 2**-6),
        (riff(pcm(TONE, 16), 1, 1, 16), 2**-14),
        (riff(pcm(TONE, 24), 1, 1, 24), 2**-20),
        (riff(pcm(TONE, 32), 1, 1, 32), 2**-20),
        (riff(TONE.astype("<f4").tobytes(), 3, 1, 32), 1e-7),
        (riff(TONE.astype("<f8").tobytes(), 3, 1, 64), 1e-7),
        (riff(pcm(TONE, 16), 0xFFFE, 1, 16, extra=EXTENSIBLE), 2**-14),
        (riff(pcm(np.repeat(TONE, 2), 16), 1, 2, 16), 2**-14),
        (riff(pcm(TONE, 16), 1, 1, 16, stated=0xFFFFFFFF), 2**-14),
    ],
    ids=["8", "16", "24", "32", "float", "double", "extensible", "stereo", "unfinished size"],
)
def test_every_usual_wav_format_is_read(tmp_path, content, tolerance):
    (tmp_path / "a.wav").write_bytes(content)
    samples, rate = read_wav(tmp_path / "a.wav")
    assert rate == RATE
    assert samples.dtype == np.float32
    assert samples == pytest.approx(TONE, abs=tolerance)


def test_files_of_the_standard_library_are_read(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as opened:
        opened.setparams((1, 2, RATE, 0, "NONE", ""))
        opened.writeframes(pcm(TONE, 16))
    assert read_wav(tmp_path / "a.wav")[0] == pytest.approx(TONE, abs=2**-14)


WHOLE = riff(pcm(TONE, 16), 1, 1, 16)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "not a WAV file"),
        (b"ID3 some mp3", "not a WAV file"),
        (WHOLE[:20], "cut short or never finished"),
        (WHOLE[:-10], "cut short: 1590 of 1600 bytes"),
        (riff(b"", 1, 1, 16), "holds no sound"),
        (riff(pcm(TONE, 16), 1, 0, 16), "holds no sound"),
        (riff(pcm(TONE, 16), 6, 1, 8), "WAV format 6 of 8 bits"),
        (riff(pcm(TONE, 16), 1, 1, 12), "WAV format 1 of 12 bits"),
    ],
)
def test_files_that_are_no_sound_are_refused_by_name(tmp_path, content, named):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.wav.*{named}"):
        read_wav(tmp_path / "a.wav")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.wav cannot be read: No such file"):
        read_wav(tmp_path / "none.wav")


def test_integers_span_from_minus_one_to_one():
    assert to_float(np.array([-32_768, 0, 32_767], np.int16)).tolist() == pytest.approx([-1, 0, 1], abs=1e-4)
    assert to_float(np.array([0, 128, 255], np.uint8)).tolist() == pytest.approx([-1, 0, 1], abs=1e-2)


def tone(rate, hertz, seconds=0.5):
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize(
    ("rate", "new_rate"), [(44_100, 16_000), (48_000, 16_000), (8_000, 16_000), (16_000, 8_000), (11_025, 16_000)]
)
def test_a_tone_is_the_same_tone_at_another_rate(rate, new_rate):
    changed = resample(tone(rate, 440), rate, new_rate)
    assert len(changed) == -(-int(0.5 * rate) * new_rate // rate)
    inner = slice(200, -200)  # the ends are next to silence
    assert changed[inner] == pytest.approx(tone(new_rate, 440)[: len(changed)][inner], abs=2e-4)


@pytest.mark.parametrize(("rate", "new_rate"), [(44_100, 16_000), (16_000, 8_000)])
def test_tones_that_the_new_rate_cannot_hold_are_gone(rate, new_rate):
    assert np.abs(resample(tone(rate, 0.6 * new_rate), rate, new_rate)[200:-200]).max() < 1e-3


def test_a_constant_stays_that_constant():
    assert resample(np.full(2_000, 0.25, np.float32), 44_100, 16_000)[50:-50] == pytest.approx(0.25, abs=1e-6)


def test_the_same_rate_changes_nothing():
    samples = tone(RATE, 440)
    assert resample(samples, RATE, RATE) is samples


@settings(max_examples=40)
@given(
    st.sampled_from([(44_100, 16_000), (8_000, 16_000), (48_000, 16_000), (12_345, 16_000)]),
    st.lists(st.integers(0, 500), min_size=1, max_size=20),
)
def test_chunk_sizes_do_not_change_the_resampled_sound(rates, sizes):
    samples = np.random.default_rng(sum(sizes)).normal(0, 0.3, sum(sizes)).astype(np.float32)
    whole, parts = Resampler(*rates), Resampler(*rates)
    expected = whole.push(samples)
    chunks = [parts.push(chunk) for chunk in np.split(samples, np.cumsum(sizes)[:-1])]
    assert np.concatenate(chunks).tolist() == expected.tolist()
    assert len(samples) * rates[1] / rates[0] - len(expected) < 2_000


@pytest.mark.parametrize("rate", [0, -1, 999, 10**6])
def test_rates_that_no_sound_has_are_refused(rate):
    with pytest.raises(InputError, match=f"sample rate {rate} Hz"):
        Resampler(rate, 16_000)
