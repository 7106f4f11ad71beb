"""Keras to TFLite with built-in operations only, from a graph whose axes are fixed.

TensorFlow's converter can crash the process it runs in, so it runs in one of its own (`worker.py`) and a crash
becomes an error that quotes its last lines.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.specs import GraphSpec
from components.converters.tflite.helper_process import run_helper
from components.converters.tflite.worker import REFUSED
from components.converters.tracing.fixed_gru import FixedGrus
from components.converters.tracing.substitutes import scope_of, swapped
from components.converters.tracing.trace import first_line, trace
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

CALIBRATED = ("full-int8", "int8-products")
PRECISIONS = ("float32", "int8", "float16", *CALIBRATED)
SIGNATURE = "serving_default"
LAST_LINES = 3  # of a crashed converter, quoted
TIMEOUT_S = 900
WORK = ".work-"


@dataclass(frozen=True)
class TfliteJob:
    """One file to write. Inputs and outputs are float32 in every precision; `worker.py` says what each is.

    Attributes:
        spec: names, shapes and the fixed axes.
        path: where the file goes.
        precision: one of PRECISIONS.
        unroll: write the steps out instead of a WHILE loop, which cannot be calibrated.
        calibration: for the precisions in CALIBRATED: real inputs by name, states included.
        optional: go on without this file where it cannot be written.
    """

    spec: GraphSpec
    path: Path
    precision: str = "float32"
    unroll: bool = False
    calibration: Sequence[Mapping[str, np.ndarray]] = field(default=(), repr=False)
    optional: bool = False


def to_tflite(model: "keras.Model", spec: GraphSpec, path: Path, precision: str = "float32") -> None:
    """Write `model` to a TFLite file whose signature has the names of `spec`.

    Raises:
        ConversionError: an axis is not fixed, an operation has no TFLite counterpart, or the converter crashed.
    """
    write_tflite(model, [TfliteJob(spec, path, precision)])


def write_tflite(model: "keras.Model", jobs: Sequence[TfliteJob]) -> dict[Path, str]:
    """Write several files in one converter process; why, by its path, an optional one was not written.

    Raises:
        ConversionError: as `to_tflite`, for a file that is not optional.
    """
    with tempfile.TemporaryDirectory(dir=jobs[0].path.parent, prefix=WORK) as folder:
        work = Path(folder)  # on the disk that is written to anyway, and cleared with the folder after a crash
        saved: dict[str, Path] = {}
        tasks: list[dict[str, Any]] = []
        for index, job in enumerate(jobs):
            _check(job)
            key = repr((job.spec, job.unroll))
            if key not in saved:
                saved[key] = _save(model, job, work / f"model{len(saved)}")
            tasks.append({"saved": str(saved[key]), "path": str(work / f"{index}.tflite"), "precision": job.precision})
            if job.calibration:
                tasks[-1]["calibration"] = str(_save_examples(work, job.calibration))
        failed = _run_tasks(work, tasks, [job.optional for job in jobs], model.name)
        for task, job in zip(tasks, jobs, strict=True):
            if task["path"] in failed:
                continue
            temporary = job.path.with_name(f".{job.path.name}.part")
            temporary.write_bytes(Path(task["path"]).read_bytes())
            temporary.replace(job.path)
        return {job.path: failed[t["path"]] for job, t in zip(jobs, tasks, strict=True) if t["path"] in failed}


def _check(job: TfliteJob) -> None:
    free = {size for t in job.spec.inputs for size in t.shape if isinstance(size, str)} - set(job.spec.fixed)
    if free:
        raise ConversionError(
            f"TFLite wants a size for every axis: fix {', '.join(sorted(free))}, for example batch to 1"
        )
    if job.precision not in PRECISIONS:
        raise ConversionError(f"unknown precision '{job.precision}': choose from {', '.join(PRECISIONS)}")
    if job.precision in CALIBRATED and not job.calibration:
        raise ConversionError(f"precision '{job.precision}' needs calibration: give real inputs by name")


def _save(model: "keras.Model", job: TfliteJob, folder: Path) -> Path:
    """The traced model as a SavedModel with one signature."""
    import tensorflow as tf

    function, _ = trace(model, job.spec, FixedGrus(job.unroll), fixed=True)
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    try:
        with _plain_names(module.weights):
            tf.saved_model.save(module, str(folder), signatures={SIGNATURE: function})
    except (tf.errors.OpError, OSError) as error:
        raise ConversionError(f"{folder.parent} cannot be written: {first_line(error)}") from error
    return folder


@contextmanager
def _plain_names(variables: Sequence[Any]) -> Iterator[None]:
    """Names that a SavedModel can hold, for variables of layers with spaces and accents in theirs."""
    with ExitStack() as changes:
        for variable in variables:
            changes.enter_context(swapped(variable, _handle_name=scope_of(variable._shared_name) + ":0"))
        yield


def _save_examples(folder: Path, examples: Sequence[Mapping[str, np.ndarray]]) -> Path:
    """The examples in one file, the same for the same examples: the worker calibrates once with each."""
    path = folder / f"examples{id(examples)}.npz"
    if not path.exists():
        arrays = {f"{index}/{name}": array for index, case in enumerate(examples) for name, array in case.items()}
        np.savez(path, allow_pickle=False, **arrays)
    return path


def _run_tasks(folder: Path, tasks: Sequence[dict[str, Any]], optional: Sequence[bool], name: str) -> dict[str, str]:
    """Run all tasks, after a failed optional one those behind it in a new process; the failures by path."""
    failed: dict[str, str] = {}
    rest = list(zip(tasks, optional, strict=True))
    while rest:
        said = _run_worker(folder, [task for task, _ in rest], name)
        if said is None:
            return failed
        while rest and Path(rest[0][0]["path"]).exists():
            rest.pop(0)
        if not rest:
            return failed  # it ended badly, its work done
        culprit, may_fail = rest.pop(0)
        if not may_fail:
            raise ConversionError(said)
        failed[culprit["path"]] = said
    return failed


def _run_worker(folder: Path, tasks: list[dict[str, Any]], name: str) -> str | None:
    """The converter over tasks in a process of its own; None, or what went wrong with the first unfinished task."""
    script = Path(__file__).with_name("worker.py")
    (folder / "tasks.json").write_text(json.dumps(tasks))
    alone = {"TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": "-1"}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "TF_ENABLE_ONEDNN_OPTS": "0"}
    try:
        done = run_helper(script, [folder / "tasks.json"], TIMEOUT_S, alone | quiet)
    except subprocess.TimeoutExpired:
        return f"model '{name}': TensorFlow's converter did not end within {TIMEOUT_S} s"
    if not done.returncode:
        return None
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    how = f"crashed (signal {-done.returncode})" if done.returncode < 0 else "failed"
    said = " | ".join(lines[-1 if done.returncode == REFUSED else -LAST_LINES :]) or "it said nothing"
    return f"model '{name}': TensorFlow's TFLite converter {how}: {said}"
