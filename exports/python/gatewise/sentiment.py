"""Sentiment: a text goes in, a label with its probability comes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from gatewise.bundle import Bundle
from gatewise.cleaning import clean, known
from gatewise.errors import InputError
from gatewise.runtime import Runtime
from gatewise.tokenizer import read_tokenizer

PADDING = 0
BATCH_SIZE = 32  # texts per call, of like length so that little is padding


@dataclass(frozen=True)
class Sentiment:
    """The likeliest label, its probability, and every label's."""

    label: str
    probability: float
    probabilities: dict[str, float]


class SentimentClassifier:
    """Labels texts.

    Attributes:
        bundle: the bundle it was loaded from.
        labels: the labels it tells apart.
    """

    def __init__(self, bundle: Bundle, variant: str | None = None, threads: int = 1) -> None:
        self.bundle = bundle
        self.labels: tuple[str, ...] = tuple(bundle.settings["labels"])
        self._cleaning = known(bundle.settings.get("cleaning", ()))  # bundles of an older layout name none
        self._longest = int(bundle.settings["max_length"])
        self._tokenizer = read_tokenizer(bundle.read("tokenizer.json"))
        self._runtime = Runtime(bundle, bundle.variant(variant), threads)
        self._input, self._output = bundle.inputs[0].name, bundle.outputs[0].name

    @overload
    def predict(self, text: str) -> Sentiment: ...  # type: ignore[overload-overlap]  # a str is a Sequence[str]

    @overload
    def predict(self, text: Sequence[str]) -> list[Sentiment]: ...

    def predict(self, text: str | Sequence[str]) -> Sentiment | list[Sentiment]:
        """The sentiment of a text, or of each of several; of a long one, its first `max_length` ids count.

        Raises:
            InputError: not text, or a text without a word.
        """
        texts = [text] if isinstance(text, str) else _listed(text)
        rows = [self._ids(item, place) for place, item in enumerate(texts)]
        answers = [self._answer(row) for row in self._probabilities(rows)]
        return answers[0] if isinstance(text, str) else answers

    def _ids(self, text: str, place: int) -> list[int]:
        if not isinstance(text, str):
            raise InputError(f"text {place} is {type(text).__name__}: give text (str)")
        ids = [token for token in self._tokenizer.encode(clean(text, self._cleaning)) if token != PADDING]
        if not ids:
            raise InputError(f"text {place} holds no word: give text to judge")
        return ids[: self._longest]

    def _probabilities(self, rows: Sequence[Sequence[int]]) -> np.ndarray:
        """Probabilities of shape (texts, labels)."""
        answers = np.empty((len(rows), len(self.labels)), np.float32)
        by_length = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        for begin in range(0, len(rows), BATCH_SIZE):
            places = by_length[begin : begin + BATCH_SIZE]
            ids = np.full((len(places), len(rows[places[-1]])), PADDING, np.int32)  # (texts, time)
            for row, place in zip(ids, places, strict=True):
                row[: len(rows[place])] = rows[place]
            answers[places] = self._runtime.run({self._input: ids})[0][self._output]
        return answers

    def _answer(self, probabilities: np.ndarray) -> Sentiment:
        best = int(probabilities.argmax())
        by_label = dict(zip(self.labels, map(float, probabilities), strict=True))
        return Sentiment(self.labels[best], by_label[self.labels[best]], by_label)


Predictor = SentimentClassifier  # what `gatewise.load` makes of a bundle of this application


def _listed(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, bytes) or not hasattr(texts, "__iter__"):
        raise InputError(f"text is {type(texts).__name__}: give text (str), or a list of texts")
    listed = list(texts)
    if not listed:
        raise InputError("the list of texts is empty: give at least one text")
    return listed
