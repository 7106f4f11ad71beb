"""`gatewise predict` on tables of series: read as their training was, and refused by name where they do not fit."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tiny_bundles import forecasting_bundle

from gatewise.__main__ import main

HOURS = pd.date_range("2024-03-01", periods=12, freq="h")
MONTHS = pd.date_range("2023-01-01", periods=12, freq="MS")
BUSINESS = pd.bdate_range("2024-03-01", periods=12)
HOURLY: dict[str, Any] = {"step_minutes": 60, "frequency": "h"}
MONTHLY: dict[str, Any] = {"step_minutes": None, "frequency": "MS"}
PRICES: dict[str, Any] = {"step_minutes": None, "frequency": "B", "transform": "log"}

Predict = Callable[..., tuple[int, list[dict[str, str]], str]]


@pytest.fixture
def predict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Exit code, rows and standard error of a forecast from a table with a bundle of some settings."""

    def answer(text: str, settings: dict[str, Any], *options: str) -> tuple[int, list[dict[str, str]], str]:
        bundle = forecasting_bundle(tmp_path / "bundle", **settings)
        (tmp_path / "a.csv").write_text(text)
        code = main(["predict", str(bundle), str(tmp_path / "a.csv"), *options])
        printed = capsys.readouterr()
        return code, list(csv.DictReader(io.StringIO(printed.out))), printed.err

    return answer


def rows(header: str, times: pd.DatetimeIndex, form: str, line: str = "{time},{i}") -> str:
    return "\n".join([header, *(line.format(time=time.strftime(form), i=i + 1) for i, time in enumerate(times))])


@pytest.mark.parametrize(
    ("text", "settings", "named"),
    [
        (rows("a,b,c", HOURS, "{}", "{i},{i},x"), HOURLY, "say which holds the values with --column"),
        (rows("n,value,c", HOURS, "x", "{i},{i},{time}"), HOURLY, "columns n, value, c, none of which .* --time"),
        (rows("date,value", HOURS, "%Y-%m-%d %H:%M"), MONTHLY, "60 minutes after .* the model's rows are months"),
        (rows("date,value", HOURS, "%Y-%m-%d %H:%M"), PRICES, "the model knows business days"),
        (rows("date,value", MONTHS, "%Y-%m"), HOURLY, "the model's step is 60|a gap of"),
        (rows("date,value", MONTHS.delete(range(2, 7)), "%Y-%m"), MONTHLY | {"context": 6}, "a gap of 5.95 months"),
        (rows("date,value", pd.date_range("2024-03-01", periods=12), "%Y-%m-%d"), PRICES, "Mon, Tue, Wed, Thu, Fri"),
        (rows("date,close", BUSINESS, "%Y-%m-%d").replace(",10", ",0"), PRICES, "line 11: close is 0, .* logarithms"),
        (rows("date,close", BUSINESS, "%Y-%m-%d").replace(",10", ",-1"), PRICES, "line 11: close is -1, .* logarithms"),
        (rows("date,v", HOURS, "%Y-%m-%d %H:%M:%S").replace("01:00:00", "00:00:30"), HOURLY, "finer than a minute"),
        (rows("date,v", HOURS, "%Y-%m-%d %H:%M"), HOURLY | {"table": {"time": ["a"], "values": ["b"]}}, ""),
    ],
)
def test_what_does_not_fit_a_model_is_refused_by_name(
    predict: Predict, text: str, settings: dict[str, Any], named: str
) -> None:
    code, _, err = predict(text, settings)
    assert code == (1 if named else 0)
    assert re.search(named, err), err
    assert err.count("\n") == (1 if named else 0)


def test_the_columns_of_the_training_are_taken(predict: Predict) -> None:
    text = rows("date,value,price", HOURS, "%Y-%m-%d %H:%M", "{time},{i},10{i:02d}")
    table = {"time": ["date"], "values": ["price"]}
    code, answer, err = predict(text, HOURLY | {"table": table})
    assert (code, answer[0]["q0.5"], err) == (0, "1012.5", "")
    _, answer, err = predict(text, HOURLY)
    assert answer[0]["q0.5"] == "12.5"
    assert "value, not price" in err


def test_series_of_a_long_table_are_forecast_one_by_one(predict: Predict) -> None:
    lines = [line for i in range(12) for line in (f"KO,{HOURS[i]},{i}", f"NA,{HOURS[i]},{10 * i}")]
    table = {"time": ["date"], "values": ["value"], "series": ["symbol"]}
    _, answer, _ = predict("\n".join(["symbol,date,value", *lines]), HOURLY | {"table": table})
    assert [(row["series"], row["q0.5"]) for row in answer[::3]] == [("KO", "11.5"), ("NA", "110.5")]


def test_short_gaps_of_values_are_filled_as_in_training_and_said(predict: Predict) -> None:
    text = rows("date,value", HOURS, "%Y-%m-%d %H:%M").replace(",11", ",-")
    code, _, err = predict(text, HOURLY)
    assert code == 1
    assert "line 12: column value holds no value" in err
    code, answer, err = predict(text, HOURLY | {"fill_limit": 2})
    assert (code, answer[0]["q0.5"]) == (0, "12.5")
    assert "filled with the value before" in err


def test_an_exchange_open_from_sunday_is_continued_on_its_own_days(predict: Predict) -> None:
    days = pd.DatetimeIndex([day for day in pd.date_range("2024-03-03", periods=17) if day.weekday() not in (4, 5)])
    settings = {"step_minutes": None, "frequency": "B", "week": "1111001"}
    text = rows("date,close", days[:10], "%Y-%m-%d")
    _, answer, _ = predict(text, settings)
    assert [row["time"][:10] for row in answer] == ["2024-03-17", "2024-03-18", "2024-03-19"]


def test_zones_are_kept_as_in_training(tmp_path: Path) -> None:
    import gatewise

    times = [f"{time.isoformat()}+02:00" for time in HOURS]
    for zone, first in (("UTC", "2024-03-01T10:00"), ("", "2024-03-01T12:00")):
        model = gatewise.load(forecasting_bundle(tmp_path / (zone or "wall"), table={"zone": zone}, **HOURLY))
        assert str(model.predict(np.arange(12.0), times).times[0]) == first
