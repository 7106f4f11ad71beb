"""Forecasting: many series in, one GRU that gives the quantiles of every step ahead."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.application import (
    Application,
    Description,
    Example,
    FrontDoor,
    Illustration,
    Metric,
    Predict,
    QualityRun,
    Scores,
)
from components.data.artifacts import sha256_of
from components.data.sources import identity, is_own, named, own_path
from components.forecasting import front_door as front_door_page
from components.forecasting import pictures, preparation, scores, windows
from components.forecasting.config import PRESETS, Config
from components.forecasting.preview import preview as first_rows
from components.forecasting.series import History, varying
from components.forecasting.sources import SOURCES, histories_of

if TYPE_CHECKING:
    import keras

RAW, FACTS = "series.parquet", "facts.json"
COLUMNS = ("series", "minutes", "value")  # of the raw table; extra columns follow
EXTRA = "extra {}"  # by number: one of the user's may be called as one of ours
CASES = 3  # real windows that travel in the bundle
CALIBRATION_WINDOWS = 100  # of the validation part, from which integer files take their ranges

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
    histories = varying(histories, source)
    tables = []
    for history in histories:
        columns = dict(zip(COLUMNS, (history.name, history.minutes, history.values), strict=True))
        columns |= {EXTRA.format(index): column for index, column in enumerate(history.extras.T)}
        tables.append(pd.DataFrame(columns))
    table = pd.concat(tables)
    table.to_parquet(folder / RAW, index=False)
    (folder / FACTS).write_text(json.dumps({"unit": facts.get("unit", ""), "table": facts.get("table", {})}))
    return facts | {"series": len(histories), "rows": len(table)}


def preprocess(raw: Path, config: Config, folder: Path) -> dict[str, Any]:
    """Write the series without gaps, the windows of the three parts and the task; return what was decided.

    `series.npz` and `task.json` are what `windows.load` reads.
    """
    import pandas as pd

    table = pd.read_parquet(raw / RAW)
    facts = json.loads((raw / FACTS).read_text())
    names = tuple(facts.get("table", {}).get("extras", ()))
    histories = []
    for name, rows in table.groupby("series", sort=False):
        extras = rows[[EXTRA.format(index) for index in range(len(names))]].to_numpy(float)
        histories.append(History(str(name), rows["minutes"].to_numpy(), rows["value"].to_numpy(float), extras))
    prepared = preparation.prepare(histories, names, facts["unit"], config)
    prepared = replace(prepared, task=replace(prepared.task, table=facts.get("table", {})))
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

    return network(windows.load(data), config)


def fit(model: "keras.Model", data: Path, config: Config, folder: Path) -> dict[str, list[float]]:
    """Train the network on the training windows; return the history."""
    from components.forecasting.fitting import Batches, pinball_loss
    from components.networks import training

    prepared = windows.load(data)
    train = Batches(prepared, prepared.parts["train"], config.batch_size, config.windows_per_epoch, config.seed)
    validation = Batches(prepared, prepared.parts["validation"], scores.BATCH, 0, None)
    loss = {"quantiles": pinball_loss(prepared.task.quantiles)}
    return training.fit(model, training.Lesson(train, validation, len(train), loss), config, folder)


def score(predict: Predict, data: Path, config: Config, limit: int | None = None, part: str = "test") -> Scores:
    """Scaled pinball loss on a part's windows, or on `limit` of them evenly spread."""
    prepared = windows.load(data)
    starts = prepared.spread(part, limit)
    return scores.measured(prepared, starts, scores.forecast(predict, prepared, starts), config.protocol)


def baselines(data: Path, config: Config) -> dict[str, Scores]:
    """Scores of repeating and of autoregression on the same test windows, the best on the validation part first."""
    prepared = windows.load(data)
    starts = prepared.test()
    return {
        name: scores.measured(prepared, starts, forecast(starts), config.protocol)
        for name, forecast in preparation.ranked(prepared).items()
    }


def illustrate(predict: Predict, data: Path, config: Config, folder: Path) -> Illustration:  # noqa: ARG001
    """Forecasts beside what came, the loss at every step ahead, and the rolling origins in stretches of time."""
    prepared = windows.load(data)
    starts = prepared.test()
    name, baseline = next(iter(preparation.ranked(prepared).items()))
    ours, theirs = scores.forecast(predict, prepared, starts), baseline(starts)
    pictures.fans(folder / "forecasts.png", prepared, starts, ours, theirs, name)
    pictures.losses_by_step(folder / "loss_by_step.png", prepared, starts, ours, theirs, name)
    tables = pictures.tables(prepared, starts, ours, theirs, name)
    return Illustration(tables, ("forecasts.png", "loss_by_step.png"))


def describe(data: Path, config: Config) -> Description:
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
        "week": task.week,
        "transform": "log" if task.logarithm else "level",
        "fill_limit": config.fill_limit,
        "non_negative": task.non_negative,
        "table": task.table,
    }
    cases = tuple(prepared.feeds(start[None]) for start in prepared.test(CASES))
    ranges = tuple(prepared.feeds(start[None]) for start in prepared.spread("validation", CALIBRATION_WINDOWS))
    return Description(graph(task), settings, cases, ranges, usage=USAGE, limits=_limits(task))


def _limits(task: windows.Task) -> str:
    prices = " A share's median forecast is close to its last price: what is learned is how far it may move."
    clock = "Times are clock times without an offset, as in the training data."
    zone = "Times are in UTC, as in the training data." if task.table.get("zone") == "UTC" else clock
    return (
        f"Trained on rows of frequency {task.alias}; other rhythms mean nothing to it. It knows no event that is not "
        f"in the {task.context} rows it is given, and its quantiles assume that the future behaves as the training "
        f"part did.{prices if task.logarithm else ''} {zone}"
    )


def front_door(predict: Predict, data: Path, config: Config, folder: Path) -> FrontDoor:  # noqa: ARG001
    """Raw histories, and what the network forecasts from them."""
    return front_door_page.asked(predict, windows.load(data), folder)


def preview(raw: Path, config: Config) -> list[dict[str, Any]]:  # noqa: ARG001  the same signature in every application
    """The first rows as they were understood."""
    return first_rows(raw / RAW)


APPLICATION = Application(
    name="forecasting",
    title="Forecasts of series",
    summary="time series become quantile forecasts for every step ahead",
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
    front_door=front_door,
    preview=preview,
    layers=("components.forecasting.layers",),
    quality={
        "stocks": QualityRun("../shared/data/stocks", "31 share price histories, 5 days ahead", picture="forecasts.png")
    },
    example=Example(vectors={"values": "values", "times": "minutes datetime64[m]", "extra": "extra"}),
)
