"""Operations of Keras in simpler ones that every runtime has, for the length of a trace."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

PLAIN = 2  # axes of sounds: the batch and the samples


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
    """Have Keras find indices, bins and spectra in operations that need no kernel of TensorFlow's own."""
    from keras.src.backend.tensorflow import math, numpy

    with ExitStack() as changes:
        changes.enter_context(swapped(numpy, argmax=_argmax, argmin=_argmin, digitize=_digitize))
        changes.enter_context(swapped(math, stft=_stft))
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


def _stft(
    x: Any, sequence_length: int, sequence_stride: int, fft_length: int, window: Any = "hann", center: bool = True
) -> tuple[Any, Any]:
    """Real and imaginary parts (…, frames, fft_length // 2 + 1) of windowed frames, as one convolution."""
    import tensorflow as tf

    half = fft_length // 2
    if center:
        x = tf.pad(x, [(0, 0)] * (x.shape.rank - 1) + [(half, half)], mode="REFLECT")
    weights = _window(window, sequence_length)
    left = (fft_length - sequence_length) // 2
    weights = np.pad(weights, (left, fft_length - sequence_length - left))
    angles = 2 * np.pi * np.outer(np.arange(fft_length), np.arange(half + 1)) / fft_length
    waves = np.concatenate([np.cos(angles), -np.sin(angles)], axis=1) * weights[:, None]
    sound = tf.reshape(x, (-1, tf.shape(x)[-1], 1))
    if x.shape[-1] is not None:
        sound = tf.ensure_shape(sound, (None, x.shape[-1], 1))
    bins = tf.nn.conv1d(sound, tf.constant(waves[:, None], tf.float32), sequence_stride, "VALID")
    if x.shape.rank > PLAIN:
        bins = tf.reshape(bins, tf.concat([tf.shape(x)[:-1], tf.shape(bins)[1:]], axis=0))
    real, imaginary = tf.split(bins, 2, axis=-1)
    return real, imaginary


def _window(window: Any, length: int) -> np.ndarray:
    """The weights of a frame's samples."""
    if window is None:
        return np.ones(length)
    if not isinstance(window, str):
        return np.asarray(window, np.float64)
    share = {"hann": 0.5, "hamming": 0.54}[window]
    return np.asarray(share - (1 - share) * np.cos(2 * np.pi * np.arange(length) / length))
