"""Every file that a model ships as.

| variant | what it is |
|---|---|
| onnx | float32, native `GRU` nodes, any batch and length |
| onnx-int8 | the same graph in a quarter of the bytes: weights stored in 8 bits, or large products on integers |
| onnx-step, onnx-step-int8 | models with states: one step per run, GRUs written out; int8 computes on integers |
| tflite, tflite-int8 | built-in operations, fixed axes; int8 is TFLite's dynamic range quantisation |
| tflite-micro, tflite-full-int8 | in integers as far as that is good enough: `integer_variants.py` |

A step variant ships only where it was measured to be faster than the graph it replaces. Integer products beside `GRU`
nodes are taken where they are faster and nearly as exact: an output layer of 4,000 word pieces, 256 units, is 1.6 times
as fast over 64 steps and 2.1 times over one; without a large layer beside the GRU nothing is gained, and weights stored
in 8 bits run exactly as float32 does.

There is no float16 variant: onnxruntime's CPU kernels and LiteRT widen float16 to float32 when they open a file, so it
is as fast as float32 at twice the bytes of int8 (`python -m components.benchmarks half_precision`: GRU of 512 units, 66
characters, µs a step: ONNX float32 135, float16 136 stored or 140 throughout, int8 31; TFLite 130, 132 and 12).
`to_tflite(…, precision="float16")` writes one all the same.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.checking.measuring import differences, first_step, median_us
from components.converters.onnx.quantize import with_int8_weights, with_integer_products
from components.converters.onnx.to_onnx import onnx_of, step_onnx_of, write
from components.converters.specs import GraphSpec, VariantFile
from components.converters.tflite.to_tflite import TfliteJob, write_tflite

if TYPE_CHECKING:
    import keras
    import onnx

log = logging.getLogger(__name__)

ONNX, TFLITE = "onnxruntime", "litert"
STORED, PRODUCTS = "stored weights", "integer products"  # ways to int8
WORTHWHILE = 1.1  # a variant must be this many times as fast as the one it replaces
LESS_EXACT = 3.0  # times as far from float32 as stored weights are: integer products may be, they are 2 times


def convert_variants(
    model: "keras.Model", graph: GraphSpec, folder: Path, cases: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, VariantFile]:
    """Write every variant of `model` into `folder`; the variants by name.

    Args:
        model: the trained model.
        graph: names and shapes; its fixed axes are those of the TFLite files and of one step.
        folder: where the files go.
        cases: real inputs by name, batch 1, for choosing between graphs that compute the same.

    Raises:
        ConversionError: the model cannot be expressed; the message names the layer.
    """
    return onnx_variants(model, graph, folder, cases) | tflite_variants(model, graph, folder)


def onnx_variants(
    model: "keras.Model", graph: GraphSpec, folder: Path, cases: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, VariantFile]:
    """Write the ONNX variants into `folder`; the variants by name."""
    whole, states = onnx_of(model, graph)
    variants = {
        "onnx": _written(whole, folder, "model.onnx", "float32"),
        "onnx-int8": _int8(whole, folder, cases),
    }
    if not states or not graph.fixed or not cases:
        return variants
    step = step_onnx_of(model, graph)
    variants["onnx-step"] = _written(step, folder, "model.step.onnx", "float32", graph.fixed)
    integer = with_integer_products(step)
    variants["onnx-step-int8"] = _written(integer, folder, "model.step.int8.onnx", "int8", graph.fixed)
    return _worthwhile(variants, folder, first_step(graph, cases[0]))


def tflite_variants(model: "keras.Model", graph: GraphSpec, folder: Path) -> dict[str, VariantFile]:
    """Write the TFLite variants that need no calibration into `folder`; the variants by name."""
    write_tflite(model, tflite_jobs(graph, folder))
    return tflite_files(graph)


def tflite_jobs(graph: GraphSpec, folder: Path) -> list[TfliteJob]:
    """What writes the files that `tflite_files` names."""
    return [TfliteJob(graph, folder / file.file, file.precision) for file in tflite_files(graph).values()]


def tflite_files(graph: GraphSpec) -> dict[str, VariantFile]:
    """The TFLite variants that need no calibration, by name."""
    fixed = dict(graph.fixed)
    return {
        "tflite": VariantFile("model.tflite", TFLITE, "float32", fixed),
        "tflite-int8": VariantFile("model.int8.tflite", TFLITE, "int8", fixed),
    }


def _written(
    proto: Any, folder: Path, file: str, precision: str, fixed: Mapping[str, int] | None = None
) -> VariantFile:
    write(proto, folder / file)
    return VariantFile(file, ONNX, precision, dict(fixed or {}))


def _int8(whole: "onnx.ModelProto", folder: Path, cases: Sequence[Mapping[str, np.ndarray]]) -> VariantFile:
    """The graph in int8, in whichever way runs the first case faster; stored weights unless integers gain enough.

    Args:
        whole: the float32 graph, which is in `folder` already.
        folder: where the file goes.
        cases: real inputs by name.
    """
    stored = _written(with_int8_weights(whole), folder, "model.int8.onnx", "int8")
    products = with_integer_products(whole)
    if not cases or not any(node.op_type == "MatMulInteger" for node in products.graph.node):
        return stored
    other = folder / "model.int8-products.onnx"
    write(products, other)
    files = {"float32": folder / "model.onnx", STORED: folder / stored.file, PRODUCTS: other}
    times = dict(zip(files, median_us(list(files.values()), cases[0]), strict=True))
    off = dict(zip(files, differences(list(files.values()), cases), strict=True))
    if times[PRODUCTS] * WORTHWHILE <= times[STORED] and off[PRODUCTS] <= LESS_EXACT * off[STORED]:
        other.replace(folder / stored.file)
    other.unlink(missing_ok=True)
    return replace(stored, tried_us={name: round(taken, 1) for name, taken in times.items()})


def _worthwhile(
    variants: Mapping[str, VariantFile], folder: Path, feeds: Mapping[str, np.ndarray]
) -> dict[str, VariantFile]:
    """The variants with their measured time of one step, less the step variants that gain nothing."""
    times = dict(zip(variants, median_us([folder / v.file for v in variants.values()], feeds), strict=True))
    log.info("one step: %s", ", ".join(f"{name} {taken:.0f} µs" for name, taken in times.items()))
    rounded = {name: round(taken, 1) for name, taken in times.items()}
    kept: dict[str, VariantFile] = {}
    for name, variant in variants.items():
        best = min((times[other] for other in kept), default=np.inf)
        if variant.fixed and times[name] * WORTHWHILE > best:
            (folder / variant.file).unlink()
        else:
            kept[name] = replace(variant, step_us=rounded[name])
    kept["onnx"] = replace(kept["onnx"], tried_us=rounded)
    return kept
