"""How good quantile forecasts are: scaled pinball loss first, and the numbers that papers report."""

from collections.abc import Callable

import numpy as np

from components.application import Predict, Scores
from components.forecasting.windows import Windows

BATCH = 512  # windows per call of a network
RSE_HORIZONS = (3, 6, 12, 24)  # of the LSTNet protocol (Lai et al. 2018)


def forecast(predict: Predict, windows: Windows, starts: np.ndarray) -> np.ndarray:
    """What a network forecasts for some windows: raw quantiles (windows, horizon, quantiles)."""
    parts = [starts[place : place + BATCH] for place in range(0, len(starts), BATCH)]
    return np.concatenate([predict(windows.feeds(part))["quantiles"] for part in parts]).astype(float)


def pinball(targets: np.ndarray, quantiles: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Quantile loss of every window, step and quantile, raw units: (windows, horizon, quantiles).

    max(share * (y - q), (share - 1) * (y - q)) (Koenker and Bassett 1978).
    """
    over = targets[..., None] - quantiles
    share = np.asarray(shares)
    return np.maximum(share * over, (share - 1) * over)


def scaled_pinball(windows: Windows, starts: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The primary loss of each window, (windows,).

    Pinball loss, mean over quantiles and steps, divided by the series' mean absolute step from row to row in its
    training part: the scaling of the M5 competition's weighted scaled pinball loss (Makridakis et al. 2022, eq. 2).
    Prices change in per cent: there the scale is the mean absolute step of the logarithm times the last value.
    """
    loss = pinball(windows.targets(starts), quantiles, windows.task.quantiles)
    return loss.mean(axis=(1, 2)) / windows.units(starts)


def measured(windows: Windows, starts: np.ndarray, quantiles: np.ndarray, protocol: str) -> Scores:
    """All scores of quantile forecasts (windows, horizon, quantiles) for some windows."""
    task, targets = windows.task, windows.targets(starts)
    each = scaled_pinball(windows, starts, quantiles)
    median = quantiles[:, :, task.quantiles.index(0.5)]
    error = np.abs(targets - median)
    metrics = {
        "pinball": float(each.mean()),
        "mase": float((error.mean(axis=1) / windows.units(starts)).mean()),  # Hyndman and Koehler 2006, season of 1
        "mae": float(error.mean()),
        **coverage(targets, quantiles, task.quantiles),
        **PROTOCOLS[protocol](windows, targets, median),
    }
    return Scores(metrics, each)


def coverage(targets: np.ndarray, quantiles: np.ndarray, shares: tuple[float, ...]) -> dict[str, float]:
    """Share of targets between the outermost quantiles, by a name that says what it should be in per cent."""
    inside = (targets >= quantiles[:, :, 0]) & (targets <= quantiles[:, :, -1])
    return {f"coverage_of_{100 * (shares[-1] - shares[0]):.0f}": 100 * float(inside.mean())}


def relative_errors(windows: Windows, targets: np.ndarray, median: np.ndarray) -> dict[str, float]:
    """Root relative squared error at single steps ahead, as LSTNet reports it (Lai et al. 2018, section 4.2)."""
    del windows
    steps = [step for step in RSE_HORIZONS if step <= targets.shape[1]]
    return {
        f"rse_{step}": float(np.sqrt(np.mean((targets - median)[:, step - 1] ** 2)) / targets[:, step - 1].std())
        for step in steps
    }


def standardised_error(windows: Windows, targets: np.ndarray, median: np.ndarray) -> dict[str, float]:
    """Mean squared error over all steps after standardising by the training part, as Informer reports it."""
    deviation = windows.task.level[1]
    return {"standardised_mse": float(np.mean((targets - median) ** 2) / deviation**2)}


PROTOCOLS: dict[str, Callable[[Windows, np.ndarray, np.ndarray], dict[str, float]]] = {
    "own": lambda windows, targets, median: {},  # noqa: ARG005
    "lstnet": relative_errors,
    "ett": standardised_error,
}


def by_fold(windows: Windows, starts: np.ndarray, each: np.ndarray, folds: int) -> list[tuple[int, int, int, float]]:
    """The test part in stretches of time: first and last origin, number of windows, mean loss of each stretch."""
    times = windows.times(starts)
    origins = np.unique(times)
    found = []
    for stretch in np.array_split(origins, min(folds, len(origins))):
        inside = (times >= stretch[0]) & (times <= stretch[-1])
        found.append((int(stretch[0]), int(stretch[-1]), int(inside.sum()), float(each[inside].mean())))
    return found
