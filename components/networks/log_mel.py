"""Keras layers that belong inside exported graphs: the log-mel front end, and the tail that lets it run in chunks."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

PACKAGE = "gatewise"
SILENCE = 1e-6  # added to every mel energy, so that digital silence has a logarithm
MEL_BREAK_HZ, MEL_SCALE = 700.0, 2595.0  # O'Shaughnessy 1987
BLOCK_ELEMENTS = 1_023  # TFLite's dynamic-range quantisation leaves constants below 1,024 elements in float32


@keras.saving.register_keras_serializable(PACKAGE)
class Tail(keras.layers.Layer):
    """What came before, prepended: (batch, n, …) → (batch, length + n, …).

    The layer keeps the last `length` steps it has seen along axis 1 and puts them in front of the next call's input, so
    that windows which reach over a chunk's edge are whole. It starts from zeros. On export the kept steps become an
    input and an output of the graph, as a stateful GRU's hidden state does.

    Args:
        length: steps kept, at least 1.
        return_state: also return the steps kept for the next call; then the steps before may be given as
            `initial_state`, and nothing is kept inside the layer.
    """

    def __init__(self, length: int, return_state: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if length < 1:
            raise ValueError(f"Tail(length={length}): keep at least 1 step")
        self.length, self.return_state = length, return_state
        self.stateful = not return_state
        self.states: list[Any] | None = None

    def build(self, x_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> None:  # noqa: ARG002
        """Make the kept steps, unless they come and go with each call."""
        if not self.stateful:
            return
        if x_shape[0] is None:
            raise ValueError(f"layer '{self.name}': a Tail keeps steps per row, so give the input a fixed batch size")
        kept = (x_shape[0], self.length, *x_shape[2:])
        self.states = [self.add_weight(shape=kept, initializer="zeros", trainable=False, name="tail")]

    def call(self, x: Any, initial_state: Any = None) -> Any:
        """The steps before, then `x`; with `return_state` also the steps for the next call."""
        if initial_state is None:
            initial_state = self.states[0] if self.states else self.get_initial_state(x)
        joined = ops.concatenate([ops.cast(initial_state, x.dtype), x], axis=1)  # (batch, length + n, …)
        following = joined[:, -self.length :]
        if self.return_state:
            return joined, following
        if self.states:
            self.states[0].assign(following)
        return joined

    def get_initial_state(self, x: Any) -> Any:
        """Zeros of the kept steps' shape: (batch, length, …)."""
        return ops.zeros((ops.shape(x)[0], self.length, *ops.shape(x)[2:]), x.dtype)

    def reset_state(self) -> None:
        """Back to zeros."""
        for state in self.states or []:
            state.assign(ops.zeros(state.shape, state.dtype))

    def compute_output_shape(self, x_shape: tuple[int | None, ...], initial_state_shape: Any = None) -> Any:  # noqa: ARG002
        """Shape with the kept steps in front."""
        longer = None if x_shape[1] is None else x_shape[1] + self.length
        joined = (x_shape[0], longer, *x_shape[2:])
        return (joined, (x_shape[0], self.length, *x_shape[2:])) if self.return_state else joined

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "length": self.length, "return_state": self.return_state}


