"""The `convert` command: a Keras model that anybody made, to the files that devices load."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from components.converters import Conversion, convert
from components.converters.checking.comparing import HEADINGS
from components.converters.whole_set import RUNTIMES
from components.errors import SettingError

NUMBERS = 3  # columns at the end of a row


def run_conversion(
    model: Path,
    out: Path,
    fix: Sequence[str] = (),
    examples: Path | None = None,
    runtimes: Sequence[str] = (),
    allow_lambda: bool = False,
    code: Sequence[Path] = (),
) -> Conversion:
    """Convert a model; arguments as the command line has them.

    Raises:
        SettingError: a `fix` that is not AXIS=SIZE.
        ConversionError, ParityError: as `convert`.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return convert(
        model,
        out,
        fixed=sizes_of(fix),
        examples=examples,
        runtimes=runtimes or RUNTIMES,
        allow_lambda=allow_lambda,
        code=code,
    )


def sizes_of(texts: Sequence[str]) -> Mapping[str, int]:
    """Sizes by axis of texts like `time=49`."""
    sizes: dict[str, int] = {}
    for text in texts:
        axis, _, size = text.partition("=")
        if not axis or not size.isdecimal():
            raise SettingError(f"--fix {text}: write AXIS=SIZE, for example --fix time=49")
        sizes[axis] = int(size)
    return sizes


def parity_table(done: Conversion) -> Table:
    """One row per file: bytes, largest error, microseconds."""
    table = Table(title=f"{done.folder}{os.sep}", caption="\n".join(done.notes), title_justify="left")
    table.caption_justify = "left"
    for place, heading in enumerate(HEADINGS):
        number = place >= len(HEADINGS) - NUMBERS
        table.add_column(heading, justify="right" if number else "left", no_wrap=number)
    for row in done.rows:
        table.add_row(*row.cells())
    return table
