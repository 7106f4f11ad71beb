"""Windows over series: what is forecast from what, which part of time each belongs to, and their arrays."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from components.forecasting.frequency import WORKWEEK
from components.forecasting.series import History

ARRAYS, TASK = "series.npz", "task.json"
PARTS = ("train", "validation", "test")
SMALLEST = 1e-6  # values are raised to this before their logarithm is taken


@dataclass(frozen=True)
class Task:
    """What is to be forecast: every choice that preprocessing makes, as the network and the device need it.

    Attributes:
        context: rows looked back on.
        horizon: rows forecast.
        quantiles: ascending shares, 0.5 among them.
        anchor: "last", "seasonal" or "mean": what forecasts are measured from.
        season: rows of the cycle that the seasonal anchor repeats; 0 without one.
        lags: further cycles, in rows, whose last turn the network sees beside each step ahead.
        logarithm: whether series are forecast as logarithms (prices: a change is a percentage).
        cycles: calendar cycles in minutes.
        alias: frequency as pandas spells it.
        step: minutes from row to row, None where it varies.
        unit: of the values, for people.
        series: names of the series.
        extras: names of the extra columns.
        extra_mean: of every extra column in the training part.
        extra_deviation: its standard deviation there.
        level: mean and standard deviation of the training part's values (of their logarithms).
        spread: mean and standard deviation of the logarithm of windows' scales in the training part.
        week: which days a series of business days has, Monday first, 1 or 0.
        non_negative: whether no quantile may fall below zero.
        table: how the training's table was read, as the device needs it; empty where there was none.
        floor: added to every window's scale: a pegged exchange rate must not make the next step infinitely surprising.
    """

    context: int
    horizon: int
    quantiles: tuple[float, ...]
    anchor: str
    season: int
    lags: tuple[int, ...]
    logarithm: bool
    cycles: tuple[int, ...]
    alias: str
    step: int | None
    unit: str
    series: tuple[str, ...]
    extras: tuple[str, ...]
    extra_mean: tuple[float, ...] = ()
    extra_deviation: tuple[float, ...] = ()
    level: tuple[float, float] = (0.0, 1.0)
    spread: tuple[float, float] = (0.0, 1.0)
    floor: float = 1e-9
    week: str = WORKWEEK
    non_negative: bool = False
    table: dict[str, Any] = field(default_factory=dict)

    def transformed(self, values: np.ndarray) -> np.ndarray:
        """Values on the scale in which differences are taken: themselves or their logarithms."""
        return np.log(np.maximum(values, SMALLEST)) if self.logarithm else values

    def restored(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `transformed`."""
        return np.exp(values) if self.logarithm else values


