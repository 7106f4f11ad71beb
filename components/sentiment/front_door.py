"""Raw test texts for the front-door check, and what the network says of them."""

from collections.abc import Sequence

import numpy as np

from components.application import Call, FrontDoor

TEXTS, TEXTS_AT_ONCE = 200, 25
LONGEST = 20_000  # characters that an argument of a command may have, with room to spare


def asked(texts: Sequence[str], probabilities: np.ndarray, labels: Sequence[str]) -> FrontDoor:
    """Raw texts with the label and probability that the evaluation gave them.

    Args:
        texts: as the user's file has them.
        probabilities: of each text's labels, (texts, labels).
        labels: their names.
    """
    usable = [row for row, text in enumerate(texts) if _sayable(text)][:TEXTS]
    best = probabilities.argmax(axis=1)
    expected = [{"label": labels[best[row]], "probability": float(probabilities[row, best[row]])} for row in usable]
    chunks = [usable[start : start + TEXTS_AT_ONCE] for start in range(0, len(usable), TEXTS_AT_ONCE)]
    calls = [Call(tuple(texts[row] for row in rows)) for rows in chunks]
    return FrontDoor(tuple(calls), tuple(expected))


def _sayable(text: str) -> bool:
    """Whether a command can be given the text as an argument."""
    return len(text) <= LONGEST and "\0" not in text and text != "-"
