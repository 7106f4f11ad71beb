"""Every file that a model ships as."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.converters.specs import GraphSpec, VariantFile
from components.converters.to_onnx import to_onnx
from components.converters.to_tflite import TfliteJob, write_tflite

if TYPE_CHECKING:
    import keras


def convert_variants(
    model: "keras.Model",
    graph: GraphSpec,
    folder: Path,
    cases: Sequence[Mapping[str, np.ndarray]],  # noqa: ARG001
) -> dict[str, VariantFile]:
    """Write every variant of `model` into `folder`; the variants by name.

    Args:
        model: the trained model.
        graph: names and shapes; its fixed axes are those of the TFLite files.
        folder: where the files go.
        cases: real inputs by name, batch 1, for calibration and for choosing between equivalent graphs.

    Raises:
        ConversionError: the model cannot be expressed; the message names the layer.
    """
    to_onnx(model, graph, folder / "model.onnx")
    jobs = [TfliteJob(graph, folder / "model.tflite"), TfliteJob(graph, folder / "model.int8.tflite", "int8")]
    write_tflite(model, jobs)
    return {
        "onnx": VariantFile("model.onnx", "onnxruntime", "float32"),
        "tflite": VariantFile("model.tflite", "litert", "float32", dict(graph.fixed)),
        "tflite-int8": VariantFile("model.int8.tflite", "litert", "int8", dict(graph.fixed)),
    }
