"""What a sentiment network gets right and wrong, shown by the texts themselves."""

from collections.abc import Sequence

import numpy as np

SHOWN_CHARACTERS = 160
SHOWN_TEXTS = 3


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
