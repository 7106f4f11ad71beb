"""Every file of a conversion beside Keras: its largest error on the same inputs, its size and its time."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.converters.checking.measuring import median_us, opened
from components.converters.checking.parity import check_parity
from components.converters.specs import VariantFile
from components.errors import ConversionError

log = logging.getLogger(__name__)

Arrays = Mapping[str, np.ndarray]
Case = tuple[Arrays, Arrays]  # inputs, and what Keras makes of them
TOLERANCE = 1e-4  # of a float32 file, times the largest output where that is above one
EXACT = "float32"
HEADINGS = ("variant", "file", "runtime", "weights", "fixed axes", "bytes", "max error", "µs per run")


@dataclass(frozen=True)
class Row:
    """One file of a conversion.

    Attributes:
        variant: its name.
        file: its file.
        bytes: of the file.
        max_error: largest absolute difference from Keras over all outputs, next states included.
        microseconds: median time of one run at the fixed sizes, on one thread.
    """

    variant: str
    file: VariantFile
    bytes: int
    max_error: float
    microseconds: float

    def cells(self) -> tuple[str, ...]:
        """The row for people, as HEADINGS names its columns."""
        fixed = " ".join(f"{axis}={size}" for axis, size in self.file.fixed.items()) or "none"
        numbers = (f"{self.bytes:,}", f"{self.max_error:.1e}", f"{self.microseconds:,.1f}")
        return (self.variant, self.file.file, self.file.runtime, self.file.precision, fixed, *numbers)


def compared(
    folder: Path,
    variants: Mapping[str, VariantFile],
    fixed: Sequence[Case],
    free: Sequence[Case],
) -> list[Row]:
    """A row for each variant in `folder`.

    Args:
        folder: where the files are.
        variants: the variants by name.
        fixed: inputs at the sizes of the fixed axes, each with Keras' outputs.
        free: inputs of other sizes, for the files that accept any.

    Raises:
        ConversionError: a runtime cannot open or run its file.
        ParityError: a float32 file does not compute what Keras computes.
    """
    errors = {
        name: error_of(folder, name, file, [*fixed, *(() if file.fixed else free)]) for name, file in variants.items()
    }
    times = median_us([folder / file.file for file in variants.values()], fixed[0][0])
    return [
        Row(name, file, (folder / file.file).stat().st_size, errors[name], round(taken, 1))
        for (name, file), taken in zip(variants.items(), times, strict=True)
    ]


def error_of(folder: Path, name: str, file: VariantFile, cases: Sequence[Case]) -> float:
    """The largest error of a file over the cases.

    Raises:
        ConversionError: its runtime cannot open or run it.
        ParityError: it is float32 and does not compute what Keras computes.
    """
    accepted = TOLERANCE * max(1.0, largest(cases)) if file.precision == EXACT else np.inf
    found = 0.0
    for got, (_, wanted) in zip(_answers(folder, file, cases), cases, strict=True):
        found = max(found, check_parity(wanted, got, accepted, f"{file.file} ({name})"))
    log.info("%s: largest error %.1e", file.file, found)
    return found


def largest(cases: Sequence[Case]) -> float:
    """The largest finite absolute output of Keras."""
    finite = (array[np.isfinite(array)] for _, outputs in cases for array in outputs.values())
    return max((float(np.abs(array).max()) for array in finite if array.size), default=0.0)


def markdown(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """The table as a Markdown page."""
    lines = [HEADINGS, ["---"] * 5 + ["---:"] * 3, *(row.cells() for row in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"# Parity with Keras\n\n{table}\n\n" + "\n".join(f"- {note}" for note in notes) + "\n"


def _answers(folder: Path, file: VariantFile, cases: Sequence[Case]) -> Iterator[Arrays]:
    try:
        session = opened(folder / file.file)
        for feeds, _ in cases:
            yield session.run({name: feeds[name] for name in session.inputs})
    except Exception as error:  # each runtime has error classes of its own
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConversionError(f"{file.runtime} refuses {file.file}: {first}") from error
