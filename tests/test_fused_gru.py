"""The loop that trains GRU layers: Keras' outputs and gradients, in less time."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    import keras

BATCH, TIME, FEATURES, UNITS = 3, 7, 5, 16


@pytest.fixture
def network() -> "keras.Model":
    """Two GRU layers with states going in and out, their weights and biases random."""
    import keras

    from components.networks import gru

    x, states = keras.Input((None, FEATURES), name="x"), gru.state_inputs(UNITS, 2)
    outputs, following = gru.stack(x, UNITS, states, dropout=0.0)
    model = keras.Model([x, *states], {"outputs": outputs, **following})
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(scale=0.5, size=weight.shape) for weight in model.get_weights()])
    return model


def gradients(network: "keras.Model", training: bool = True) -> list[np.ndarray]:
    """A loss of outputs and last states, and its gradients of inputs, states and weights, found in a graph."""
    import tensorflow as tf

    rng = np.random.default_rng(2)
    feeds = {"x": tf.constant(rng.normal(size=(BATCH, TIME, FEATURES)), tf.float32)}
    feeds |= {f"state_{i}": tf.constant(rng.uniform(-1, 1, (BATCH, UNITS)), tf.float32) for i in range(2)}
    sources = [*feeds.values(), *(variable.value for variable in network.trainable_variables)]

    @tf.function
    def run() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(list(feeds.values()))
            found = network(feeds, training=training)
            loss = tf.reduce_sum(tf.sin(3 * found["outputs"])) + tf.reduce_sum(found["state_0_next"] ** 2)
        return [loss, *tape.gradient(loss, sources)]

    return [np.asarray(value) for value in run()]


def test_outputs_and_gradients_are_those_of_keras(network: "keras.Model") -> None:
    from components.networks.fused_gru import fused

    expected = gradients(network)
    with fused(network, dtype="float32"):
        found = gradients(network)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * np.abs(theirs).max())


def test_bfloat16_stays_near(network: "keras.Model") -> None:
    from components.networks.fused_gru import fused

    expected = gradients(network)
    with fused(network, dtype="bfloat16"):
        found = gradients(network)
    assert not np.array_equal(found[0], expected[0])  # it is another arithmetic
    for ours, theirs in zip(found, expected, strict=True):
        assert np.linalg.norm(ours - theirs) < 0.03 * np.linalg.norm(theirs)


def test_weights_are_dropped_in_training_only(network: "keras.Model") -> None:
    from components.networks.fused_gru import fused

    expected = gradients(network)
    with fused(network, weight_dropout=0.5, dtype="float32"):
        trained, asked = gradients(network), gradients(network, training=False)
    np.testing.assert_allclose(asked[0], expected[0], rtol=1e-4)
    assert abs(trained[0] - expected[0]) > 0.01 * abs(expected[0])
    for layer in range(2):
        kernel, recurrent = (np.mean(found == 0) for found in trained[4 + 3 * layer :][:2])
        assert kernel == 0
        assert 0.4 < recurrent < 0.6  # weights that were dropped get no gradient


def test_keras_own_loop_is_back_afterwards(network: "keras.Model") -> None:
    from components.networks.fused_gru import fused

    def fail() -> None:
        with fused(network):
            assert "inner_loop" in vars(network.get_layer("gru_0"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert "inner_loop" not in vars(network.get_layer("gru_0"))


def test_masked_steps_and_both_directions_are_those_of_keras() -> None:
    import keras
    import tensorflow as tf

    from components.networks.fused_gru import fused

    ids, mask = keras.Input((None, FEATURES)), keras.Input((None,), dtype="bool")
    reader = keras.layers.Bidirectional(keras.layers.GRU(UNITS, return_sequences=True))
    network = keras.Model([ids, mask], reader(ids, mask=mask))
    rng = np.random.default_rng(3)
    network.set_weights([rng.normal(size=weight.shape) for weight in network.get_weights()])
    x = tf.constant(rng.normal(size=(4, TIME, FEATURES)), tf.float32)
    kept = np.arange(TIME) < np.array([[TIME], [4], [1], [0]])
    kept[0, 2] = False  # a hole

    def run() -> list[np.ndarray]:
        @tf.function
        def found() -> Any:
            with tf.GradientTape() as tape:
                tape.watch(x)
                outputs = network([x, tf.constant(kept)], training=True) * kept[..., None]
                loss = tf.reduce_sum(tf.sin(3 * outputs))
            return [outputs, *tape.gradient(loss, [x, *(v.value for v in network.trainable_variables)])]

        return [np.asarray(value) for value in found()]

    expected = run()
    with fused(network, dtype="float32"):
        ours = run()
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * np.abs(other).max())
