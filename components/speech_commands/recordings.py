"""A long recording of the clips of a part one after the other over noise, made piece by piece as it is heard."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from components.speech_commands.audio import from_pcm
from components.speech_commands.parts import FRAMES_PER_SECOND, ClipFacts, Part

GAPS_S = (0.5, 1.5)  # of background noise between two clips
NOISE_BELOW = 0.1  # loudness of the background against the clips': 20 dB below
SAMPLES_AT_ONCE = 1 << 22  # whose energy is summed up


@dataclass(frozen=True)
class Recording:
    """Samples that are made when they are asked for: slices are float32 arrays. It holds views of its part only.

    Attributes:
        part: the clips, and the noise.
        order: numbers of the clips that are said, in order.
        starts: the sample at which each of them begins, rising.
        length: samples in all.
        noise_start: sample of the noise, which repeats, at the beginning.
    """

    part: Part
    order: np.ndarray
    starts: np.ndarray
    length: int
    noise_start: int
    level: float = field(init=False)

    def __post_init__(self) -> None:
        clips = sum(_energy(self.part.clips[index]) for index in self.order) / max(1, self.length)
        object.__setattr__(self, "level", NOISE_BELOW * np.sqrt(clips / _mean_energy(self.part.noise)))

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, wanted: slice) -> np.ndarray:
        first, last, step = wanted.indices(self.length)
        samples, clip = np.zeros(max(0, last - first), np.float32), self.part.clips.shape[1]
        begin, end = np.searchsorted(self.starts, (first - clip, last), side="left")
        for index, start in zip(self.order[begin:end], self.starts[begin:end], strict=True):
            heard, until = max(first, start), min(last, start + clip)
            if heard < until:
                samples[heard - first : until - first] = from_pcm(self.part.clips[index][heard - start : until - start])
        places = (self.noise_start + np.arange(first, first + len(samples))) % len(self.part.noise)
        samples += np.float32(self.level) * from_pcm(self.part.noise[places])
        return np.clip(samples, -1, 1)[::step]


@dataclass(frozen=True)
class Stream:
    """A long recording and what is said in it.

    Attributes:
        samples: (samples,) float32, or what is sliced like it.
        said: (clips, 3) int: first frame, frame after the last, label of each clip.
    """

    samples: np.ndarray | Recording
    said: np.ndarray


def make_stream(part: Part, facts: ClipFacts, seed: int) -> Stream:
    """All clips of a part but the silent ones, in random order, apart from each other, over its background noise."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.flatnonzero(np.asarray(part.labels) != len(facts.labels) - 1))
    said: list[Sequence[int]] = []
    frame = 0
    for index in order:
        first = frame + int(rng.uniform(*GAPS_S) * FRAMES_PER_SECOND)
        frame = first + facts.frames
        said.append((first, frame, int(part.labels[index])))
    table = np.array(said)
    noise_start = int(rng.integers(len(part.noise)))
    return Stream(Recording(part, order, table[:, 0] * facts.hop, frame * facts.hop, noise_start), table)


def _energy(samples: np.ndarray) -> float:
    return float(np.square(from_pcm(samples), dtype=np.float64).sum())


def _mean_energy(samples: np.ndarray) -> float:
    blocks = range(0, len(samples), SAMPLES_AT_ONCE)
    return sum(_energy(samples[first : first + SAMPLES_AT_ONCE]) for first in blocks) / len(samples)
