"""The ONNX files of a model: float32 and int8, whole sequences and, for models with states, single steps."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.checking.measuring import differences, first_step, median_us
from components.converters.onnx.quantize import with_int8_weights, with_integer_products
from components.converters.onnx.to_onnx import onnx_of, step_onnx_of, write
from components.converters.specs import GraphSpec, VariantFile, frozen
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras
    import onnx

log = logging.getLogger(__name__)

ONNX = "onnxruntime"
STORED, PRODUCTS = "stored weights", "integer products"  # ways to int8
WORTHWHILE = 1.1  # a variant must be this many times as fast as the one it replaces
MOST_WRITTEN_OUT = 128  # steps of a recurrence that ONNX has no node for
LESS_EXACT = 3.0  # times as far from float32 as stored weights are: integer products may be, they are 2 times


def onnx_variants(
    model: "keras.Model", graph: GraphSpec, folder: Path, cases: Sequence[Mapping[str, np.ndarray]]
) -> dict[str, VariantFile]:
    """Write the ONNX variants into `folder`; the variants by name."""
    try:
        whole, states = onnx_of(model, graph)
    except ConversionError as error:
        return _written_out(model, graph, folder, error)
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


def _written_out(
    model: "keras.Model", graph: GraphSpec, folder: Path, refusal: ConversionError
) -> dict[str, VariantFile]:
    """Files of fixed axes whose every step is written out, for cells that ONNX has no node for.

    Raises:
        ConversionError: there are too many steps, or that is not what was refused.
    """
    sizes = [frozen(tensor.shape, graph.fixed)[1:2] for tensor in graph.inputs if len(tensor.shape) > 2]
    longest = max((size or 0 for places in sizes for size in places), default=0)
    if not graph.fixed or longest > MOST_WRITTEN_OUT:
        hint = f"; written out it could take {MOST_WRITTEN_OUT} steps at most: fix them, for example time to 49"
        raise ConversionError(f"{refusal}{hint if longest > MOST_WRITTEN_OUT else ''}") from refusal
    try:
        whole = step_onnx_of(model, graph)
    except ConversionError:
        raise refusal from None
    log.info("steps are written out: %s", refusal)
    return {
        "onnx": _written(whole, folder, "model.onnx", "float32", graph.fixed),
        "onnx-int8": _written(with_int8_weights(whole), folder, "model.int8.onnx", "int8", graph.fixed),
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
