"""Models whose policy is to compute in 16 bits, in float32 for as long as they are converted.

Runtimes on processors widen float16 and bfloat16 anyway, and what such a policy rounds away is no error of a file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

HALF = ("float16", "bfloat16")


@contextmanager
def in_float32(model: "keras.Model") -> Iterator[tuple[str, ...]]:
    """Have every layer compute in float32; the kinds that layers computed in before, of those with 16 bits."""
    changed = {id(layer): layer for layer in (model, *model._flatten_layers()) if _is_mixed(layer)}
    policies = [(layer, layer.dtype_policy, layer.compute_dtype) for layer in changed.values()]
    try:
        for layer, _, _ in policies:
            layer.dtype_policy = "float32"
        yield tuple(dict.fromkeys(kind for _, _, kind in policies))
    finally:
        for layer, policy, _ in policies:
            layer.dtype_policy = policy


def widened(kind: str, model: "keras.Model") -> str:
    """The element type that a file has where Keras has this one."""
    mixed = kind in HALF and not any(variable.dtype in HALF for variable in model.variables)
    return "float32" if mixed else kind


def _is_mixed(layer: Any) -> bool:
    """Whether a layer computes in 16 bits with weights of 32."""
    return layer.compute_dtype in HALF and layer.variable_dtype not in HALF
