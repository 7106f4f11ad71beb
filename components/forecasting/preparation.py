"""From histories to windows: every choice that the settings leave open is made here, on training and validation."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from components.data.choices import chose, doubt
from components.errors import DataError, SettingError
from components.forecasting import baselines as naive
from components.forecasting.frequency import YEAR, Frequency, infer
from components.forecasting.scores import scaled_pinball
from components.forecasting.series import History, segments
from components.forecasting.windows import PARTS, Task, Windows, cuts, framed, starts_by_part

if TYPE_CHECKING:
    from components.forecasting.config import Config

log = logging.getLogger(__name__)

PROTOCOL_ROWS = {"ett": (8_640, 11_520, 14_400)}  # 12, 16 and 20 months of 30 days, in hours (Zhou et al. 2021)
PROTOCOL_SHARES = {"lstnet": (0.2, 0.2)}  # of validation and test (Lai et al. 2018)
MOST_VALIDATION = 3_000  # windows: enough to choose by, evenly spread
YEARS_TO_LEARN = 1.5  # of training before the time of year tells anything but which year it is
FLOOR_SHARE = 0.05  # of a usual step (of any series' in per cent, of the calmest series' in other units)
ANCHORS = {"last": "repeat_last", "seasonal": "seasonal_naive", "mean": "context_mean"}


def prepare(histories: Sequence[History], extras: tuple[str, ...], unit: str, config: "Config") -> Windows:
    """Windows over the series, with context, horizon, seasons, anchor and scales decided.

    Raises:
        DataError: series that are constant, too short, or in no regular step.
        SettingError: settings that do not go together.
    """
    if config.protocol == "ett":
        histories = [history.rows(slice(PROTOCOL_ROWS["ett"][2])) for history in histories]
    frequency = infer([history.minutes for history in histories], "the series")
    task = _task(histories, extras, unit, config, frequency)
    pieces = [piece for history in histories for piece in segments(history, frequency, config.fill_limit)]
    bounds = _bounds(histories, pieces, config)
    windows = _windows(_usable(pieces, task, bounds[0]), task, bounds, config)
    windows = with_statistics(windows, bounds[0])
    return _anchored(windows, config, frequency)


def _task(
    histories: Sequence[History], extras: tuple[str, ...], unit: str, config: "Config", frequency: Frequency
) -> Task:
    """What is to be forecast, as far as settings and frequency say; statistics come later."""
    context, horizon = config.context or frequency.context, config.horizon or frequency.horizon
    seasons = (config.season,) if config.season else frequency.seasons
    lags = tuple(season for season in seasons if 1 < season <= context)
    if config.anchor == "seasonal" and not lags:
        raise SettingError(f"anchor=seasonal needs a season of at most the context of {context} rows: set season")
    logarithm = config.transform == "log" or (config.transform == "auto" and frequency.alias == "B")
    if logarithm and any((history.values <= 0).any() for history in histories):
        if config.transform == "log":
            raise DataError("transform=log needs values above zero: use transform=level")
        chose("transform", "level, though prices are usually logarithms: some values are zero or below")
        logarithm = False
    if config.non_negative and any((history.values < 0).any() for history in histories):
        raise DataError("non_negative=true needs values of zero or above: set missing, or leave non_negative out")
    if not config.non_negative and not logarithm and all(_counts(history.values) for history in histories):
        chose("counts", "whole numbers of zero or above may get quantiles below zero: set non_negative=true against it")
    span = max(history.minutes[-1] for history in histories) - min(history.minutes[0] for history in histories)
    learnable = span * (1 - config.validation_share - config.test_share) >= YEARS_TO_LEARN * YEAR
    cycles = tuple(cycle for cycle in frequency.cycles if cycle != YEAR or learnable) if config.calendar else ()
    return Task(
        context, horizon, tuple(config.quantiles), "last", lags[0] if lags else 0, lags, logarithm, cycles,
        frequency.alias, frequency.step, unit, (), extras, week=frequency.week, non_negative=config.non_negative,
    )  # fmt: skip


def _bounds(histories: Sequence[History], pieces: Sequence[History], config: "Config") -> tuple[int, int]:
    """Times at which validation and test begin."""
    if config.protocol == "ett":
        minutes, rows = histories[0].minutes, PROTOCOL_ROWS["ett"]
        if len(minutes) < rows[2]:
            raise DataError(f"protocol=ett needs {rows[2]} hourly rows: there are {len(minutes)}")
        return int(minutes[rows[0]]), int(minutes[rows[1]])
    shares = PROTOCOL_SHARES.get(config.protocol, (config.validation_share, config.test_share))
    return cuts(np.concatenate([piece.minutes for piece in pieces]), *shares)


def _usable(pieces: Sequence[History], task: Task, boundary: int) -> list[History]:
    """Pieces long enough for one window, of series that have training rows."""
    needed = task.context + task.horizon
    longest: dict[str, int] = {}
    for piece in pieces:
        longest[piece.name] = max(longest.get(piece.name, 0), len(piece.minutes))
    early = {piece.name for piece in pieces if (piece.minutes < boundary).sum() > 1}
    short = {name: rows for name, rows in longest.items() if rows < needed}
    if len(short) == len(longest):
        name, rows = max(short.items(), key=lambda item: item[1])
        raise DataError(
            f"too few rows: the longest series without a gap, '{name}', has {rows} rows and a window needs {needed} "
            f"({task.context} of context, {task.horizon} to forecast): give longer series, or set context and horizon"
        )
    for name, rows in short.items():
        doubt("left out", f"{name} has {rows} rows without a gap, a window needs {needed}")
    for name in sorted(set(longest) - early - set(short)):
        doubt("left out", f"{name} begins after the training part ends")
    usable = [piece for piece in pieces if len(piece.minutes) >= needed and piece.name in early]
    return _learnable(usable, boundary)


def _learnable(pieces: Sequence[History], boundary: int) -> list[History]:
    """Pieces of the series that change within their training part."""
    still = set()
    for name in dict.fromkeys(piece.name for piece in pieces):
        steps = [np.diff(piece.values[piece.minutes < boundary]) for piece in pieces if piece.name == name]
        if not np.concatenate(steps).any():
            still.add(name)
    for name in sorted(still):
        doubt("left out", f"{name} is constant in its training part: nothing can be learned from it")
    kept = [piece for piece in pieces if piece.name not in still]
    if pieces and not kept:
        raise DataError(f"series '{sorted(still)[0]}' is constant in its training part, like all others: give another")
    return kept


def _windows(pieces: Sequence[History], task: Task, bounds: tuple[int, int], config: "Config") -> Windows:
    names = tuple(dict.fromkeys(piece.name for piece in pieces))
    stride = config.stride or (1 if config.protocol != "own" else task.horizon)
    parts = starts_by_part(pieces, task.context, task.horizon, bounds, {"test": stride})
    validation = parts["validation"]
    parts["validation"] = validation[:: max(1, -(-len(validation) // MOST_VALIDATION))]
    for part in PARTS:
        if not len(parts[part]):
            raise DataError(
                f"too few rows: no window of {task.context + task.horizon} rows has its targets in the {part} part: "
                "give longer series, set context and horizon smaller, or change validation_share and test_share"
            )
    return Windows(
        replace(task, series=names),
        np.concatenate([piece.values for piece in pieces]),
        np.concatenate([piece.minutes for piece in pieces]).astype(np.int32),
        np.concatenate([piece.extras for piece in pieces]).astype(np.float32),
        np.concatenate([np.full(len(piece.minutes), names.index(piece.name)) for piece in pieces]).astype(np.int32),
        parts,
        np.ones(len(names)),
    )


def with_statistics(windows: Windows, boundary: int) -> Windows:
    """The windows with all statistics of the training part: rows before `boundary`."""
    task, early = windows.task, windows.minutes < boundary
    z = task.transformed(windows.values)
    neighbours = early[1:] & (windows.owner[1:] == windows.owner[:-1])
    steps, owner = np.abs(np.diff(z))[neighbours], windows.owner[1:][neighbours]
    scales = np.array([steps[owner == series].mean() for series in range(len(task.series))])
    extras = windows.extras[early].astype(float)
    task = replace(
        task,
        level=(float(z[early].mean()), float(z[early].std())),
        floor=float(FLOOR_SHARE * (np.median(scales) if task.logarithm else scales.min())),
        extra_mean=tuple(extras.mean(axis=0).tolist()),
        extra_deviation=tuple((extras.std(axis=0) + 1e-9).tolist()),
    )
    return replace(windows, task=task, scales=scales)


def _anchored(windows: Windows, config: "Config", frequency: Frequency) -> Windows:
    """The windows with the anchor set: the one asked for, or whichever repeats best on the validation part."""
    losses = validation_losses(windows, naive.candidates(windows))
    log.info("validation: %s", ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items()))
    task, anchor = windows.task, str(config.anchor)
    if anchor == "auto":
        best = {
            name: min(loss for baseline, loss in losses.items() if baseline.startswith(start))
            for name, start in ANCHORS.items()
            if task.season or name != "seasonal"
        }
        anchor = min(best, key=lambda name: best[name])
    seasons = {loss: int(name.split("_")[2]) for name, loss in losses.items() if name.startswith("seasonal_naive_")}
    season = seasons[min(seasons)] if seasons else 0
    lags = tuple(lag for lag in task.lags if anchor != "seasonal" or lag != season)
    windows = replace(windows, task=replace(task, anchor=anchor, season=season, lags=lags))
    starts = windows.parts["train"]
    spread = np.log(framed(windows.task, windows.contexts(starts[:: max(1, len(starts) // 20_000)]))[2])
    task = replace(windows.task, spread=(float(spread.mean()), float(spread.std() + 1e-6)))
    log.info("%s rows: %d of context, %d to forecast, anchor %s", frequency.alias, task.context, task.horizon, anchor)
    return replace(windows, task=task)


def validation_losses(windows: Windows, forecasts: dict[str, naive.Forecast]) -> dict[str, float]:
    """Primary loss of each forecast on the validation part."""
    starts = windows.parts["validation"]
    return {name: float(scaled_pinball(windows, starts, f(starts)).mean()) for name, f in forecasts.items()}


def ranked(windows: Windows) -> dict[str, naive.Forecast]:
    """Every baseline by name, fitted on the training part, the hardest first: the best on the validation part."""
    found = naive.candidates(windows) | {"autoregression": naive.best_autoregression(windows)[1]}
    if windows.task.non_negative:  # what knows of the floor is measured beside what knows of it
        found = {name: _at_least_zero(forecast) for name, forecast in found.items()}
    losses = validation_losses(windows, found)
    return {name: found[name] for name in sorted(found, key=lambda name: losses[name])}


def _counts(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return bool((known >= 0).all() and (known == np.round(known)).all())


def _at_least_zero(forecast: naive.Forecast) -> naive.Forecast:
    return lambda starts: np.maximum(forecast(starts), 0)
