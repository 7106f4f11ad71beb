"""Keras to TFLite with built-in operations only, from a graph whose axes are fixed.

TensorFlow's converter can crash the process it runs in, so it runs in one of its own (`tflite_worker.py`) and a crash
becomes an error that quotes its last lines.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.fixed_gru import FixedGrus
from components.converters.specs import GraphSpec
from components.converters.tracing import trace
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

PRECISIONS = ("float32", "int8", "float16", "full-int8")
SIGNATURE = "serving_default"
LAST_LINES = 3  # of a crashed converter, quoted
TIMEOUT_S = 900


@dataclass(frozen=True)
class TfliteJob:
    """One file to write.

    Attributes:
        spec: names, shapes and the fixed axes.
        path: where the file goes.
        precision: one of PRECISIONS; "int8" quantises weights only, "full-int8" activations too.
        unroll: write the steps out instead of a WHILE loop.
        calibration: for "full-int8": real inputs by name, states included.
    """

    spec: GraphSpec
    path: Path
    precision: str = "float32"
    unroll: bool = False
    calibration: Sequence[Mapping[str, np.ndarray]] = field(default=())


def to_tflite(model: "keras.Model", spec: GraphSpec, path: Path, precision: str = "float32") -> None:
    """Write `model` to a TFLite file whose signature has the names of `spec`.

    Raises:
        ConversionError: an axis is not fixed, an operation has no TFLite counterpart, or the converter crashed.
    """
    write_tflite(model, [TfliteJob(spec, path, precision)])


def write_tflite(model: "keras.Model", jobs: Sequence[TfliteJob]) -> None:
    """Write several files in one converter process.

    Raises:
        ConversionError: as `to_tflite`.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        saved: dict[str, Path] = {}
        tasks: list[dict[str, Any]] = []
        for index, job in enumerate(jobs):
            _check(job)
            key = repr((job.spec, job.unroll))
            if key not in saved:
                saved[key] = _save(model, job, work / f"model{len(saved)}")
            tasks.append({"saved": str(saved[key]), "path": str(work / f"{index}.tflite"), "precision": job.precision})
            if job.calibration:
                tasks[-1]["calibration"] = str(_save_examples(work / f"examples{index}.npz", job.calibration))
        _run_worker(work, tasks, model.name)
        for task, job in zip(tasks, jobs, strict=True):
            temporary = job.path.with_name(f".{job.path.name}.part")
            temporary.write_bytes(Path(task["path"]).read_bytes())
            temporary.replace(job.path)


def _check(job: TfliteJob) -> None:
    free = {size for t in job.spec.inputs for size in t.shape if isinstance(size, str)} - set(job.spec.fixed)
    if free:
        raise ConversionError(
            f"TFLite wants a size for every axis: fix {', '.join(sorted(free))}, for example batch to 1"
        )
    if job.precision not in PRECISIONS:
        raise ConversionError(f"unknown precision '{job.precision}': choose from {', '.join(PRECISIONS)}")


def _save(model: "keras.Model", job: TfliteJob, folder: Path) -> Path:
    """The traced model as a SavedModel with one signature."""
    import tensorflow as tf

    function, _ = trace(model, job.spec, FixedGrus(job.unroll), fixed=True)
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: function})
    return folder


def _save_examples(path: Path, examples: Sequence[Mapping[str, np.ndarray]]) -> Path:
    arrays = {f"{index}/{name}": array for index, case in enumerate(examples) for name, array in case.items()}
    np.savez(path, allow_pickle=False, **arrays)
    return path


def _run_worker(folder: Path, tasks: list[dict[str, Any]], name: str) -> None:
    """The converter over all tasks, in a process of its own."""
    script = Path(__file__).with_name("tflite_worker.py")
    (folder / "tasks.json").write_text(json.dumps(tasks))
    command = [sys.executable, str(script), str(folder / "tasks.json")]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S, env={**os.environ, **quiet}
        )
    except subprocess.TimeoutExpired:
        raise ConversionError(f"model '{name}': TensorFlow's converter did not end within {TIMEOUT_S} s") from None
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        how = f"crashed (signal {-done.returncode})" if done.returncode < 0 else "failed"
        said = " | ".join(lines[-LAST_LINES:]) or "it said nothing"
        raise ConversionError(f"model '{name}': TensorFlow's TFLite converter {how}: {said}")
