"""Every file of a conversion beside Keras: its largest error on the same inputs, its size and its time."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.converters.checking.measuring import median_us, opened
from components.converters.checking.parity import check_parity
from components.converters.checking.reference import Arrays, Case
from components.converters.specs import VariantFile
from components.errors import ConversionError

log = logging.getLogger(__name__)

TOLERANCE = 1e-4  # of a float32 file, times the largest output where that is above one
EXACT = "float32"
ROUNDING = 1e-6  # of an output's size: a spread below is none
WORTH_A_WARNING = 0.1  # of the outputs' spread: an error as large as that may well change what the model decides
HEADINGS = ("variant", "file", "runtime", "weights", "fixed axes", "bytes", "max error", "of spread", "µs per run")
TEXTS = 5  # columns before the numbers


@dataclass(frozen=True)
class Error:
    """How far a file's answers are from Keras'.

    Attributes:
        largest: absolute difference over all outputs.
        of_spread: largest difference in units of the standard deviation that the output has in Keras over all cases.
    """

    largest: float = 0.0
    of_spread: float = 0.0


@dataclass(frozen=True)
class Row:
    """One file of a conversion.

    Attributes:
        variant: its name.
        file: its file.
        bytes: of the file.
        error: the largest difference from Keras over all outputs, next states included.
        microseconds: median time of one run at the fixed sizes, on one thread.
    """

    variant: str
    file: VariantFile
    bytes: int
    error: Error
    microseconds: float

    def cells(self) -> tuple[str, ...]:
        """The row for people, as HEADINGS names its columns."""
        fixed = " ".join(f"{axis}={size}" for axis, size in self.file.fixed.items()) or "none"
        apart = (f"{self.error.largest:.1e}", f"{self.error.of_spread:.1%}")
        numbers = (f"{self.bytes:,}", *apart, f"{self.microseconds:,.1f}")
        return (self.variant, self.file.file, self.file.runtime, self.file.precision, fixed, *numbers)


def compared(
    folder: Path,
    variants: Mapping[str, VariantFile],
    fixed: Sequence[Case],
    free: Sequence[Case],
) -> tuple[list[Row], list[str]]:
    """A row for each variant in `folder`; and why others, not float32 ones, are deleted, in sentences.

    Args:
        folder: where the files are.
        variants: the variants by name.
        fixed: inputs at the sizes of the fixed axes, each with Keras' outputs.
        free: inputs of other sizes, for the files that accept any.

    Raises:
        ConversionError: a runtime cannot open or run its float32 file.
        ParityError: a float32 file does not compute what Keras computes.
    """
    errors: dict[str, Error] = {}
    refused: list[str] = []
    for name, file in variants.items():
        try:
            errors[name] = error_of(folder, name, file, [*fixed, *(() if file.fixed else free)])
        except ConversionError as error:
            if file.precision == EXACT:
                raise
            (folder / file.file).unlink()
            refused.append(f"{file.file} is left out: {error}.")
    kept = {name: variants[name] for name in errors}
    times = median_us([folder / file.file for file in kept.values()], fixed[0][0])
    return [
        Row(name, file, (folder / file.file).stat().st_size, errors[name], round(taken, 1))
        for (name, file), taken in zip(kept.items(), times, strict=True)
    ], refused


def error_of(folder: Path, name: str, file: VariantFile, cases: Sequence[Case]) -> Error:
    """The largest error of a file over the cases.

    Raises:
        ConversionError: its runtime cannot open or run it.
        ParityError: it is float32 and does not compute what Keras computes.
    """
    accepted = TOLERANCE * max(1.0, largest(cases)) if file.precision == EXACT else np.inf
    spread, found = _spreads(cases), Error()
    for got, (_, wanted) in zip(_answers(folder, file, cases), cases, strict=True):
        for output, array in wanted.items():
            apart = check_parity({output: array}, got, accepted, f"{file.file} ({name})")
            found = Error(max(found.largest, apart), max(found.of_spread, apart / spread[output]))
    log.info("%s: largest error %.1e, %.1e of the spread", file.file, found.largest, found.of_spread)
    return found


def warnings_of(rows: Sequence[Row]) -> list[str]:
    """A sentence for each file whose answers differ so much from Keras' that it should not be taken unseen."""
    return [
        f"WARNING: {row.file.file} differs from Keras by {row.error.of_spread:.0%} of the outputs' spread: try it on "
        "your own data before you ship it, or take another file."
        for row in rows
        if row.error.of_spread > WORTH_A_WARNING
    ]


def _spreads(cases: Sequence[Case]) -> dict[str, float]:
    """The standard deviation of each of Keras' outputs over all cases; its size where it is the same everywhere."""
    found = {}
    for name in cases[0][1]:
        whole = np.concatenate([outputs[name].astype(np.float64).ravel() for _, outputs in cases])
        finite = whole[np.isfinite(whole)]
        size = float(np.abs(finite).max(initial=0.0))
        deviation = float(finite.std()) if finite.size else 0.0
        found[name] = deviation if deviation > ROUNDING * size else size or 1.0
    return found


def largest(cases: Sequence[Case]) -> float:
    """The largest finite absolute output of Keras."""
    finite = (array[np.isfinite(array)] for _, outputs in cases for array in outputs.values())
    return max((float(np.abs(array).max()) for array in finite if array.size), default=0.0)


def markdown(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """The table as a Markdown page."""
    lines = [HEADINGS, ["---"] * TEXTS + ["---:"] * (len(HEADINGS) - TEXTS), *(row.cells() for row in rows)]
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
