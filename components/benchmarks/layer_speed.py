"""Table `layer_speed`: one GRU layer as different tools run it, the same Keras model behind every file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.benchmarks.markdown import MISSING, duration, grid, share, times
from components.benchmarks.preparing import prepared
from components.benchmarks.processes import Case, Effort, LivePeer, Peer, note, race, started, swapping, thread_counts
from components.benchmarks.timing import timed_rows
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

    from components.converters import GraphSpec

TITLE = "One GRU layer"
TEXT = (
    "A Keras model of one GRU, (batch, time, features) → its last state (batch, units), from numpy to numpy. Beside "
    "every time: half the distance between the quartiles, and the speed relative to the stock conversion. onnxruntime "
    "has no integer GRU: the int8 file's weights become float32 when it is opened, and then both files run the same."
)
STOCK = "stock tf2onnx"
OURS, OURS_INT8 = "Gatewise ONNX", "Gatewise ONNX int8"
BATCHES = (1, 32)
OPSET = 18
PEERS = (
    Peer(STOCK, "sessions"),
    Peer("TensorFlow call", "tensorflow_loops"),
    Peer("Keras predict", "tensorflow_loops"),
    Peer("PyTorch", "torch_loops"),
    Peer("LiteRT", "sessions"),
    Peer("LiteRT int8", "sessions"),
    Peer(OURS, "sessions"),
    Peer(OURS_INT8, "sessions"),
)
TASKS = {"TensorFlow call": "graph", "Keras predict": "predict", "PyTorch": "layer"}
VARIANTS = {"LiteRT": "tflite", "LiteRT int8": "tflite-int8", OURS: "onnx", OURS_INT8: "onnx-int8"}
PRECISIONS = {"LiteRT": "float32", "LiteRT int8": "int8"}


@dataclass(frozen=True)
class Shape:
    """A layer: steps × features → units."""

    name: str
    time: int
    features: int
    units: int

    @property
    def label(self) -> str:
        """As the tables name it."""
        return f"{self.name} {self.time}×{self.features}→{self.units}"


SHAPES = (Shape("speech", 49, 40, 128), Shape("series", 100, 100, 64), Shape("text", 200, 128, 256))


def prepare(folder: Path) -> None:
    """Write every file of every shape, and `files.json`: shape → peer → batch ("any" where it is free) → file name."""
    files: dict[str, dict[str, dict[str, str]]] = {}
    for shape in SHAPES:
        target = folder / shape.name
        target.mkdir()
        model = network(shape)
        model.save(target / "model.keras")
        _stock(model, target / "stock.onnx")
        files[shape.name] = {STOCK: {"any": "stock.onnx"}, **_converted(model, shape, target)}
        files[shape.name] |= {peer: {"any": "model.keras"} for peer in TASKS}
    (folder / "files.json").write_text(json.dumps(files))


def network(shape: Shape) -> "keras.Model":
    """The Keras model that everybody runs."""
    import keras

    keras.utils.set_random_seed(0)
    x = keras.Input((None, shape.features), name="x")
    state = keras.layers.GRU(shape.units, name="state")(x)  # (batch, units)
    return keras.Model(x, {"state": state}, name=shape.name)


def _stock(model: "keras.Model", path: Path) -> None:
    """The file that tf2onnx makes of the model with nothing but its documented call."""
    import tensorflow as tf
    import tf2onnx

    signature = (tf.TensorSpec(model.input.shape, tf.float32, name="x"),)
    graph = tf.function(lambda x: model(x, training=False)["state"], input_signature=signature, jit_compile=False)
    tf2onnx.convert.from_function(graph, input_signature=signature, opset=OPSET, output_path=str(path))


def _converted(model: "keras.Model", shape: Shape, folder: Path) -> dict[str, dict[str, str]]:
    """Our conversions by peer; TFLite's are fixed, one file per batch."""
    from components.benchmarks.peers.sessions import noise
    from components.converters import GraphSpec, TensorSpec, convert_variants

    spec = GraphSpec(
        (TensorSpec("x", ("batch", "time", shape.features)),),
        (TensorSpec("state", ("batch", shape.units)),),
        {"batch": 1, "time": shape.time},
    )
    cases = [noise({"x": (1, shape.time, shape.features)}, {})]
    made = convert_variants(model, spec, folder, cases)
    found = {peer: made[name] for peer, name in VARIANTS.items() if name in made}
    files = {p: {str(v.fixed["batch"]) if "batch" in v.fixed else "any": v.file} for p, v in found.items()}
    for peer, name in _tflite_batch(model, spec, folder).items():
        files.setdefault(peer, {})[str(BATCHES[-1])] = name
    return files


