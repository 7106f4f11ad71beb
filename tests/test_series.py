"""Histories: tables of every layout become series, and what cannot be trusted is refused by file, row and name."""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.data.choices import collected
from components.errors import DataError
from components.forecasting.frequency import BUSINESS_DAYS, DAY, DAYS, HOUR, MONTHS, infer
from components.forecasting.series import History, segments, varying
from components.forecasting.tables import Columns, read_histories
from components.forecasting.windows import PARTS, cuts, starts_by_part

MONDAY = 19_723 * DAY  # minutes; 2024-01-01


def history(values: list[float], minutes: np.ndarray | None = None, name: str = "a") -> History:
    at = MONDAY + HOUR * np.arange(len(values)) if minutes is None else minutes
    return History(name, at, np.array(values, float), np.empty((len(values), 0)))


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines of text as a table."""

    def write(*lines: str, name: str = "series.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


HOURS = [f"2024-01-01 {hour:02d}:00" for hour in range(6)]


def test_a_wide_table_gives_one_series_per_column_of_numbers(table: Callable[..., Path]) -> None:
    path = table("date,north,south,remark", *(f"{hour},{i},{10 * i},x" for i, hour in enumerate(HOURS)))
    north, south = read_histories(path, Columns())
    assert (north.name, south.name) == ("north", "south")
    assert south.values.tolist() == [0, 10, 20, 30, 40, 50]
    assert north.minutes.tolist() == [MONDAY + HOUR * i for i in range(6)]


def test_a_long_table_gives_one_series_per_name(table: Callable[..., Path]) -> None:
    rows = [f"{symbol},{hour},{i}" for symbol in ("MSFT", "AMZN") for i, hour in enumerate(HOURS)]
    names = [h.name for h in read_histories(table("symbol,date,price", *rows), Columns())]
    assert names == ["MSFT", "AMZN"]


def test_named_columns_are_taken_and_extras_come_along(table: Callable[..., Path]) -> None:
    path = table("when,load,oil,wind", *(f"{hour},{i},{2 * i},{3 * i}" for i, hour in enumerate(HOURS)))
    (oil,) = read_histories(path, Columns(time="when", values=("oil",), extras=("wind", "load")))
    assert oil.values[-1] == 10
    assert oil.extras[-1].tolist() == [15, 5]


@pytest.mark.parametrize(
    ("times", "minutes"),
    [
        (["2022-01-03 00:00:00-05:00", "2022-07-04 00:00:00-04:00"], [27_352_800, 27_614_880]),
        (["2022-01-03T00:00:00Z", "2022-07-04T00:00:00Z"], [27_352_800, 27_614_880]),
        (["Jan 3 2022", "Jul 4 2022"], [27_352_800, 27_614_880]),
        (["1641168000", "1656892800"], [27_352_800, 27_614_880]),
        (["1950", "1951"], [-10_519_200, -9_993_600]),
    ],
    ids=["offsets dropped", "UTC", "written out", "seconds", "years"],
)
def test_times_are_read_as_clocks_on_the_wall(table: Callable[..., Path], times: list[str], minutes: list[int]) -> None:
    (found,) = read_histories(table("time,value", *(f"{time},{i}" for i, time in enumerate(times))), Columns())
    assert found.minutes.tolist() == minutes


def test_a_time_spread_over_year_month_day_and_hour_is_put_together(table: Callable[..., Path]) -> None:
    path = table("No,year,month,day,hour,pm2.5", "1,2024,1,1,0,NA", "2,2024,1,1,1,5", "3,2024,1,1,2,6")
    (found,) = read_histories(path, Columns())
    assert found.minutes.tolist() == [MONDAY, MONDAY + 60, MONDAY + 120]
    assert np.isnan(found.values[0])


def test_a_folder_is_read_one_series_per_file_and_other_layouts_are_left_out_by_name(
    table: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    days = pd.bdate_range("2024-01-01", periods=15).strftime("%Y-%m-%d")
    for ticker in ("AAPL", "KO"):
        rows = [f"{day},{i + 1},{ticker}" for i, day in enumerate(days)]
        table("Date,Close,Name", *rows, name=f"shares/{ticker}_data.csv")
    table("date,close", *(f"{day},{i + 1}" for i, day in enumerate(days)), name="shares/index.csv")
    with caplog.at_level(logging.WARNING):
        found = read_histories(tmp_path / "shares", Columns())
    assert [h.name for h in found] == ["AAPL", "KO"]
    assert "left out: index.csv" in caplog.text
    (chosen,) = read_histories(tmp_path / "shares", Columns(), files="index.csv")
    assert chosen.name == "index"


def test_the_shared_share_prices_make_31_histories(shared_data: Path) -> None:
    found = read_histories(shared_data / "stocks", Columns())
    assert len(found) == 31
    assert {len(h.values) for h in found} == {1_256, 1_259}
    assert infer([h.minutes for h in found], "stocks").alias == "B"


def test_a_table_with_the_newest_row_first_is_turned_round(
    table: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        (found,) = read_histories(table("date,value", *(f"{h},{i}" for i, h in enumerate(HOURS[::-1]))), Columns())
    assert found.values.tolist() == [5, 4, 3, 2, 1, 0]
    assert "turned round" in caplog.text


def test_times_that_jump_back_are_sorted_and_said_by_file_and_line(table: Callable[..., Path]) -> None:
    hours = [HOURS[0], HOURS[2], HOURS[1], HOURS[3]]
    with collected() as said:
        (found,) = read_histories(table("date,value", *(f"{hour},{i}" for i, hour in enumerate(hours))), Columns())
    assert found.values.tolist() == [0, 2, 1, 3]
    assert any("series.csv, line 4 (2024-01-01 01:00): sorted" in choice.chosen for choice in said)


def test_a_repeated_row_is_dropped_and_said(table: Callable[..., Path], caplog: pytest.LogCaptureFixture) -> None:
    rows = [f"{HOURS[0]},1", f"{HOURS[1]},2", f"{HOURS[1]},2", f"{HOURS[2]},3"]
    with caplog.at_level(logging.INFO):
        (found,) = read_histories(table("date,value", *rows), Columns())
    assert found.values.tolist() == [1, 2, 3]
    assert "1 repeated rows" in caplog.text


def test_one_time_with_two_values_is_refused_by_file_and_line(table: Callable[..., Path]) -> None:
    rows = [f"{HOURS[0]},1", f"{HOURS[1]},2", f"{HOURS[1]},3", f"{HOURS[2]},4"]
    with pytest.raises(DataError, match=r"series.csv, line 4: .*twice with different values \(2 and 3\)"):
        read_histories(table("date,value", *rows), Columns())


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("date,value", "yesterday,1", r"line 3: 'yesterday' in column date is not a time"),
        ("date,value", f"{HOURS[1]},many", r"line 3: 'many' in column value is not a number"),
        ("date,value", f"{HOURS[1]},inf", r"line 3: the value of 'series' is infinite"),
        ("moment,value", "now,2", r"none of the usual columns time, date.*--set time_column="),
        ("date,text", f"{HOURS[1]},b", r"no column of numbers.*--set value_columns="),
    ],
    ids=["bad time", "bad number", "infinite", "no time column", "no numbers"],
)
def test_a_table_that_cannot_be_read_is_refused_by_file_and_place(
    table: Callable[..., Path], header: str, row: str, message: str
) -> None:
    first = f"{'then' if header.startswith('moment') else HOURS[0]},{'a' if header.endswith('text') else 1}"
    with pytest.raises(DataError, match=rf"series.csv.*{message}"):
        read_histories(table(header, first, row), Columns(values=("value",) if row.endswith("many") else ()))


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="no table"):
        read_histories(tmp_path, Columns())


def test_the_same_series_in_two_files_is_refused(table: Callable[..., Path], tmp_path: Path) -> None:
    for file in ("x/a.csv", "x/b.csv"):
        table("date,close,name", *(f"{hour},{i},KO" for i, hour in enumerate(HOURS)), name=file)
    with pytest.raises(DataError, match="'KO' is in two files"):
        read_histories(tmp_path / "x", Columns())


def test_frequencies_are_read_off_the_times() -> None:
    days = np.arange(40) * DAY + MONDAY
    assert infer([days], "t") == DAYS
    assert infer([days[(days // DAY + 3) % 7 < 5]], "t") == BUSINESS_DAYS
    months = pd.date_range("2020-01-01", periods=30, freq="MS").to_numpy().astype("datetime64[m]").astype(int)
    assert infer([months], "t") == MONTHS
    quarters = infer([MONDAY + 15 * np.arange(50)], "t")
    assert (quarters.alias, quarters.step, quarters.seasons) == ("15min", 15, (96, 672))


def test_steps_without_a_rhythm_are_refused() -> None:
    with pytest.raises(DataError, match=r"log.csv: rows come in no regular step .* resample"):
        infer([MONDAY + np.cumsum(np.arange(1, 40))], "log.csv")


def test_short_gaps_are_filled_and_long_ones_cut_the_series_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nan = float("nan")
    rows = history([nan, 1, nan, nan, 4, 5, nan, nan, nan, 9, 10])
    with caplog.at_level(logging.INFO):
        first, second = segments(rows, infer([rows.minutes], "t"), fill_limit=2)
    assert first.values.tolist() == [1, 1, 1, 4, 5]
    assert second.values.tolist() == [9, 10]
    assert "2 missing values filled, cut into 2 pieces" in caplog.text


def test_missing_hours_are_put_back_before_they_are_filled() -> None:
    rows = history([1, 2, 5, 6], MONDAY + HOUR * np.array([0, 1, 4, 5]))
    (piece,) = segments(rows, infer([MONDAY + HOUR * np.arange(9)], "t"), fill_limit=2)
    assert piece.values.tolist() == [1, 2, 2, 2, 5, 6]
    assert np.diff(piece.minutes).tolist() == [HOUR] * 5


def test_weekends_and_holidays_are_no_gaps_but_a_missing_month_is() -> None:
    days = np.array([0, 1, 2, 3, 4, 7, 8, 11, 40, 41]) * DAY + MONDAY
    pieces = segments(history(list(range(10)), days), BUSINESS_DAYS, fill_limit=3)
    assert [len(piece.values) for piece in pieces] == [8, 2]


def test_a_time_off_the_grid_is_refused_by_name() -> None:
    rows = history([1, 2, 3, 4], MONDAY + np.array([0, 60, 120, 190]))
    with pytest.raises(DataError, match=r"'a': time 2024-01-01 03:10 is not a whole number of 60-minute steps"):
        segments(rows, infer([MONDAY + HOUR * np.arange(9)], "t"), fill_limit=3)


def test_a_series_of_nothing_is_refused_and_a_constant_one_left_out_by_name() -> None:
    nan = float("nan")
    with pytest.raises(DataError, match="'a' has no value at all"):
        segments(history([nan, nan, nan]), infer([MONDAY + HOUR * np.arange(9)], "t"), fill_limit=3)
    with pytest.raises(DataError, match=r"prices.csv: series 'flat' has the same value 7 in all 3 rows"):
        varying([history([7, 7, 7], name="flat")], "prices.csv")
    with collected() as said:
        (kept,) = varying([history([1, 2, 3]), history([7, 7, 7], name="flat")], "prices.csv")
    assert kept.name == "a"
    assert "'flat' has the same value 7" in said[0].chosen


def test_windows_of_a_part_have_all_their_targets_in_it_and_parts_follow_each_other_in_time() -> None:
    pieces = [history(list(range(200))), history(list(range(150)), MONDAY + HOUR * np.arange(80, 230))]
    bounds = cuts(np.concatenate([piece.minutes for piece in pieces]), 0.2, 0.2)
    starts = starts_by_part(pieces, context=10, horizon=5, bounds=bounds, strides={"test": 5})
    minutes = np.concatenate([piece.minutes for piece in pieces])
    first = {part: minutes[starts[part] + 10] for part in PARTS}
    last = {part: minutes[starts[part] + 14] for part in PARTS}
    assert last["train"].max() < bounds[0] <= first["validation"].min()
    assert last["validation"].max() < bounds[1] <= first["test"].min()
    offsets = starts["test"][starts["test"] < 200]
    assert set(np.diff(offsets).tolist()) == {5}
    assert not (set(starts["train"]) & set(starts["test"]))
    assert not any(start < 200 < start + 15 for part in PARTS for start in starts[part].tolist())
