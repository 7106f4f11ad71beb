"""TFLite files that compute in integers, microcontrollers' among them: those of which the exporter keeps the best.

| model | variant | alternatives, the most wanted first |
|---|---|---|
| with states (it streams) | tflite-micro | full-int8, int8-products, float32 (then it is the file of `tflite`) |
| without | tflite-full-int8 | full-int8, its steps written out: TensorFlow 2.21 crashes on calibrating a loop |

A file for a microcontroller takes one step, states in and out, and holds only operations that TensorFlow Lite Micro
(TFLM) lists. All files have float32 inputs and outputs: a state is carried by a copy, whatever the precision, while the
ranges of an 8-bit state going in and coming out differ and a caller would have to convert between them. In TFLM that
costs 272 bytes of 12 kB of arena and under 1% of the time (GRU of 128 units, 103 characters).

What was measured in LiteRT on small trained models: text, 128 units and 103 characters, nats per character; speech, 48
units, accuracy; sentiment, 32 units each way over 48 steps; forecasting, 24 units over 48 steps, pinball loss:

| | text | speech | sentiment | forecasting |
|---|---|---|---|---|
| float32 | 1.4821 | 75.6% | 97.5%, 142 kB, 112 µs | 0.344, 79 kB, 52 µs |
| full-int8 | 1.4863 | 75.6% | 97.1%, 827 kB, 249 µs | 2.040, 323 kB, 49 µs |
| int8-products | 1.4842 | 76.4% | 97.5%, 830 kB, 243 µs | 0.639, 253 kB, 36 µs |
| 16-bit activations, 8-bit weights | 1.4823 | does not run | does not convert | 0.347, 220 kB, 201 µs |

16-bit activations lose least, but TFLM cannot look up 16-bit embeddings ("Type 'INT16' is not supported by gather"),
a log-mel front end has no 16-bit kernels, and LiteRT takes 4.6 times as long with them: they are not written. Models
without states gain nothing from integers in LiteRT: the steps written out are larger than the float32 loop.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.specs import GraphSpec, StateSpec, VariantFile, frozen
from components.converters.tflite.micro import arena_bytes, described
from components.converters.tflite.to_tflite import CALIBRATED, TfliteJob, write_tflite
from components.converters.tflite.variants import TFLITE, tflite_files, tflite_jobs
from components.errors import ConversionError

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

MICRO, FULL = "tflite-micro", "tflite-full-int8"
FILES = {MICRO: "model.micro.tflite", FULL: "model.full-int8.tflite"}
MOST_UNROLLED = 128  # steps written out: at 48 the file is larger than the loop's already

Feeds = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class LeftOut:
    """A file that does not ship.

    Attributes:
        variant: what it would have been.
        precision: its precision.
        reason: why not, for people.
        measured: the numbers behind the reason.
    """

    variant: str
    precision: str
    reason: str
    measured: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Exported:
    """What was written into a folder.

    Attributes:
        variants: files that ship.
        choices: alternatives for one more variant each, the most wanted first; the caller keeps one at the most.
        left_out: what could not be written.
    """

    variants: dict[str, VariantFile]
    choices: dict[str, tuple[VariantFile, ...]]
    left_out: tuple[LeftOut, ...]


def write_integer_variants(
    model: "keras.Model",
    graph: GraphSpec,
    folder: Path,
    states: tuple[StateSpec, ...],
    calibration: Sequence[Feeds],
    step: Feeds,
) -> Exported:
    """Write every TFLite file in one converter process.

    Args:
        model: the model.
        graph: names and shapes, with a size for every axis.
        folder: where the files go.
        states: what is carried from step to step.
        calibration: real inputs of the fixed sizes, states included.
        step: inputs of one run, by name.

    Raises:
        ConversionError: as `network_files.export_variants`.
    """
    name = MICRO if states else FULL
    wanted = CALIBRATED if states else ("full-int8",)
    refusal = _refusal(graph, bool(states), calibration)
    jobs = {
        precision: TfliteJob(graph, _path(folder, name, precision), precision, not states, calibration, optional=True)
        for precision in (() if refusal else wanted)
    }
    failed = write_tflite(model, [*tflite_jobs(graph, folder), *jobs.values()])
    left_out = [LeftOut(name, precision, refusal) for precision in (wanted if refusal else ())]
    found = []
    for precision, job in jobs.items():
        file = VariantFile(job.path.name, TFLITE, precision, dict(graph.fixed))
        try:
            if job.path in failed:
                raise ConversionError(failed[job.path])
            found.append(_on_micro(file, folder, states, step) if states else file)
        except ConversionError as error:
            job.path.unlink(missing_ok=True)
            left_out.append(LeftOut(name, precision, str(error)))
            log.info("%s in %s is left out: %s", name, precision, error)
    files = {key: file for key, file in tflite_files(graph).items() if folder / file.file not in failed}
    others = [(key, file) for key, file in tflite_files(graph).items() if key not in files]
    left_out += [LeftOut(key, file.precision, failed[folder / file.file]) for key, file in others]
    if states:
        found.append(_on_micro(files["tflite"], folder, states, step))
    return Exported(files, {name: tuple(found)} if found else {}, tuple(left_out))


def _path(folder: Path, name: str, precision: str) -> Path:
    """Where an alternative stands until one is chosen."""
    return folder / FILES[name].replace(".tflite", f".{precision}.tflite")


def _refusal(graph: GraphSpec, streams: bool, calibration: Sequence[Feeds]) -> str:
    """Why integers are not even tried, empty if they are."""
    if not calibration:
        return "there are no real inputs to calibrate it on"
    sizes = (frozen(tensor.shape, graph.fixed)[1:2] for tensor in graph.inputs)
    longest = max((size or 0 for places in sizes for size in places), default=0)
    if not streams and longest > MOST_UNROLLED:
        return f"its {longest} steps would be written out one by one, and more than {MOST_UNROLLED} never paid"
    return ""


def _on_micro(file: VariantFile, folder: Path, states: tuple[StateSpec, ...], step: Feeds) -> VariantFile:
    """The file with what a microcontroller must know of it.

    Raises:
        ConversionError: TFLM lists no such operation, or refuses the file.
    """
    path = folder / file.file
    return replace(file, micro=described(path, states) | {"arena_bytes": arena_bytes(path, step)})
