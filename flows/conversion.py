"""The `convert` command: a Keras model that anybody made, to the files that devices load."""

import logging
import os
from collections.abc import Mapping, Sequence

from rich.table import Table

from components.converters import Conversion, Reading, TensorSpec, convert
from components.converters.checking.comparing import HEADINGS, TEXTS
from components.converters.strangers_files import RUNTIMES
from components.errors import SettingError
from components.networks import quiet_import
from components.registry import import_layers
from flows.options import ConversionRequest


def run_conversion(request: ConversionRequest) -> Conversion:
    """Convert a model; the request as the command line has it.

    Raises:
        SettingError: a `fix` that is not AXIS=SIZE, an `input` that is not NAME=AXES.
        ConversionError, ParityError: as `convert`.
    """
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    quiet_import.import_tensorflow()
    import_layers()  # ours are known by name, whatever module an older layout says they are in
    return convert(
        request.model,
        request.out,
        fixed=sizes_of(request.fix or ()),
        examples=request.examples,
        runtimes=request.runtime or RUNTIMES,
        reading=Reading(request.allow_lambda, request.code or (), inputs_of(request.input or ()) or None),
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


def inputs_of(texts: Sequence[str]) -> list[TensorSpec]:
    """Inputs of texts like `x=time,8` or `ids=time:int32`; the batch comes first by itself."""
    found = []
    for text in texts:
        name, _, rest = text.partition("=")
        axes, _, dtype = rest.partition(":")
        sizes = [int(axis) if axis.isdecimal() else axis for axis in axes.split(",")]
        if not name.isidentifier() or not all(sizes) or dtype not in ("", "float32", "int32", "int64", "bool"):
            raise SettingError(f"--input {text}: write NAME=AXES, for example --input x=time,8 or ids=time:int32")
        found.append(TensorSpec(name, ("batch", *sizes), dtype or "float32"))
    return found


def parity_table(done: Conversion) -> Table:
    """One row per file: bytes, largest error, microseconds."""
    table = Table(title=f"{done.folder}{os.sep}", caption="\n".join(done.notes), title_justify="left")
    table.caption_justify = "left"
    for place, heading in enumerate(HEADINGS):
        number = place >= TEXTS
        table.add_column(heading, justify="right" if number else "left", no_wrap=number)
    for row in done.rows:
        table.add_row(*row.cells())
    return table
