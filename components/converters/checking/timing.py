"""How long calls take beside each other: the one timing loop by which files are measured and chosen."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

TURN_SECONDS = 0.2  # a turn is cut short after this many


def median_seconds(calls: Sequence[Callable[[], Any]], rounds: int, runs: int) -> list[float]:
    """Median seconds of each call; they take turns, so that a busy moment of the machine hits all of them alike.

    Args:
        calls: what is timed.
        rounds: turns of each.
        runs: calls in a turn, after one that does not count: it brings the weights into the cache again.
    """
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            call()
            turn = time.perf_counter()
            for _ in range(runs):
                started = time.perf_counter()
                call()
                taken.append(time.perf_counter() - started)
                if time.perf_counter() - turn > TURN_SECONDS:
                    break
    return [statistics.median(taken) for taken in times]
