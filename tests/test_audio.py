"""Sound in: WAV files of every usual format, and a resampler that chunks cannot confuse."""

import struct
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewise import InputError
from gatewise.audio import Resampler, checked_samples, read_wav, resample, to_float
from gatewise.clip_search import clip_search
from gatewise.samples import say_once

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


@pytest.mark.parametrize("stated", [0, 0x7FFFFFFF, 0x7FFFF024, 0xFFFFFFFF])
def test_a_length_that_was_never_filled_in_loses_no_sample(tmp_path, stated, caplog):
    (tmp_path / "a.wav").write_bytes(riff(pcm(TONE, 16), 1, 1, 16, stated=stated))
    samples, _ = read_wav(tmp_path / "a.wav")
    assert len(samples) == len(TONE)
    assert [record.getMessage().split(": ")[1] for record in caplog.records] == [
        "the length in its header is wrong, all samples that are there are read"
    ]


def test_an_empty_chunk_of_samples_before_another_chunk_is_no_sound(tmp_path):
    content = riff(b"", 1, 1, 16) + b"LIST\x04\x00\x00\x00abcd"
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(InputError, match="holds no sound"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize(("bits", "whole"), [(16, True), (16, False), (24, True), (32, True)])
def test_floats_in_the_range_of_integers_are_scaled(tmp_path, bits, whole, caplog):
    floats = 1.9 * TONE * 2 ** (bits - 1)
    data = (np.round(floats) if whole else floats + 0.25).astype("<f4")
    (tmp_path / "a.wav").write_bytes(riff(data.tobytes(), 3, 1, 32))
    samples, _ = read_wav(tmp_path / "a.wav")
    assert samples == pytest.approx(1.9 * TONE, abs=1e-4)
    assert f"read in the range of {bits}-bit integers" in caplog.text


def test_channels_that_cancel_each_other_are_not_mixed(tmp_path, caplog):
    both = np.stack([-0.5 * TONE, TONE, -0.5 * TONE], axis=1)
    (tmp_path / "a.wav").write_bytes(riff(pcm(both.ravel(), 16), 1, 3, 16))
    assert read_wav(tmp_path / "a.wav")[0] == pytest.approx(TONE, abs=2**-14)
    assert "channel 2 of 3 is taken" in caplog.text
    assert read_wav(tmp_path / "a.wav", channel=3)[0] == pytest.approx(-0.5 * TONE, abs=2**-14)


@pytest.mark.parametrize("channel", [4, -1])
def test_a_channel_that_is_not_there_is_refused(tmp_path, channel):
    (tmp_path / "a.wav").write_bytes(riff(pcm(np.repeat(TONE, 3), 16), 1, 3, 16))
    with pytest.raises(InputError, match=rf"a\.wav: no channel {channel}: there are 3"):
        read_wav(tmp_path / "a.wav", channel=channel)


def test_wide_integers_are_taken_as_sixteen_bit_ones_and_refused_beyond():
    whole = (TONE * 2**15).astype(int)
    assert checked_samples(whole) == pytest.approx(TONE, abs=2**-14)
    assert checked_samples(whole.tolist()) == pytest.approx(TONE, abs=2**-14)
    assert checked_samples((TONE * 2**15 + 2**15).astype(np.uint16)) == pytest.approx(TONE, abs=2**-14)
    with pytest.raises(InputError, match=r"int64 samples reach .* give int16, int32 or floats"):
        checked_samples(whole * 100)


def test_samples_of_opposite_phase_are_one_channel_in_a_clip_and_a_warning_in_a_stream(caplog):
    both = np.stack([TONE, -TONE], axis=1)
    say_once.cache_clear()
    assert checked_samples(both) == pytest.approx(TONE)
    assert not checked_samples(both, empty=True).any()
    assert [record.getMessage()[:30] for record in caplog.records] == [
        "of the samples its channels ca",
        "the channels of a stream cance",
    ]


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
        (riff(pcm(TONE, 16), 6, 1, 8), r"WAV format 6 of 8 bits \(A-law\)"),
        (riff((3.5 * TONE).astype("<f4").tobytes() + b"\0\0\xe0\x40", 3, 1, 32), r"reach 7: scale them to \[-1, 1\]"),
        (riff(np.full(9, np.nan, "<f4").tobytes(), 3, 1, 32), "not numbers"),
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


@pytest.mark.parametrize(
    ("before", "word", "after"), [(0, 30, 0), (70, 20, 10), (0, 20, 100), (100, 30, 0), (55, 45, 33)]
)
def test_a_clip_is_cut_around_its_word(before, word, after):
    sound = np.concatenate([np.zeros(before), np.full(word, 0.5), np.zeros(after)]).astype(np.float32)
    search = clip_search(50)
    cut = search.cut(sound)
    assert len(cut) == 50
    assert np.count_nonzero(cut) == word
    as_integers = search.cut((sound * 32_767).astype(np.int16))
    assert np.count_nonzero(as_integers) == word


def test_a_clip_of_nothing_is_cut_too():
    assert clip_search(50).start(np.zeros(130, np.float32)) == 40


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
