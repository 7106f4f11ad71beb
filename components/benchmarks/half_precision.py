"""Table `half_precision`: whether weights stored in 16 bits gain anything, beside float32 and int8."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.benchmarks.markdown import duration, grid, share, speedup_of
from components.benchmarks.preparing import prepared
from components.benchmarks.processes import Case, Effort, Peer, race, started
from components.benchmarks.timing import timed_rows

if TYPE_CHECKING:
    import keras
    import onnx

    from components.converters import GraphSpec

TITLE = "Half precision"
TEXT = (
    "One step of a character model of 512 units, from numpy to numpy, on one thread. Both runtimes widen float16 "
    "weights to float32 when they open a file, and onnxruntime also widens a graph that is float16 throughout, having "
    "no such kernels for this processor: as fast as float32 at twice the bytes of int8. No bundle ships one."
)
UNITS, VOCABULARY, EMBEDDING = 512, 66, 64
ONNX, ONNX_HALF, ONNX_INT8 = "ONNX float32", "ONNX float16", "ONNX int8"
ONNX_HALF_THROUGHOUT = "ONNX float16 throughout"
TFLITE = {"TFLite float32": "float32", "TFLite float16": "float16", "TFLite int8": "int8"}
PEERS = tuple(Peer(label, "sessions") for label in (ONNX, ONNX_HALF, ONNX_HALF_THROUGHOUT, ONNX_INT8, *TFLITE))
SMALLEST = 1_024  # elements: below, a weight is not worth the node that widens it


def prepare(folder: Path) -> None:
    """Write every file, and `files.json`: peer → file name."""
    from components.converters.onnx.quantize import with_integer_products
    from components.converters.onnx.to_onnx import step_onnx_of, write
    from components.converters.tflite.to_tflite import TfliteJob, write_tflite

    model, graph = network()
    step = step_onnx_of(model, graph)
    documents = {
        ONNX: step,
        ONNX_HALF: with_half_weights(step),
        ONNX_HALF_THROUGHOUT: with_half_arithmetic(step),
        ONNX_INT8: with_integer_products(step),
    }
    files = {label: f"{label.replace(' ', '-')}.onnx" for label in documents}
    for label, proto in documents.items():
        write(proto, folder / files[label])
    files |= {label: f"{label.replace(' ', '-')}.tflite" for label in TFLITE}
    write_tflite(model, [TfliteJob(graph, folder / files[label], TFLITE[label]) for label in TFLITE])
    (folder / "files.json").write_text(json.dumps(files))


def network() -> "tuple[keras.Model, GraphSpec]":
    """The model that every file holds: ids and a state → logits and the next state."""
    import keras

    from components.converters import GraphSpec, TensorSpec

    keras.utils.set_random_seed(0)
    ids, state = keras.Input((None,), dtype="int32", name="ids"), keras.Input((UNITS,), name="state_0")
    x = keras.layers.Embedding(VOCABULARY, EMBEDDING)(ids)  # (batch, time, embedding)
    gru = keras.layers.GRU(UNITS, return_sequences=True, return_state=True, bias_initializer="glorot_normal")
    x, last = gru(x, initial_state=state)  # (batch, time, units), (batch, units)
    logits = keras.layers.Dense(VOCABULARY, bias_initializer="ones")(x)
    following = keras.layers.Identity()(last)
    spec = GraphSpec(
        (TensorSpec("ids", ("batch", "time"), "int32"), TensorSpec("state_0", ("batch", UNITS))),
        (TensorSpec("logits", ("batch", "time", VOCABULARY)), TensorSpec("state_0_next", ("batch", UNITS))),
        {"batch": 1, "time": 1},
    )
    return keras.Model([ids, state], {"logits": logits, "state_0_next": following}, name="writer"), spec


def with_half_weights(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy of the document whose large weights are stored as float16."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    widening = []
    for constant in copy.graph.initializer:
        array = numpy_helper.to_array(constant)
        if array.dtype == np.float32 and array.size >= SMALLEST:
            name, half = constant.name, f"{constant.name}_half"
            constant.CopyFrom(numpy_helper.from_array(array.astype(np.float16), half))
            widening.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    nodes = [*widening, *copy.graph.node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    return copy


def with_half_arithmetic(proto: "onnx.ModelProto") -> "onnx.ModelProto":
    """A copy of the document that computes in float16, its inputs and outputs still float32."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    graph = copy.graph
    for constant in graph.initializer:
        array = numpy_helper.to_array(constant)
        if array.dtype == np.float32:
            constant.CopyFrom(numpy_helper.from_array(array.astype(np.float16), constant.name))
    entering = {value.name for value in graph.input if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    leaving = {value.name for value in graph.output if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    for node in graph.node:
        node.input[:] = [f"{name}_half" if name in entering | leaving else name for name in node.input]
        node.output[:] = [f"{name}_half" if name in leaving else name for name in node.output]
    narrowing = [helper.make_node("Cast", [name], [f"{name}_half"], to=TensorProto.FLOAT16) for name in entering]
    widening = [helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT) for name in leaving]
    nodes = [*narrowing, *graph.node, *widening]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return copy


def run(folder: Path, effort: Effort) -> dict[str, Any]:
    """The table."""
    models = prepared("half_precision", folder)
    files = json.loads((models / "files.json").read_text())
    notes: list[str] = []
    shapes = {"ids": [1, 1], "state_0": [1, UNITS]}
    cases: dict[str, Case] = {
        label: {"of": "a step", "file": str(models / name), "shapes": shapes, "types": {"ids": "int32"}}
        for label, name in files.items()
    }
    with started(PEERS, 1, notes) as live:
        rows = timed_rows(race(live, cases, notes, effort), [ONNX, next(iter(TFLITE))])
    sizes = {label: (models / name).stat().st_size for label, name in files.items()}
    return {"rows": [row | {"bytes": sizes[row["peer"]]} for row in rows], "notes": notes}


def lines(table: Mapping[str, Any]) -> list[str]:
    """The table as Markdown."""
    references = (ONNX, next(iter(TFLITE)))
    header = ["file", "bytes", "a step", "spread", *(f"× {name}" for name in references)]
    return grid(
        header,
        [
            [
                row["peer"],
                f"{row['bytes']:,}",
                duration(row["median_us"]),
                share(row["spread"]),
                *(speedup_of(row, name) for name in references),
            ]
            for row in table["rows"]
        ],
    )