def _tflite_batch(model: "keras.Model", spec: "GraphSpec", folder: Path) -> dict[str, str]:
    """TFLite files of the larger batch by peer, none where the converter refuses."""
    from components.converters.tflite.to_tflite import TfliteJob, write_tflite

    larger = replace(spec, fixed={**spec.fixed, "batch": BATCHES[-1]})
    names = {peer: f"{VARIANTS[peer]}.batch{BATCHES[-1]}.tflite" for peer in PRECISIONS}
    try:
        write_tflite(model, [TfliteJob(larger, folder / names[peer], PRECISIONS[peer]) for peer in PRECISIONS])
    except ConversionError:
        return {}
    return names


def run(folder: Path, effort: Effort) -> dict[str, Any]:
    """The table."""
    models = prepared("layer_speed", folder)
    files = json.loads((models / "files.json").read_text())
    rows: list[dict[str, Any]] = []
    swapped: list[dict[str, Any]] = []
    notes: list[str] = []
    for threads in thread_counts():
        with started(PEERS, threads, notes) as live:
            for shape in SHAPES:
                for batch in BATCHES:
                    cases = _cases(shape, batch, files[shape.name], models / shape.name, notes)
                    cell = {"shape": shape.name, "label": shape.label, "batch": batch, "threads": threads}
                    rows += [cell | row for row in timed_rows(race(live, cases, notes, effort), [STOCK])]
                    if threads == 1:
                        swapped += [cell | row for row in _int8_beside_float(live, cases, notes, effort)]
    return {"rows": rows, "int8_beside_float": swapped, "notes": notes}


def _int8_beside_float(
    live: Sequence[LivePeer], cases: Mapping[str, Case], notes: list[str], effort: Effort
) -> list[dict[str, Any]]:
    """How fast our int8 file is beside our float32 one, as a row: the files swap their processes after every turn."""
    pair = [peer for peer in live if peer.peer.label in (OURS, OURS_INT8) and peer.peer.label in cases]
    timings = swapping(pair, cases, notes, effort) if len(pair) == 2 else {}
    return [row for row in timed_rows(timings, [OURS]) if row["peer"] == OURS_INT8]


def _cases(
    shape: Shape, batch: int, files: Mapping[str, Mapping[str, str]], folder: Path, notes: list[str]
) -> dict[str, Case]:
    """What each peer that has a file for this batch is asked to run."""
    cases: dict[str, Case] = {}
    for peer in PEERS:
        known = files.get(peer.label, {})
        name = known.get(str(batch)) or known.get("any")
        if name is None:
            note(notes, f"{peer.label} has no file for {shape.label} at batch {batch}.")
            continue
        cases[peer.label] = {
            "of": f"{shape.label}, batch {batch}",
            "file": str(folder / name),
            "task": TASKS.get(peer.label, ""),
            "shapes": {"x": [batch, shape.time, shape.features]},
            "positional": True,
            "features": shape.features,
            "units_of_gru": shape.units,
        }
    return cases


def lines(table: Mapping[str, Any]) -> list[str]:
    """The table as Markdown: one grid per number of threads, one column per peer."""
    rows: Sequence[Mapping[str, Any]] = table["rows"]
    peers = [peer.label for peer in PEERS if any(row["peer"] == peer.label for row in rows)]
    found = {(row["threads"], row["label"], row["batch"], row["peer"]): row for row in rows}
    written: list[str] = []
    for threads in sorted({row["threads"] for row in rows}):
        cells = dict.fromkeys((row["label"], row["batch"]) for row in rows if row["threads"] == threads)
        written += ["", f"Threads: {threads}", ""]
        written += grid(
            ["layer", "batch", *peers],
            [
                [label, str(batch), *(_cell(found.get((threads, label, batch, p))) for p in peers)]
                for label, batch in cells
            ],
        )
    written += ["", "The int8 file beside the float32 one, one thread, swapping their processes after every turn:", ""]
    return written + grid(
        ["layer", "batch", f"× {OURS}", "worst turn", "best turn"],
        [_cells_beside(row) for row in table.get("int8_beside_float", ())],
    )


def _cells_beside(row: Mapping[str, Any]) -> list[str]:
    ratios = (row["speedup"][OURS], *row["speedup_range"][OURS])
    return [row["label"], str(row["batch"]), *(f"{ratio:.3f}×" for ratio in ratios)]


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return MISSING
    ratio = row["speedup"].get(STOCK)
    return f"{duration(row['median_us'])} {share(row['spread'])}" + ("" if ratio is None else f" ({times(ratio)})")
