"""What `.h5` files of Keras 2 mean that Keras 3 would read differently, or not at all."""

from collections.abc import Mapping
from typing import Any

VERSION = "2."
STEEP = "hard_sigmoid_of_keras_2"
ACTIVATION = "activation"  # how the names of such settings end


def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """The input cut to 0 … 1 with a slope of 0.2; Keras 3 has 1/6 under the name that Keras 2 used."""
    from keras import ops

    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


KNOWN = {STEEP: hard_sigmoid_of_keras_2}  # for Keras' loader


def modernised(config: Any, version: str) -> Any:
    """A file's configuration in the terms of Keras 3.

    Args:
        config: any part of it.
        version: of Keras, that wrote the file.
    """
    if isinstance(config, list):
        return [modernised(value, version) for value in config]
    if not isinstance(config, Mapping):
        return config
    plain = {key: modernised(value, version) for key, value in config.items() if (key, value) != ("time_major", False)}
    if version.startswith(VERSION):
        plain = {key: _function(key, value) for key, value in plain.items()}
        settings = plain.get("config")
        if plain.get("class_name") in ("GRU", "GRUCell", "CuDNNGRU") and isinstance(settings, dict):
            settings.setdefault("reset_after", False)  # before Keras 2.2 there was nothing else, and no such setting
    return plain


def _function(key: str, value: Any) -> Any:
    if not key.endswith(ACTIVATION) or value != "hard_sigmoid":
        return value
    return {"module": "builtins", "class_name": "function", "config": STEEP, "registered_name": "function"}
