"""Batches of texts of about the same length, so that little time goes into padding."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

PADDING_ID = 0
UNKNOWN_ID = 1
Batch = tuple[dict[str, np.ndarray], np.ndarray]
LENGTH_JITTER = 16  # pieces: keeps batches of equal lengths from being the same ones in every epoch


@dataclass(frozen=True)
class Part:
    """Texts of one part as ids, and what is known of each text's label."""

    ids: list[np.ndarray]  # per text (pieces,) int32
    labels: np.ndarray  # (texts,) int32, numbers of labels; or (texts, labels) float32, a probability of each

    def __len__(self) -> int:
        return len(self.ids)

    def first(self, count: int | None) -> "Part":
        """The first `count` texts, or all."""
        return Part(self.ids[:count], self.labels[:count])


def save_parts(path: Path, **parts: Part) -> None:
    """Write parts to an .npz file: `<part>_ids` one after another, `<part>_lengths`, `<part>_labels`."""
    arrays: dict[str, Any] = {}
    for name, part in parts.items():
        arrays[f"{name}_ids"] = np.concatenate([np.zeros(0, np.int32), *part.ids])
        arrays[f"{name}_lengths"] = np.array([len(ids) for ids in part.ids], np.int32)
        arrays[f"{name}_labels"] = part.labels
    np.savez_compressed(path, **arrays)


def load_part(path: Path, name: str) -> Part:
    """One part of the file that `save_parts` wrote."""
    with np.load(path) as arrays:
        ids, lengths, labels = (arrays[f"{name}_{kind}"] for kind in ("ids", "lengths", "labels"))
    return Part(np.split(ids, np.cumsum(lengths)[:-1]) if len(lengths) else [], labels)


def padded(sequences: Sequence[np.ndarray], length: int) -> np.ndarray:
    """Sequences cut to `length` and padded on the right to the longest left: (texts, time) int32."""
    width = max(1, min(length, max(len(sequence) for sequence in sequences)))
    rows = np.full((len(sequences), width), PADDING_ID, np.int32)
    for row, sequence in zip(rows, sequences, strict=True):
        cut = sequence[:width]
        row[: len(cut)] = cut
    return rows


def by_length(part: Part, batch_size: int, length: int) -> Iterator[np.ndarray]:
    """Indices of the texts, shortest first, a batch at a time."""
    order = np.argsort([min(len(ids), length) for ids in part.ids], kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def training_batches(part: Part, batch_size: int, length: int, word_dropout: float, seed: int) -> "tf.data.Dataset":
    """Batches of one epoch in an order of its own every time: {"ids": (batch, time)} and (batch, labels).

    Args:
        part: the training part; a probability of each label.
        batch_size: texts per batch.
        length: pieces of each text; a longer text shows another stretch of itself every time.
        word_dropout: share of pieces replaced by the unknown one.
        seed: seed of order, stretches and dropout.
    """
    rng = np.random.default_rng(seed)

    def epoch() -> Iterator[Batch]:
        lengths = np.minimum([len(ids) for ids in part.ids], length)
        order = np.argsort(lengths + rng.uniform(0, LENGTH_JITTER, len(part)))
        batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
        for index in rng.permutation(len(batches)):
            rows = [_stretch(part.ids[row], length, word_dropout, rng) for row in batches[index]]
            yield {"ids": padded(rows, length)}, part.labels[batches[index]]

    return _dataset(epoch, -(-len(part) // batch_size), part.labels.shape[1])


def scoring_batches(part: Part, batch_size: int, length: int) -> "tf.data.Dataset":
    """Batches of every text's beginning, shortest first: {"ids": (batch, time)} and (batch, labels)."""

    def once() -> Iterator[Batch]:
        for rows in by_length(part, batch_size, length):
            yield {"ids": padded([part.ids[row] for row in rows], length)}, part.labels[rows]

    return _dataset(once, -(-len(part) // batch_size), part.labels.shape[1])


def _stretch(ids: np.ndarray, length: int, word_dropout: float, rng: np.random.Generator) -> np.ndarray:
    start = rng.integers(0, len(ids) - length + 1) if len(ids) > length else 0
    stretch = ids[start : start + length]
    return np.where(rng.random(len(stretch)) < word_dropout, UNKNOWN_ID, stretch) if word_dropout else stretch


def _dataset(epoch: Callable[[], Iterator[Batch]], batches: int, labels: int) -> "tf.data.Dataset":
    import tensorflow as tf

    signature = ({"ids": tf.TensorSpec((None, None), tf.int32)}, tf.TensorSpec((None, labels), tf.float32))
    rows = tf.data.Dataset.from_generator(epoch, output_signature=signature)
    return rows.apply(tf.data.experimental.assert_cardinality(batches)).prefetch(2)
