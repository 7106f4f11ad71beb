"""Raw clips for the front-door check, and what the recogniser hears in them."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.application import Call, FrontDoor


def asked(clips: Sequence[np.ndarray], means: np.ndarray, labels: Sequence[str], rate: int, folder: Path) -> FrontDoor:
    """Clips as WAV files with the label and probability that the evaluation gave them.

    Args:
        clips: 16-bit samples, (samples,) each.
        means: probabilities of each clip's labels, (clips, labels).
        labels: their names.
        rate: Hz.
        folder: for the files.
    """
    paths = [str(_written(folder / f"clip{number}.wav", clip, rate)) for number, clip in enumerate(clips)]
    best = means.argmax(axis=1)
    expected = [{"label": labels[one], "probability": float(mean[one])} for one, mean in zip(best, means, strict=True)]
    return FrontDoor((Call(tuple(paths)),), tuple(expected))


def _written(path: Path, samples: np.ndarray, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(samples, "<i2").tobytes())
    return path
