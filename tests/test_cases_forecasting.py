"""The tables that people have: what each of ../shared/cases must give, in training and on the device."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_bundles import forecasting_bundle

from components.data.choices import Choice, collected
from components.errors import GatewiseError
from components.forecasting.config import PRESETS
from components.forecasting.frequency import DAY, HOUR, Frequency, infer
from components.forecasting.series import History, segments, varying
from components.forecasting.sources import histories_of
from gatewise.__main__ import main
from gatewise.calendar_times import Rhythm, following


@pytest.fixture(scope="session")
def cases() -> Path:
    """The folder of tables as people have them, beside the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("no cases: ../shared/cases is not beside the repository")
    return folder


def ingested(path: Path, **settings: Any) -> tuple[list[History], dict[str, Any], list[Choice]]:
    """What training reads of a table, how it is recorded, and what is said."""
    with collected() as said:
        histories, facts = histories_of(str(path), PRESETS["tiny"].changed(settings))
    return histories, facts["table"], said


def whole(history: History) -> tuple[Frequency, History]:
    """A history's frequency and its only piece, in which nothing was filled."""
    frequency = infer([history.minutes], history.name)
    (piece,) = segments(history, frequency, 0)
    assert len(piece.minutes) == len(history.minutes)
    return frequency, piece


def told(said: list[Choice]) -> str:
    return "\n".join(choice.chosen for choice in said)


def at(text: str) -> int:
    return int(np.datetime64(text, "m").astype(np.int64))


@pytest.mark.parametrize(
    ("file", "rows", "first", "last", "alias", "says"),
    [
        ("dayfirst_daily.csv", 1500, "2019-01-01", "2023-02-08", "D", "day first"),
        ("dayfirst_monthly_one_series.csv", 180, "2005-01-01", "2019-12-01", "MS", "day first"),
        ("two_digit_years.csv", 1826, "2019-01-01", "2023-12-31", "D", "month first"),
        ("month_column_passengers.csv", 180, "2005-01-01", "2019-12-01", "MS", "year-month"),
        ("fred_observation_date.csv", 180, "2005-01-01", "2019-12-01", "MS", "observation_date"),
        ("date_and_time_columns.csv", 3000, "2024-01-01T00:00", "2024-05-04T23:00", "h", "Date, Time"),
        ("epoch_ms.csv", 3000, "2024-01-01T00:00", "2024-05-04T23:00", "h", "milliseconds"),
        ("epoch_us.csv", 3000, "2024-01-01T00:00", "2024-05-04T23:00", "h", "microseconds"),
        ("dst_offset_hourly.csv", 7200, "2022-05-31T22:00", "2023-03-27T21:00", "h", "UTC"),
        ("excel_german_semicolon.csv", 1500, "2019-01-01", "2023-02-08", "D", "',' before fractions"),
        ("thousands_comma_quoted.csv", 1826, "2019-01-01", "2023-12-31", "D", "',' in thousands"),
        ("yearly_files", 1826, "2019-01-01", "2023-12-31", "D", "one series"),
        ("sunday_to_thursday_exchange.csv", 1144, "2019-01-06", "2023-05-24", "B", "read as year-month-day"),
    ],
)
def test_one_series_is_read_whole(
    cases: Path, file: str, rows: int, first: str, last: str, alias: str, says: str
) -> None:
    (history,), _, said = ingested(cases / "forecasting" / file)
    frequency, piece = whole(history)
    assert (len(piece.minutes), frequency.alias) == (rows, alias)
    assert (piece.minutes[0], piece.minutes[-1]) == (at(first), at(last))
    assert says in told(said)


def test_the_repeated_hour_of_autumn_is_kept(cases: Path) -> None:
    (history,), record, _ = ingested(cases / "forecasting" / "dst_offset_hourly.csv")
    assert set(np.diff(history.minutes)) == {HOUR}
    assert record["zone"] == "UTC"


def test_half_minutes_are_refused_by_name(cases: Path) -> None:
    with pytest.raises(GatewiseError, match="30 seconds apart, finer than a minute"):
        ingested(cases / "forecasting" / "thirty_second_constant_pairs.csv")


@pytest.mark.parametrize(
    ("file", "first"), [("excel_german_semicolon.csv", 100.6), ("thousands_comma_quoted.csv", 9219)]
)
def test_numbers_are_read_as_they_are_meant(cases: Path, file: str, first: float) -> None:
    (history,), _, _ = ingested(cases / "forecasting" / file)
    assert history.values[0] == first


