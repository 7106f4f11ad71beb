"""Sound as mono float32 in [-1, 1]: WAV files, sample formats, channels, and resampling that can also be streamed."""

import struct
from functools import lru_cache
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from gatewise.errors import InputError

RATES_HZ = (1_000, 768_000)  # anything else is a mistake
LOUDEST = 2.0  # above 1 a little is resampling or clipping; far above is not [-1, 1]
CHANNELS = 32  # at the most; more "channels" are samples on the wrong axis
ZERO_CROSSINGS = 16  # of the resampler's sinc on each side: stop band about -80 dB with the Kaiser window below
KAISER_BETA = 8.0
ROLLOFF = 0.95  # of the lower Nyquist frequency that passes
OUTPUTS_AT_ONCE = 4_096  # bounds the resampler's memory
UNKNOWN_BYTES = 0xFFFFFFFF  # what a program that streams a WAV writes as its size
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE  # WAVE format tags


def read_wav(path: str | Path) -> tuple[np.ndarray, int]:
    """Mono samples, float32 of shape (samples,), and the sample rate of a WAV file.

    Reads PCM of 8, 16, 24 and 32 bits and floats of 32 and 64 bits; the `wave` module reads no floats.

    Raises:
        InputError: not such a file, or one that is empty or cut short.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise InputError(f"{path} is not a WAV file: convert it, for example with ffmpeg")
    chunks = _chunks(content)
    if b"fmt " not in chunks or b"data" not in chunks or len(chunks[b"fmt "][0]) < 16:
        raise InputError(f"{path} is a WAV file without samples or their format: it was cut short or never finished")
    header, _ = chunks[b"fmt "]
    data, stated = chunks[b"data"]
    if stated != UNKNOWN_BYTES and len(data) < stated:
        raise InputError(f"{path} was cut short: {len(data)} of {stated} bytes of sound are there")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", header)
    if tag == EXTENSIBLE and len(header) >= 26:
        tag = struct.unpack_from("<H", header, 24)[0]  # the real tag begins the sub-format
    samples = _decoded(data, tag, bits, str(path))
    if not channels or not samples.size // channels:
        raise InputError(f"{path} holds no sound: record again")
    return to_mono(samples[: samples.size // channels * channels].reshape(-1, channels)), rate


def _chunks(content: bytes) -> dict[bytes, tuple[bytes, int]]:
    """The first chunk of each name: its bytes, and how many it says it has."""
    found: dict[bytes, tuple[bytes, int]] = {}
    place = 12
    while place + 8 <= len(content):
        name, size = content[place : place + 4], struct.unpack_from("<I", content, place + 4)[0]
        found.setdefault(name, (content[place + 8 : place + 8 + size], size))
        place += 8 + size + size % 2
    return found


def _decoded(data: bytes, tag: int, bits: int, where: str) -> np.ndarray:
    """Samples as float32, channels interleaved."""
    width = bits // 8
    if (tag, bits) not in ((PCM, 8), (PCM, 16), (PCM, 24), (PCM, 32), (FLOAT, 32), (FLOAT, 64)):
        raise InputError(f"{where} has WAV format {tag} of {bits} bits: convert it to 16-bit PCM")
    data = data[: len(data) // width * width]
    if tag == FLOAT:
        return np.frombuffer(data, f"<f{width}").astype(np.float32)
    if bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return to_float(wide.view("<i4").ravel())
    return to_float(np.frombuffer(data, {8: "u1", 16: "<i2", 32: "<i4"}[bits]))


def to_float(samples: np.ndarray) -> np.ndarray:
    """Integer samples scaled to [-1, 1) as float32; floats unscaled."""
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    full = float(1 << (8 * samples.dtype.itemsize - 1))
    middle = full if samples.dtype.kind == "u" else 0.0
    return ((samples.astype(np.float64) - middle) / full).astype(np.float32)


def to_mono(samples: np.ndarray) -> np.ndarray:
    """The mean over channels, (samples,), of (samples,) or (samples, channels)."""
    return samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)


def checked_samples(samples: Any, empty: bool = False) -> np.ndarray:
    """Mono float32 samples, (samples,), of an array of floats in [-1, 1] or of integers.

    Raises:
        InputError: not sound, empty unless allowed, NaN, or floats far beyond [-1, 1].
    """
    array = np.asarray(samples)
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8 or array.ndim not in (1, 2):
        raise InputError(
            f"samples are {array.dtype} of shape {array.shape}: give numbers, (samples,) or (samples, channels)"
        )
    if array.ndim == 2 and not 1 <= array.shape[1] <= CHANNELS:
        raise InputError(f"samples have shape {array.shape}: give (samples, channels), channels last")
    if not array.size:
        if empty:
            return np.zeros(0, np.float32)
        raise InputError("samples are empty: give sound")
    mono = to_mono(to_float(array))
    loudest = float(np.abs(mono).max())
    if not np.isfinite(loudest):
        raise InputError(f"samples[{int((~np.isfinite(mono)).argmax())}] is not a number: drop the broken part")
    if loudest > LOUDEST:
        raise InputError(f"float samples reach {loudest:.4g}: scale them to [-1, 1], or give integers such as int16")
    return mono


def resample(samples: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Samples at another rate, float32 of shape (ceil(samples · new_rate / rate),)."""
    if rate == new_rate:
        return samples
    resampler = Resampler(rate, new_rate)
    length = -(-len(samples) * resampler.up // resampler.down)
    tail = np.zeros(resampler.reach + resampler.down, np.float32)
    return np.concatenate([resampler.push(samples), resampler.push(tail)])[:length]


class Resampler:
    """Changes the sample rate of sound that comes in chunks; the chunks' sizes do not change the result.

    Windowed-sinc interpolation, one filter per phase (J. O. Smith, "Digital Audio Resampling").

    Raises:
        InputError: a rate that no sound has.
    """

    def __init__(self, rate: int, new_rate: int) -> None:
        for value in (rate, new_rate):
            if not RATES_HZ[0] <= value <= RATES_HZ[1]:
                raise InputError(f"sample rate {value} Hz: give one from {RATES_HZ[0]} to {RATES_HZ[1]}")
        common = gcd(rate, new_rate)
        self.up, self.down = new_rate // common, rate // common
        self._filters = _filters(self.up, self.down)  # (phases, taps)
        self.reach = self._filters.shape[1] // 2  # inputs needed on each side of an output
        self._kept = np.zeros(self.reach, np.float32)  # silence before the first sample
        self._start = -self.reach  # input position of _kept[0]
        self._next = 0  # the next output

    def push(self, samples: np.ndarray) -> np.ndarray:
        """The outputs that these further samples make certain, float32."""
        self._kept = np.concatenate([self._kept, samples])
        last = self._start + len(self._kept) - self.reach  # outputs at or after this input lack samples
        count = max(0, -(-last * self.up // self.down) - self._next)
        places = self._next + np.arange(count)  # outputs
        parts = [self._at(places[i : i + OUTPUTS_AT_ONCE]) for i in range(0, count, OUTPUTS_AT_ONCE)]
        self._next += count
        drop = max(0, self._next * self.down // self.up - self.reach - self._start)
        self._kept, self._start = self._kept[drop:], self._start + drop
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _at(self, outputs: np.ndarray) -> np.ndarray:
        """The values of outputs whose surroundings are known."""
        centres, phases = np.divmod(outputs * self.down, self.up)
        windows = np.lib.stride_tricks.sliding_window_view(self._kept, self._filters.shape[1])
        chosen = windows[centres - self.reach + 1 - self._start]  # (outputs, taps)
        return np.einsum("ot,ot->o", chosen, self._filters[phases])


@lru_cache(maxsize=4)
def _filters(up: int, down: int) -> np.ndarray:
    """The sinc's taps for every phase between two inputs, float32 of shape (phases, taps)."""
    cut = ROLLOFF * min(1.0, up / down)  # as a share of the input's Nyquist frequency
    reach = int(np.ceil(ZERO_CROSSINGS / cut))
    away = np.arange(1 - reach, reach + 1) - np.arange(up)[:, None] / up  # (phases, taps): inputs from the output
    window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (away / reach) ** 2))) / np.i0(KAISER_BETA)
    taps = cut * np.sinc(cut * away) * window
    return (taps / taps.sum(axis=1, keepdims=True)).astype(np.float32)  # a constant stays the same
