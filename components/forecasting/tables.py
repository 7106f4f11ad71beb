"""Series of the user's own: tables wide or long, one file or a folder of them, columns found by their usual names."""

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.data.tables import column, is_table, read_table, row_of
from components.errors import DataError
from components.forecasting.frequency import infer
from components.forecasting.series import History, in_order

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

TIMES = ("time", "date", "datetime", "timestamp", "date_time", "ds", "day", "month")
PARTS = ("year", "month", "day", "hour")  # a time spread over columns
NAMES = ("series", "symbol", "ticker", "name", "unique_id", "series_id", "station", "item_id")
VALUES = ("close", "price", "value", "y", "target", "adj close", "adjclose")
COUNTERS = ("no", "id", "index", "unnamed: 0", "")  # row numbers, no quantity
OFFSET = re.compile(r"(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(?:Z|[+-]\d\d:?\d\d)$")
YEAR_RANGE = (1_000, 3_000)
EPOCH_SECONDS = (10**8, 10**11)  # numbers in this range are seconds since 1970, larger ones milliseconds


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; empty where they are to be found by their usual names."""

    time: str = ""
    series: str = ""
    values: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()


def read_histories(path: Path, columns: Columns, files: str = "") -> list[History]:
    """Every series of a table, or of a folder of tables.

    A folder may hold tables of several layouts: the commonest is read, and the log says what was left out.

    Args:
        path: the file or folder.
        columns: the columns named by the user.
        files: which files of a folder to read, a pattern such as "daily/*.csv"; all when empty.

    Raises:
        DataError: no table, no such column, a time or value that cannot be read or trusted.
    """
    if path.is_file():
        return read_file(path, columns)
    found = sorted(file for file in path.glob(files or "**/*") if is_table(file))
    if not found:
        raise DataError(f"{path}: no table {f'matches {files!r}' if files else 'in this folder'}: give CSV or Parquet")
    histories = [history for file in _alike(found, columns, path) for history in read_file(file, columns)]
    counts = Counter(history.name for history in histories)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: series '{twice[0]}' is in two files: keep one, or name files with --set files=PATTERN"
        )
    return histories


def read_file(path: Path, columns: Columns) -> list[History]:
    """Every series of one table, each in order of time.

    Raises:
        DataError: see `read_histories`.
    """
    table = read_table(path)
    minutes = _minutes(table, path, columns.time)
    name = _name_column(table, columns.series, path)
    used = {name, *columns.extras, *_time_columns(table, columns.time, path)}
    chosen = _value_columns(table, path, columns.values, used)
    values = {value: _numbers(table, value, path) for value in chosen}
    extras = np.column_stack(
        [_numbers(table, column(table, path, extra, (), "extra_columns"), path) for extra in columns.extras]
        or [np.empty((len(table), 0))]
    )
    groups = {path.name.split(".")[0]: np.arange(len(table))}
    if name:
        groups = {str(key): np.asarray(rows) for key, rows in table.groupby(name, sort=False).indices.items()}
    histories = []
    for group, rows in groups.items():
        for value in chosen:
            title = value if not name and len(chosen) > 1 else group if len(chosen) == 1 else f"{group} {value}"
            history = History(title, minutes[rows], values[value][rows], extras[rows])
            histories.append(in_order(history, lambda place, rows=rows: row_of(path, int(rows[place]))))  # type: ignore[misc]
    return histories


def _alike(files: Sequence[Path], columns: Columns, folder: Path) -> list[Path]:
    """The files of the commonest layout: same time column, same name column, same frequency."""
    layouts = {file: _layout(file, columns) for file in files}
    common, count = Counter(layouts.values()).most_common(1)[0]
    if count < len(files):
        left = [str(file.relative_to(folder)) for file in files if layouts[file] != common]
        log.warning(
            "%s: %d of %d tables are alike (%s) and are read; left out: %s; choose with --set files=PATTERN",
            folder, count, len(files), ", ".join(filter(None, common)), ", ".join(left),
        )  # fmt: skip
    return [file for file in files if layouts[file] == common]


def _layout(path: Path, columns: Columns) -> tuple[str, ...]:
    table = read_table(path)
    name = _name_column(table, columns.series, path)
    minutes = _minutes(table, path, columns.time)
    groups = table.groupby(name).indices.values() if name else [np.arange(len(table))]
    frequency = infer([np.unique(minutes[rows]) for rows in groups], str(path))
    return ("+".join(_time_columns(table, columns.time, path)).lower(), name.lower(), frequency.alias)


def _time_columns(table: "pd.DataFrame", wanted: str, path: Path) -> list[str]:
    by_lower = {str(name).lower(): str(name) for name in table.columns}
    if not wanted and all(part in by_lower for part in PARTS[:3]):
        return [by_lower[part] for part in PARTS if part in by_lower]
    return [column(table, path, wanted, TIMES, "time_column")]


def _minutes(table: "pd.DataFrame", path: Path, wanted: str) -> np.ndarray:
    """Minutes since 1970 of every row, (rows,) int64; offsets from UTC are dropped: clocks on the wall count."""
    import pandas as pd

    names = _time_columns(table, wanted, path)
    if len(names) > 1:
        parts = table[names].rename(columns=str.lower)
        times = pd.to_datetime(parts, errors="coerce")
    elif pd.api.types.is_datetime64_any_dtype(table[names[0]]):
        times = table[names[0]].dt.tz_localize(None)
    elif pd.api.types.is_numeric_dtype(table[names[0]]):
        times = _from_numbers(table[names[0]])
    else:
        times = _from_text(table[names[0]])
    if times.isna().any():
        row = int(np.argmax(times.isna()))
        text = " ".join(str(table[name].iloc[row]) for name in names)
        raise DataError(f"{row_of(path, row)}: '{text}' in column {names[0]} is not a time: write 2024-01-31 15:00")
    return times.to_numpy().astype("datetime64[m]").astype(np.int64)


def _from_numbers(numbers: "pd.Series[float]") -> "pd.Series[pd.Timestamp]":
    """Times of years, or of seconds or milliseconds since 1970; NaT for anything else."""
    import pandas as pd

    if numbers.between(*YEAR_RANGE).all():
        return pd.to_datetime(numbers.astype(int).astype(str) + "-01-01", errors="coerce")
    if numbers.abs().lt(EPOCH_SECONDS[0]).any():
        return pd.Series(pd.NaT, index=numbers.index)
    return pd.to_datetime(numbers, unit="s" if numbers.abs().max() < EPOCH_SECONDS[1] else "ms", errors="coerce")


def _from_text(texts: "pd.Series[str]") -> "pd.Series[pd.Timestamp]":
    """Times of ISO dates, or of any other way to write a date; NaT for what is none."""
    import pandas as pd

    local = texts.astype(str).str.strip().str.replace(OFFSET, r"\1", regex=True)
    times = pd.to_datetime(local, format="ISO8601", errors="coerce")
    return times if times.notna().sum() else pd.to_datetime(local, format="mixed", errors="coerce")


def _name_column(table: "pd.DataFrame", wanted: str, path: Path) -> str:
    """The column that tells series apart, "" when the table holds one series or one per column."""
    if wanted:
        return column(table, path, wanted, (), "series_column")
    by_lower = {str(name).lower(): str(name) for name in table.columns}
    return next((by_lower[name] for name in NAMES if name in by_lower), "")


def _value_columns(table: "pd.DataFrame", path: Path, wanted: Sequence[str], used: set[str]) -> list[str]:
    if wanted:
        return [column(table, path, name, (), "value_columns") for name in wanted]
    by_lower = {str(name).lower(): str(name) for name in table.columns}
    usual = [by_lower[name] for name in VALUES if name in by_lower]
    if usual:
        return usual[:1]
    numeric = [name for name in table.select_dtypes("number").columns if name not in used]
    numeric = [name for name in numeric if str(name).lower() not in COUNTERS]
    if not numeric:
        raise DataError(f"{path}: no column of numbers beside the time: name one with --set value_columns=COLUMN")
    if len(numeric) > 1:
        log.info("%s: every column of numbers is a series: %s", path, ", ".join(numeric))
    return numeric


def _numbers(table: "pd.DataFrame", name: str, path: Path) -> np.ndarray:
    """A column as float64, NaN where it is empty."""
    import pandas as pd

    numbers = pd.to_numeric(table[name], errors="coerce")
    wrong = numbers.isna() & table[name].notna()
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{row_of(path, row)}: '{table[name].iloc[row]}' in column {name} is not a number: correct it")
    return numbers.to_numpy(float)