def test_a_mark_of_missing_values_is_suspected_and_can_be_set(cases: Path) -> None:
    path = cases / "forecasting" / "missing_mark_999.csv"
    (history,), _, said = ingested(path)
    assert any(choice.doubtful and "-999" in choice.chosen and "missing=-999" in choice.chosen for choice in said)
    (mended,), _, said = ingested(path, missing="-999")
    assert np.isnan(mended.values).sum() == (history.values == -999).sum() > 2
    assert np.nanmin(mended.values) > 0


def test_a_dash_is_missing_in_its_column_alone(cases: Path) -> None:
    histories, _, said = ingested(cases / "forecasting" / "wide_one_dash.csv")
    assert [history.name for history in histories] == ["north", "south", "west"]
    assert sum(int(np.isnan(history.values).sum()) for history in histories) == 1
    assert "'-'" in told(said)


def test_a_series_may_bear_the_name_of_a_missing_value(cases: Path) -> None:
    histories, _, _ = ingested(cases / "forecasting" / "long_symbol_NA.csv")
    assert {len(history.values) for history in histories} == {1500}
    assert "NA" in {history.name for history in histories}
    assert len(histories) == 3


@pytest.mark.parametrize(
    ("file", "wanted", "first"),
    [
        ("case_twin_columns.csv", "Temp", 92.2),
        ("case_twin_columns.csv", "temp", 1184.4),
        ("comma_in_column_name.csv", ["Load", "MW"], 92.2),
        ("comma_in_column_name.csv", ["Wind", "MW"], 184.4),
    ],
)
def test_any_column_can_be_named(cases: Path, file: str, wanted: Any, first: float) -> None:
    (history,), record, _ = ingested(cases / "forecasting" / file, value_columns=wanted)
    assert history.values[0] == first
    assert record["values"] == [", ".join(wanted) if isinstance(wanted, list) else wanted]


@pytest.mark.parametrize(
    ("file", "candidates"),
    [("price_and_value.csv", ("price", "value")), ("retail_price_and_sales.csv", ("price", "sales"))],
)
def test_which_of_two_columns_is_forecast_is_said_and_recorded(
    cases: Path, file: str, candidates: tuple[str, str]
) -> None:
    (_,), record, said = ingested(cases / "forecasting" / file)
    assert record["values"][0] in candidates
    assert any(all(name in choice.chosen for name in candidates) and choice.doubtful for choice in said)


def test_two_columns_may_tell_series_apart(cases: Path) -> None:
    path = cases / "forecasting" / "store_item_demand.csv"
    named, _, _ = ingested(path, series_column=["store", "item"])
    found, record, said = ingested(path)
    assert len(named) == len(found) == 9
    assert record["series"] == ["store", "item"]
    assert "store, item" in told(said)


def test_yfinance_files_are_read_with_all_their_header_rows(cases: Path) -> None:
    (history,), record, said = ingested(cases / "forecasting" / "yfinance_three_header_rows.csv")
    assert (history.name, len(history.values), history.values[0]) == ("ABCD", 700, 102.061888)
    assert record["values"] == ["Close"]
    assert "3 rows of names" in told(said)


def test_an_index_can_be_the_time(cases: Path) -> None:
    (history,), record, said = ingested(cases / "forecasting" / "yf_history_index.parquet")
    assert (len(history.values), record["values"], record["time"]) == (900, ["Close"], ["Date"])
    assert "index" in told(said)


def test_an_exchange_open_from_sunday_has_its_own_week(cases: Path) -> None:
    (history,), _, _ = ingested(cases / "forecasting" / "sunday_to_thursday_exchange.csv")
    assert infer([history.minutes], "t").week == "1111001"
    assert np.diff(history.minutes).max() > DAY


def test_an_item_that_never_sold_is_left_out_by_name(cases: Path) -> None:
    histories, _, _ = ingested(cases / "forecasting" / "intermittent_8_items.csv")
    with collected() as said:
        kept = varying(histories, "items")
    assert (len(histories), len(kept)) == (8, 7)
    assert "FOODS_009" in told(said)


HOURLY: dict[str, Any] = {"step_minutes": 60, "frequency": "h"}
MONTHLY: dict[str, Any] = {"step_minutes": None, "frequency": "MS"}


def predicted(capsys: pytest.CaptureFixture[str], bundle: Path, path: Path, *options: str) -> list[dict[str, str]]:
    """The rows that `gatewise predict` prints for a file."""
    capsys.readouterr()
    assert main(["predict", str(bundle), str(path), *options]) == 0, capsys.readouterr().err
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


