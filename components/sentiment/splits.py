"""Splits of labelled texts: the same share of every label, and no text on both sides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

TEST_SEED = 0  # never the training's seed: the test part must be the same for every model
PARTS = ("train", "validation", "test")


def split(
    parts: "dict[str, pd.DataFrame]", validation_share: float, test_share: float, seed: int
) -> "dict[str, pd.DataFrame]":
    """Training, validation and test part; a part that the source brings is taken as it is, the test part shuffled.

    Args:
        parts: tables `text`, `label` by part; at least "train".
        validation_share: of the training texts, where the source has no validation part.
        test_share: of all texts, where the source has no test part.
        seed: decides the validation part.
    """
    train = parts["train"]
    found = dict(parts)
    if "test" not in found:
        train, found["test"] = _apart(train.drop_duplicates("text"), test_share, TEST_SEED)
    if "validation" not in found:
        train, found["validation"] = _apart(train, validation_share, seed)
    found["train"] = train[~train["text"].isin(found["validation"]["text"])]
    order = np.random.default_rng(TEST_SEED).permutation(len(found["test"]))  # its first texts stand for all of it
    found["test"] = found["test"].iloc[order]
    return {name: found[name].reset_index(drop=True) for name in PARTS}


def _apart(table: "pd.DataFrame", share: float, seed: int) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """The table without, and with only, a share of each label's texts, at least one of each."""
    taken = np.zeros(len(table), bool)
    taken[_drawn(table["label"].tolist(), share, seed)] = True
    return table[~taken], table[taken]


def _drawn(labels: Sequence[str], share: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    names = np.array(labels)
    places = [rng.permutation(np.flatnonzero(names == label)) for label in sorted(set(labels))]
    return np.concatenate([rows[: max(1, round(share * len(rows)))] for rows in places])
