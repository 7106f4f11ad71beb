"""What an export promises: names, shapes and dtypes of a graph's inputs, outputs and states."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TensorSpec:
    """An input or output of a graph.

    Attributes:
        name: the same in Keras, ONNX and TFLite.
        shape: sizes; a text names an axis of any size, the first one usually "batch".
        dtype: numpy's name of the element type.
        unit: what the numbers are, for people.
    """

    name: str
    shape: tuple[str | int, ...]
    dtype: str = "float32"
    unit: str = ""


@dataclass(frozen=True)
class GraphSpec:
    """A graph to export.

    Attributes:
        inputs: every input, explicit states included.
        outputs: every output, explicit next states included.
        fixed: sizes of the named axes where a runtime wants them frozen (TFLite), e.g. {"batch": 1, "time": 1}.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    fixed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class StateSpec:
    """A state that a caller carries from one run to the next; zeros before the first.

    Attributes:
        name: the input's name.
        next: the output's name.
        shape: as in `TensorSpec`.
        dtype: numpy's name of the element type.
    """

    name: str
    next: str
    shape: tuple[str | int, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class VariantFile:
    """One exported file.

    Attributes:
        file: its name in the folder.
        runtime: "onnxruntime" or "litert".
        precision: of the weights: "float32", "float16" or "int8"; "full-int8" and "int8-products" compute in integers.
        fixed: sizes of the axes that are frozen in it.
        step_us: median microseconds of one step on one thread, where that was measured to choose between files.
        tried_us: what files were chosen by, median microseconds by what was tried: ways to int8 over a real case, with
            the int8 file; one step of every variant, those that gained nothing included, with the float32 file.
        micro: for a microcontroller's file: what `micro.described` says of it, and its measured arena.
    """

    file: str
    runtime: str
    precision: str
    fixed: Mapping[str, int] = field(default_factory=dict)
    step_us: float | None = None
    tried_us: Mapping[str, float] = field(default_factory=dict)
    micro: Mapping[str, Any] | None = None


def plain_name(name: str) -> str:
    """A name that every runtime accepts: letters, digits and underscores."""
    spelled = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()  # an accent is a mark of its own
    return re.sub(r"\W", "_", spelled) or "_"


def states_of(spec: GraphSpec) -> tuple[StateSpec, ...]:
    """The states that `spec` lists among its inputs and outputs."""
    following = {tensor.name for tensor in spec.outputs}
    pairs = [(tensor, f"{tensor.name}_next") for tensor in spec.inputs]
    return tuple(StateSpec(t.name, after, t.shape, t.dtype) for t, after in pairs if after in following)


def frozen(shape: tuple[str | int, ...], fixed: Mapping[str, int]) -> tuple[int | None, ...]:
    """The shape with fixed axes as numbers and free ones as None."""
    return tuple(fixed.get(size) if isinstance(size, str) else size for size in shape)
