"""Pictures of what a recogniser detects in a stream."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.speech_commands.detections import Detection
from components.speech_commands.parts import FRAMES_PER_SECOND, ClipFacts
from components.speech_commands.recordings import Stream

DPI = 110
SHOWN_S = 12  # of a stream
WAVE_POINTS = 4_000  # drawn of a waveform


def draw_stream(
    stream: Stream, means: np.ndarray, found: Sequence[Detection], facts: ClipFacts, threshold: float, path: Path
) -> None:
    """Write a picture of a stream's first seconds: waveform with the words said, probabilities, detections.

    Args:
        stream: the recording.
        means: smoothed probabilities (frames, labels) at the end of each frame.
        found: what was detected.
        facts: labels and rates.
        threshold: drawn as a line.
        path: the picture's file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1_180 / DPI, 560 / DPI), dpi=DPI, layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.4))
    shown = stream.samples[: SHOWN_S * facts.sample_rate]
    step = max(1, len(shown) // WAVE_POINTS)
    top.plot(np.arange(0, len(shown), step) / facts.sample_rate, shown[::step], color="0.45", linewidth=0.5)
    for first, last, label in stream.said[stream.said[:, 0] < SHOWN_S * FRAMES_PER_SECOND]:
        top.axvspan(first / FRAMES_PER_SECOND, last / FRAMES_PER_SECOND, color="tab:blue", alpha=0.12)
        top.text(
            first / FRAMES_PER_SECOND + 0.05, 0.98, facts.labels[label], transform=_across(top), va="top", fontsize=9
        )
    top.set_ylabel("samples")
    top.set_title("A stream of test clips over background noise: what is said, and what is heard")
    times = np.arange(len(means)) / FRAMES_PER_SECOND
    for label in np.argsort(-means[: SHOWN_S * FRAMES_PER_SECOND].max(axis=0)):
        name = facts.labels[label]
        style = {"color": "0.7", "linestyle": ":"} if name[0] == "_" else {}
        bottom.plot(times, means[:, label], label=name, linewidth=1.2, **style)
    bottom.axhline(threshold, color="black", linewidth=0.8, linestyle="--", label=f"threshold {threshold:g}")
    for one in found:
        time_s = one.frame / FRAMES_PER_SECOND
        if time_s < SHOWN_S:
            bottom.plot(time_s, one.probability, "v", color="black", markersize=7)
            bottom.text(time_s, 1.06, facts.labels[one.label], ha="center", fontsize=9)
    bottom.set_xlim(0, SHOWN_S)
    bottom.set_ylim(0, 1.15)
    bottom.set_xlabel("seconds")
    bottom.set_ylabel("probability")
    bottom.legend(ncols=7, fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.18))
    figure.savefig(path)


def _across(axes: object) -> object:
    """Horizontal position in seconds, vertical as a share of the panel."""
    return axes.get_xaxis_transform()  # type: ignore[attr-defined]
