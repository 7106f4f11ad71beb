"""Pictures and tables of forecasts: fans beside what came, losses by step ahead and over time."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.forecasting.scores import by_fold, pinball, scaled_pinball
from components.forecasting.series import stamp
from components.forecasting.windows import Task, Windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, DPI = 12, 100  # inches and dots: 1200 pixels
PANELS = 4
PAST = 3  # horizons of the past shown before each forecast
FOLDS = 8
STEPS = {"h": "hours", "D": "days", "B": "business days", "W": "weeks", "MS": "months", "QS": "quarters", "YS": "years"}
BY_THE_DAY = tuple(alias for alias in STEPS if alias != "h")  # the time of day says nothing there
OURS, THEIRS, TRUTH = "#1f6fb2", "#c46a1b", "#222222"


def fans(path: Path, data: Windows, starts: np.ndarray, ours: np.ndarray, theirs: np.ndarray, name: str) -> None:
    """Draw a few test windows: the past, what came, the network's fan and the baseline's median and range."""
    from matplotlib.figure import Figure

    chosen = np.linspace(0, len(starts) - 1, min(PANELS, len(starts))).round().astype(int)
    figure = Figure((WIDTH, 7), dpi=DPI, layout="constrained")
    panels = np.atleast_1d(figure.subplots(2, 2)).ravel()
    for axis, index in zip(panels, chosen, strict=False):
        _fan(axis, data, starts[index], ours[index], theirs[index], name.replace("_", " "))
    for axis in panels[len(chosen) :]:
        axis.set_visible(False)
    panels[0].legend(fontsize="small")
    figure.savefig(path)


def _fan(axis: "Axes", data: Windows, start: int, ours: np.ndarray, theirs: np.ndarray, name: str) -> None:
    """One window; `ours` and `theirs` are quantiles, (horizon, quantiles)."""
    from matplotlib.ticker import MaxNLocator

    task, window = data.task, np.array([start])
    middle, ahead = task.quantiles.index(0.5), np.arange(1, task.horizon + 1)
    shown = data.contexts(window)[0, -min(task.context, PAST * task.horizon) :]
    axis.plot(np.arange(1 - len(shown), 1), shown, color=TRUTH, linewidth=1)
    truth = [shown[-1], *data.targets(window)[0]]
    axis.plot(np.arange(task.horizon + 1), truth, color=TRUTH, linewidth=1.8, label="what came")
    for low, high in zip(range(middle), range(len(task.quantiles) - 1, middle, -1), strict=False):
        share = 100 * (task.quantiles[high] - task.quantiles[low])
        axis.fill_between(
            ahead, ours[:, low], ours[:, high], color=OURS, alpha=0.22, linewidth=0, label=f"network, {share:.0f}%"
        )
    axis.plot(ahead, ours[:, middle], color=OURS, label="network, median")
    axis.plot(ahead, theirs[:, middle], color=THEIRS, linestyle="--", label=f"{name}, median")
    reach = 100 * (task.quantiles[-1] - task.quantiles[0])
    low_and_high = axis.plot(ahead, theirs[:, [0, -1]], color=THEIRS, linestyle=":", linewidth=1)
    low_and_high[0].set_label(f"{name}, {reach:.0f}%")
    axis.axvline(0.5, color="#999999", linewidth=0.8)
    axis.set_title(f"{task.series[data.owner[start]]}, forecast from {_when(task, data.times(window)[0])}")
    axis.set(xlabel=_ahead(task), ylabel=task.unit or "value")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def losses_by_step(
    path: Path, data: Windows, starts: np.ndarray, ours: np.ndarray, theirs: np.ndarray, name: str
) -> None:
    """Draw the scaled loss at every step ahead, and of every stretch of the test part."""
    from matplotlib.figure import Figure

    figure = Figure((WIDTH, 4.5), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    targets, units = data.targets(starts), data.units(starts)[:, None]
    for quantiles, label, colour in ((ours, "network", OURS), (theirs, name.replace("_", " "), THEIRS)):
        loss = pinball(targets, quantiles, data.task.quantiles).mean(axis=2) / units  # (windows, horizon)
        left.plot(np.arange(1, data.task.horizon + 1), loss.mean(axis=0), color=colour, marker=".", label=label)
        folds = by_fold(data, starts, loss.mean(axis=1), FOLDS)
        right.plot(
            [np.datetime64(fold[0], "m") for fold in folds], [fold[3] for fold in folds], color=colour, marker="."
        )
    left.set(title="Loss by step ahead", xlabel=_ahead(data.task), ylabel="scaled pinball loss")
    right.set(title="Loss over the test part", xlabel="origins from", ylabel="scaled pinball loss")
    right.tick_params(axis="x", labelrotation=30)
    for axis in (left, right):
        axis.set_ylim(bottom=0)
    left.legend()
    figure.savefig(path)


def tables(data: Windows, starts: np.ndarray, ours: np.ndarray, theirs: np.ndarray, name: str) -> str:
    """Markdown: what was forecast, and the backtest with rolling origins in stretches of time."""
    task = data.task
    measured = f"the {task.anchor} value{' of each season' if task.season and task.anchor == 'seasonal' else ''}"
    lines = [
        f"{task.horizon} rows ({task.alias}) ahead from {task.context} rows of context, {len(task.series)} series.",
        f"{len(starts):,} forecasts from {data.origins:,} origins of the test part.",
        f"Measured from {measured}{', as logarithms' if task.logarithm else ''}.",
        "",
        f"| origins | forecasts | network | {name.replace('_', ' ')} |",
        "|---|---|---|---|",
    ]
    mine = by_fold(data, starts, scaled_pinball(data, starts, ours), FOLDS)
    other = by_fold(data, starts, scaled_pinball(data, starts, theirs), FOLDS)
    for fold, against in zip(mine, other, strict=True):
        lines.append(
            f"| {_when(task, fold[0])} to {_when(task, fold[1])} | {fold[2]:,} | {fold[3]:.4f} | {against[3]:.4f} |"
        )
    return "\n".join(lines)


def _ahead(task: Task) -> str:
    """What the axis of a forecast counts."""
    return f"{STEPS[task.alias]} ahead" if task.alias in STEPS else f"rows of {task.alias} ahead"


def _when(task: Task, minutes: int) -> str:
    return stamp(minutes).removesuffix(" 00:00") if task.alias in BY_THE_DAY else stamp(minutes)
