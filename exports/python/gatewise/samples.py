"""Sound given as numbers of any type and any number of channels, as mono float32 in [-1, 1]."""

import logging
from functools import lru_cache
from typing import Any

import numpy as np

from gatewise.errors import InputError

log = logging.getLogger(__name__)

LOUDEST = 2.0  # above 1 a little is resampling or clipping; far above is not [-1, 1]
CHANNELS = 32  # at the most; more "channels" are samples on the wrong axis
CANCELLED = 0.01  # of the channels' mean energy: a mix with less than that is two channels of opposite phase
SIXTEEN_BITS = 2**15
WIDE = ("int64", "uint64")  # no sound has so many bits: whole numbers as Python and numpy make them of 16-bit ones


def to_float(samples: np.ndarray) -> np.ndarray:
    """Integer samples scaled to [-1, 1) as float32, by their type's range; floats unscaled.

    64-bit integers are taken as 16-bit samples, the form in which lists and sums of such come.

    Raises:
        InputError: 64-bit integers beyond 16 bits.
    """
    if samples.dtype.kind == "f":
        return samples.astype(np.float32)
    bits = 8 * samples.dtype.itemsize
    if samples.dtype.name in WIDE:
        peak = max(abs(int(samples.max(initial=0))), abs(int(samples.min(initial=0))))
        if peak > SIXTEEN_BITS:
            raise InputError(
                f"{samples.dtype} samples reach {peak}, their range is unknown: give int16, int32 or floats"
            )
        bits = 16
    full = float(1 << (bits - 1))
    middle = full if samples.dtype.kind == "u" and samples.dtype.name not in WIDE else 0.0
    return ((samples.astype(np.float64) - middle) / full).astype(np.float32)


def to_mono(samples: np.ndarray, channel: int = 0) -> tuple[np.ndarray, str]:
    """One channel (samples,) of (samples,) or (samples, channels), and what was chosen for that, or nothing.

    Args:
        samples: floats.
        channel: 1 is the first; 0 mixes all, and takes the loudest where they would cancel each other.

    Raises:
        InputError: no such channel.
    """
    count = 1 if samples.ndim == 1 else samples.shape[1]
    if not 0 <= channel <= count:
        raise InputError(f"no channel {channel}: there are {count}, the first is 1, 0 mixes all")
    if samples.ndim == 1:
        return samples, ""
    if channel:
        return samples[:, channel - 1], ""
    mixed = samples.mean(axis=1, dtype=np.float32)
    if not cancels(samples, mixed):
        return mixed, ""
    loudest = int(np.square(samples, dtype=np.float64).sum(axis=0).argmax())
    return samples[:, loudest], f"its channels cancel each other, channel {loudest + 1} of {count} is taken"


def cancels(samples: np.ndarray, mixed: np.ndarray) -> bool:
    """Whether next to nothing is left of channels (samples, channels) in their mix (samples,)."""
    energy = float(np.square(samples, dtype=np.float64).mean(axis=1).sum())
    return float(np.square(mixed, dtype=np.float64).sum()) < CANCELLED * energy


def checked_samples(samples: Any, empty: bool = False) -> np.ndarray:
    """Mono float32 samples, (samples,), of an array of floats in [-1, 1] or of integers.

    Args:
        samples: (samples,) or (samples, channels).
        empty: whether it may be a chunk of a stream, of any length; a chunk's channels are always mixed.

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
    numbers = to_float(array)
    mono = _mixed(numbers) if empty else _one_channel(numbers)
    loudest = float(np.abs(mono).max())
    if not np.isfinite(loudest):
        raise InputError(f"samples[{int((~np.isfinite(mono)).argmax())}] is not a number: drop the broken part")
    if loudest > LOUDEST:
        raise InputError(f"float samples reach {loudest:.4g}: scale them to [-1, 1], or give integers such as int16")
    if array.dtype.name in WIDE:
        say_once(f"{array.dtype} samples are taken as 16-bit ones: give int16 to be sure")
    return mono


@lru_cache(maxsize=256)
def say_once(sentence: str) -> None:
    """Log a warning, each sentence once in a process."""
    log.warning("%s", sentence)


def _mixed(samples: np.ndarray) -> np.ndarray:
    """A chunk's mix: a choice of channel by its sound would depend on where the stream was cut."""
    if samples.ndim == 1:
        return samples
    mixed = samples.mean(axis=1, dtype=np.float32)
    if cancels(samples, mixed):
        say_once("the channels of a stream cancel each other: give one of them, such as samples[:, 0]")
    return mixed


def _one_channel(samples: np.ndarray) -> np.ndarray:
    mono, chosen = to_mono(samples)
    if chosen:
        say_once(f"of the samples {chosen}: give one channel to choose yourself")
    return mono