@pytest.mark.parametrize(
    ("file", "rhythm", "first"),
    [
        ("observation_date.csv", HOURLY, "2019-03-05T00:00"),
        ("utc_timestamp.csv", HOURLY, "2019-03-05T00:00"),
        ("us_dates.csv", HOURLY, "2019-03-05T00:00"),
        ("decimal_comma.csv", HOURLY, "2019-03-05T00:00"),
        ("newest_first.csv", HOURLY, "2019-03-05T00:00"),
        ("month_as_date.csv", MONTHLY, "2020-01-01T00:00"),
    ],
)
def test_the_device_goes_on_one_step_after_the_last_row(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, rhythm: dict[str, Any], first: str
) -> None:
    bundle = forecasting_bundle(tmp_path / "bundle", **rhythm)
    rows = predicted(capsys, bundle, cases / "light" / file)
    assert rows[0]["time"] == first
    hourly = rhythm is HOURLY
    assert float(rows[0]["q0.5"]) == pytest.approx(225.7 + 0.5 if hourly else 271 + 0.5 * 744, rel=1e-4)


def test_the_device_refuses_a_gap_of_months(cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = forecasting_bundle(tmp_path / "bundle", **MONTHLY)
    path = cases / "light" / "monthly_model_given_gap.csv"
    long = forecasting_bundle(tmp_path / "long", context=24, **MONTHLY)
    assert main(["predict", str(long), str(path)]) == 1
    assert "a gap of 21 months" in capsys.readouterr().err
    assert main(["predict", str(bundle), str(path)]) == 1
    assert "a gap of 21 months" in capsys.readouterr().err
    assert main(["predict", str(bundle), str(cases / "light" / "observation_date.csv")]) == 1
    assert "the model's rows are months" in capsys.readouterr().err


def test_the_device_asks_for_a_column_of_a_wide_file_it_was_not_trained_on(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, path = forecasting_bundle(tmp_path / "bundle", **HOURLY), cases / "light" / "wide.csv"
    assert main(["predict", str(bundle), str(path)]) == 1
    assert "road 1, road 2: say which holds the values with --column" in capsys.readouterr().err
    assert predicted(capsys, bundle, path, "--column", "road 2")[0]["q0.5"] == "452"
    table = {"time": ["date"], "values": ["road 1", "road 2"]}
    trained = forecasting_bundle(tmp_path / "trained", table=table, **HOURLY)
    assert [row["series"] for row in predicted(capsys, trained, path)[::3]] == ["road 1", "road 2"]


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("dayfirst_daily.csv", {}),
        ("dayfirst_monthly_one_series.csv", {}),
        ("two_digit_years.csv", {}),
        ("month_column_passengers.csv", {}),
        ("fred_observation_date.csv", {}),
        ("date_and_time_columns.csv", {}),
        ("epoch_ms.csv", {}),
        ("epoch_us.csv", {}),
        ("dst_offset_hourly.csv", {}),
        ("excel_german_semicolon.csv", {}),
        ("thousands_comma_quoted.csv", {}),
        ("missing_mark_999.csv", {"missing": "-999"}),
        ("wide_one_dash.csv", {}),
        ("long_symbol_NA.csv", {}),
        ("case_twin_columns.csv", {"value_columns": "Temp"}),
        ("comma_in_column_name.csv", {"value_columns": "Wind, MW"}),
        ("price_and_value.csv", {}),
        ("price_and_value.csv", {"value_columns": "price"}),
        ("retail_price_and_sales.csv", {}),
        ("store_item_demand.csv", {}),
        ("yfinance_three_header_rows.csv", {}),
        ("sunday_to_thursday_exchange.csv", {}),
        ("intermittent_8_items.csv", {}),
    ],
)
def test_the_device_reads_the_very_file_that_was_trained_on(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, settings: dict[str, Any]
) -> None:
    path = cases / "forecasting" / file
    histories, table, _ = ingested(path, **settings)
    frequency = infer([history.minutes for history in histories], file)
    rhythm = {"step_minutes": frequency.step, "frequency": frequency.alias, "week": frequency.week}
    bundle = forecasting_bundle(tmp_path / "bundle", table=table, fill_limit=3, **rhythm)
    rows = predicted(capsys, bundle, path)[::3]
    assert [row.get("series", "") for row in rows] == [h.name if len(histories) > 1 else "" for h in histories]
    for row, history in zip(rows, histories, strict=True):
        ahead = following(history.minutes, 1, Rhythm(frequency.step, frequency.alias, frequency.week))[0]
        known = history.values[~np.isnan(history.values)]
        rise = (ahead - history.minutes[-1]) / HOUR * 0.5
        assert row["time"] == str(np.datetime64(int(ahead), "m"))
        assert float(row["q0.5"]) == pytest.approx(known[-1] + rise, rel=1e-4)
