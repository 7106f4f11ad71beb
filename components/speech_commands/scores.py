"""What a recogniser answers on whole clips, and a table of how often that is right."""

from collections.abc import Sequence

import numpy as np

from components.application import Predict
from components.speech_commands.audio import from_pcm
from components.speech_commands.network import Shape, start_states
from components.speech_commands.parts import ClipFacts, Part

CASE_FRAMES = (12, 4, 1)  # of the examples that an exported network must answer as Keras does
CLIPS_AT_ONCE = 64  # in one call
CALIBRATION_CLIPS = 100  # from which integer files take their ranges


def chosen_clips(part: Part, limit: int | None) -> np.ndarray:
    """Numbers of all clips, or of `limit` of them spread evenly, since clips lie in the order of their labels."""
    count = len(part.labels)
    return np.arange(count) if limit is None or limit >= count else np.linspace(0, count - 1, limit).astype(int)


def answers(
    predict: Predict, part: Part, rows: np.ndarray, facts: ClipFacts, shape: Shape, decision_frames: int
) -> np.ndarray:
    """Mean probabilities over each clip's last frames, heard from silence: (rows, labels)."""
    means = []
    for first in range(0, len(rows), CLIPS_AT_ONCE):
        clips = from_pcm(part.clips[rows[first : first + CLIPS_AT_ONCE]])
        outputs = predict({"samples": clips, **start_states(facts, shape, len(clips))})
        means.append(outputs["probabilities"][:, -decision_frames:].mean(axis=1))
    return np.concatenate(means)


def label_table(table: np.ndarray, labels: Sequence[str]) -> str:
    """A Markdown table of clips, precision and recall by label, from a confusion matrix (truth, answer)."""
    lines = ["| label | test clips | recall % | precision % |", "|---|---|---|---|"]
    for index, label in enumerate(labels):
        right, said, answered = table[index, index], table[index].sum(), table[:, index].sum()
        shares = [f"{100 * right / total:.1f}" if total else "" for total in (said, answered)]
        lines.append(f"| {label} | {said} | {shares[0]} | {shares[1]} |")
    return "\n".join(lines)


def whole_examples(part: Part, facts: ClipFacts, shape: Shape) -> list[dict[str, np.ndarray]]:
    """Inputs with batch 1: whole clips spread over a part, heard from silence."""
    start = start_states(facts, shape, 1)
    rows = chosen_clips(part, CALIBRATION_CLIPS)
    return [{"samples": from_pcm(part.clips[row : row + 1]), **start} for row in rows]


def examples(part: Part, facts: ClipFacts, shape: Shape, seed: int) -> list[dict[str, np.ndarray]]:
    """Inputs with batch 1 from the middles of clips; all but the first as in a stream heard for a while."""
    rng = np.random.default_rng(seed)
    cases: list[dict[str, np.ndarray]] = []
    for row, frames in zip(np.linspace(0, len(part.clips) - 1, len(CASE_FRAMES)).astype(int), CASE_FRAMES, strict=True):
        start = facts.frames // 2 * facts.hop
        samples = from_pcm(part.clips[row : row + 1, start : start + frames * facts.hop])  # (1, samples)
        states = start_states(facts, shape, 1)
        if cases:
            states = {name: rng.uniform(-0.5, 0.5, zero.shape).astype(np.float32) for name, zero in states.items()}
        cases.append({"samples": samples, **states})
    return cases
