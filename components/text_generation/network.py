"""The text network: an embedding, GRU layers on top of each other that carry their state, an output layer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from components.text_generation.config import Config


def network(vocabulary: int, config: "Config") -> "keras.Model":
    """The network: ids (batch, time) int32 and states → logits (batch, time, vocabulary) and the next states.

    Args:
        vocabulary: number of different ids.
        config: the settings.
    """
    import keras

    from components.networks import gru

    ids = keras.Input((None,), dtype="int32", name="ids")
    states = gru.state_inputs(config.units, config.layers)
    if config.tied:
        embedding = keras.layers.ReversibleEmbedding(vocabulary, config.embedding, name="embedding")
    else:
        embedding = keras.layers.Embedding(vocabulary, config.embedding, name="embedding")
    x, following = gru.stack(embedding(ids), config.units, states, config.dropout, locked=True)  # (batch, time, units)
    if config.tied:
        x = keras.layers.Dense(config.embedding, name="narrowed")(x)  # (batch, time, embedding)
        logits = embedding(x, reverse=True)  # (batch, time, vocabulary)
    else:
        logits = keras.layers.Dense(vocabulary, name="output")(x)
    logits = keras.layers.Identity(name="logits")(logits)
    return keras.Model([ids, *states], {"logits": logits, **following}, name="text_generation")
