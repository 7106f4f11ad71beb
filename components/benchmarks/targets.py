"""What the project set out to reach, beside what was measured; what was not measured is said to be so."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.benchmarks import audio, cold_start, generation, layer_speed
from components.benchmarks.markdown import MISSING, grid

Tables = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]
US_PER_MS = 1_000.0
RUNTIME = "onnxruntime"
EXACT, INT8 = "onnx", "onnx-int8"  # variants
RUNS = ("imdb", "shakespeare", "stocks", "speech_commands")  # of `make quality`
ACCURACIES = ("accuracy",)  # metrics in per cent of which more is better


@dataclass(frozen=True)
class Target:
    """A promise: what it says, its limit and its unit, and how the tables answer it.

    Attributes:
        measured: the number that decides, None where nothing was measured.
        at_least: whether the number must reach the limit; else it must not pass it.
    """

    says: str
    limit: float
    unit: str
    measured: Callable[[Tables], float | None]
    at_least: bool = True

    def reached(self, value: float | None) -> bool | None:
        """Whether a measured number keeps the promise."""
        if value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit


def judged(tables: Tables) -> list[dict[str, Any]]:
    """Every target with its measured number and whether it is reached, from tables by name.

    Args:
        tables: what the tables' modules returned, by table name, and under "quality" the runs of `make quality`.
    """
    rows = []
    for target in TARGETS:
        value = target.measured(tables)
        limit = f"{'≥' if target.at_least else '≤'} {target.limit:g} {target.unit}"
        rows.append({"target": target.says, "limit": limit, "measured": value, "reached": target.reached(value)})
    return rows


def lines(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The targets as Markdown."""
    words = {True: "yes", False: "**no**", None: "not measured"}
    shown = [
        [
            row["target"],
            row["limit"],
            MISSING if row["measured"] is None else f"{row['measured']:.3g}",
            words[row["reached"]],
        ]
        for row in rows
    ]
    return grid(["target", "limit", "measured", "reached"], shown)


def _rows(tables: Tables, name: str, **wanted: Any) -> Rows:
    """The rows of a table that hold the wanted values."""
    rows = tables.get(name, {}).get("rows", ())
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def _lowest(values: Iterable[float]) -> float | None:
    return min(values, default=None)


def _highest(values: Iterable[float]) -> float | None:
    return max(values, default=None)


def _over_stock(**wanted: Any) -> Callable[[Tables], float | None]:
    """The smallest speed relative to the stock conversion, among the rows of our ONNX files that are wanted."""

    def measured(tables: Tables) -> float | None:
        ours = {"peer": layer_speed.OURS, **wanted}
        rows = _rows(tables, "layer_speed", **ours)
        return _lowest(row["speedup"][layer_speed.STOCK] for row in rows if layer_speed.STOCK in row["speedup"])

    return measured


def _int8_rows(tables: Tables) -> Rows:
    """Our int8 layers beside our float32 ones, on one thread."""
    return list(tables.get("layer_speed", {}).get("int8_beside_float", ()))


def _int8_over_float(tables: Tables) -> float | None:
    """The smallest speed of our int8 layer relative to our float32 one: the median of the turns."""
    return _lowest(row["speedup"][layer_speed.OURS] for row in _int8_rows(tables))


def _int8_writer(tables: Tables, units: int) -> Mapping[str, Any] | None:
    """The fastest of our int8 rows on one thread, in the runtime that the light package always has."""
    rows = _rows(tables, "generation", units=units, threads=1, precision="int8", runtime=RUNTIME)
    return max(rows, key=lambda row: float(row["per_second"]), default=None)


def _over_torch(tables: Tables) -> float | None:
    """Characters per second at 512 units relative to the faster of PyTorch's loops."""
    ours = _int8_writer(tables, 512)
    if ours is None:
        return None
    return _lowest(
        ours["speedup"][name] for name in (generation.TORCH, generation.TORCH_CELL) if name in ours["speedup"]
    )


