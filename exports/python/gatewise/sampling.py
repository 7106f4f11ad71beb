"""Drawing the next id from logits: temperature, top-k, top-p, seeded. Nothing is allocated that can be kept."""

import random

import numpy as np

from gatewise.errors import GatewiseError, InputError

COLDEST = 1e-4  # below this temperature the likeliest id is taken
NUCLEUS_FIRST = 256  # likeliest ids looked at before the whole vocabulary is sorted for top-p


class Sampler:
    """Draws one id after the other.

    Args:
        vocabulary: number of ids.
        temperature: 1 draws from the model's distribution, less is bolder in the likely, 0 takes the likeliest.
        top_k: draw from the k likeliest ids only.
        top_p: draw from the fewest ids that together have this probability (Holtzman et al. 2020); after top_k.
        seed: the same seed draws the same ids; None draws anew each time.
        banned: id that is never drawn.

    Raises:
        InputError: a value out of bounds.
    """

    def __init__(
        self,
        vocabulary: int,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        banned: int | None = None,
    ) -> None:
        _check(temperature, top_k, top_p, seed)
        self._inverse = np.array(1 / temperature, np.float32) if temperature >= COLDEST else None  # None: greedy
        self._top_k = top_k if top_k is not None and top_k < vocabulary else None
        self._top_p = top_p if top_p is not None and top_p < 1 else None
        self._banned = banned
        self._uniform = random.Random(seed).random  # noqa: S311, text is no secret
        size = self._top_k or vocabulary
        self._weights = np.empty(size, np.float32)
        self._sums = np.empty(size, np.float64)  # float64, so that a long vocabulary's small weights add up

    def draw(self, logits: np.ndarray) -> int:
        """The next id, from logits of shape (vocabulary,), of which the banned one is overwritten.

        Raises:
            GatewiseError: the logits hold NaN.
        """
        if self._banned is not None:
            logits[self._banned] = -np.inf
        if self._inverse is None:
            return int(logits.argmax())
        chosen = None
        if self._top_k:
            chosen = np.argpartition(logits, -self._top_k)[-self._top_k :]
            chosen.sort()  # argpartition's order differs between processors, a seed's text must not
            logits = logits[chosen]
        weights = self._weights
        np.subtract(logits, logits[logits.argmax()], weights)  # the quickest of the ways to write it
        np.multiply(weights, self._inverse, weights)
        np.exp(weights, weights)
        place = (
            self._place(weights, self._sums) if self._top_p is None else self._place_in_nucleus(weights, self._top_p)
        )
        return place if chosen is None else int(chosen[place])

    def _place(self, weights: np.ndarray, sums: np.ndarray) -> int:
        """A place drawn with probability proportional to its weight."""
        np.add.accumulate(weights, 0, None, sums)  # half the time of np.cumsum
        total = sums[-1]
        if not total > 0:
            raise GatewiseError("the model's logits are not numbers: verify the bundle")
        return min(int(sums.searchsorted(self._uniform() * total, "right")), len(sums) - 1)

    def _place_in_nucleus(self, weights: np.ndarray, share: float) -> int:
        """A place drawn among the fewest that together have this share of all weight."""
        wanted = share * float(weights.sum(dtype=np.float64))
        order = _likeliest(weights, min(NUCLEUS_FIRST, len(weights)))
        if float(weights[order].sum(dtype=np.float64)) < wanted:
            order = _likeliest(weights, len(weights))
        ranked = weights[order]
        size = int(np.cumsum(ranked, dtype=np.float64).searchsorted(wanted)) + 1
        ranked = ranked[:size]
        return int(order[self._place(ranked, self._sums[: len(ranked)])])


def _likeliest(weights: np.ndarray, count: int) -> np.ndarray:
    """Places of the largest weights, largest first, equal ones in order of place."""
    if count == len(weights):
        return np.argsort(-weights, kind="stable")
    places = np.argpartition(weights, -count)[-count:]
    places.sort()
    return places[np.argsort(-weights[places], kind="stable")]


def _check(temperature: float, top_k: int | None, top_p: float | None, seed: int | None) -> None:
    if not _is_number(temperature) or not 0 <= temperature < float("inf"):
        raise InputError(f"temperature = {temperature!r}: give a number from 0 (greedy) up")
    if top_k is not None and (not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1):
        raise InputError(f"top_k = {top_k!r}: give a whole number from 1, or None")
    if top_p is not None and (not _is_number(top_p) or not 0 < top_p <= 1):
        raise InputError(f"top_p = {top_p!r}: give a probability above 0 and up to 1, or None")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or seed < 0):
        raise InputError(f"seed = {seed!r}: give a whole number from 0, or None")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
