"""Layers of a text network: what sums up a sequence, a linear model of pieces and pairs, and what adds it in.

The linear model is the wide half of Cheng et al. 2016, "Wide & deep learning for recommender systems". Which pair
stands in which row is decided by hashing (Weinberger et al. 2009), so that any pair has a row and the table can be of
any size.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

PACKAGE = "gatewise"
FAR_BELOW = 1e4  # taken off padded steps: lower than any output of a GRU, which lies between -1 and 1
MULTIPLIER = 21_467  # a prime below 2**31 / 100,000; no few times it come near a multiple of a power of two, so that
# pairs of common pieces (low ids) lie far apart: 20,011, of which 13 do, costs 0.3 points on IMDB
MOST_PIECES = (2**31 - 1) // (MULTIPLIER + 1)  # vocabularies beyond would overflow int32


def bucket_of(before: Any, ids: Any, buckets: int) -> Any:
    """The bucket of each pair of neighbouring pieces; the same in Keras and in numpy, in int32 without overflow."""
    return (before * MULTIPLIER + ids) % buckets


def columns_of(labels: int) -> int:
    """Columns of the table: one per label; of two labels, the second one's lead alone."""
    return 1 if labels == 2 else labels


@keras.saving.register_keras_serializable(PACKAGE)
class LinearText(keras.layers.Layer):
    """Weights of a text's pieces and neighbouring pairs, added up: ids (batch, time) int32 → logits (batch, labels).

    The sum is divided by the square root of the number of pieces, so that long texts are not louder than short ones.
    Padding (0) counts nowhere. The table is fitted elsewhere (`linear_part`) and not trained here.

    Args:
        vocabulary: number of word pieces, each with a row of its own.
        buckets: rows shared by all pairs.
        labels: number of labels; the first of two has the logit 0.
    """

    def __init__(self, vocabulary: int, buckets: int, labels: int, **options: Any) -> None:
        super().__init__(**options)
        if not 0 < vocabulary <= MOST_PIECES or buckets < 1 or labels < 2:
            raise ValueError(
                f"LinearText: 1 to {MOST_PIECES} word pieces ({vocabulary}), a bucket or more ({buckets}) and two "
                f"labels or more ({labels}) are needed"
            )
        self.vocabulary, self.buckets, self.labels = vocabulary, buckets, labels

    def build(self, shape: Any) -> None:  # noqa: ARG002
        """Make the table, of zeros."""
        rows = self.vocabulary + self.buckets
        self.table = self.add_weight(
            shape=(rows, columns_of(self.labels)), initializer="zeros", trainable=False, name="table"
        )

    def call(self, ids: Any) -> Any:
        """The logits; zeros for a text without any piece."""
        before = ops.pad(ids[:, :-1], ((0, 0), (1, 0)))  # (batch, time)
        known = ops.not_equal(ids, 0)
        paired = ops.logical_and(known, ops.not_equal(before, 0))
        rows = ops.concatenate([ids, self.vocabulary + bucket_of(before, ids, self.buckets)], axis=1)
        counted = ops.cast(ops.concatenate([known, paired], axis=1), self.compute_dtype)  # (batch, 2 * time)
        weights = ops.take(self.table, rows, axis=0) * ops.expand_dims(counted, -1)  # (batch, 2 * time, columns)
        pieces = ops.maximum(ops.sum(ops.cast(known, self.compute_dtype), axis=1, keepdims=True), 1.0)
        logits = ops.sum(weights, axis=1) / ops.sqrt(pieces)  # (batch, columns)
        return ops.pad(logits, ((0, 0), (1, 0))) if self.labels == 2 else logits

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(batch, labels)."""
        return shape[0], self.labels

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(), "vocabulary": self.vocabulary, "buckets": self.buckets, "labels": self.labels
        }  # fmt: skip


@keras.saving.register_keras_serializable(PACKAGE)
class Blend(keras.layers.Layer):
    """Two models' logits and a bias, weighed: [(batch, labels), (batch, labels)] → (batch, labels).

    It begins as the first model alone; `blending.fitted` finds the weights.
    """

    def build(self, shape: Any) -> None:
        """Make the weights."""
        first = keras.initializers.Constant(np.array([1.0, 0.0], np.float32))
        self.scales = self.add_weight(shape=(2,), initializer=first, trainable=False, name="scales")
        self.bias = self.add_weight(shape=(shape[0][-1],), initializer="zeros", trainable=False, name="bias")

    def call(self, logits: Any) -> Any:
        """The weighed sum."""
        deep, wide = logits
        return deep * self.scales[0] + wide * self.scales[1] + self.bias

    def compute_output_shape(self, shape: Any) -> tuple[int | None, ...]:
        """That of either."""
        return tuple(shape[0])


@keras.saving.register_keras_serializable(PACKAGE)
class MaskedPooling(keras.layers.Layer):
    """Maximum and mean over the steps that the mask lets through: (batch, time, features) → (batch, 2 * features)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.supports_masking = True

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: no steps are left to mask."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The maximum and the mean, side by side; of a text without any step, numbers far below and zeros."""
        through = ops.ones_like(inputs[..., 0]) if mask is None else ops.cast(mask, inputs.dtype)
        counts = ops.expand_dims(through, -1)  # (batch, time, 1)
        kept = inputs * counts
        steps = ops.maximum(ops.sum(counts, axis=1), 1.0)  # (batch, 1)
        greatest = ops.max(kept - FAR_BELOW * (1.0 - counts), axis=1)
        return ops.concatenate([greatest, ops.sum(kept, axis=1) / steps], axis=-1)  # (batch, 2 * features)
