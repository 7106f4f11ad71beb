"""Where series come from: embedded, public, prices from Yahoo, or tables of the user's own."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.data.sources import RemoteFile, Source, fetch, is_own, named, own_path
from components.errors import DataError, SettingError
from components.forecasting.frequency import DAY
from components.forecasting.prices import download
from components.forecasting.series import History, in_order
from components.forecasting.synthetic import EMBEDDED
from components.forecasting.tables import Columns, read_recorded

if TYPE_CHECKING:
    from components.forecasting.config import Config

log = logging.getLogger(__name__)

GITHUB = "https://raw.githubusercontent.com"
LSTNET_START = np.datetime64("1990-01-01")  # "daily, 1990 to 2016" is all that is known of the exchange rates' dates
LSTNET_COUNTRIES = ("Australia", "Britain", "Canada", "Switzerland", "China", "Japan", "New Zealand", "Singapore")

SOURCES = {
    source.name: source
    for source in (
        Source("embedded", "embedded", "a made-up city: hourly traffic of 4 roads, air of 2 stations", "Apache-2.0"),
        Source("embedded_market", "embedded", "eight made-up shares whose volatility clusters", "Apache-2.0"),
        Source(
            "yfinance",
            "live",
            "prices from Yahoo: --set tickers=AAPL,MSFT --set period=5y",
            "Yahoo's terms: personal use",
        ),
        Source(
            "etth1",
            "public",
            "electricity transformer, hourly oil temperature, 2016 to 2018",
            "CC BY-ND 4.0",
            (
                RemoteFile(
                    "ETTh1.csv",
                    f"{GITHUB}/zhouhaoyi/ETDataset/main/ETT-small/ETTh1.csv",
                    "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
                ),
            ),
        ),
        Source(
            "exchange_rate",
            "public",
            "daily exchange rates of eight countries, 1990 to 2016 (LSTNet)",
            "not stated",
            (
                RemoteFile(
                    "exchange_rate.txt.gz",
                    f"{GITHUB}/laiguokun/multivariate-time-series-data/master/exchange_rate/exchange_rate.txt.gz",
                    "6a4fbb561dcdee43f071a83badbeec9223a335552278348656738b556f1c2e9d",
                ),
            ),
        ),
        Source(
            "metro_traffic",
            "public",
            "hourly traffic of a motorway, Minneapolis, 2012 to 2018",
            "CC BY 4.0",
            (
                RemoteFile(
                    "Metro_Interstate_Traffic_Volume.csv.gz",
                    "https://archive.ics.uci.edu/ml/machine-learning-databases/00492/Metro_Interstate_Traffic_Volume.csv.gz",
                ),
            ),
        ),
        Source(
            "daily_temperatures",
            "public",
            "daily minimum temperature, Melbourne, 1981 to 1990",
            "not stated",
            (
                RemoteFile(
                    "daily-min-temperatures.csv",
                    f"{GITHUB}/jbrownlee/Datasets/master/daily-min-temperatures.csv",
                    "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",
                ),
            ),
        ),
    )
}
COLUMNS = {
    "etth1": (Columns("date", (), ("OT",)), "°C"),
    "metro_traffic": (Columns("date_time", (), ("traffic_volume",)), "vehicles per hour"),
    "daily_temperatures": (Columns("Date", (), ("Temp",)), "°C"),
}  # what a public table's columns are, and the unit of its values


def histories_of(source: str, config: "Config") -> tuple[list[History], dict[str, Any]]:
    """The series of a source, each in order of time, and facts for the data card.

    Raises:
        SettingError: an unknown source.
        SourceError: data that cannot be had.
        DataError: data that cannot be trusted.
    """
    reading = config.reading()
    given = Columns(config.time_column, config.series_column, config.value_columns, config.extra_columns)
    if is_own(source):
        path = own_path(source)
        histories, record = read_recorded(path, given, config.files, reading)
        return histories, {"licence": "the user's own data", "path": str(path), "table": record}
    entry = named(SOURCES, source)
    facts: dict[str, Any] = {"licence": entry.licence, "summary": entry.summary}
    if config.extra_columns and source not in COLUMNS:
        raise SettingError(f"source '{source}' has no extra columns: leave extra_columns out")
    if source in EMBEDDED:
        return EMBEDDED[source](config.seed), facts
    if entry.kind == "live":
        histories = download(config.tickers, config.period, config.interval)
        return [in_order(h, lambda row, h=h: f"{h.name}, row {row + 1}") for h in histories], facts  # type: ignore[misc]
    facts["url"] = entry.files[0].url
    path = fetch(entry.files[0])
    if source not in COLUMNS:
        return exchange_rates(path), facts
    columns, unit = COLUMNS[source]
    chosen = Columns(columns.time, (), given.values or columns.values, given.extras)
    histories, record = read_recorded(path, chosen, reading=reading)
    return histories, facts | {"unit": unit, "table": record}


def exchange_rates(path: Path) -> list[History]:
    """The series of LSTNet's text file: comma-separated, no header, no dates; business days from 1990 are put in.

    Raises:
        DataError: not such a file.
    """
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (ValueError, OSError) as error:
        raise DataError(
            f"{path}: not a table of comma-separated numbers ({error}): delete it and fetch again"
        ) from None
    days = np.busday_offset(LSTNET_START, np.arange(len(table)), roll="forward")
    minutes = days.astype("datetime64[D]").astype(np.int64) * DAY
    names = LSTNET_COUNTRIES if table.shape[1] == len(LSTNET_COUNTRIES) else range(table.shape[1])
    empty = np.empty((len(table), 0))
    return [History(str(name), minutes, values, empty) for name, values in zip(names, table.T, strict=True)]
