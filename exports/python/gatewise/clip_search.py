"""Which stretch of a recording is the clip that a recogniser hears: one rule for training and devices."""

from dataclasses import dataclass

import numpy as np

STEP_PARTS = 10  # of a clip: how finely the loudest stretch of a long recording is searched
AS_LOUD = 0.99  # of the loudest stretch's energy: as loud as it


@dataclass(frozen=True)
class ClipSearch:
    """How a clip is cut out of a longer recording: a bundle keeps it beside the length of its clips.

    Attributes:
        length: samples of a clip.
        step: samples from one stretch that is tried to the next.
        as_loud: share of the loudest stretch's energy from which another counts as just as loud.
    """

    length: int
    step: int
    as_loud: float = AS_LOUD

    def start(self, samples: np.ndarray) -> int:
        """Where the clip begins in (samples,): the loudest stretch, of equally loud ones the middle one.

        The middle one, since a word shorter than a clip fits into several: it then stands amid what is around it.
        """
        if len(samples) <= self.length:
            return 0
        starts = np.arange(0, len(samples) - self.length + 1, self.step)
        squares = np.square(samples, dtype=np.float64)
        energy = np.concatenate([[0.0], np.cumsum(squares)])
        loudness = energy[starts + self.length] - energy[starts]  # (starts,)
        best = int(loudness.argmax())
        loud = loudness >= self.as_loud * loudness[best]
        first = best - int(loud[: best + 1][::-1].argmin()) + 1 if not loud[: best + 1].all() else 0
        last = best + int(loud[best:].argmin()) - 1 if not loud[best:].all() else len(starts) - 1
        return int(starts[(first + last) // 2])

    def cut(self, samples: np.ndarray) -> np.ndarray:
        """A clip of exactly `length` samples: zeros in front of a shorter recording, the stretch of a longer one."""
        if len(samples) <= self.length:
            return np.concatenate([np.zeros(self.length - len(samples), samples.dtype), samples])
        start = self.start(samples)
        return samples[start : start + self.length]


def clip_search(length: int) -> ClipSearch:
    """The rule for clips of so many samples as training and devices use it where nothing else is recorded."""
    return ClipSearch(length, max(1, length // STEP_PARTS))
