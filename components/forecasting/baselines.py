"""What a forecaster must beat: repeating the last value or season with honest quantiles, and a linear map."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from components.forecasting.scores import scaled_pinball
from components.forecasting.windows import Windows, framed, seasonal_rows

MOST_WINDOWS = 30_000  # training windows used, evenly spread
MOST_LAGS = 168  # rows the autoregression looks back on
PENALTIES = (0.1, 10.0, 1e3, 1e5)  # ridge penalties tried on the validation part

Forecast = Callable[[np.ndarray], np.ndarray]  # windows' first rows → raw quantiles (windows, horizon, quantiles)


def candidates(windows: Windows) -> dict[str, Forecast]:
    """Every baseline by name, fitted on the training part."""
    found = {
        "repeat_last": repeating(windows, _last, scaled=False),
        "repeat_last_recent_volatility": repeating(windows, _last, scaled=True),
    }
    for season in dict.fromkeys(s for s in (windows.task.season, *windows.task.lags) if s):
        anchors = _seasonal(season)
        found[f"seasonal_naive_{season}"] = repeating(windows, anchors, scaled=False)
        found[f"seasonal_naive_{season}_recent_volatility"] = repeating(windows, anchors, scaled=True)
    found["context_mean"] = repeating(windows, _mean, scaled=True)
    return found


def repeating(windows: Windows, anchors: Callable[[np.ndarray, int], np.ndarray], scaled: bool) -> Forecast:
    """A forecast that repeats something of the context, with the quantiles of its errors in the training part.

    Args:
        windows: the data.
        anchors: (transformed contexts, horizon) → (windows, horizon).
        scaled: whether errors are measured in units of the context's mean absolute step, one set of quantiles for all
            series; or in the series' own units, one set per series.
    """
    task, starts = windows.task, _sample(windows.parts["train"])
    z = task.transformed(windows.contexts(starts))
    errors = task.transformed(windows.targets(starts)) - anchors(z, task.horizon)
    owner = windows.owner[starts]
    if scaled:
        quantiles = np.quantile(errors / _step(z, task.floor), task.quantiles, axis=0).T[
            None
        ]  # (1, horizon, quantiles)
    else:
        quantiles = np.stack(
            [
                np.quantile(errors[owner == series] if (owner == series).any() else errors, task.quantiles, axis=0).T
                for series in range(len(task.series))
            ]
        )  # (series, horizon, quantiles)

    def forecast(starts: np.ndarray) -> np.ndarray:
        z = task.transformed(windows.contexts(starts))
        spread = quantiles * _step(z, task.floor)[:, :, None] if scaled else quantiles[windows.owner[starts]]
        return task.restored(anchors(z, task.horizon)[:, :, None] + spread)

    return forecast


@dataclass(frozen=True)
class Ridge:
    """A linear map from the context to every step ahead, in the frame of the task's anchor.

    Attributes:
        weights: (lags + 1, horizon), the last row constant.
        quantiles: of its errors in the training part in units of the scale, (horizon, quantiles).
    """

    weights: np.ndarray
    quantiles: np.ndarray

    def kernel(self, context: int) -> np.ndarray:
        """The weights of a whole context's rows, zero for those further back than the lags: (context, horizon)."""
        return np.vstack([np.zeros((context + 1 - len(self.weights), self.weights.shape[1])), self.weights[:-1]])

    def constant(self) -> np.ndarray:
        """Quantiles of (target - anchor) / scale for a context of zeros, (horizon, quantiles)."""
        return self.quantiles + self.weights[-1][:, None]


def autoregression(windows: Windows, penalty: float) -> tuple[Ridge, Forecast]:
    """A direct multi-step autoregression by ridge regression over all series (Hoerl and Kennard 1970)."""
    task, starts = windows.task, _sample(windows.parts["train"])
    lags = min(task.context, MOST_LAGS)

    def design(starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z, anchors, scale = framed(task, windows.contexts(starts))
        zero = z[:, -1:] if task.anchor == "last" else z.mean(axis=1, keepdims=True)
        return np.column_stack([((z - zero) / scale)[:, -lags:], np.ones(len(z))]), anchors, scale

    x, anchors, scale = design(starts)
    errors = (task.transformed(windows.targets(starts)) - anchors) / scale
    weight = scale / windows.scales[windows.owner[starts], None]  # a jump after a standstill must not outweigh the rest
    heavy = x * weight
    weights = np.linalg.solve(heavy.T @ heavy + penalty * np.eye(x.shape[1]), heavy.T @ (errors * weight))
    quantiles = np.quantile(errors - x @ weights, task.quantiles, axis=0).T

    def forecast(starts: np.ndarray) -> np.ndarray:
        x, anchors, scale = design(starts)
        return task.restored(anchors[:, :, None] + scale[:, :, None] * ((x @ weights)[:, :, None] + quantiles))

    return Ridge(weights, quantiles), forecast


def best_autoregression(windows: Windows) -> tuple[Ridge, Forecast]:
    """The autoregression whose penalty is best on the validation part."""
    tried = [autoregression(windows, penalty) for penalty in PENALTIES]
    starts = windows.parts["validation"]
    losses = [scaled_pinball(windows, starts, forecast(starts)).mean() for _, forecast in tried]
    return tried[int(np.argmin(losses))]


def _sample(starts: np.ndarray) -> np.ndarray:
    return starts[:: max(1, len(starts) // MOST_WINDOWS)]


def _step(z: np.ndarray, floor: float) -> np.ndarray:
    """Mean absolute step of each context, (windows, 1)."""
    return np.abs(np.diff(z, axis=1)).mean(axis=1, keepdims=True) + 1e-6 * np.abs(z).mean(axis=1, keepdims=True) + floor


def _last(z: np.ndarray, horizon: int) -> np.ndarray:
    return np.repeat(z[:, -1:], horizon, axis=1)


def _mean(z: np.ndarray, horizon: int) -> np.ndarray:
    return np.repeat(z.mean(axis=1, keepdims=True), horizon, axis=1)


def _seasonal(season: int) -> Callable[[np.ndarray, int], np.ndarray]:
    return lambda z, horizon: z[:, seasonal_rows(z.shape[1], horizon, season)]
