"""Forecasting: a history of raw values goes in, quantiles of the steps ahead come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gatewise.bundle import Bundle
from gatewise.calendar_times import as_times, check_rhythm, ending_now, following, minutes_of, rhythm_of
from gatewise.errors import InputError
from gatewise.runtime import Runtime

BATCH_SIZE = 64  # series per call


@dataclass(frozen=True)
class Forecast:
    """What may come, in the unit of the history.

    Attributes:
        quantiles: the probabilities that the columns of `values` stay below, ascending.
        values: (horizon, quantiles).
        times: datetime64 of the steps ahead, (horizon,).
    """

    quantiles: tuple[float, ...]
    values: np.ndarray
    times: np.ndarray

    @property
    def median(self) -> np.ndarray:
        """The middle of the forecast, (horizon,)."""
        return np.array([np.interp(0.5, self.quantiles, row) for row in self.values])


class Forecaster:
    """Forecasts series.

    Attributes:
        bundle: the bundle it was loaded from.
        context: values of history that it looks at.
        horizon: steps that it looks ahead.
    """

    def __init__(self, bundle: Bundle, variant: str | None = None, threads: int = 1) -> None:
        settings = bundle.settings
        self.bundle = bundle
        self.context = int(settings["context"])
        self.horizon = int(settings["horizon"])
        self.quantiles: tuple[float, ...] = tuple(map(float, settings["quantiles"]))
        self.extras: tuple[str, ...] = tuple(settings.get("extras") or ())
        self._rhythm = rhythm_of(settings)
        self._logarithm = settings.get("transform") == "log"
        self._non_negative = bool(settings.get("non_negative"))
        self._runtime = Runtime(bundle, bundle.variant(variant), threads)
        self._output = bundle.outputs[0].name

    def predict(self, values: Any, times: Any = None, extra: Any = None) -> Any:
        """The forecast that follows a history, or a list of forecasts for several series.

        Args:
            values: raw values, oldest first, (length,) or (series, length) with length ≥ context; the last ones count.
            times: when they were measured, (length,), or with the horizon's times (length + horizon,); without, the
                last value is taken to be of now. A zone is dropped, or kept in UTC, as in training.
            extra: the extra columns, (length, extras), (series, length, extras), or a mapping from name to values.

        Raises:
            InputError: NaN, too short a history, wrong shapes, times out of order, with gaps or of another rhythm.
        """
        history = _numbers(values, "values")
        if history.ndim not in (1, 2):
            raise InputError(f"values have shape {history.shape}: give (length,) or (series, length)")
        rows = np.atleast_2d(history)  # (series, length)
        length = rows.shape[1]
        if length < self.context:
            if times is not None and len(times) == length:  # a gap says more than the rows that are left
                check_rhythm(minutes_of(times, self._rhythm.utc), self._rhythm)
            raise InputError(f"the history has {length} values, this model looks at {self.context}: give a longer one")
        self._check_range(rows[:, -self.context :], length - self.context)
        minutes = self._minutes(times, length)  # (context + horizon,)
        feeds = {"values": rows[:, -self.context :], "minutes": np.tile(minutes.astype(np.int32), (len(rows), 1))}
        if self.extras:
            feeds["extra"] = self._extra(extra, len(rows), length)
        elif extra is not None:
            raise InputError("this model was trained without extra columns: leave extra out")
        ahead = as_times(minutes[self.context :])
        answers = [Forecast(self.quantiles, answer, ahead) for answer in self._quantiles(feeds, len(rows))]
        return answers if history.ndim == 2 else answers[0]

    def _check_range(self, rows: np.ndarray, skipped: int) -> None:
        """Refuse values that the training part could not hold: a logarithm of nothing, a count below zero."""
        wrong = rows <= 0 if self._logarithm else rows < 0 if self._non_negative else np.zeros(rows.shape, bool)
        if wrong.any():
            series, place = (int(i) for i in np.argwhere(wrong)[0])
            what = "takes logarithms: only values above zero" if self._logarithm else "knows no value below zero"
            where = f"values[{place + skipped}]" if len(rows) == 1 else f"values[{series}, {place + skipped}]"
            raise InputError(f"{where} is {rows[series, place]:g}, this model {what}: correct or leave out such rows")

    def _quantiles(self, feeds: Mapping[str, np.ndarray], series: int) -> np.ndarray:
        """Raw quantiles, (series, horizon, quantiles)."""
        parts = []
        for begin in range(0, series, BATCH_SIZE):
            rows = {name: array[begin : begin + BATCH_SIZE] for name, array in feeds.items()}
            parts.append(self._runtime.run(rows)[0][self._output])
        return np.concatenate(parts)

    def _minutes(self, times: Any, length: int) -> np.ndarray:
        """Minutes of the context and the horizon, (context + horizon,)."""
        if times is None:
            known = ending_now(self.context, self._rhythm)
            return np.concatenate([known, following(known, self.horizon, self._rhythm)])
        minutes = minutes_of(times, self._rhythm.utc)
        if len(minutes) not in (length, length + self.horizon):
            raise InputError(
                f"{len(minutes)} times for {length} values: give {length}, or {length + self.horizon} with the horizon"
            )
        known = minutes[length - self.context :]
        check_rhythm(known if self._rhythm.step else known[: self.context], self._rhythm)
        if len(minutes) == length:
            known = np.concatenate([known, following(known, self.horizon, self._rhythm)])
        return known

    def _extra(self, extra: Any, series: int, length: int) -> np.ndarray:
        """Extra columns of the context, (series, context, extras)."""
        names = ", ".join(self.extras)
        if extra is None:
            raise InputError(f"this model needs the extra columns {names}: give them as extra")
        if isinstance(extra, Mapping):
            missing = [name for name in self.extras if name not in extra]
            if missing:
                raise InputError(f"extra lacks the column '{missing[0]}': this model needs {names}")
            array = np.stack([_numbers(extra[name], f"extra['{name}']") for name in self.extras], axis=-1)
        else:
            array = _numbers(extra, "extra")
        wanted = (series, length, len(self.extras))
        if array.shape == wanted[1:]:
            array = np.broadcast_to(array, wanted)
        if array.shape != wanted:
            raise InputError(f"extra has shape {array.shape}: expected {wanted} for the columns {names}")
        return array[:, -self.context :]


Predictor = Forecaster  # what `gatewise.load` makes of a bundle of this application


def _numbers(values: Any, name: str) -> np.ndarray:
    """Finite numbers as float32; differences of a shape are the caller's matter."""
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} are not numbers in rows of equal length: give a list or array of numbers") from None
    if not array.size:
        raise InputError(f"{name} are empty: give numbers")
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(int(i) for i in np.argwhere(~finite)[0])
        where = ", ".join(map(str, place))
        raise InputError(f"{name}[{where}] is {array[place]}: fill or drop missing values first")
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    if not np.isfinite(narrow).all():
        raise InputError(f"{name} go up to {np.abs(array).max():.3g}, more than a float32 holds: use a larger unit")
    return narrow
