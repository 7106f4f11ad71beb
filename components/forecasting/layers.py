"""Layers that take raw series: the front end of a forecasting network travels inside its graph."""

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from components.forecasting.windows import SMALLEST, seasonal_rows

CLIP = 5.0  # normalised inputs are kept within this many standard deviations: a wild reading must not blind the network


@keras.saving.register_keras_serializable("gatewise")
class Calendar(keras.layers.Layer):
    """Where each time stands in each calendar cycle: (batch, steps) int32 minutes → (batch, steps, 2·harmonics·cycles).

    Args:
        cycles: lengths in minutes, such as 1440 for the time of day. The remainder is taken in whole numbers: float32
            cannot tell neighbouring minutes apart from 16.8 million on, which is 2001.
        harmonics: sine and cosine pairs per cycle.
    """

    # 1970-01-01 was a Thursday; sines and cosines do not mind which day a week begins with.

    def __init__(self, cycles: Any, harmonics: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cycles, self.harmonics = tuple(cycles), harmonics

    def call(self, minutes: Any) -> Any:
        waves = []
        for cycle in self.cycles:
            phase = ops.cast(ops.mod(minutes, cycle), "float32") * (2 * math.pi / cycle)  # (batch, steps)
            for k in range(1, self.harmonics + 1):
                waves += [ops.sin(k * phase), ops.cos(k * phase)]
        return ops.stack(waves, axis=-1)

    def compute_output_shape(self, shape: Any) -> Any:
        return (*shape, 2 * self.harmonics * len(self.cycles))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"cycles": self.cycles, "harmonics": self.harmonics}


