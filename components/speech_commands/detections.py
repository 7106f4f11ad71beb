"""Commands heard in a live stream, and how often that is right: hits, and false accepts per hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.application import Predict
from components.speech_commands.parts import FRAMES_PER_SECOND, ClipFacts
from components.speech_commands.recordings import Stream

LATE_S = 0.5  # a detection counts for a word up to so long after its clip
SECONDS_AT_ONCE = 10  # of a stream, per call
SECONDS_PER_HOUR = 3_600


@dataclass(frozen=True)
class Rule:
    """When a stream of probabilities becomes a detection: the same rule as the device's."""

    decision_frames: int  # whose mean decides
    threshold: float
    refractory_s: float  # no second detection for so long


@dataclass(frozen=True)
class Detection:
    """A label heard at the end of a frame."""

    frame: int
    label: int
    probability: float


def smoothed(probabilities: np.ndarray, frames: int) -> np.ndarray:
    """Mean of each frame and the `frames - 1` before it: (n, labels) → (max(0, n - frames + 1), labels)."""
    if len(probabilities) < frames:
        return probabilities[:0]
    sums = np.cumsum(np.concatenate([np.zeros_like(probabilities[:1]), probabilities], dtype=np.float64), axis=0)
    return np.asarray((sums[frames:] - sums[:-frames]) / frames)


def detections(probabilities: np.ndarray, labels: Sequence[str], rule: Rule) -> list[Detection]:
    """What is detected in the probabilities (frames, labels) of a stream; labels in underscores never are.

    A label is heard again only after its mean has fallen below the threshold: a state that stays is no new word.
    """
    means = smoothed(probabilities, rule.decision_frames)
    best = means.argmax(axis=1)
    silent = np.array([label[:1] == label[-1:] == "_" for label in labels])
    sure = np.flatnonzero(~silent[best] & (means.max(axis=1, initial=0) >= rule.threshold))
    below = _last_below(means, rule.threshold)
    heard = np.full(len(labels), -1)  # where each label was last heard
    found: list[Detection] = []
    quiet_until = 0.0  # seconds
    for position, label in zip(map(int, sure), map(int, best[sure]), strict=True):
        frame = position + rule.decision_frames  # frames heard by then
        armed = heard[label] < 0 or below[position, label] > heard[label]
        if armed and frame / FRAMES_PER_SECOND >= quiet_until:
            found.append(Detection(frame, label, float(means[position, label])))
            quiet_until, heard[label] = frame / FRAMES_PER_SECOND + rule.refractory_s, position
    return found


def _last_below(means: np.ndarray, threshold: float) -> np.ndarray:
    """The last frame up to each at which each label's mean was below the threshold, -1 for none: as `means`, int."""
    frames = np.arange(len(means), dtype=np.int32)[:, None]
    return np.maximum.accumulate(np.where(means < threshold, frames, np.int32(-1)), axis=0)


def hear(predict: Predict, stream: Stream, facts: ClipFacts, states: Mapping[str, np.ndarray]) -> np.ndarray:
    """Probabilities (frames, labels) of a stream, the states carried from call to call as on a device."""
    size = SECONDS_AT_ONCE * FRAMES_PER_SECOND * facts.hop
    whole = len(stream.samples) // facts.hop * facts.hop
    carried, parts = dict(states), []
    for start in range(0, whole, size):
        outputs = predict({"samples": stream.samples[start : min(whole, start + size)][None], **carried})
        carried = {name: outputs[f"{name}_next"] for name in carried}
        parts.append(outputs["probabilities"][0])
    return np.concatenate(parts)


def stream_metrics(probabilities: np.ndarray, stream: Stream, facts: ClipFacts, rule: Rule) -> dict[str, float]:
    """Share of the commands that were heard as what they are, and detections of anything else per hour."""
    late = int(LATE_S * FRAMES_PER_SECOND)
    commands = [(first, last + late, label) for first, last, label in stream.said if facts.labels[label][0] != "_"]
    hit: set[int] = set()
    false = 0
    for one in detections(probabilities, facts.labels, rule):
        number = next(
            (i for i, (first, last, label) in enumerate(commands) if first < one.frame <= last and label == one.label),
            None,
        )
        false += number is None
        hit |= set() if number is None else {number}
    hours = len(probabilities) / FRAMES_PER_SECOND / SECONDS_PER_HOUR
    return {
        "stream_hit_rate": 100 * len(hit) / max(1, len(commands)),
        "stream_false_accepts_per_hour": false / hours,
    }
