"""The forecasting network: one GRU over all series, every quantile of every step ahead in one pass."""

from typing import TYPE_CHECKING

import numpy as np

from components.forecasting.baselines import best_autoregression
from components.forecasting.windows import Task, Windows, framed

if TYPE_CHECKING:
    import keras

    from components.converters.specs import GraphSpec
    from components.forecasting.config import Config

MOST_WINDOWS = 20_000  # windows that the starting quantiles are taken from
STEP_FEATURES = 8  # numbers that the whole context hands to each step ahead


def network(windows: Windows, config: "Config") -> "keras.Model":
    """The untrained network: it forecasts what the autoregression forecasts, and has only the rest to learn.

    Prices begin at their last value, with the quantiles of the training part's changes.

    values (batch, context), minutes (batch, context + horizon) and perhaps extra (batch, context, extras) →
    quantiles (batch, horizon, quantiles), all in raw units.
    """
    import keras
    from keras import layers as kl

    from components.forecasting import layers
    from components.networks import gru

    task = windows.task
    count, middle = len(task.quantiles), task.quantiles.index(0.5)
    values = keras.Input((task.context,), name="values")
    minutes = keras.Input((task.context + task.horizon,), name="minutes", dtype="int32")
    inputs = [values, minutes]
    choices = {name: getattr(task, name) for name in layers.Frame.CHOICES}
    frame = layers.Frame(choices, name="frame")(values)
    past, ahead = [frame["sequence"]], [frame["lookback"]]
    if task.cycles:
        calendar = layers.Calendar(task.cycles, name="calendar")(minutes)
        past.append(calendar[:, : task.context])
        ahead.append(calendar[:, task.context :])
    if task.extras:
        extra = keras.Input((task.context, len(task.extras)), name="extra")
        inputs.append(extra)
        past.append(layers.Standardized(task.extra_mean, task.extra_deviation, name="extra_scaled")(extra))
    x = kl.Concatenate(name="past")(past) if len(past) > 1 else past[0]  # (batch, context, channels)
    state = gru.encoder(x, config.units, config.layers, config.dropout)  # (batch, units)
    state = kl.Concatenate(name="state")([state, frame["summary"]])
    whole = kl.Dense(task.horizon * STEP_FEATURES, name="to_steps")(state)
    steps = [kl.Reshape((task.horizon, STEP_FEATURES), name="per_step")(whole), *ahead]
    steps.append(kl.RepeatVector(task.horizon, name="everywhere")(kl.Dense(config.units, name="shared")(state)))
    x = kl.Concatenate(name="ahead")(steps)  # (batch, horizon, features)
    x = kl.Dropout(config.dropout, name="ahead_dropout")(kl.Dense(2 * config.units, activation="relu", name="mix")(x))
    x = kl.Dense(count, kernel_initializer="zeros", name="correction")(x)  # (batch, horizon, quantiles)
    head = layers.Quantiles(middle, task.logarithm, task.non_negative, name="quantiles")
    if task.logarithm:  # the way a price came says next to nothing of where it goes: a straight line only overfits
        quantiles = head(x, frame["anchors"], frame["scale"])
        head.start_from(error_quantiles(windows))
    else:
        linear = kl.Dense(task.horizon, use_bias=False, name="linear")
        quantiles = head(x, frame["anchors"], frame["scale"], linear(frame["flat"]))
        ridge, _ = best_autoregression(windows)
        linear.set_weights([ridge.kernel(task.context)])
        head.start_from(ridge.constant())
    return keras.Model(inputs, {"quantiles": quantiles}, name="forecaster")


def error_quantiles(windows: Windows) -> np.ndarray:
    """Quantiles of the anchor's errors in units of the window's scale in the training part, (horizon, quantiles)."""
    starts = windows.parts["train"]
    starts = starts[:: max(1, len(starts) // MOST_WINDOWS)]
    _, anchors, scale = framed(windows.task, windows.contexts(starts))
    errors = (windows.task.transformed(windows.targets(starts)) - anchors) / scale
    return np.quantile(errors, windows.task.quantiles, axis=0).T


def graph(task: Task) -> "GraphSpec":
    """Names, shapes and units of the network's tensors."""
    from components.converters.specs import GraphSpec, TensorSpec

    unit = task.unit or "raw"
    inputs = [
        TensorSpec("values", ("batch", task.context), "float32", unit),
        TensorSpec("minutes", ("batch", task.context + task.horizon), "int32", "minutes since 1970-01-01"),
    ]
    if task.extras:
        inputs.append(TensorSpec("extra", ("batch", task.context, len(task.extras)), "float32", "raw"))
    output = TensorSpec("quantiles", ("batch", task.horizon, len(task.quantiles)), "float32", unit)
    return GraphSpec(tuple(inputs), (output,), {"batch": 1})
