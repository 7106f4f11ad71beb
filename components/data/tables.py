"""Tables of the user's own: one reader for every format, and errors that name the file, the row and the column."""

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

CSV_FORMATS = {".csv": ",", ".tsv": "\t"}  # suffix → separator
JSON_FORMATS = (".jsonl", ".ndjson")
PARQUET_FORMATS = (".parquet",)
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zip", ".zst")
FORMATS = (*CSV_FORMATS, *JSON_FORMATS, *PARQUET_FORMATS)


def read_table(path: Path, text_only: bool = False, keep_dates: bool = False) -> "pd.DataFrame":
    """The table in a CSV, TSV, JSON Lines or Parquet file, compressed or not.

    Args:
        path: the file.
        text_only: leave every CSV cell as the text that stands there: "NA" and "None" are words, 01 is not 1.
        keep_dates: leave what JSON holds in columns named like dates as it stands there.

    Raises:
        DataError: not such a file, nothing in it, not UTF-8, or rows that do not fit its header.
    """
    reader = _reader(path, text_only, keep_dates)
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: give a table with a header line and rows")
    table = _read(path, reader)
    if table.empty:
        raise DataError(f"{path} has a header but no rows: give a table with rows")
    table.columns = [str(name).strip() for name in table.columns]
    return table


def is_table(path: Path) -> bool:
    """Whether a file's name says that `read_table` reads it."""
    return path.is_file() and _format(path) in FORMATS


def is_text_table(path: Path) -> bool:
    """Whether a file's name says that it holds rows of separated text."""
    return _format(path) in CSV_FORMATS


def _format(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _reader(path: Path, text_only: bool, keep_dates: bool) -> Callable[[], "pd.DataFrame"]:
    import pandas as pd

    kind = _format(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file: give an existing table")
    if kind in CSV_FORMATS:
        as_text: Mapping[str, Any] = {"dtype": str, "keep_default_na": False} if text_only else {}
        return lambda: pd.read_csv(path, sep=CSV_FORMATS[kind], encoding="utf-8-sig", **as_text)
    if kind in JSON_FORMATS:
        as_it_is: Mapping[str, Any] = {"convert_dates": False} if keep_dates else {}
        return lambda: pd.read_json(path, lines=True, encoding="utf-8", dtype=False if text_only else None, **as_it_is)
    if kind in PARQUET_FORMATS:
        return lambda: pd.read_parquet(path)
    raise DataError(f"{path}: not a table that can be read: use one of {', '.join(FORMATS)}")


def _read(path: Path, reader: Callable[[], "pd.DataFrame"]) -> "pd.DataFrame":
    import pandas as pd

    try:
        return reader()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 (byte 0x{error.object[error.start]:02x} at {error.start}): save it as UTF-8"
        ) from None
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty: give a table with a header line and rows") from None
    except (ValueError, OSError, EOFError, zlib.error) as error:  # pandas' parser errors and pyarrow's are ValueErrors
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path} cannot be read as {_format(path)[1:]}: {reason}") from None
