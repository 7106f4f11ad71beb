"""Keras models run by TensorFlow: one call as a graph, `predict`, and the two loops people write to generate text."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.benchmarks.peers import Prepare, Work
from components.benchmarks.peers.sessions import noise

GRAPH_CHARACTERS, PREDICT_CHARACTERS = 50, 5  # generated per call
TEMPERATURE = 0.8


def start(threads: int) -> Prepare:
    """A function that loads a case's Keras `file` and does its `task`."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    tasks = {"graph": _graph, "predict": _predict, "write graph": _write_graph, "write predict": _write_predict}

    def prepare(case: Mapping[str, Any]) -> Work:
        return tasks[case["task"]](loaded(Path(case["file"])), case)

    return prepare


def loaded(path: Path) -> Any:
    """The Keras model in a file; its layers are found by name once their modules are imported."""
    import keras

    from components.registry import import_layers

    import_layers()
    return keras.saving.load_model(path, compile=False)


def _graph(model: Any, case: Mapping[str, Any]) -> Work:
    """One call of the model as a `tf.function`, from numpy to numpy."""
    import tensorflow as tf

    feeds = noise(case["shapes"], case.get("types", {}))
    graph = tf.function(lambda inputs: model(inputs, training=False), jit_compile=False)

    def call() -> Any:
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), graph(_arranged(feeds, tf.constant)))

    return Work(call, case.get("units", 1))


def _predict(model: Any, case: Mapping[str, Any]) -> Work:
    """`model.predict` of one batch."""
    feeds = noise(case["shapes"], case.get("types", {}))
    rows = len(next(iter(feeds.values())))
    return Work(lambda: model.predict(_arranged(feeds, np.asarray), batch_size=rows, verbose=0), case.get("units", 1))


def _arranged(feeds: Mapping[str, np.ndarray], convert: Any) -> Any:
    """The inputs as the model takes them: alone, or by name."""
    arrays = {name: convert(array) for name, array in feeds.items()}
    return arrays if len(arrays) > 1 else next(iter(arrays.values()))


def _write_graph(model: Any, case: Mapping[str, Any]) -> Work:
    """A loop over a `tf.function` that takes one step and draws the next id, as TensorFlow's tutorial does."""
    import tensorflow as tf

    @tf.function(jit_compile=False)
    def step(ids: Any, states: dict[str, Any]) -> Any:
        outputs = model({"ids": ids, **states}, training=False)
        drawn = tf.random.categorical(outputs["logits"][:, -1] / TEMPERATURE, 1, dtype=tf.int32)  # (1, 1)
        return drawn, {name: outputs[f"{name}_next"] for name in states}

    def write() -> list[int]:
        ids, text = tf.constant([[1]], tf.int32), []
        states = {name: tf.zeros((1, units)) for name, units in case["states"].items()}
        for _ in range(GRAPH_CHARACTERS):
            ids, states = step(ids, states)
            text.append(int(ids[0, 0]))
        return text

    return Work(write, GRAPH_CHARACTERS)


def _write_predict(model: Any, case: Mapping[str, Any]) -> Work:
    """A loop over `model.predict`."""
    rng = np.random.default_rng(0)

    def write() -> list[int]:
        token, text = 1, []
        states = {name: np.zeros((1, units), np.float32) for name, units in case["states"].items()}
        for _ in range(PREDICT_CHARACTERS):
            outputs = model.predict({"ids": np.array([[token]], np.int32), **states}, verbose=0)
            weights = np.exp(outputs["logits"][0, -1].astype(np.float64) / TEMPERATURE)
            token = int(rng.choice(len(weights), p=weights / weights.sum()))
            states = {name: outputs[f"{name}_next"] for name in states}
            text.append(token)
        return text

    return Work(write, PREDICT_CHARACTERS)
