"""Any saved Keras model to every file that a device may want, each compared with Keras and measured.

The folder that `convert` writes:

| file | what it is |
|---|---|
| model.onnx, model.int8.onnx, model.tflite, … | one per variant: see `network_files.py` |
| PARITY.md | the table: bytes, largest error against Keras, microseconds |
| conversion.json | the same for programs, with the names, shapes and dtypes of inputs, outputs and states |
| model_micro.h | models with states: the microcontroller's file as a C header |
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.converters.checking.comparing import Row, compared, largest, markdown, warnings_of
from components.converters.checking.examples import doubled, grown, random_cases, sequences_in
from components.converters.checking.measuring import first_step
from components.converters.checking.reference import Arrays, Case, keras_cases
from components.converters.onnx.variants import ONNX
from components.converters.output_folder import CARD, FILES, HEADER, TABLE, checked, checksums, conversion_folder
from components.converters.specs import GraphSpec, StateSpec, plain_name
from components.converters.strangers_files import RUNTIMES, Source, write_all
from components.converters.tracing.cutting import convertible_part
from components.converters.tracing.describing import inputs_of, spec_of
from components.converters.tracing.loading import AS_IT_IS, Reading, load
from components.converters.tracing.precision import in_float32
from components.converters.tracing.trace import all_states
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

UNSEEN = "No examples were given: on real inputs, of other sizes than random ones, the errors may be others."
NARROW = "The model computes in {} by its policy; the files, and Keras in this comparison, compute in float32."
VOCABULARY = "vocabulary_{}.json"
FREE_CASES = 2  # of other sizes than the fixed ones


@dataclass(frozen=True)
class Conversion:
    """A finished conversion.

    Attributes:
        folder: where its files are.
        graph: names and shapes of inputs and outputs, and the sizes of the axes that some files fix.
        states: the inputs and outputs that a caller carries from run to run.
        rows: the parity table, one row per file.
        notes: what the numbers in the table are, in sentences.
    """

    folder: Path
    graph: GraphSpec
    states: tuple[StateSpec, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Asked:
    """What is told and written beside the files.

    Attributes:
        examples: where inputs come from, None for random ones.
        notes: what became of the model, in sentences.
        vocabularies: by input, what turns text or ids into it.
    """

    examples: Path | str | None
    notes: tuple[str, ...]
    vocabularies: Mapping[str, Mapping[str, Any]]


def convert(
    model: "keras.Model | Path | str",
    out: Path | str,
    *,
    fixed: Mapping[str, int] | None = None,
    examples: Path | str | None = None,
    runtimes: Sequence[str] = RUNTIMES,
    reading: Reading = AS_IT_IS,
) -> Conversion:
    """Write every variant of a Keras model, and how each compares with Keras, into a folder.

    ONNX files take any batch and any length. TFLite files have fixed axes: one row, and one step for a model with
    states, 128 steps for others, unless `fixed` says otherwise. States of stateful layers become inputs `state_0`, …
    and outputs `state_0_next`, …; a caller starts with zeros and hands each output to the next run.

    Args:
        model: a Keras model, or a `.keras` or `.h5` file.
        out: the folder to write; it appears whole or not at all. An earlier conversion's files there are replaced,
            and no others.
        fixed: sizes of named axes, e.g. {"time": 49}; the names are those of the ONNX file.
        examples: an `.npz` file of arrays by input name to compare on, and to calibrate files on that compute in
            integers; random inputs without it, and no such files.
        runtimes: those to write files for, "onnxruntime" and "litert".
        reading: how the model is read: `Reading(allow_lambda=True, code=[Path("layers.py")])`.

    Raises:
        ConversionError: no Keras model, a layer that cannot be exported, shapes that a runtime refuses, or a folder
            that is not ours to replace.
        ParityError: a float32 file does not compute what Keras computes.
    """
    target = checked(Path(out))
    unknown = sorted(set(runtimes) - set(RUNTIMES))
    if unknown or not runtimes:
        raise ConversionError(f"unknown runtime '{', '.join(unknown)}': choose from {', '.join(RUNTIMES)}")
    network: Any = load(Path(model), reading) if isinstance(model, str | Path) else model
    part = convertible_part(network)
    with in_float32(part.model) as narrow:
        inputs = inputs_of(part.model, part.names) if part.names else reading.inputs
        graph = spec_of(part.model, inputs, fixed)
        source = _source(part.model, graph, all_states(part.model, graph), None if examples is None else Path(examples))
        said = (*part.notes, *(NARROW.format(kind) for kind in narrow))
        return _write(source, target, runtimes, Asked(examples, said, part.vocabularies))


def _write(source: Source, target: Path, runtimes: Sequence[str], asked: Asked) -> Conversion:
    """The finished conversion of a source."""
    try:
        with conversion_folder(target) as folder:
            variants, left_out = write_all(source, folder, runtimes)
            free = _free_cases(source) if ONNX in runtimes else []
            rows, refused = compared(folder, variants, source.cases, free)
            said = (*warnings_of(rows), *_notes(source.cases, free, asked.examples), *asked.notes, *left_out, *refused)
            done = Conversion(target, source.graph, source.states, tuple(rows), said)
            (folder / TABLE).write_text(markdown(rows, done.notes), encoding="utf-8")
            _write_headers(folder, rows)
            _write_vocabularies(folder, asked.vocabularies)
            card = _card(done) | {FILES: checksums(folder)}
            (folder / CARD).write_text(json.dumps(card, indent=2), encoding="utf-8")
    except OSError as error:
        raise ConversionError(f"{target} cannot be written: {error.strerror or error}") from error
    return done


def _write_vocabularies(folder: Path, vocabularies: Mapping[str, Mapping[str, Any]]) -> None:
    """What turns text or ids into an input, one file for each."""
    for name, content in vocabularies.items():
        text = json.dumps(content, indent=2, ensure_ascii=False, default=str)
        (folder / VOCABULARY.format(plain_name(name))).write_text(text, encoding="utf-8")


def _write_headers(folder: Path, rows: Sequence[Row]) -> None:
    """The C header of what a microcontroller runs."""
    from gatewise.c_header import header_text

    for row in rows:
        if row.file.micro:
            title, content = f"{row.file.file} in {row.file.precision}", (folder / row.file.file).read_bytes()
            text = header_text(title, content, row.file.micro, {})
            (folder / HEADER).write_text(text, encoding="ascii")


def _source(network: Any, graph: GraphSpec, states: tuple[StateSpec, ...], examples: Path | None) -> Source:
    """The model with the inputs to compare and calibrate on."""
    sequences = sequences_in(examples, graph, states) if examples else []
    feeds = [first_step(graph, one) for one in sequences] or random_cases(network, graph, states, graph.fixed)
    cases = keras_cases(network, graph, feeds)
    return Source(network, _with_own_axes(graph, cases[0][1]), states, cases, sequences)


def _with_own_axes(graph: GraphSpec, outputs: Arrays) -> GraphSpec:
    """The specification with names of their own for output axes that are not as long as the input's axis."""
    shapes = {
        tensor.name: tuple(
            f"{axis}_{tensor.name}" if isinstance(axis, str) and graph.fixed.get(axis, size) != size else axis
            for axis, size in zip(tensor.shape, outputs[tensor.name].shape, strict=True)
        )
        for tensor in graph.outputs
    }
    return replace(graph, outputs=tuple(replace(tensor, shape=shapes[tensor.name]) for tensor in graph.outputs))


