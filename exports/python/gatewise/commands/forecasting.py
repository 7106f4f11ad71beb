"""What `gatewise predict` takes and prints for forecasting."""

import json
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from gatewise.commands import ArgumentGroup, files


def add_options(group: ArgumentGroup) -> None:
    """Add what this application alone understands."""
    group.add_argument("--column", help="CSV column that holds the values")


def answer(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per step ahead."""
    from gatewise.series_csv import read_history

    for path in files(options, "a CSV file of the history"):
        history = read_history(path, predictor.extras, options.column)
        forecast = predictor.predict(history.values, history.times, history.extra or None)
        names = [f"q{quantile:g}" for quantile in forecast.quantiles]
        steps = list(zip(map(str, forecast.times), forecast.values.tolist(), strict=True))
        if options.json:
            ahead = [{"time": time, **dict(zip(names, row, strict=True))} for time, row in steps]
            yield json.dumps({"file": path, "forecast": ahead}) + "\n"
            continue
        yield ",".join(["time", *names]) + "\n"
        for time, row in steps:
            yield ",".join([time, *(f"{value:.6g}" for value in row)]) + "\n"
