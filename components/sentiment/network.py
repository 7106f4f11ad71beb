"""The sentiment network: a bidirectional GRU and, in the same graph, a linear part of pieces and pairs."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.networks.gru import bidirectional

if TYPE_CHECKING:
    import keras

    from components.sentiment.config import Config


def network(vocabulary: int, labels: int, config: "Config", vectors: Path | None) -> "keras.Model":
    """The network: ids (batch, time) int32 → probabilities (batch, labels).

    Args:
        vocabulary: word pieces in the tokenizer.
        labels: how many there are.
        config: the settings.
        vectors: file with what the pieces start from, (vocabulary, embedding); None for Keras' own random start.
    """
    import keras

    from components.sentiment.layers import Blend, LinearText, MaskedPooling

    ids = keras.Input((None,), dtype="int32", name="ids")
    embedding = keras.layers.Embedding(vocabulary, config.embedding, mask_zero=True, name="embedding")
    x = embedding(ids)  # (batch, time, embedding)
    if vectors:
        embedding.set_weights([np.load(vectors)])
    x = keras.layers.SpatialDropout1D(config.input_dropout, name="input_dropout")(x)
    x = bidirectional(x, config.units, config.layers, config.dropout)  # (batch, time, 2 * units)
    x = MaskedPooling(name="pooling")(x)  # (batch, 4 * units)
    x = keras.layers.Dropout(config.dropout, name="pooling_dropout")(x)
    x = keras.layers.Dense(labels, name="logits")(x)
    if config.pairs:
        x = Blend(name="blend")([x, LinearText(vocabulary, config.pairs, labels, name="linear")(ids)])
    x = keras.layers.Softmax(name="probabilities")(x)
    return keras.Model({"ids": ids}, {"probabilities": x}, name="sentiment")