def framed(task: Task, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Transformed values, each step's anchor and the window's scale: what `layers.Frame` computes in the graph.

    Args:
        task: decides transformation and anchor.
        values: raw contexts, (windows, context).

    Returns:
        (windows, context), (windows, horizon), (windows, 1)
    """
    z = task.transformed(np.asarray(values, float))
    floor = task.floor + 1e-6 * np.abs(z).mean(axis=1, keepdims=True)
    distance = np.diff(z, axis=1)
    if task.anchor == "seasonal":
        anchors = z[:, seasonal_rows(task.context, task.horizon, task.season)]
        if 2 * task.season <= task.context:
            distance = z[:, task.season :] - z[:, : -task.season]
    elif task.anchor == "mean":
        anchors = np.repeat(z.mean(axis=1, keepdims=True), task.horizon, axis=1)
        distance = z - z.mean(axis=1, keepdims=True)
    else:
        anchors = np.repeat(z[:, -1:], task.horizon, axis=1)
    return z, anchors, np.abs(distance).mean(axis=1, keepdims=True) + floor


def seasonal_rows(context: int, horizon: int, season: int) -> np.ndarray:
    """For each step ahead the context's row that stands whole seasons before it, (horizon,)."""
    return context - season + np.arange(horizon) % season


@dataclass(frozen=True)
class Windows:
    """All series in one row of arrays, and the windows of the three parts.

    Attributes:
        task: what is forecast.
        values: raw values of all segments one after the other, (rows,) float64.
        minutes: (rows,) int32.
        extras: (rows, extras) float32.
        owner: position of each row's series in `task.series`, (rows,) int32.
        parts: first context row of every window, by part.
        scales: mean absolute step of each transformed series in its training part, (series,).
    """

    task: Task
    values: np.ndarray
    minutes: np.ndarray
    extras: np.ndarray
    owner: np.ndarray
    parts: dict[str, np.ndarray]
    scales: np.ndarray

    def save(self, folder: Path) -> None:
        """Write the arrays and the task."""
        arrays = {name: getattr(self, name) for name in ("values", "minutes", "extras", "owner", "scales")}
        np.savez_compressed(folder / ARRAYS, allow_pickle=False, **arrays, **self.parts)
        (folder / TASK).write_text(json.dumps(asdict(self.task), indent=1))

    def contexts(self, starts: np.ndarray) -> np.ndarray:
        """Raw values looked back on, (windows, context) float64."""
        return self.values[starts[:, None] + np.arange(self.task.context)]

    def targets(self, starts: np.ndarray) -> np.ndarray:
        """Raw values to forecast, (windows, horizon) float64."""
        return self.values[starts[:, None] + self.task.context + np.arange(self.task.horizon)]

    def times(self, starts: np.ndarray) -> np.ndarray:
        """Minutes since 1970 of the first step ahead, (windows,)."""
        return self.minutes[starts + self.task.context]

    def units(self, starts: np.ndarray) -> np.ndarray:
        """What one unit of scaled loss is in raw units, (windows,).

        The series' mean absolute step in its training part; for logarithms that many per cent of the last value.
        """
        scale = self.scales[self.owner[starts]]
        return scale * self.values[starts + self.task.context - 1] if self.task.logarithm else scale

    def feeds(self, starts: np.ndarray) -> dict[str, np.ndarray]:
        """The graph's inputs for some windows."""
        task = self.task
        rows = starts[:, None] + np.arange(task.context + task.horizon)
        feeds = {"values": self.contexts(starts).astype(np.float32), "minutes": self.minutes[rows]}
        if task.extras:
            feeds["extra"] = self.extras[rows[:, : task.context]]
        return feeds

    def test(self, limit: int | None = None) -> np.ndarray:
        """The test part's windows, or `limit` of them evenly spread."""
        return self.spread("test", limit)

    def spread(self, part: str, limit: int | None = None) -> np.ndarray:
        """A part's windows, or `limit` of them evenly spread."""
        starts = self.parts[part]
        if limit is None or limit >= len(starts):
            return starts
        return starts[np.linspace(0, len(starts) - 1, limit).round().astype(int)]

    @property
    def origins(self) -> int:
        """How many different times the test part's forecasts start at."""
        return len(np.unique(self.times(self.parts["test"])))


def load(folder: Path) -> Windows:
    """What `Windows.save` wrote."""
    stored: dict[str, Any] = json.loads((folder / TASK).read_text())
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    task = Task(**fields)
    with np.load(folder / ARRAYS, allow_pickle=False) as arrays:
        parts = {part: arrays[part] for part in PARTS}
        return Windows(
            task,
            **{name: arrays[name] for name in ("values", "minutes", "extras", "owner")},
            parts=parts,
            scales=arrays["scales"],
        )


def cuts(minutes: np.ndarray, validation_share: float, test_share: float) -> tuple[int, int]:
    """The times at which validation and test begin, such that so many of all rows lie behind them.

    One pair of times for all series: no series' training part may know another's future.
    """
    ordered = np.sort(minutes)
    last = len(ordered) - 1
    places = [min(last, round(len(ordered) * share)) for share in (1 - validation_share - test_share, 1 - test_share)]
    return int(ordered[places[0]]), int(ordered[places[1]])


def starts_by_part(
    pieces: Sequence[History], context: int, horizon: int, bounds: tuple[int, int], strides: dict[str, int]
) -> dict[str, np.ndarray]:
    """First rows of the windows of each part, over the pieces laid end to end.

    A window belongs to the part that all its targets lie in; one whose targets lie in two belongs to none. Its context
    may reach back into the part before: that is the past. Origins of a part stand `strides[part]` rows apart.
    """
    found: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for offset, piece in _offsets(pieces):
        starts = np.arange(len(piece.minutes) - context - horizon + 1)
        if not len(starts):
            continue
        first, last = piece.minutes[starts + context], piece.minutes[starts + context + horizon - 1]
        inside = {
            "train": last < bounds[0],
            "validation": (first >= bounds[0]) & (last < bounds[1]),
            "test": first >= bounds[1],
        }
        for part, chosen in inside.items():
            found[part].append(offset + starts[chosen][:: strides.get(part, 1)])
    return {part: np.concatenate([*arrays, np.empty(0, int)]).astype(np.int32) for part, arrays in found.items()}


def _offsets(pieces: Sequence[History]) -> Iterator[tuple[int, History]]:
    offset = 0
    for piece in pieces:
        yield offset, piece
        offset += len(piece.minutes)
