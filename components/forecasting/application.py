"""Forecasting: many series in, one GRU that gives the quantiles of every step ahead."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from components.application import Application, Description, Illustration, Metric, Predict, Scores
from components.data.artifacts import sha256_of
from components.data.sources import identity, is_own, named, own_path
from components.forecasting import pictures as forecast_pictures
from components.forecasting import preparation as forecast_preparation
from components.forecasting import scores as forecast_scores
from components.forecasting import windows
from components.forecasting.series import History, varying
from components.forecasting.sources import SOURCES, histories_of
from components.settings import Settings

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

RAW, FACTS = "series.parquet", "facts.json"
COLUMNS = ("series", "minutes", "value")  # of the raw table; extra columns follow
CASES = 3  # real windows that travel in the bundle
CALIBRATION_WINDOWS = 100  # of the validation part, from which integer files take their ranges

Names = Annotated[
    tuple[str, ...], BeforeValidator(lambda given: [given] if isinstance(given, str) and given else given)
]


class Config(Settings):
    """Settings of a forecasting training. Zero and "auto" mean: decided from the data, and said in the log."""

    context: int = Field(0, ge=0, le=4_096, description="rows looked back on; 0: by the frequency")
    horizon: int = Field(0, ge=0, le=1_024, description="rows to forecast; 0: by the frequency")
    quantiles: tuple[float, ...] = Field((0.1, 0.25, 0.5, 0.75, 0.9), description="shares, ascending, 0.5 among them")
    season: int = Field(0, ge=0, le=2_048, description="rows of the cycle; 0: by the frequency")
    anchor: Literal["auto", "last", "seasonal", "mean"] = Field("auto", description="what forecasts are measured from")
    transform: Literal["auto", "level", "log"] = Field("auto", description="log for prices: changes in per cent")
    calendar: bool = Field(True, description="whether the network sees time of day, day of week, time of year")
    fill_limit: int = Field(3, ge=0, le=1_000, description="missing rows in a row that are filled; more cut a series")
    validation_share: float = Field(0.1, gt=0, lt=0.5, description="share of all rows, by time, to choose on")
    test_share: float = Field(0.2, gt=0, lt=0.5, description="share of all rows, the latest, to test on")
    stride: int = Field(0, ge=0, le=1_024, description="rows between the test's forecasts; 0: one horizon")
    protocol: Literal["own", "lstnet", "ett"] = Field("own", description="split and metrics of a published comparison")
    windows_per_epoch: int = Field(0, ge=0, description="training windows drawn per epoch; 0: all")
    time_column: str = Field("", description="column with the time; found by its usual names when empty")
    series_column: str = Field("", description="column that tells series apart, in a long table")
    value_columns: Names = Field((), description="columns to forecast; by their usual names when empty")
    extra_columns: Names = Field((), description="further columns the network sees of the past")
    files: str = Field("", description="which files of a folder, as a pattern; the commonest layout when empty")
    tickers: Names = Field((), description="for yfinance, as Yahoo spells them")
    period: str = Field("5y", pattern=r"^(\d+(d|wk|mo|y)|ytd|max)$", description="for yfinance: how far back")
    interval: str = Field("1d", pattern=r"^\d+(m|h|d|wk|mo)$", description="for yfinance: time between prices")

    training_only: ClassVar[frozenset[str]] = Settings.training_only | {"windows_per_epoch"}

    @field_validator("quantiles")
    @classmethod
    def _ascending(cls, given: tuple[float, ...]) -> tuple[float, ...]:
        if list(given) != sorted(set(given)) or 0.5 not in given or not 0 < given[0] <= given[-1] < 1:
            raise ValueError("quantiles must ascend, lie between 0 and 1 and include 0.5")
        return given


PRESETS = {
    "tiny": Config(
        context=48, horizon=12, units=24, epochs=4, batch_size=64, learning_rate=5e-3, windows_per_epoch=4_000
    ),
    "base": Config(
        units=32, dropout=0.3, epochs=10, batch_size=128, learning_rate=1e-3, weight_decay=0.01, patience=4,
        windows_per_epoch=12_800,
    ),
    "large": Config(
        units=96, layers=2, dropout=0.4, epochs=40, batch_size=128, learning_rate=1e-3, weight_decay=0.02, patience=8,
        windows_per_epoch=25_600,
    ),
}  # fmt: skip

USAGE = """
import gatewise

