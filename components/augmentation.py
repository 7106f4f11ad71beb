"""What training does to each clip so that no two passes hear the same.

Speed and echo are done on samples, a few times per clip. Shift, stretch, pitch, colour, gain, background noise and
masks are done on log-mel frames, anew in every pass, where they cost next to nothing: in the logarithm a gain or a
filter is an addition, and two sounds together are the logarithm of a sum.
"""

from dataclasses import dataclass

import numpy as np

NOISE_S = 10  # seconds of each generated noise
COLOUR_POINTS = 6  # of the random filter, evenly spread over the mels
ECHO_DECAY_S, ECHO_LEVEL = (0.02, 0.15), (0.1, 0.7)  # of a small room; level against the direct sound
DB = np.log(10) / 10  # one decibel of energy, in natural logarithms
LOUD = 0.9  # the quantile of a stream's frames that counts as its speech


@dataclass(frozen=True)
class Augmentation:
    """How strongly clips are changed."""

    speed: float = 0.2  # largest share by which a clip gets faster or slower, its pitch with it
    echo: float = 0.4  # probability of a room
    shift_s: float = 0.1  # largest move to the left or the right
    stretch: float = 0.15  # largest share by which frames are squeezed or stretched, the pitch kept
    pitch: float = 1.0  # mels by which the middle of the spectrum moves at the most: another vocal tract
    colour_db: float = 3.0  # largest change of loudness at one point of the spectrum
    gain_db: float = 6.0  # largest change of loudness
    noise: float = 0.7  # probability of background noise
    noise_db: tuple[float, float] = (0.0, 30.0)  # speech above noise
    masks: int = 2  # SpecAugment (Park et al. 2019): stretches of time and of frequency blanked, so many of each
    mask_share: float = 0.12  # widest of them, as a share of the clip or of the mels

    def scaled(self, strength: float) -> "Augmentation":
        """The same, every change `strength` times as large or as likely."""
        scaled = {
            name: getattr(self, name) * strength
            for name in ("speed", "echo", "shift_s", "stretch", "pitch", "colour_db", "gain_db", "noise", "mask_share")
        }
        return Augmentation(**scaled, noise_db=self.noise_db, masks=self.masks)


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """The clip `factor` times as fast (and as high): (samples,) → (samples / factor,)."""
    positions = np.arange(0, len(samples) - 1, factor)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)


def place(samples: np.ndarray, length: int, start: int) -> np.ndarray:
    """`length` samples of silence with the clip laid in at `start`, cut where it hangs over: (length,)."""
    out = np.zeros(length, np.float32)
    first, last = max(0, start), min(length, start + len(samples))
    if first < last:
        out[first:last] = samples[first - start : last - start]
    return out


