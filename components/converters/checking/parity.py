"""Comparing what an exported model computes with what its source computes."""

from collections.abc import Mapping

import numpy as np

from components.errors import ParityError


def check_parity(
    expected: Mapping[str, np.ndarray], got: Mapping[str, np.ndarray], tolerance: float, name: str
) -> float:
    """The largest absolute error over all outputs.

    Args:
        expected: outputs of the source by name.
        got: outputs of the exported model by name.
        tolerance: the largest error accepted.
        name: what is compared, for the error message.

    Raises:
        ParityError: an output is missing, has another shape, or differs by more than the tolerance.
    """
    largest = 0.0
    for output, wanted in expected.items():
        if output not in got:
            raise ParityError(f"{name}: output '{output}' is missing; there is {', '.join(got)}")
        array = np.asarray(got[output])
        if array.shape != np.shape(wanted):
            raise ParityError(f"{name}: output '{output}' has shape {array.shape}, its source {np.shape(wanted)}")
        error, place = _largest_error(np.asarray(wanted), array)
        if not error <= tolerance:
            raise ParityError(
                f"{name}: output '{output}' differs from its source by {error:.3g} at {place} "
                f"({array[place]:.6g} for {np.asarray(wanted)[place]:.6g}); {tolerance:.3g} is accepted"
            )
        largest = max(largest, error)
    return largest


def _largest_error(wanted: np.ndarray, got: np.ndarray) -> tuple[float, tuple[int, ...]]:
    """The largest absolute difference and where it is; NaN counts as infinite unless both are NaN."""
    if wanted.size == 0:
        return 0.0, ()
    wanted, got = wanted.astype(np.float64), got.astype(np.float64)
    same = (wanted == got) | (np.isnan(wanted) & np.isnan(got))  # infinities included
    with np.errstate(invalid="ignore"):
        difference = np.abs(wanted - got)
    difference = np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference))
    place = tuple(int(index) for index in np.unravel_index(int(difference.argmax()), difference.shape))
    return float(difference[place]), place
