"""Sound for predictors: WAV files as mono float32 in [-1, 1], and resampling that can also be streamed."""

import logging
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np

from gatewise.errors import InputError
from gatewise.samples import checked_samples, to_float, to_mono
from gatewise.wav_files import wav_sound

__all__ = ["Resampler", "checked_samples", "read_wav", "resample", "to_float", "to_mono"]

log = logging.getLogger(__name__)

RATES_HZ = (1_000, 768_000)  # anything else is a mistake
ZERO_CROSSINGS = 16  # of the resampler's sinc on each side: stop band about -80 dB with the Kaiser window below
KAISER_BETA = 8.0
ROLLOFF = 0.95  # of the lower Nyquist frequency that passes
OUTPUTS_AT_ONCE = 4_096  # bounds the resampler's memory


def read_wav(path: str | Path, channel: int = 0) -> tuple[np.ndarray, int]:
    """Mono samples, float32 of shape (samples,), and the sample rate of a WAV file; what it had to choose is logged.

    Reads PCM of 8, 16, 24 and 32 bits and floats of 32 and 64 bits; the `wave` module reads no floats.

    Args:
        path: the file.
        channel: 1 is the first; 0 mixes all, and takes the loudest where they would cancel each other.

    Raises:
        InputError: not such a file, or one that is empty or cut short, or without that channel.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    sound = wav_sound(content, str(path))
    try:
        samples, chosen = to_mono(sound.samples, channel)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for note in (*sound.notes, *([chosen] if chosen else [])):
        log.warning("%s: %s", path, note)
    return samples, sound.rate


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
