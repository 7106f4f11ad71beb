"""Tables of series as columns of text or numbers, whatever file they came in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.data.choices import chose, doubt
from components.data.tables import is_text_table, read_table
from components.errors import DataError
from gatewise.reading import Reading
from gatewise.series_sheet import Sheet, read_text_sheet, unpaired

if TYPE_CHECKING:
    import pandas as pd

GUESSED_FROM = 1 << 17  # bytes that an encoding is guessed from
PLAIN_TEXT = (".txt", ".dat", ".zip")  # read as separated text where a file of that name is asked for
MOSTLY_ASCII = 0.3  # of a Western text's letters at the most are not ASCII: too few to tell its code pages apart by


def read_sheet(path: Path, reading: Reading) -> Sheet:
    """The table in a file, with one row of names and one column per quantity.

    Raises:
        DataError: not a table, or nothing in it.
        InputError: a text table whose rows do not fit its header.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file: give an existing table")
    if is_text_table(path) or path.suffix.lower() in PLAIN_TEXT:
        sheet = read_text_sheet(path, reading, guessed)
    else:
        sheet = unpaired(_from_frame(path, read_table(path, keep_dates=True)))
    if not len(sheet.lines):
        raise DataError(f"{path} has a header but no rows: give a table with rows")
    return sheet


def guessed(data: bytes) -> str:
    """The likeliest encoding of bytes that are no Unicode; cp1252 where most letters are ASCII."""
    from charset_normalizer import from_bytes

    sample = data[:GUESSED_FROM]
    beyond, letters = sum(byte > 127 for byte in sample), sum(bytes([byte]).isalpha() for byte in sample)
    if beyond <= MOSTLY_ASCII * (beyond + letters):
        return "cp1252"
    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _from_frame(path: Path, frame: "pd.DataFrame") -> Sheet:
    """The columns of a pandas table; an index that says something comes first."""
    import pandas as pd

    index = frame.index
    if isinstance(index, pd.DatetimeIndex | pd.PeriodIndex) or any(name is not None for name in index.names):
        names = [str(name) if name is not None else "time" for name in frame.index.names]
        chose("time column", f"{path.name}: the index, {', '.join(names)}, is read as columns")
        frame = frame.rename_axis(index=names).reset_index()
    columns = {str(name): _column(frame[name]) for name in frame.columns}
    return Sheet(path, columns, np.arange(1, len(frame) + 1), "row")


def _column(column: "pd.Series[Any]") -> Sequence[str] | np.ndarray:
    """A column as numbers, or as the texts that a CSV file would hold."""
    import pandas as pd

    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(column):
        return ["" if pd.isna(moment) else moment.isoformat(sep=" ") for moment in column]
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(float, na_value=np.nan)
    return ["" if value is None or value != value else str(value) for value in column.tolist()]


def tell(reading: Reading) -> None:
    """Say and keep what was found out while tables were read."""
    for note in reading.notes:
        (doubt if note.doubtful else chose)(note.about, note.chosen)
    reading.notes.clear()
