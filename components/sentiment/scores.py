"""What a network says about texts, and how often it is right."""

import numpy as np

from components.application import Predict, Scores
from components.sentiment.batches import Part, by_length, padded

TEXTS_AT_ONCE = 128


def probabilities(predict: Predict, part: Part, length: int) -> np.ndarray:
    """(texts, labels) in the part's order."""
    return answers(predict, part, length, "probabilities")


def answers(predict: Predict, part: Part, length: int, output: str) -> np.ndarray:
    """An output (texts, …) in the part's order, computed in batches of texts of about the same length."""
    rows = list(by_length(part, TEXTS_AT_ONCE, length))
    found = [predict({"ids": padded([part.ids[row] for row in batch], length)})[output] for batch in rows]
    return np.concatenate(found)[np.argsort(np.concatenate(rows))]


def measured(found: np.ndarray, truth: np.ndarray) -> Scores:
    """Accuracy and macro F1 in percent and cross-entropy in nats; an example's value is 1 where the answer is wrong.

    Args:
        found: probabilities (texts, labels).
        truth: numbers of the true labels (texts,).
    """
    from sklearn.metrics import f1_score, log_loss

    guesses = found.argmax(axis=1)
    wrong = (guesses != truth).astype(float)
    metrics = {
        "accuracy": 100 * (1 - float(wrong.mean())),
        "macro_f1": 100 * float(f1_score(truth, guesses, average="macro", zero_division=0)),
        "cross_entropy": float(log_loss(truth, found, labels=np.arange(found.shape[1]))),
    }
    return Scores(metrics, wrong)
