"""Raw histories for the front-door check, and what the network forecasts from them."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from components.application import Call, FrontDoor, Predict
from components.forecasting.scores import forecast
from components.forecasting.windows import Task, Windows

HISTORIES = 5
MOST_LOOKED_AT = 500  # test windows of which histories are chosen
TIME, VALUE = "time", "value"


def asked(predict: Predict, windows: Windows, folder: Path) -> FrontDoor:
    """Histories of the test part as CSV files, and the quantiles of every step ahead.

    A device knows the rhythm of a series and no holidays: histories are chosen after which the next rows came when the
    rhythm says.
    """
    starts = _in_rhythm(windows)
    quantiles = forecast(predict, windows, starts)
    names = [f"q{share:g}" for share in windows.task.quantiles]
    paths, expected = [], []
    for number, (start, ahead) in enumerate(zip(starts, quantiles, strict=True)):
        paths.append(str(_written(folder / f"history{number}.csv", windows, start)))
        times = map(str, _times(windows, start)[windows.task.context :])
        rows = (dict(zip(names, row, strict=True)) for row in ahead.tolist())
        expected.append({"forecast": [{"time": time, **row} for time, row in zip(times, rows, strict=True)]})
    return FrontDoor((Call(tuple(paths)),) if paths else (), tuple(expected))


def _in_rhythm(windows: Windows) -> np.ndarray:
    """Starts of test windows whose horizon has the times that a device would expect, (histories,)."""
    from gatewise.calendar_times import Rhythm, following

    task, starts = windows.task, windows.spread("test", MOST_LOOKED_AT)
    rhythm, fitting = Rhythm(task.step, task.alias, task.week), []
    for start in starts:
        minutes = windows.feeds(start[None])["minutes"][0].astype(np.int64)
        known = minutes[: task.context]
        if np.array_equal(following(known, task.horizon, rhythm), minutes[task.context :]):
            fitting.append(start)
    chosen = np.array(fitting, starts.dtype)
    return chosen[np.linspace(0, len(chosen) - 1, min(HISTORIES, len(chosen))).astype(int)]


def _times(windows: Windows, start: Any) -> np.ndarray:
    return windows.feeds(np.array([start]))["minutes"][0].astype("datetime64[m]")


def _written(path: Path, windows: Windows, start: int) -> Path:
    """The rows of a context as a table with a header."""
    task = windows.task
    rows = slice(int(start), int(start) + task.context)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*_header(task), *task.extras])
        times = _times(windows, start)[: task.context]
        for time, value, extras in zip(times, windows.values[rows], windows.extras[rows], strict=True):
            writer.writerow([_spelled(time, task), repr(float(value)), *map(repr, map(float, extras))])
    return path


def _header(task: Task) -> list[str]:
    """Names of the time and value column, those of the training's table where it had one of each."""
    names = {usual: list(task.table.get(key) or []) for usual, key in ((TIME, "time"), (VALUE, "values"))}
    return [str(found[0]) if len(found) == 1 else usual for usual, found in names.items()]


def _spelled(time: np.datetime64, task: Task) -> str:
    """A time as the training's table has it where the user said how that is, else in ISO 8601."""
    form = task.table.get("time_format")
    return time.astype(datetime).strftime(form) if form else str(time)
