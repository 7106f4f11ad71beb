"""Every file of a conversion: those that need the model alone, and the best of those that compute in integers."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.converters.checking.comparing import EXACT, Error, error_of
from components.converters.checking.reference import Case
from components.converters.onnx.variants import ONNX, onnx_variants
from components.converters.specs import GraphSpec, StateSpec, TensorSpec, VariantFile, states_of
from components.converters.tflite.calibration import calibration_cases
from components.converters.tflite.integer_variants import FILES, Exported, write_integer_variants
from components.converters.tflite.variants import TFLITE, tflite_variants
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

    from components.converters.checking.reference import Feeds

log = logging.getLogger(__name__)

RUNTIMES = (ONNX, TFLITE)
ACCEPTED = 0.07  # of the outputs' spread: an integer file that errs by more is left out: nobody says what it may cost
ONNX_FLOAT = "onnx"
WRITTEN_OUT = "ONNX files have fixed axes: ONNX has no node for this model's recurrence, so its steps are written out."
UNCALIBRATED = "Files that compute in integers are left out: they are calibrated on real inputs, given as examples."


@dataclass(frozen=True)
class Source:
    """What files are made from.

    Attributes:
        model: the Keras model.
        graph: names and shapes, with a size for every axis.
        states: explicit ones and those of stateful layers.
        cases: inputs of the fixed sizes, each with Keras' outputs.
        sequences: real inputs, whole, to calibrate integers on; none where nobody gave any.
    """

    model: "keras.Model"
    graph: GraphSpec
    states: tuple[StateSpec, ...]
    cases: Sequence[Case]
    sequences: Sequence["Feeds"]


def write_all(source: Source, folder: Path, runtimes: Sequence[str]) -> tuple[dict[str, VariantFile], tuple[str, ...]]:
    """Write the files for every runtime; the variants by name, and what is left out and why.

    Raises:
        ConversionError: a runtime refuses the model; the message says how to do without that runtime.
    """
    writers: dict[str, Callable[[Source, Path], tuple[dict[str, VariantFile], tuple[str, ...]]]] = {
        ONNX: _onnx_files,
        TFLITE: _tflite_files,
    }
    found: dict[str, VariantFile] = {}
    left_out: tuple[str, ...] = ()
    for runtime in (name for name in RUNTIMES if name in runtimes):
        log.info("writing files for %s", runtime)
        try:
            files, notes = writers[runtime](source, folder)
        except ConversionError as error:
            others = [name for name in runtimes if name != runtime]
            hint = f" (for {others[0]} alone: --runtime {others[0]}, runtimes=['{others[0]}'])" if others else ""
            raise ConversionError(f"{error}{hint}") from error
        found, left_out = found | files, left_out + notes
    return found, left_out


def _onnx_files(source: Source, folder: Path) -> tuple[dict[str, VariantFile], tuple[str, ...]]:
    files = onnx_variants(source.model, source.graph, folder, [feeds for feeds, _ in source.cases])
    return files, ((WRITTEN_OUT,) if files[ONNX_FLOAT].fixed else ())


def _tflite_files(source: Source, folder: Path) -> tuple[dict[str, VariantFile], tuple[str, ...]]:
    calibration, onnx = [], folder / "model.onnx"
    if source.sequences and onnx.exists():
        calibration = calibration_cases(onnx, _with_states(source), source.sequences)
    step = source.cases[0][0]
    try:
        written = write_integer_variants(source.model, source.graph, folder, source.states, calibration, step)
    except ConversionError as error:
        if not source.states:
            raise
        files = tflite_variants(source.model, source.graph, folder)  # or they are what is refused
        return files, (f"No file for microcontrollers: {error}.",)
    chosen = {name: _chosen(source, folder, name, written) for name in written.choices}
    notes = [f"{why.variant} in {why.precision} is left out: {why.reason}." for why in written.left_out]
    if not calibration:
        notes = [UNCALIBRATED]
    return written.variants | {name: file for name, file in chosen.items() if file}, tuple(dict.fromkeys(notes))


def _chosen(source: Source, folder: Path, name: str, written: Exported) -> VariantFile | None:
    """The first alternative that errs little enough, under its variant's own name; the others are deleted."""
    chosen = None
    others = {file.file for file in written.variants.values()}
    for file in written.choices[name]:
        error = _error(folder, name, file, source) if chosen is None else Error()
        if chosen is None and (error.of_spread <= ACCEPTED or file.precision == EXACT):
            chosen = file
        elif file.file not in others:
            (folder / file.file).unlink()
            log.info("%s in %s is left out: its largest error is %.2g", name, file.precision, error.largest)
    if chosen is None or chosen.precision == EXACT:
        return chosen
    (folder / chosen.file).rename(folder / FILES[name])
    return replace(chosen, file=FILES[name])


def _error(folder: Path, name: str, file: VariantFile, source: Source) -> Error:
    """The error of an alternative, without bounds where its runtime refuses it."""
    try:
        return error_of(folder, name, file, source.cases)
    except ConversionError as error:
        if file.precision == EXACT:
            raise
        log.info("%s: %s", name, error)
        return Error(np.inf, np.inf)


def _with_states(source: Source) -> GraphSpec:
    """The specification with the states of stateful layers among its inputs and outputs."""
    hidden = [state for state in source.states if state not in states_of(source.graph)]
    before = tuple(TensorSpec(state.name, state.shape, state.dtype) for state in hidden)
    after = tuple(TensorSpec(state.next, state.shape, state.dtype) for state in hidden)
    return GraphSpec(source.graph.inputs + before, source.graph.outputs + after, source.graph.fixed)
