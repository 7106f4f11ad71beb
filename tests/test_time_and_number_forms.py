"""Times, numbers and text tables in the forms that people write: one form per column, found from all of its rows."""

import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.data.choices import collected
from components.errors import DataError, GatewiseError
from components.forecasting import application, windows
from components.forecasting.config import PRESETS
from components.forecasting.tables import Columns, read_histories, read_recorded
from gatewise.delimited import read_cells
from gatewise.number_forms import find_form, numbers, suspicious
from gatewise.reading import Reading
from gatewise.series_clock import minutes_and_zone
from gatewise.time_forms import NotTimesError, read_times

DAYS = pd.date_range("2019-01-01", periods=40)


def moments(cells: list[str], reading: Reading | None = None) -> list[str]:
    reading = reading or Reading()
    return [str(moment) for moment in minutes_and_zone(read_times(cells, reading), reading)[0].astype("datetime64[m]")]


@pytest.mark.parametrize(
    ("cells", "first", "last"),
    [
        (["2005Q1", "2005Q4"], "2005-01-01T00:00", "2005-10-01T00:00"),
        (["Q1 2005", "Q2 2005"], "2005-01-01T00:00", "2005-04-01T00:00"),
        (["2020-W53", "2021-W01"], "2020-12-28T00:00", "2021-01-04T00:00"),
        (["Jan-65", "Feb-65"], "1965-01-01T00:00", "1965-02-01T00:00"),
        (["3-Jan-22", "4-Jan-22"], "2022-01-03T00:00", "2022-01-04T00:00"),
        (["1. März 2020", "2. März 2020"], "2020-03-01T00:00", "2020-03-02T00:00"),
        (["43466", "43467.5"], "2019-01-01T00:00", "2019-01-02T12:00"),
        (["20240101", "20240102"], "2024-01-01T00:00", "2024-01-02T00:00"),
        (["2024010100", "2024010101"], "2024-01-01T00:00", "2024-01-01T01:00"),
        (["1704067200", "1704070800"], "2024-01-01T00:00", "2024-01-01T01:00"),
        (["1704067200000000000", "1704070800000000000"], "2024-01-01T00:00", "2024-01-01T01:00"),
        (["1/13/2019 1:00 PM", "1/13/2019 2:00 PM"], "2019-01-13T13:00", "2019-01-13T14:00"),
        (["2024-01-01 23:00", "2024-01-01 24:00"], "2024-01-01T23:00", "2024-01-02T00:00"),
        (["2022-10-30 02:00 CEST", "2022-10-30 02:00 CET"], "2022-10-30T00:00", "2022-10-30T01:00"),
        (["Tue, 01 Jan 2019 00:00:00 GMT", "Wed, 02 Jan 2019 00:00:00 GMT"], "2019-01-01T00:00", "2019-01-02T00:00"),
    ],
)
def test_times_are_read_in_the_form_of_all_rows(cells: list[str], first: str, last: str) -> None:
    assert moments(cells) == [first, last]


@pytest.mark.parametrize(
    ("cells", "row", "reason"),
    [
        (["2019-01-01", "2019-02-30"], 1, "not a time"),
        (["2019-01-01", "2019-01-02", "03/01/2019"], 2, "as the others"),
        (["13/01/2019", "01/14/2019"], 1, "not a time"),
        (["0203-01-01", "2019-01-02"], 0, "as the others"),
        (["2019-01-01T00:00Z", "2019-01-01T01:00"], 1, "offset from UTC"),
        (["1", "2", "3"], 0, "not a time"),
    ],
)
def test_what_is_no_time_is_refused_by_its_row(cells: list[str], row: int, reason: str) -> None:
    with pytest.raises(NotTimesError, match=reason) as refused:
        read_times(cells, Reading())
    assert refused.value.row == row


def test_an_order_that_rows_do_not_tell_is_doubted_and_can_be_set() -> None:
    cells = [f"{day:02d}/02/2019" for day in range(1, 4)]
    reading = Reading()
    assert moments(cells, reading)[1] == "2019-02-02T00:00"
    assert [note.doubtful for note in reading.notes] == [True]
    assert moments(cells, Reading(dayfirst=True))[2] == "2019-02-03T00:00"
    assert moments(cells, Reading(usual_dayfirst=True))[2] == "2019-02-03T00:00"
    assert moments(["2019|31|12"], Reading(time_format="%Y|%d|%m")) == ["2019-12-31T00:00"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234,5", "-2,5"], [1234.5, -2.5]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["9,219", "11,345"], [9219, 11345]),
        (["1 234,5", "12,5"], [1234.5, 12.5]),
        (["1'234.5", "12.5"], [1234.5, 12.5]),
        (["$1,234.50", "5%"], [1234.5, 5]),
        (["0,125", "1500"], [0.125, 1500]),
        (["1e3", "−2.5"], [1000, -2.5]),
        (["N/A", "-", "", "3"], [np.nan, np.nan, np.nan, 3]),
    ],
)
def test_numbers_are_read_in_the_form_of_all_rows(cells: list[str], values: list[float]) -> None:
    read = numbers(cells, find_form(cells))
    assert read.wrong is None
    np.testing.assert_array_equal(read.values, values)


