"""Series made up for this project, the same for one seed: what can be learned in them is known, line by line."""

from collections.abc import Callable

import numpy as np

from components.forecasting.frequency import DAY, HOUR
from components.forecasting.series import History

START = 19_723 * DAY  # minutes; Monday 2024-01-01
ROADS, STATIONS, SHARES = 4, 2, 8
HOURS, BUSINESS_DAYS = 24 * 7 * 16, 1_500
RUSH = np.array([5, 3, 2, 2, 4, 12, 38, 72, 66, 46, 42, 46, 52, 50, 54, 66, 82, 86, 60, 40, 30, 24, 16, 9]) / 100
LEISURE = np.array([12, 8, 5, 4, 4, 6, 10, 16, 26, 38, 48, 56, 60, 60, 58, 56, 54, 50, 44, 36, 30, 26, 22, 17]) / 100


def city(seed: int) -> list[History]:
    """Hourly road traffic and air temperature over 16 weeks.

    Traffic: a workday and a weekend profile (a network that knows the day of the week knows which), times a level that
    wanders slowly (context), times noise that is wilder in rush hours (quantiles). Temperature: the sun's daily wave
    and fronts that decay over two days (autoregression).
    """
    rng = np.random.default_rng(seed)
    minutes = START + HOUR * np.arange(HOURS)
    hour, day = minutes // HOUR % 24, minutes // DAY % 7
    workday = ~np.isin(day, (2, 3))  # 1970-01-01 was a Thursday: day 2 is a Saturday
    histories = []
    for road in range(ROADS):
        profile = np.where(workday, RUSH[hour], LEISURE[hour])
        level = np.exp(_decaying(rng, HOURS, hours=60, deviation=0.25))
        noise = np.exp(rng.normal(0, 0.04 + 0.12 * profile))
        histories.append(_history(f"road {road + 1}", minutes, 1_000 * (road + 2) * profile * level * noise))
    for station in range(STATIONS):
        sun = 6 * np.sin(2 * np.pi * (hour - 9) / 24)
        air = 8 + 3 * station + sun + _decaying(rng, HOURS, hours=48, deviation=4) + rng.normal(0, 0.4, HOURS)
        histories.append(_history(f"air {station + 1}", minutes, air))
    return histories


def market(seed: int) -> list[History]:
    """Share prices of business days over six years.

    Changes cannot be predicted, their size can: volatility clusters as in GARCH(1,1) (Bollerslev 1986). No median beats
    the last price; honest quantiles widen after a shock.
    """
    rng = np.random.default_rng(seed)
    days = START // DAY + np.arange(BUSINESS_DAYS * 7 // 5 + 7)
    days = days[~np.isin(days % 7, (2, 3))][:BUSINESS_DAYS]
    histories = []
    for share in range(SHARES):
        usual = (0.008 + 0.012 * rng.random()) ** 2  # long-run variance of a day's change
        variance, change = usual, 0.0
        changes = np.empty(BUSINESS_DAYS)
        for day in range(BUSINESS_DAYS):
            variance = 0.03 * usual + 0.14 * change**2 + 0.83 * variance
            change = changes[day] = np.sqrt(variance) * rng.standard_normal()
        histories.append(_history(f"share {share + 1}", days * DAY, 50 * (share + 1) * np.exp(np.cumsum(changes))))
    return histories


def _decaying(rng: np.random.Generator, rows: int, hours: float, deviation: float) -> np.ndarray:
    """A first-order autoregressive path with a memory of so many rows and that standard deviation, (rows,)."""
    keep = np.exp(-1 / hours)
    path = np.empty(rows)
    path[0] = rng.normal(0, deviation)
    shocks = rng.normal(0, deviation * np.sqrt(1 - keep**2), rows)
    for row in range(1, rows):
        path[row] = keep * path[row - 1] + shocks[row]
    return path


def _history(name: str, minutes: np.ndarray, values: np.ndarray) -> History:
    return History(name, minutes.astype(np.int64), values, np.empty((len(values), 0)))


EMBEDDED: dict[str, Callable[[int], list[History]]] = {"embedded": city, "embedded_market": market}
