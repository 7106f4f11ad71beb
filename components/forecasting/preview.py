"""The first rows as they were understood."""

from pathlib import Path
from typing import Any

from components.forecasting.series import stamp

ROWS, SERIES = 3, 3  # of each series, and series


def preview(table: Path) -> list[dict[str, Any]]:
    """The first rows of the first series of an ingested table, with times to read."""
    import pandas as pd

    rows = pd.read_parquet(table)
    chosen = rows[rows["series"].isin(rows["series"].unique()[:SERIES])]
    first = chosen.groupby("series", sort=False).head(ROWS).to_dict("records")
    return [{"series": row.pop("series"), "time": str(stamp(row.pop("minutes"))), **row} for row in first]
