"""The TFLite files of a model that need no calibration: built-in operations, fixed axes."""

from pathlib import Path
from typing import TYPE_CHECKING

from components.converters.specs import GraphSpec, VariantFile
from components.converters.tflite.to_tflite import TfliteJob, write_tflite

if TYPE_CHECKING:
    import keras

TFLITE = "litert"


def tflite_variants(model: "keras.Model", graph: GraphSpec, folder: Path) -> dict[str, VariantFile]:
    """Write the TFLite variants that need no calibration into `folder`; the variants by name."""
    failed = write_tflite(model, tflite_jobs(graph, folder))
    return {name: file for name, file in tflite_files(graph).items() if folder / file.file not in failed}


def tflite_jobs(graph: GraphSpec, folder: Path) -> list[TfliteJob]:
    """What writes the files that `tflite_files` names."""
    return [
        TfliteJob(graph, folder / file.file, file.precision, optional=file.precision != "float32")
        for file in tflite_files(graph).values()
    ]


def tflite_files(graph: GraphSpec) -> dict[str, VariantFile]:
    """The TFLite variants that need no calibration, by name."""
    fixed = dict(graph.fixed)
    return {
        "tflite": VariantFile("model.tflite", TFLITE, "float32", fixed),
        "tflite-int8": VariantFile("model.int8.tflite", TFLITE, "int8", fixed),
    }
