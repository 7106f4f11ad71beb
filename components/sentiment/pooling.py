"""A layer that sums up a sequence of any length: each feature's greatest and mean value over the steps that count."""

from typing import Any

import keras
from keras import ops

FAR_BELOW = 1e4  # taken off padded steps: lower than any output of a GRU, which lies between -1 and 1


@keras.saving.register_keras_serializable("gatewise")
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
