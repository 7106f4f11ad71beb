"""From the clock that a table was written by to minutes since 1970."""

import numpy as np

from gatewise.reading import Reading
from gatewise.time_forms import Times

MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
WALL, UTC = "", "UTC"


def minutes_and_zone(times: Times, reading: Reading, about: str = "time zone") -> tuple[np.ndarray, str]:
    """Minutes since 1970, (rows,) int64, and the zone they are kept in: "UTC", or "" for the clock on the wall.

    With offsets, rows within days are kept in UTC, where no hour comes twice or never; one row a day stays on its
    place's clock, which knows no day of 23 hours.

    Raises:
        ValueError: rows are less than a minute apart.
    """
    moments, zone = times.local, WALL
    if times.offset is not None:
        utc = moments - times.offset * MINUTE_US
        if len(np.unique(moments % DAY_US)) == 1 and len(np.unique(moments)) == len(np.unique(utc)):
            if times.offset.any():
                reading.say(about, "the clock of the place is kept and the offset dropped: one row a day")
        else:
            moments, zone = utc, UTC
            reading.say(about, "kept in UTC, since the times state their offset from it")
    minutes = moments // MINUTE_US
    different = np.unique(moments)
    if len(np.unique(different // MINUTE_US)) < len(different):
        finest = int(np.diff(different).min()) / 1e6
        raise ValueError(f"rows are {finest:g} seconds apart, finer than a minute: resample the table to minutes")
    return minutes, zone