def room(rate: int, rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a random small room: the direct sound, then exponentially decaying noise."""
    decay_s = rng.uniform(*ECHO_DECAY_S)
    times = np.arange(int(3 * decay_s * rate)) / rate
    response = rng.standard_normal(len(times)) * np.exp(-times / decay_s)
    response *= rng.uniform(*ECHO_LEVEL) / np.sqrt(np.sum(response**2))
    response[0] = 1.0
    return response.astype(np.float32)


def retold(clip: np.ndarray, rate: int, rng: np.random.Generator, settings: Augmentation) -> np.ndarray:
    """The clip at another speed, perhaps in a room, and anywhere within its length: (samples,) → (samples,)."""
    from scipy.signal import oaconvolve

    spoken = np.flatnonzero(clip)
    sound = clip[spoken[0] :] if spoken.size else clip  # zeros in front are padding
    sound = change_speed(sound, float(np.exp(rng.uniform(-1, 1) * np.log1p(settings.speed))))
    if rng.random() < settings.echo:
        sound = oaconvolve(sound, room(rate, rng))[: len(sound)]
    slack = len(clip) - len(sound)
    return place(sound, len(clip), int(rng.integers(min(0, slack), max(0, slack) + 1)))


def generated_noise(rate: int, seed: int) -> list[np.ndarray]:
    """White, pink and brown noise of `NOISE_S` seconds, peak 0.5."""
    rng, length = np.random.default_rng(seed), NOISE_S * rate
    spectrum = np.fft.rfft(rng.standard_normal(length))
    hertz = np.maximum(np.fft.rfftfreq(length, 1 / rate), 20.0)
    noises = [np.fft.irfft(spectrum / hertz**power, length) for power in (0.0, 0.5, 1.0)]
    return [(0.5 * noise / np.abs(noise).max()).astype(np.float32) for noise in noises]


def moved(frames: np.ndarray, rng: np.random.Generator, settings: Augmentation, hop_s: float) -> np.ndarray:
    """Log-mel frames shifted and stretched in time, and in pitch: (clips, frames, mels), each clip its own way."""
    clips, count, mels = frames.shape
    factor = np.exp(rng.uniform(-1, 1, (clips, 1)) * settings.stretch)
    shift = rng.uniform(-1, 1, (clips, 1)) * settings.shift_s / hop_s
    times = (np.arange(count) - count / 2) * factor + count / 2 + shift  # (clips, frames)
    bend = rng.uniform(-1, 1, (clips, 1)) * settings.pitch
    pitches = np.arange(mels) * (1 + 2 * bend / mels)  # (clips, mels)
    return np.swapaxes(_interpolated(np.swapaxes(_interpolated(frames, times), 1, 2), pitches), 1, 2)


def _interpolated(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """`values` (rows, n, m) at fractional positions (rows, k) along axis 1, held at the ends: (rows, k, m)."""
    lower = np.clip(np.floor(positions).astype(int), 0, values.shape[1] - 2)
    weight = np.clip(positions - lower, 0, 1).astype(np.float32)[..., None]
    rows = np.arange(len(values))[:, None]
    below, above = values[rows, lower], values[rows, lower + 1]
    mixed: np.ndarray = below + (above - below) * weight
    return mixed


def coloured(frames: np.ndarray, rng: np.random.Generator, settings: Augmentation) -> np.ndarray:
    """Log-mel frames through a random smooth filter and a random gain for each clip: (clips, frames, mels)."""
    clips, _, mels = frames.shape
    points = rng.uniform(-1, 1, (clips, COLOUR_POINTS)) * settings.colour_db
    at = np.linspace(0, COLOUR_POINTS - 1, mels)[None].repeat(clips, 0)
    curve = _interpolated(points[..., None].astype(np.float32), at)[..., 0]  # (clips, mels)
    gain = rng.uniform(-1, 1, (clips, 1)) * settings.gain_db
    return (frames + ((curve + gain) * DB)[:, None]).astype(np.float32)


def noisy(streams: np.ndarray, noise: np.ndarray, rng: np.random.Generator, settings: Augmentation) -> np.ndarray:
    """Log-mel streams, most of them with a stretch of background noise: (streams, frames, mels).

    Args:
        streams: log-mel frames.
        noise: log-mel frames of background noise, (more frames, mels).
        rng: makes the choices.
        settings: how often and how loud.
    """
    out = streams.copy()
    loud = np.quantile(streams.mean(-1), LOUD, axis=1)  # (streams,)
    for row in np.flatnonzero(rng.random(len(streams)) < settings.noise):
        piece = stretch_of(noise, streams.shape[1], rng)
        below = rng.uniform(*settings.noise_db) * DB
        out[row] = np.logaddexp(streams[row], piece - piece.mean() + loud[row] - below)
    return out


def stretch_of(noise: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
    """A random stretch of noise, repeated where there is too little: (length, …)."""
    if len(noise) <= length:
        noise = np.concatenate([noise] * (length // len(noise) + 2))
    start = int(rng.integers(len(noise) - length))
    return noise[start : start + length]


def masked(frames: np.ndarray, rng: np.random.Generator, settings: Augmentation) -> np.ndarray:
    """Normalised log-mel frames with stretches of time and of frequency set to zero, their mean (SpecAugment)."""
    out = frames.copy()
    _, count, mels = frames.shape
    for clip in out:
        for _ in range(settings.masks):
            width, height = (int(rng.uniform(0, settings.mask_share) * size + 0.5) for size in (count, mels))
            first, low = rng.integers(count - width + 1), rng.integers(mels - height + 1)
            clip[first : first + width] = 0
            clip[:, low : low + height] = 0
    return out
