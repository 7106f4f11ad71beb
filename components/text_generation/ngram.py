"""The n-gram baseline: an interpolated Kneser-Ney model over ids, in sorted arrays of hashes.

Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling": modified Kneser-Ney with
three discounts, interpolated. The highest order counts occurrences; every order below counts in how many different
contexts an n-gram has been seen.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits well mixed: 2^64 divided by the golden ratio
CLASSES = 3  # n-grams seen once, twice, more often have discounts of their own


@dataclass(frozen=True)
class NGramModel:
    """N-gram counts of a text.

    Attributes:
        ids: the text to learn from, (length,) integers below `vocabulary`.
        vocabulary: number of different ids.
        longest: order of the longest n-grams counted; order 1 looks at no context.
    """

    ids: np.ndarray
    vocabulary: int
    longest: int

    def losses(self, before: np.ndarray, ids: np.ndarray) -> np.ndarray:
        """Nats that each id costs under the models of order 1, 2, …, given the text before: (longest, ids)."""
        before = before[-self.longest :]
        text = np.concatenate([before, ids])
        rows = []
        lower = np.full(len(text), 1.0 / self.vocabulary)
        for order, (highest, middle) in enumerate(self._levels, start=1):
            contexts, grams = _hashes(text, order)
            rows.append(-np.log(highest.interpolated(contexts, grams, lower)))
            lower = middle.interpolated(contexts, grams, lower)
        return np.stack(rows)[:, len(before) :]

    @cached_property
    def _levels(self) -> list[tuple["_Level", "_Level"]]:
        """For each order the counts it has as the highest order and as one below a higher one."""
        levels = []
        for order in range(1, self.longest + 1):
            contexts, grams = (part[order - 1 :] for part in _hashes(self.ids, order))
            _, longer = (part[order:] for part in _hashes(self.ids, order + 1))
            distinct = np.unique(longer, return_index=True)[1] + 1  # where each longer n-gram, less its first id, ends
            levels.append((_Level.of(contexts, grams), _Level.of(contexts[distinct], grams[distinct])))
        return levels


def best_order(model: NGramModel, before: np.ndarray, validation: np.ndarray) -> int:
    """The order whose model predicts the validation part, which follows `before`, best."""
    return int(np.argmin(model.losses(before, validation).mean(axis=1))) + 1


@dataclass(frozen=True)
class _Level:
    """Counts of one order, in arrays sorted by hash so that a search finds them."""

    grams: np.ndarray  # (grams,) hashes
    counts: np.ndarray  # (grams,) after discounting
    contexts: np.ndarray  # (contexts,) hashes
    totals: np.ndarray  # (contexts,)
    reserved: np.ndarray  # (contexts,) what the discounts took away, for the order below

    @classmethod
    def of(cls, contexts: np.ndarray, grams: np.ndarray) -> "_Level":
        """The counts of n-grams given by the hashes of context and whole."""
        seen, first, counts = np.unique(grams, return_index=True, return_counts=True)
        known, owner = np.unique(contexts[first], return_inverse=True)
        discounts = _discounts(counts)[np.minimum(counts, CLASSES)]
        return cls(
            seen,
            counts - discounts,
            known,
            np.bincount(owner, counts),
            np.bincount(owner, discounts),
        )

    def interpolated(self, contexts: np.ndarray, grams: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """Probabilities of n-grams, given those of the order below; where the context is new they are those."""
        at, known = _found(self.contexts, contexts)
        total = np.where(known, self.totals[at], 1.0)
        share = np.where(known, self.reserved[at] / total, 1.0)
        at, seen = _found(self.grams, grams)
        return np.where(known & seen, self.counts[at] / total, 0.0) + share * lower


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What to take from counts of 0, 1, 2 and more (Chen and Goodman, equation 26), kept between 0 and the count."""
    of = np.maximum(np.bincount(np.minimum(counts, CLASSES + 2), minlength=CLASSES + 3), 1)[: CLASSES + 2]
    y = of[1] / (of[1] + 2 * of[2])
    return np.array([0.0, *(np.clip(k - (k + 1) * y * of[k + 1] / of[k], 0.1, k - 0.1) for k in range(1, CLASSES + 1))])


def _found(table: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where `wanted` stand in a sorted table, and whether they do."""
    at = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return at, table[at] == wanted


def _hashes(ids: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """64-bit hashes, per position, of the `order - 1` ids before it and of these with the id itself."""
    values = ids.astype(np.uint64) + np.uint64(1)
    contexts = np.zeros(len(ids), np.uint64)
    for back in range(order - 1, 0, -1):
        shifted = np.concatenate([np.zeros(min(back, len(ids)), np.uint64), values[: max(0, len(ids) - back)]])
        contexts = _mixed(contexts, shifted)
    return contexts, _mixed(contexts, values)


def _mixed(state: np.ndarray, values: np.ndarray) -> np.ndarray:
    mixed = (state ^ (values * MULTIPLIER)) * MULTIPLIER
    return mixed ^ (mixed >> np.uint64(29))
