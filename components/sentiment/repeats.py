"""Texts that stand more than once: dropped where they would be learned twice or tell the test part's answers."""

from typing import TYPE_CHECKING

from components.data.choices import chose, doubt

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 40  # characters of a text in a message
MEASURED = ("test", "validation")  # what a text of theirs would give away stands in no part after them


def without_repeats(parts: "dict[str, pd.DataFrame]") -> "dict[str, pd.DataFrame]":
    """The parts without texts that a part which measures holds too, the training part with each text once.

    Case and white space make no other text. Texts of the training part with two labels are left out; a part that
    measures stays as its owner made it.
    """
    found = dict(parts)
    for place, measuring in enumerate(MEASURED):
        for later in (*MEASURED[place + 1 :], "train"):
            if measuring in found and later in found:
                found[later] = _apart_from(found[later], found[measuring], later, measuring)
    found["train"] = _once(_of_one_label(found["train"]))
    return found


def of_one_label(table: "pd.DataFrame") -> "pd.DataFrame":
    """The table's different texts that have one label only; nothing is said."""
    keys = _keys(table["text"])
    clear = table["label"].groupby(keys).transform("nunique") == 1
    return table[clear & ~keys.duplicated()]


def _apart_from(table: "pd.DataFrame", other: "pd.DataFrame", name: str, other_name: str) -> "pd.DataFrame":
    repeated = _keys(table["text"]).isin(set(_keys(other["text"])))
    if repeated.any():
        doubt(
            "repeated texts",
            f"{int(repeated.sum())} texts of the {name} part stand in the {other_name} part too: they leave the "
            f"{name} part, or the measured score would be too good",
        )
    return table[~repeated]


def _of_one_label(table: "pd.DataFrame") -> "pd.DataFrame":
    keys = _keys(table["text"])
    torn = table["label"].groupby(keys).transform("nunique") > 1
    if torn.any():
        first = " ".join(table["text"][torn].iloc[0].split())[:SHOWN]
        rows, texts = int(torn.sum()), keys[torn].nunique()
        doubt(
            "texts with two labels",
            f"{texts} texts have two labels or more, '{first}' among them: their {rows} rows, {rows - texts} of them "
            "repeats, are left out",
        )
    return table[~torn]


def _once(table: "pd.DataFrame") -> "pd.DataFrame":
    repeated = _keys(table["text"]).duplicated()
    if repeated.any():
        chose("repeated texts", f"{int(repeated.sum())} rows that repeat another row of the training part are dropped")
    return table[~repeated]


def _keys(texts: "pd.Series") -> "pd.Series":
    """What makes two texts the same."""
    return texts.map(lambda text: " ".join(text.casefold().split()))
