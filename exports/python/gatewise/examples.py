"""The example that a bundle carries: one call of its predictor that shows it at work."""

from collections.abc import Callable
from functools import partial
from typing import Any

from gatewise.errors import BundleError

VECTORS = "testvectors.npz"
FIRST = "case0/input/"  # arrays of the first test vector, each with a batch axis of one


def example_call(predictor: Any) -> tuple[Callable[[], Any], int]:
    """A call of `predict` without arguments to give, and how many predictions it counts for.

    Raises:
        BundleError: the bundle carries no example.
    """
    bundle = predictor.bundle
    example = bundle.manifest.get("example")
    if not isinstance(example, dict):
        raise BundleError(f"bundle {bundle.path} carries no example: make the bundle again")
    arguments = dict(example["arguments"])
    vectors = bundle.arrays(VECTORS) if example["vectors"] else {}
    for name, told in example["vectors"].items():
        source, _, dtype = told.partition(" ")
        if (array := vectors.get(FIRST + source)) is not None:
            arguments[name] = array[0].astype(dtype) if dtype else array[0]
    return partial(predictor.predict, **arguments), int(example["answers"])