forecaster = gatewise.load("BUNDLE")
forecast = forecaster.predict(history, times=history_times)  # raw values, oldest first
forecast.median, forecast.values  # (horizon,), (horizon, quantiles)
"""

METRIC = Metric("pinball", higher_is_better=False, unit="")


def fingerprint(source: str, config: Config) -> str:
    """What identifies the raw data of a source, without loading it."""
    if is_own(source):
        return sha256_of(own_path(source))
    entry = named(SOURCES, source)
    if entry.kind == "live":  # prices grow by the day
        return f"{source} {config.tickers} {config.period} {config.interval} {datetime.now(UTC).date()}"
    return f"{source} {[identity(file) for file in entry.files]}"


def ingest(source: str, config: Config, folder: Path) -> dict[str, Any]:
    """Write every series, in order of time, as one long table; return the data card."""
    import pandas as pd

    histories, facts = histories_of(source, config)
    varying(histories, source)
    tables = []
    for history in histories:
        columns = dict(zip(COLUMNS, (history.name, history.minutes, history.values), strict=True))
        columns |= {name: history.extras[:, index] for index, name in enumerate(config.extra_columns)}
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables)
    table.to_parquet(folder / RAW, index=False)
    (folder / FACTS).write_text(json.dumps({"unit": facts.get("unit", "")}))
    return facts | {"series": len(histories), "rows": len(table)}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write the series without gaps, the windows of the three parts and the task; return what was decided.

    `series.npz` and `task.json` are what `windows.load` reads.
    """
    import pandas as pd

    table = pd.read_parquet(raw / RAW)
    histories = []
    for name, rows in table.groupby("series", sort=False):
        extras = rows[list(config.extra_columns)].to_numpy(float)
        histories.append(History(str(name), rows["minutes"].to_numpy(), rows["value"].to_numpy(float), extras))
    unit = json.loads((raw / FACTS).read_text())["unit"]
    prepared = forecast_preparation.prepare(histories, config.extra_columns, unit, config)
    prepared.save(folder)
    task = prepared.task
    return {
        "series": len(task.series),
        "frequency": task.alias,
        "context": task.context,
        "horizon": task.horizon,
        "anchor": task.anchor,
        "season": task.season,
        "logarithm": task.logarithm,
        **{f"{part} windows": len(starts) for part, starts in prepared.parts.items()},
    }


def build(data: Path, config: Config) -> "keras.Model":
    """The network: raw values, times and perhaps extra columns → raw quantiles (batch, horizon, quantiles)."""
    from components.forecasting.network import network

    return network(windows.load(data), config.units, config.layers, config.dropout)


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network on the training windows; return the history."""
    from components.forecasting.fitting import Batches, pinball_loss
    from components.networks import training

    prepared = windows.load(data)
    train = Batches(prepared, prepared.parts["train"], config.batch_size, config.windows_per_epoch, config.seed)
    validation = Batches(prepared, prepared.parts["validation"], forecast_scores.BATCH, 0, None)
    loss = {"quantiles": pinball_loss(prepared.task.quantiles)}
    return training.fit(model, train, validation, config, folder, steps_per_epoch=len(train), loss=loss)


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    """Scaled pinball loss on a part's windows, or on `limit` of them evenly spread."""
    prepared = windows.load(data)
    starts = prepared.spread(part, limit)
    return forecast_scores.measured(
        prepared, starts, forecast_scores.forecast(predict, prepared, starts), config.protocol
    )


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    """Scores of repeating and of autoregression on the same test windows, the best on the validation part first."""
    prepared = windows.load(data)
    starts = prepared.test()
    return {
        name: forecast_scores.measured(prepared, starts, forecast(starts), config.protocol)
        for name, forecast in forecast_preparation.ranked(prepared).items()
    }


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:  # noqa: ARG001
    """Forecasts beside what came, the loss at every step ahead, and the rolling origins in stretches of time."""
    prepared = windows.load(data)
    starts = prepared.test()
    name, baseline = next(iter(forecast_preparation.ranked(prepared).items()))
    ours, theirs = forecast_scores.forecast(predict, prepared, starts), baseline(starts)
    forecast_pictures.fans(folder / "forecasts.png", prepared, starts, ours, theirs, name)
    forecast_pictures.losses_by_step(folder / "loss_by_step.png", prepared, starts, ours, theirs, name)
    tables = forecast_pictures.tables(prepared, starts, ours, theirs, name)
    return Illustration(tables, ("forecasts.png", "loss_by_step.png"))


def describe(data: Path, config: Config) -> Description:  # noqa: ARG001
    """What the exporter and the device need to know."""
    from components.forecasting.network import graph

    prepared = windows.load(data)
    task = prepared.task
    settings = {
        "context": task.context,
        "horizon": task.horizon,
        "quantiles": list(task.quantiles),
        "step_minutes": task.step,
        "extras": list(task.extras),
        "frequency": task.alias,
        "unit": task.unit,
    }
    cases = tuple(prepared.feeds(start[None]) for start in prepared.test(CASES))
    ranges = tuple(prepared.feeds(start[None]) for start in prepared.spread("validation", CALIBRATION_WINDOWS))
    return Description(graph(task), settings, cases, ranges, usage=USAGE, limits=_limits(task))


def _limits(task: windows.Task) -> str:
    prices = " A share's median forecast is close to its last price: what is learned is how far it may move."
    return (
        f"Trained on rows of frequency {task.alias}; other rhythms mean nothing to it. It knows no event that is not "
        f"in the {task.context} rows it is given, and its quantiles assume that the future behaves as the training "
        f"part did.{prices if task.logarithm else ''} Times are clock times without an offset, as in the training data."
    )


APPLICATION = Application(
    name="forecasting",
    title="Forecasts of series",
    metric=METRIC,
    presets=PRESETS,
    sources=SOURCES,
    own_data="a CSV, TSV, JSON Lines or Parquet table with a time column and values (one column per series, or long "
    "with a series column), or a folder of such tables, one per series",
    fingerprint=fingerprint,
    ingest=ingest,
    preprocess=preprocess,
    build=build,
    fit=fit,
    score=score,
    baselines=baselines,
    illustrate=illustrate,
    describe=describe,
)
