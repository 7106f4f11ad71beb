"""Pictures and tables of what a sentiment network gets right and wrong."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

SHOWN_CHARACTERS = 160
SHOWN_TEXTS = 3


def confusion_picture(truth: np.ndarray, guesses: np.ndarray, labels: Sequence[str], path: Path) -> None:
    """Write a picture of how often each label was taken for each other one."""
    from matplotlib.figure import Figure

    counts = np.zeros((len(labels), len(labels)), int)
    np.add.at(counts, (truth, guesses), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(2.5 + len(labels), 2 + len(labels)), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=0 if len(labels) < 4 else 60)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(title=f"Labels of {len(truth):,} test texts", xlabel="the network's answer", ylabel="true label")
    for (row, col), count in np.ndenumerate(counts):
        shade = "white" if shares[row, col] > 0.5 else "black"
        axes.text(col, row, f"{count:,}\n{shares[row, col]:.1%}", ha="center", va="center", color=shade)
    figure.savefig(path)


def telling_texts(texts: Sequence[str], truth: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> str:
    """A Markdown table of the surest right, the surest wrong and the least sure answers."""
    guesses, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = np.flatnonzero(guesses == truth)
    wrong = np.flatnonzero(guesses != truth)
    rows = ["| | answer | true label | text |", "|---|---|---|---|"]
    for name, chosen in (
        ("surest and right", right[np.argsort(-sure[right], kind="stable")]),
        ("surest and wrong", wrong[np.argsort(-sure[wrong], kind="stable")]),
        ("least sure", np.argsort(sure, kind="stable")),
    ):
        rows += [
            f"| {name} | {labels[guesses[i]]} {sure[i]:.1%} | {labels[truth[i]]} | {_short(texts[i])} |"
            for i in chosen[:SHOWN_TEXTS]
        ]
    return "\n".join(rows)


def _short(text: str) -> str:
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= SHOWN_CHARACTERS else line[: SHOWN_CHARACTERS - 1] + "…"
