"""Pictures and tables of forecasts: fans beside what came, losses by step ahead and over time."""

from pathlib import Path

import numpy as np

from components.forecast_scores import by_fold, pinball, scaled_pinball
from components.series import stamp
from components.windows import Windows

WIDTH, DPI = 12, 100  # inches and dots: 1200 pixels
PANELS = 4
PAST = 3  # horizons of the past shown before each forecast
FOLDS = 8
OURS, THEIRS, TRUTH = "#1f6fb2", "#c46a1b", "#222222"


def fans(path: Path, data: Windows, starts: np.ndarray, ours: np.ndarray, theirs: np.ndarray, name: str) -> None:
    """Draw a few test windows: the past, what came, the network's fan and the baseline's median and range."""
    from matplotlib.figure import Figure

    task = data.task
    chosen = np.linspace(0, len(starts) - 1, min(PANELS, len(starts))).round().astype(int)
    figure = Figure((WIDTH, 7), dpi=DPI, layout="constrained")
    panels = np.atleast_1d(figure.subplots(2, 2)).ravel()
    middle = task.quantiles.index(0.5)
    past = min(task.context, PAST * task.horizon)
    for axis, index in zip(panels, chosen, strict=False):
        start, ahead = starts[index], np.arange(1, task.horizon + 1)
        shown = data.contexts(starts[[index]])[0, -past:]
        truth = data.targets(starts[[index]])[0]
        axis.plot(np.arange(1 - past, 1), shown, color=TRUTH, linewidth=1)
        axis.plot(np.arange(task.horizon + 1), [shown[-1], *truth], color=TRUTH, linewidth=1.8, label="what came")
        for low, high in zip(range(middle), range(len(task.quantiles) - 1, middle, -1), strict=False):
            share = 100 * (task.quantiles[high] - task.quantiles[low])
            axis.fill_between(
                ahead, ours[index, :, low], ours[index, :, high], color=OURS, alpha=0.22, linewidth=0,
                label=f"network, {share:.0f}%",
            )  # fmt: skip
        axis.plot(ahead, ours[index, :, middle], color=OURS, label="network, median")
        axis.plot(ahead, theirs[index, :, middle], color=THEIRS, linestyle="--", label=name.replace("_", " "))
        reach = 100 * (task.quantiles[-1] - task.quantiles[0])
        low_and_high = axis.plot(ahead, theirs[index][:, [0, -1]], color=THEIRS, linestyle=":", linewidth=1)
        low_and_high[0].set_label(f"{name.replace('_', ' ')}, {reach:.0f}%")
        axis.axvline(0.5, color="#999999", linewidth=0.8)
        axis.set_title(f"{task.series[data.owner[start]]}, forecast from {stamp(data.times(starts[[index]])[0])}")
        axis.set_xlabel(f"rows ahead ({task.alias})")
        axis.set_ylabel(task.unit or "value")
    for axis in panels[len(chosen) :]:
        axis.set_visible(False)
    panels[0].legend(fontsize="small")
    figure.savefig(path)


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
    left.set(title="Loss by step ahead", xlabel=f"rows ahead ({data.task.alias})", ylabel="scaled pinball loss")
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
        lines.append(f"| {stamp(fold[0])} to {stamp(fold[1])} | {fold[2]:,} | {fold[3]:.4f} | {against[3]:.4f} |")
    return "\n".join(lines)