@keras.saving.register_keras_serializable(PACKAGE)
class LogMel(keras.layers.Layer):
    """Logarithmic mel energies: (batch, samples) → (batch, frames, mels), frames = (samples - window) // hop + 1.

    Each Hann-weighted window of N samples is transformed by two small matrix products, N = A * B (Cooley and Tukey
    1965 with one split): exact float32 in every runtime, a few kB of constants instead of N * N, and none of them large
    enough for a weight quantiser to touch. Only the bins below half the sampling rate, and above zero, carry weight.

    Args:
        sample_rate: samples per second.
        window: samples per frame; zeros are added up to the next length that splits evenly.
        hop: samples from one frame to the next.
        mels: triangular mel filters.
        low_hz: lower edge of the first filter.
        high_hz: upper edge of the last filter, at most half the sampling rate.
    """

    def __init__(
        self,
        sample_rate: int = 16_000,
        window: int = 512,
        hop: int = 320,
        mels: int = 40,
        low_hz: float = 60.0,
        high_hz: float = 7_600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 < hop <= window or not 0 <= low_hz < high_hz <= sample_rate / 2 or mels < 1:
            raise ValueError(
                f"LogMel: 0 < hop ({hop}) <= window ({window}) and "
                f"0 <= low_hz ({low_hz}) < high_hz ({high_hz}) <= {sample_rate / 2:g} are needed"
            )
        self.sample_rate, self.window, self.hop = sample_rate, window, hop
        self.mels, self.low_hz, self.high_hz = mels, low_hz, high_hz
        self.rows, self.columns = split(window)
        self.blocks = banded(mel_filters(self.rows * self.columns // 2, sample_rate, mels, low_hz, high_hz))

    def call(self, samples: Any) -> Any:
        """Log-mel energies (batch, frames, mels) of samples (batch, samples)."""
        energies = self._energies(self._framed(samples))  # (batch, frames, bins)
        bands = [product(energies[..., low:high], weights) for low, high, weights in self.blocks]
        return ops.log(ops.concatenate(bands, axis=-1) + SILENCE)

    def _framed(self, samples: Any) -> Any:
        """Overlapping frames as slices of hop-sized blocks: (batch, frames, window)."""
        per_frame = math.ceil(self.window / self.hop)
        length = ops.shape(samples)[1]
        frames = quotient(length - self.window, self.hop) + 1
        used = (frames - 1 + per_frame) * self.hop  # the last block may reach past the last sample
        if excess := per_frame * self.hop - self.window:
            samples = ops.pad(samples, ((0, 0), (0, excess)))
        samples = samples[:, :used]
        blocks = ops.reshape(samples, (-1, frames - 1 + per_frame, self.hop))  # (batch, blocks, hop)
        parts = [blocks[:, first : first + frames] for first in range(per_frame)]
        return ops.concatenate(parts, axis=-1)[..., : self.window]

    def _energies(self, frames: Any) -> Any:
        """Squared magnitudes of bins 0 … N/2 - 1: (batch, frames, N/2).

        X[k1 + A k2] = Σ_b W_N^(b k1) (Σ_a x[B a + b] W_A^(a k1)) W_B^(b k2), with W_n = exp(-2πi/n).
        """
        rows, columns = self.rows, self.columns
        count = ops.shape(frames)[1]
        x = frames * hann(self.window).astype("f4")
        if rows * columns > self.window:
            x = ops.pad(x, ((0, 0), (0, 0), (0, rows * columns - self.window)))
        x = ops.transpose(ops.reshape(x, (-1, count, rows, columns)), (0, 1, 3, 2))  # (batch, frames, b, a)
        cosine, sine = turns(rows, rows, rows)
        real, imaginary = product(x, cosine), product(x, -sine)  # (batch, frames, b, k1)
        cosine, sine = turns(columns, rows, rows * columns)
        real, imaginary = real * cosine + imaginary * sine, imaginary * cosine - real * sine
        real, imaginary = (ops.transpose(part, (0, 1, 3, 2)) for part in (real, imaginary))  # (batch, frames, k1, b)
        cosine, sine = turns(columns, columns // 2, columns)
        energies = ops.square(product(real, cosine) + product(imaginary, sine)) + ops.square(
            product(imaginary, cosine) - product(real, sine)
        )  # (batch, frames, k1, k2)
        return ops.reshape(ops.transpose(energies, (0, 1, 3, 2)), (-1, count, rows * columns // 2))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """(batch, frames, mels)."""
        frames = None if shape[1] is None else (shape[1] - self.window) // self.hop + 1
        return shape[0], frames, self.mels

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        names = ("sample_rate", "window", "hop", "mels", "low_hz", "high_hz")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def product(x: Any, weights: np.ndarray) -> Any:
    """x · weights over the last axis, as one operation; `ops.matmul` flattens and restores the leading axes."""
    import tensorflow as tf

    return tf.matmul(x, weights)


def quotient(length: Any, divisor: int) -> Any:
    """The whole quotient of a length that is not negative, as one operation; `//` takes eight to round down."""
    import tensorflow as tf

    return length // divisor if isinstance(length, int) else tf.truncatediv(length, divisor)


def split(window: int) -> tuple[int, int]:
    """Factors A, B of the shortest transform of at least `window` samples: B even, B/A between 1 and 2."""
    for length in range(window, 2 * window + 16):
        for columns in range(math.isqrt(length - 1) + 1, 2 * math.isqrt(length) + 2):
            if length % columns == 0 and columns % 2 == 0:
                return length // columns, columns
    raise ValueError(f"LogMel: no transform for a window of {window} samples")


def hann(window: int) -> np.ndarray:
    """The periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)


def turns(rows: int, columns: int, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of 2π · row · column / period, float32."""
    angles = 2 * np.pi * (np.outer(np.arange(rows), np.arange(columns)) % period) / period
    return np.cos(angles).astype("f4"), np.sin(angles).astype("f4")


def mel_filters(bins: int, sample_rate: int, mels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Triangular filters, equally wide on the mel scale, with peak one: (bins, mels)."""

    def mel(hertz: Any) -> Any:
        return MEL_SCALE * np.log10(1 + np.asarray(hertz) / MEL_BREAK_HZ)

    edges = np.linspace(mel(low_hz), mel(high_hz), mels + 2)
    position = mel(np.arange(bins) * sample_rate / (2 * bins))[:, None]  # (bins, 1)
    rising = (position - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - position) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype("f4")


def banded(filters: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Neighbouring filters grouped into small dense blocks: (first bin, bin after the last, weights) of each."""
    mels = filters.shape[1]
    blocks, first = [], 0
    while first < mels:
        last = first + 1
        while last < mels and _block(filters[:, first : last + 1])[2].size <= BLOCK_ELEMENTS:
            last += 1
        blocks.append(_block(filters[:, first:last]))
        first = last
    return blocks


def _block(filters: np.ndarray) -> tuple[int, int, np.ndarray]:
    """The bins that any of the filters weighs, and their weights; a filter narrower than a bin keeps one, empty."""
    used = np.flatnonzero(filters.any(axis=1))
    low, high = (int(used[0]), int(used[-1]) + 1) if used.size else (0, 1)
    return low, high, filters[low:high]