@keras.saving.register_keras_serializable("gatewise")
class Frame(keras.layers.Layer):
    """A raw context in its own frame of reference.

    Takes (batch, context) raw values and returns a dict:
        sequence: what the GRU reads, (batch, context, channels);
        flat: the same path measured from its end or mean in units of the scale, (batch, context);
        anchors: what each step ahead is measured from, (batch, horizon);
        lookback: anchor and earlier seasons beside each step ahead, (batch, horizon, lags + 1);
        scale: (batch, 1);
        summary: level and scale against those of the training part, (batch, 2 or 3).

    Args:
        choices: the fields of `windows.Task` that `CHOICES` names, by name.
    """

    CHOICES = ("context", "horizon", "anchor", "season", "lags", "logarithm", "level", "spread", "floor")

    context: int
    horizon: int
    anchor: str
    season: int
    lags: tuple[int, ...]
    logarithm: bool
    level: tuple[float, float]
    spread: tuple[float, float]
    floor: float

    def __init__(self, choices: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in self.CHOICES:
            value = choices[name]
            setattr(self, name, tuple(value) if isinstance(value, list | tuple) else value)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Frame":
        """The layer of a saved configuration, in which the choices stand side by side with Keras' own options."""
        options = {name: value for name, value in config.items() if name not in cls.CHOICES}
        return cls({name: config[name] for name in cls.CHOICES}, **options)

    def call(self, values: Any) -> dict[str, Any]:
        z = ops.log(ops.maximum(values, SMALLEST)) if self.logarithm else values  # (batch, context)
        mean = ops.mean(z, axis=1, keepdims=True)
        floor = self.floor + 1e-6 * ops.mean(ops.abs(z), axis=1, keepdims=True)
        steps = z[:, 1:] - z[:, :-1]  # (batch, context - 1)
        step = ops.mean(ops.abs(steps), axis=1, keepdims=True) + floor
        spread = ops.mean(ops.abs(z - mean), axis=1, keepdims=True) + floor
        anchors, scale = self._anchored(z, mean, step, spread, floor)
        relative = ops.pad(steps / step, ((0, 0), (1, 0)))
        channels = [(z - mean) / spread, relative, ops.abs(relative)]
        if self._turns():
            turn = (z[:, self.season :] - z[:, : -self.season]) / scale
            channels.append(ops.pad(turn, ((0, 0), (self.season, 0))))
        return {
            "sequence": ops.stack(channels, axis=-1),
            "flat": (z - (z[:, -1:] if self.anchor == "last" else mean)) / scale,
            "anchors": anchors,
            "lookback": self._lookback(z, anchors, mean, spread, scale),
            "scale": scale,
            "summary": self._summary(z, mean, scale),
        }

    def _anchored(self, z: Any, mean: Any, step: Any, spread: Any, floor: Any) -> tuple[Any, Any]:
        """Anchors (batch, horizon) and scale (batch, 1)."""
        if self.anchor == "seasonal":
            anchors = self._rows(z, self.season)
            if 2 * self.season > self.context:
                return anchors, step
            turn = ops.abs(z[:, self.season :] - z[:, : -self.season])
            return anchors, ops.mean(turn, axis=1, keepdims=True) + floor
        one = mean if self.anchor == "mean" else z[:, -1:]
        return ops.repeat(one, self.horizon, axis=1), spread if self.anchor == "mean" else step

    def _turns(self) -> bool:
        """Whether the context holds a cycle and one to compare it with."""
        return 0 < 2 * self.season <= self.context

    def _rows(self, z: Any, season: int) -> Any:
        """The last turn of a season laid beside the steps ahead, (batch, horizon)."""
        rows = seasonal_rows(self.context, self.horizon, season)
        if np.all(np.diff(rows) == 1):
            return z[:, int(rows[0]) : int(rows[0]) + self.horizon]
        turn = z[:, self.context - season : self.context]
        whole = ops.concatenate([turn] * math.ceil(self.horizon / season), axis=1)
        return whole[:, : self.horizon]

    def _lookback(self, z: Any, anchors: Any, mean: Any, spread: Any, scale: Any) -> Any:
        columns = [(anchors - mean) / spread]
        columns += [(self._rows(z, lag) - anchors) / scale for lag in self.lags]
        return ops.stack(columns, axis=-1)

    def _summary(self, z: Any, mean: Any, scale: Any) -> Any:
        parts = [(ops.log(scale) - self.spread[0]) / self.spread[1]]
        if not self.logarithm:  # the logarithm of a price has no level to return to
            parts += [(mean - self.level[0]) / self.level[1], (z[:, -1:] - self.level[0]) / self.level[1]]
        return ops.clip(ops.concatenate(parts, axis=1), -CLIP, CLIP)

    def compute_output_shape(self, shape: Any) -> dict[str, Any]:
        batch = shape[0]
        return {
            "sequence": (batch, self.context, 4 if self._turns() else 3),
            "flat": (batch, self.context),
            "anchors": (batch, self.horizon),
            "lookback": (batch, self.horizon, len(self.lags) + 1),
            "scale": (batch, 1),
            "summary": (batch, 1 if self.logarithm else 3),
        }

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {name: getattr(self, name) for name in self.CHOICES}


@keras.saving.register_keras_serializable("gatewise")
class Standardized(keras.layers.Layer):
    """Raw extra columns by the training part's mean and deviation, clipped: (batch, steps, extras) → the same."""

    def __init__(self, mean: Any, deviation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mean, self.deviation = tuple(mean), tuple(deviation)

    def call(self, extra: Any) -> Any:
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        return ops.clip((extra - mean) / deviation, -CLIP, CLIP)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"mean": self.mean, "deviation": self.deviation}


@keras.saving.register_keras_serializable("gatewise")
class Quantiles(keras.layers.Layer):
    """Quantiles in raw units that never cross.

    Takes steps (batch, horizon, quantiles), anchors (batch, horizon), scale (batch, 1) and perhaps a shift of all
    quantiles (batch, horizon). The entry of `steps` at `middle` is that quantile's distance from the anchor in units of
    the scale; the others are distances, made positive, from one quantile to the next further out. A learned constant
    is added to the steps: with steps and shift at zero the layer forecasts the same quantiles around every anchor.
    A non-negative layer forecasts zero where it would forecast less; training sees through that, lest what once fell
    below zero stay there.
    """

    def __init__(self, middle: int, logarithm: bool, non_negative: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.middle, self.logarithm, self.non_negative = middle, logarithm, non_negative

    def build(self, steps: Any, *_: Any) -> None:
        self.constant = self.add_weight(shape=steps[1:], initializer="zeros", name="constant")

    def call(self, steps: Any, anchors: Any, scale: Any, shift: Any = None, training: bool = False) -> Any:
        steps = steps + self.constant
        centre = steps[..., self.middle : self.middle + 1]
        if shift is not None:
            centre = centre + shift[..., None]
        below = ops.softplus(steps[..., : self.middle])
        above = ops.softplus(steps[..., self.middle + 1 :])
        distances = ops.concatenate([below, centre, above], axis=-1)
        relative = ops.matmul(distances, spreading(self.middle, steps.shape[-1]))  # (batch, horizon, quantiles)
        z = anchors[..., None] + scale[..., None] * relative
        if self.logarithm:
            return ops.exp(z)
        return ops.relu(z) if self.non_negative and not training else z

    def start_from(self, quantiles: np.ndarray) -> None:
        """Set the constant such that the layer begins with these quantiles of (target - anchor) / scale."""
        distances = np.diff(quantiles, axis=1)
        wanted = np.insert(distances, self.middle, 0, axis=1)  # (horizon, quantiles)
        constant = np.log(np.expm1(np.maximum(wanted, 1e-3)))  # softplus' inverse
        constant[:, self.middle] = quantiles[:, self.middle]
        self.constant.assign(constant)

    def compute_output_shape(self, steps: Any, *_: Any) -> Any:
        return steps

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "middle": self.middle,
            "logarithm": self.logarithm,
            "non_negative": self.non_negative,
        }


def spreading(middle: int, count: int) -> np.ndarray:
    """The matrix that adds distances up outwards from the middle quantile, (count, count)."""
    matrix = np.zeros((count, count), np.float32)
    matrix[middle] = 1
    for column in range(count):
        matrix[middle + 1 : column + 1, column] = 1
        matrix[column:middle, column] = -1
    return matrix
