"""What `gatewise predict` prints: one function per application, from arguments to lines of text or JSON."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from gatewise.errors import InputError

CHUNK_SECONDS = 0.1  # sound fed at a time with --stream, as from a microphone


def text_generation(predictor: Any, options: Namespace) -> Iterator[str]:
    """The prompt's continuation, piece by piece."""
    arguments = {
        "length": options.length,
        "temperature": options.temperature,
        "top_k": options.top_k,
        "top_p": options.top_p,
        "seed": options.seed,
        "stop": options.stop,
    }
    prompt = " ".join(_inputs(options))
    if options.json:
        yield json.dumps({"prompt": prompt, "text": predictor.predict(prompt, **arguments)}, ensure_ascii=False)
    else:
        yield from predictor.stream(prompt, **arguments)
    yield "\n"


def sentiment(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per text."""
    texts = _inputs(options)
    if not texts:
        raise InputError("no text to judge: give it as an argument, or - to read lines from standard input")
    for text, found in zip(texts, predictor.predict(texts), strict=True):
        plain = f"{found.label}  {found.probability:.1%}  {text}"
        yield (json.dumps({"text": text, **asdict(found)}, ensure_ascii=False) if options.json else plain) + "\n"


def forecasting(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per step ahead."""
    from gatewise.series_csv import read_history

    for path in _files(options, "a CSV file of the history"):
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


def speech_commands(predictor: Any, options: Namespace) -> Iterator[str]:
    """One line per clip, or with --stream one per command heard."""
    from gatewise.audio import read_wav

    for path in _files(options, "a WAV file"):
        samples, rate = read_wav(path)
        if options.stream:
            size = max(1, int(CHUNK_SECONDS * rate))
            chunks = (samples[begin : begin + size] for begin in range(0, len(samples), size))
            for heard in predictor.stream(chunks, rate):
                plain = f"{heard.time_s:8.2f} s  {heard.label}  {heard.probability:.1%}  {path}"
                yield (json.dumps({"file": path, **asdict(heard)}) if options.json else plain) + "\n"
        else:
            command = predictor.predict(samples, rate)
            plain = f"{command.label}  {command.probability:.1%}  {path}"
            yield (json.dumps({"file": path, **asdict(command)}) if options.json else plain) + "\n"


ANSWERS: dict[str, Callable[[Any, Namespace], Iterator[str]]] = {
    "text_generation": text_generation,
    "sentiment": sentiment,
    "forecasting": forecasting,
    "speech_commands": speech_commands,
}


def _inputs(options: Namespace) -> list[str]:
    """Texts from the arguments, or from standard input's lines for a single dash."""
    if options.input == ["-"]:
        return [line for line in sys.stdin.read().splitlines() if line.strip()]
    return list(options.input)


def _files(options: Namespace, what: str) -> list[str]:
    if not options.input:
        raise InputError(f"nothing to predict from: give {what}")
    return list(options.input)
