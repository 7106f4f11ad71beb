"""What `gatewise predict` takes and prints for forecasting."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from gatewise.commands import ArgumentGroup, files
from gatewise.errors import InputError


def add_options(group: ArgumentGroup) -> None:
    """Add what this application alone understands."""
    group.add_argument("--column", help="CSV column that holds the values; as in training without")
    group.add_argument("--time", metavar="COLUMN", help="CSV column that holds the times; as in training without")


def answer(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per step ahead; of several series one after the other."""
    from gatewise.series_csv import Wanted, read_histories

    wanted = Wanted(predictor.extras, options.column, options.time, predictor.context)
    for path in files(options, "a CSV file of the history"):
        histories, reading = read_histories(path, predictor.bundle.settings, wanted)
        answers = [(history.name, _forecast(predictor, path, history)) for history in histories]
        for note in reading.notes:
            if note.doubtful:
                print(f"gatewise: {note.about}: {note.chosen}", file=sys.stderr)  # noqa: T201, beside the answer
        yield from _as_json(path, answers) if options.json else _as_csv(answers)


def _forecast(predictor: Any, path: str, history: Any) -> Any:
    try:
        return predictor.predict(history.values, history.times, history.extra or None)
    except InputError as error:
        where = f"{path}, series '{history.name}'" if history.name else path
        raise InputError(f"{where}: {error}") from None


def _as_json(path: str, answers: list[tuple[str, Any]]) -> Iterator[str]:
    for name, forecast in answers:
        ahead = [{"time": time, **dict(zip(_names(forecast), row, strict=True))} for time, row in _steps(forecast)]
        yield json.dumps({"file": path, **({"series": name} if name else {}), "forecast": ahead}) + "\n"


def _as_csv(answers: list[tuple[str, Any]]) -> Iterator[str]:
    several = len(answers) > 1
    yield ",".join([*(["series"] if several else []), "time", *_names(answers[0][1])]) + "\n"
    for name, forecast in answers:
        quoted = f'"{name}"' if "," in name else name
        for time, row in _steps(forecast):
            yield ",".join([*([quoted] if several else []), time, *(f"{value:.6g}" for value in row)]) + "\n"


def _names(forecast: Any) -> list[str]:
    return [f"q{quantile:g}" for quantile in forecast.quantiles]


def _steps(forecast: Any) -> list[tuple[str, list[float]]]:
    return list(zip(map(str, forecast.times), forecast.values.tolist(), strict=True))