def test_a_number_that_means_no_value_is_suspected_only_where_it_stands_far_off() -> None:
    assert suspicious(np.array([5.0, 6, 7, -999, -999, -999])) == (-999, 3)
    assert suspicious(np.array([0.0, 400, 5000, -999, -999, -999])) == (-999, 3)
    assert suspicious(np.array([0.0, 0, 0, 0, 1, 5, 20])) is None
    assert np.isnan(numbers(["-999.0", "1"], find_form(["1"]), ["-999"]).values[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found_and_recorded(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join(["Datum;Wärme", *(f"{day:%d.%m.%Y};1{day.day},5" for day in DAYS)]).encode(encoding))
    (history,), record = read_recorded(path, Columns())
    assert history.values[0] == 11.5
    assert record["values"] == ["Wärme"]
    assert record["encoding"] == encoding.removesuffix("-sig")


def zipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("inside.csv", data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "pack"),
    [("a.csv.gz", gzip.compress), ("a.csv.xz", lzma.compress), ("a.csv.zip", zipped), ("a.zip", zipped)],
)
def test_compressed_tables_are_read(tmp_path: Path, name: str, pack: Callable[[bytes], bytes]) -> None:
    text = "\n".join(["date,value", *(f"{day.date()},{day.day}" for day in DAYS)])
    (tmp_path / name).write_bytes(pack(text.encode()))
    assert len(read_histories(tmp_path / name, Columns())[0].values) == 40


def test_an_extra_field_is_refused_by_its_line_and_never_shifts_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("date,value\n2019-01-01,1\n2019-01-02,1,5\n")
    with pytest.raises(DataError, match=r"a.csv, line 3: the row has 3 cells, the header 2"):
        read_histories(tmp_path / "a.csv", Columns())
    (tmp_path / "b.csv").write_text('sep=;\na;b;\n"x;\ny";1;\n\nz;2;\n')
    cells = read_cells(tmp_path / "b.csv", Reading())
    assert (cells.header, cells.rows, cells.lines) == (["a", "b"], [["x;\ny", "1"], ["z", "2"]], [3, 6])


def test_air_as_a_public_archive_writes_it(tmp_path: Path) -> None:
    rows = [f"{day:%d/%m/%Y};{hour:02d}.00.00;{hour},5;-200;;" for day in DAYS for hour in range(24)]
    (tmp_path / "a.csv").write_text("\n".join(["Date;Time;CO(GT);T;;", *rows, ";;;;;"]))
    (history,) = read_histories(tmp_path / "a.csv", Columns(values="CO(GT)"))
    assert (len(history.values), history.values[1]) == (960, 1.5)
    assert set(np.diff(history.minutes)) == {60}


@pytest.mark.parametrize("several", [False, True])
def test_frames_of_yfinance_are_read_as_people_save_them(tmp_path: Path, several: bool) -> None:
    tickers = ["A", "B"] if several else ["A"]
    columns = pd.MultiIndex.from_product([["Close", "Volume"], tickers], names=["Price", "Ticker"])
    values = np.arange(40.0)[:, None] + np.arange(len(columns)) + 1
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(DAYS, name="Date"), columns=columns)
    frame.to_csv(tmp_path / "three.csv")
    frame.reset_index().to_csv(tmp_path / "two.csv", index=False)
    frame.swaplevel(axis=1).sort_index(axis=1).to_csv(tmp_path / "grouped.csv")
    frame.to_parquet(tmp_path / "index.parquet")
    for file in sorted(tmp_path.iterdir()):
        found = read_histories(file, Columns())
        assert [history.name for history in found] == tickers, file
        assert found[0].values.tolist() == frame["Close"]["A"].tolist(), file


def test_files_of_a_year_of_months_tell_their_order_together(tmp_path: Path) -> None:
    for year in (2019, 2020, 2021):
        lines = [f"01/{month:02d}/{year},{month}" for month in range(1, 13)]
        (tmp_path / f"sales_{year}.csv").write_text("\n".join(["Date,value", *lines]))
    with collected() as said:
        (history,) = read_histories(tmp_path, Columns())
    assert (history.name, len(history.values)) == ("sales", 36)
    assert str(history.minutes[-1].astype("datetime64[m]")) == "2021-12-01T00:00"
    assert not any(choice.doubtful for choice in said)


def test_settings_say_how_tables_are_written() -> None:
    config = PRESETS["tiny"].changed({"decimal": [], "separator": ";", "missing": "-999", "series_column": ["a", "b"]})
    assert (config.decimal, config.missing, config.series_column) == (",", ("-999",), ("a", "b"))
    with pytest.raises(GatewiseError, match="cannot be the same"):
        PRESETS["tiny"].changed({"decimal": ",", "separator": ","})


def test_extra_columns_may_be_called_as_anything(tmp_path: Path) -> None:
    rows = [
        f"{day.date()},{day.day + 1},{day.day + 2},{day.day + 3}" for day in pd.date_range("2019-01-01", periods=400)
    ]
    (tmp_path / "a.csv").write_text("\n".join(['date,value,"rain, mm",load', *rows]))
    config = PRESETS["tiny"].changed({"value_columns": "load", "extra_columns": ["value", "rain", "mm"]})
    raw, data = tmp_path / "raw", tmp_path / "data"
    raw.mkdir()
    data.mkdir()
    application.ingest(str(tmp_path / "a.csv"), config, raw)
    application.preprocess(raw, config, data)
    prepared = windows.load(data)
    assert prepared.task.extras == ("value", "rain, mm")
    np.testing.assert_array_equal(prepared.values[:, None] - prepared.extras, np.tile([2, 1], (400, 1)))
    assert application.describe(data, config).settings["table"]["values"] == ["load"]
