"""Every file that a network of ours ships as.

| variant | what it is |
|---|---|
| onnx | float32, native `GRU` nodes, any batch and length |
| onnx-int8 | the same graph in a quarter of the bytes: weights stored in 8 bits, or large products on integers |
| onnx-step, onnx-step-int8 | models with states: one step per run, GRUs written out; int8 computes on integers |
| tflite, tflite-int8 | built-in operations, fixed axes; int8 is TFLite's dynamic range quantisation |
| tflite-micro, tflite-full-int8 | in integers as far as that is good enough: `tflite/integer_variants.py` |

A step variant ships only where it was measured to be faster than the graph it replaces. Integer products beside `GRU`
nodes are taken where they are faster and nearly as exact: an output layer of 4,000 word pieces, 256 units, is 1.6 times
as fast over 64 steps and 2.1 times over one; without a large layer beside the GRU nothing is gained, and weights stored
in 8 bits run exactly as float32 does.

There is no float16 variant: onnxruntime's CPU kernels and LiteRT widen float16 to float32 when they open a file, so it
is as fast as float32 at twice the bytes of int8 (`python -m components.benchmarks half_precision`: GRU of 512 units, 66
characters, µs a step: ONNX float32 135, float16 136 stored or 140 throughout, int8 31; TFLite 130, 132 and 12).
`to_tflite(…, precision="float16")` writes one all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.converters.checking.measuring import first_step
from components.converters.onnx.variants import onnx_variants
from components.converters.specs import GraphSpec, VariantFile, states_of
from components.converters.tflite.calibration import calibration_cases
from components.converters.tflite.integer_variants import Exported, write_integer_variants
from components.converters.tflite.variants import tflite_variants

if TYPE_CHECKING:
    import keras

Feeds = Mapping[str, np.ndarray]


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


def export_variants(
    model: "keras.Model", graph: GraphSpec, folder: Path, cases: Sequence[Feeds], sequences: Sequence[Feeds]
) -> Exported:
    """Write every variant of `model`, and the alternatives to choose from, into `folder`.

    Args:
        model: the trained model, its states among its inputs and outputs.
        graph: names and shapes; its fixed axes are those of the TFLite files and of one step.
        folder: where the files go.
        cases: real inputs by name, batch 1, for choosing between graphs that compute the same.
        sequences: real inputs for calibration, batch 1, from the start states on; not of the test part.

    Raises:
        ConversionError: the model cannot be expressed, or cannot run on a microcontroller although it streams; the
            message names the layer or the operation.
    """
    variants = onnx_variants(model, graph, folder, cases)
    calibration = calibration_cases(folder / variants["onnx"].file, graph, sequences) if sequences else []
    written = write_integer_variants(model, graph, folder, states_of(graph), calibration, first_step(graph, cases[0]))
    return replace(written, variants=variants | written.variants)
