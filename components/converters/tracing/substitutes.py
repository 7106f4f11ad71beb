"""Operations of Keras in simpler ones that every runtime has, for the length of a trace."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def swapped(owner: Any, **values: Any) -> Iterator[None]:
    """Give `owner` other attributes for the length of the block."""
    before = {name: getattr(owner, name) for name in values}
    try:
        for name, value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(owner, name, value)


@contextmanager
def substitutes() -> Iterator[None]:
    """Have Keras find indices and bins in operations that need no kernel of TensorFlow's own."""
    from keras.src.backend.tensorflow import numpy

    with ExitStack() as changes:
        changes.enter_context(swapped(numpy, argmax=_argmax, argmin=_argmin, digitize=_digitize))
        changes.enter_context(plain_scopes())
        yield


@contextmanager
def plain_scopes() -> Iterator[None]:
    """Let layers have names that TensorFlow refuses for the scopes of a graph: with spaces, with accents."""
    from keras.src import backend

    scope = backend.name_scope
    with swapped(backend, name_scope=lambda name, *rest, **more: scope(scope_of(name), *rest, **more)):
        yield


def scope_of(name: str) -> str:
    """A name of a scope that TensorFlow accepts."""
    plain = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name)
    return plain if re.match(r"[A-Za-z0-9.]", plain) else f"l{plain}"


def _argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    """Keras' own looks at the bits of each number, to tell 0 from -0."""
    import tensorflow as tf

    return _place(tf.argmax, x, axis, keepdims)


def _argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
    import tensorflow as tf

    return _place(tf.argmin, x, axis, keepdims)


def _place(find: Any, x: Any, axis: int | None, keepdims: bool) -> Any:
    import tensorflow as tf

    x = tf.convert_to_tensor(x)
    places = find(tf.reshape(x, [-1]) if axis is None else x, axis=axis or 0, output_type=tf.int32)
    if not keepdims:
        return places
    return tf.reshape(places, [1] * x.shape.rank) if axis is None else tf.expand_dims(places, axis)


def _digitize(x: Any, bins: Any) -> Any:
    """How many of the rising bounds each number has reached."""
    import tensorflow as tf

    x, bounds = tf.convert_to_tensor(x), tf.convert_to_tensor(bins, tf.float32)
    return tf.reduce_sum(tf.cast(tf.cast(x, tf.float32)[..., None] >= bounds, tf.int32), axis=-1)
