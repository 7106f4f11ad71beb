"""What a text network must beat: an n-gram model with Kneser-Ney smoothing, and always the ids' frequencies."""

import numpy as np

from components.text_generation.ngram import NGramModel, best_order
from components.text_generation.parts import Parts
from components.text_generation.scores import CHUNK

LONGEST_NGRAM = {"character": 9, "subword": 4}


def losses_by_name(parts: Parts, level: str) -> dict[str, np.ndarray]:
    """Mean nats per id of each whole chunk of the test part, (chunks,), by the name of the baseline, hardest first.

    The order of the Kneser-Ney model is chosen on the validation part.
    """
    longest = min(LONGEST_NGRAM[level], len(parts.train) - 1)
    model = NGramModel(parts.train, parts.facts.vocabulary, longest)
    order = best_order(model, parts.train, parts.validation)
    whole = parts.test[: len(parts.test) // CHUNK * CHUNK]
    losses = model.losses(parts.validation, whole).reshape(longest, -1, CHUNK).mean(axis=2)  # (order, chunks)
    return {f"{order}-gram": losses[order - 1], "frequencies": losses[0]}