def _over_keras(tables: Tables) -> float | None:
    """Characters per second relative to a loop over `predict`, at the size where that is less."""
    writers = [row for units in generation.UNITS if (row := _int8_writer(tables, units))]
    return _lowest(row["speedup"][generation.KERAS] for row in writers if generation.KERAS in row["speedup"])


def _packet(tables: Tables) -> float | None:
    """Microseconds per packet through the predictor as it is loaded, on one thread."""
    return _highest(row["median_us"] for row in _rows(tables, "audio", peer=f"{audio.OURS}, feed", threads=1))


def _first_answer(tables: Tables) -> float | None:
    """Milliseconds to the first answer of the slowest application."""
    return _highest(row["median_us"] / US_PER_MS for row in _rows(tables, "cold_start", peer=cold_start.LIGHT))


def _memory(tables: Tables) -> float | None:
    return _highest(row["megabytes"] for row in _rows(tables, "cold_start", peer=cold_start.LIGHT))


def _quality_bytes(run: str, unit: float) -> Callable[[Tables], float | None]:
    """Size of the int8 ONNX file of a run of `make quality`, in `unit` bytes."""

    def measured(tables: Tables) -> float | None:
        variant = tables.get("quality", {}).get(run, {}).get("variants", {}).get(INT8)
        return None if variant is None else variant["bytes"] / unit

    return measured


def _shipped(tables: Tables) -> Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Of each run of `make quality`: its metric, its float32 ONNX file and its int8 one, as they were measured."""
    for run in tables.get("quality", {}).values():
        variants = run.get("variants", {})
        if EXACT in variants and INT8 in variants:
            yield run["metric"], variants[EXACT], variants[INT8]


def _share(run: str) -> Callable[[Tables], float | None]:
    """Bytes of a run's int8 file as a share of its float32 file's."""

    def measured(tables: Tables) -> float | None:
        found = _shipped({"quality": {run: tables.get("quality", {}).get(run, {})}})
        return _highest(small["bytes"] / exact["bytes"] for _, exact, small in found)

    return measured


def _loss_in_points(tables: Tables) -> float | None:
    """Accuracy lost by int8, points, the largest."""
    found = _shipped(tables)
    return _highest(exact["metric"] - small["metric"] for metric, exact, small in found if metric in ACCURACIES)


def _loss_in_percent(tables: Tables) -> float | None:
    """What int8 adds to a loss, such as nats, in per cent of it, the largest."""
    found = [(exact["metric"], small["metric"]) for name, exact, small in _shipped(tables) if name not in ACCURACIES]
    return _highest(100 * (small - exact) / exact for exact, small in found)


TARGETS = (
    Target(
        "series layer, batch 1, 1 thread, over stock tf2onnx", 8, "×", _over_stock(shape="series", batch=1, threads=1)
    ),
    Target("any layer, batch and threads, over stock tf2onnx", 1, "×", _over_stock()),
    Target("int8 layer over float32, 1 thread, the slowest", 1, "×", _int8_over_float),
    Target("characters/s at 512 units, int8 in onnxruntime, over PyTorch's faster loop", 3, "×", _over_torch),
    Target("characters/s, int8, over a Keras predict loop, the lower of both sizes", 100, "×", _over_keras),
    Target(f"20 ms of sound, {audio.UNITS} units, all in, 1 thread", 150, "µs", _packet, at_least=False),
    Target("cold start to first answer, the slowest application", 250, "ms", _first_answer, at_least=False),
    Target("cold start, memory of the largest application", 100, "MB", _memory, at_least=False),
    *(Target(f"int8 file over float32, {run}", 0.30, "×", _share(run), at_least=False) for run in RUNS),
    Target("int8, loss of accuracy, the largest", 0.2, "points", _loss_in_points, at_least=False),
    Target("int8, loss of nats or pinball loss, the largest", 0.5, "%", _loss_in_percent, at_least=False),
    Target("speech `base`, int8 file", 150, "kB", _quality_bytes("speech_commands", 1e3), at_least=False),
    Target("sentiment `base`, int8 file", 1.5, "MB", _quality_bytes("imdb", 1e6), at_least=False),
)