def _free_cases(source: Source) -> list[Case]:
    """Cases of other sizes than the fixed ones, where the model accepts them."""
    graph, states = source.graph, source.states
    try:
        if source.sequences:
            feeds = grown(graph, source.sequences, states, FREE_CASES)
        else:
            feeds = random_cases(source.model, graph, states, doubled(graph), FREE_CASES)
        return keras_cases(source.model, graph, feeds)
    except ConversionError as error:
        log.info("only the fixed sizes are compared: %s", error)
        return []


def _notes(cases: Sequence[Case], free: Sequence[Case], examples: Path | str | None) -> tuple[str, ...]:
    kind = "random inputs" if examples is None else f"examples of {Path(examples).name}"
    sizes = ", ".join(f"{name} {array.shape}" for name, array in cases[0][0].items())
    reach = f"Keras' outputs reach {largest([*cases, *free]):.3g}"
    notes = [
        f"max error: largest absolute difference from Keras over all outputs of {len(cases)} {kind}; {reach}.",
        "of spread: the same in units of the standard deviation of Keras' outputs over these inputs.",
    ]
    if examples is None:
        notes.append(UNSEEN)
    if free:
        other = ", ".join(f"{name} {array.shape}" for name, array in free[0][0].items())
        notes.append(f"Files without fixed axes were compared on other shapes too: {other}.")
    return (*notes, f"µs per run: median on one thread of this machine, at {sizes}.")


def _card(done: Conversion) -> dict[str, Any]:
    """What programs want to know of the folder."""
    files = {row.variant: asdict(row.file) | {"bytes": row.bytes} for row in done.rows}
    measured = {row.variant: _measured(row) for row in done.rows}
    return {
        "inputs": [asdict(tensor) for tensor in done.graph.inputs],
        "outputs": [asdict(tensor) for tensor in done.graph.outputs],
        "states": [asdict(state) for state in done.states],
        "fixed": dict(done.graph.fixed),
        "variants": {name: file | measured[name] for name, file in files.items()},
        "notes": done.notes,
    }


def _measured(row: Row) -> dict[str, float]:
    return {"max_error": row.error.largest, "error_of_spread": row.error.of_spread, "microseconds": row.microseconds}
