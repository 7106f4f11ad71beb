"""What many repeats of a call took: medians that a busy machine disturbs little, and ratios paired turn by turn."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WARMUP_SHARE = 0.25  # of a turn: caches, clocks and allocators settle before it counts
MOST_RUNS = 2_000  # per turn: enough for a median
NS_PER_US = 1_000.0


@dataclass(frozen=True)
class Timing:
    """Nanoseconds per unit of work, one tuple of repeats for every turn that a peer had."""

    turns: tuple[tuple[float, ...], ...]

    @property
    def medians(self) -> list[float]:
        """The median of each turn."""
        return [statistics.median(turn) for turn in self.turns]

    @property
    def median(self) -> float:
        """The median of the turns' medians."""
        return statistics.median(self.medians)

    @property
    def fastest(self) -> float:
        """The fastest repeat of all."""
        return min(min(turn) for turn in self.turns)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles of all repeats, as a share of the median."""
        times = [time for turn in self.turns for time in turn]
        if len(times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(times, n=4, method="inclusive")
        return (high - low) / 2 / self.median

    def row(self) -> dict[str, Any]:
        """The numbers of a table's row."""
        return {
            "median_us": self.median / NS_PER_US,
            "fastest_us": self.fastest / NS_PER_US,
            "spread": self.spread,
            "runs": sum(len(turn) for turn in self.turns),
            "turns": len(self.turns),
        }


def speedups(timing: Timing, reference: Timing) -> list[float]:
    """How many times faster than `reference` in each turn.

    The turns alternate, so that whatever else slows the machine down for a while slows both sides of a ratio.
    """
    return [theirs / ours for ours, theirs in zip(timing.medians, reference.medians, strict=True)]


def speedup(timing: Timing, reference: Timing) -> float:
    """How many times faster than `reference`: the median over the turns."""
    return statistics.median(speedups(timing, reference))


def timed_rows(timings: Mapping[str, Timing], references: Sequence[str]) -> list[dict[str, Any]]:
    """One row per peer: its numbers and its speed relative to every reference that was measured.

    "speedup" is the median over the turns, "speedup_range" the lowest and the highest turn.
    """
    present = [name for name in references if name in timings]
    rows = []
    for peer, timing in timings.items():
        turns = {name: speedups(timing, timings[name]) for name in present}
        medians = {name: statistics.median(ratios) for name, ratios in turns.items()}
        ranges = {name: [min(ratios), max(ratios)] for name, ratios in turns.items()}
        rows.append({"peer": peer, **timing.row(), "speedup": medians, "speedup_range": ranges})
    return rows


def repeat(call: Callable[[], Any], seconds: float) -> list[int]:
    """Nanoseconds of each call made within `seconds`, one at least, after a warm-up."""
    _for_a_while(call, WARMUP_SHARE * seconds)
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _for_a_while(call, seconds)
    finally:
        if collecting:
            gc.enable()


def _for_a_while(call: Callable[[], Any], seconds: float) -> list[int]:
    clock, times = time.perf_counter_ns, []
    end = clock() + round(seconds * 1e9)
    while True:
        started = clock()
        call()
        finished = clock()
        times.append(finished - started)
        if finished >= end or len(times) == MOST_RUNS:
            return times
