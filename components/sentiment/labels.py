"""Labels as the classes they name: spellings of one class joined when told, refused otherwise, never silently two."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from components.data.choices import chose
from components.errors import DataError

BINARY = {"0": "negative", "1": "positive"}  # what 0 and 1 mean in a column of these names, and in SST-2
OF_SENTIMENT = ("sentiment", "polarity")
WHOLE_NUMBER = re.compile(r"([+-]?\d+)(\.0*)?")


def label_of(value: Any) -> str:
    """A cell as a label, "" for an empty one."""
    import pandas as pd

    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    return (
        str(int(value))
        if isinstance(value, float | np.floating) and value.is_integer()
        else " ".join(str(value).split())
    )


def names_for(labels: Iterable[str], column: str, names: Mapping[str, str], join: bool, where: str) -> dict[str, str]:
    """The name of the class for every label as it stands in the tables.

    Args:
        labels: of every row of every part.
        column: that they stand in.
        names: names that the user gave to labels.
        join: whether spellings of one label are one class.
        where: the source, for messages.

    Raises:
        DataError: two spellings of one label that nobody said to join, or a name for a label that is not there.
    """
    counts = Counter(labels)
    if strange := sorted(set(names) - set(counts)):
        held = ", ".join(sorted(counts)[:10])
        raise DataError(f"{where}: label_names names '{strange[0]}', which no text has; the labels are {held}")
    named = {label: names.get(label, label) for label in counts}
    joined = _joined(named, counts, join, where)
    if column.lower() in OF_SENTIMENT and set(joined.values()) <= set(BINARY):
        chose("labels", f"0 is negative and 1 positive, as the column is called '{column}'; else set label_names")
        return {label: BINARY[name] for label, name in joined.items()}
    if set(joined.values()) <= set(BINARY):
        chose("labels", f"0 and 1 keep their names, as '{column}' may mean anything; set label_names=0=NAME,1=NAME")
    return joined


def _joined(named: Mapping[str, str], counts: Mapping[str, int], join: bool, where: str) -> dict[str, str]:
    """The names with every spelling of one label turned into its commonest."""
    spellings: dict[str, Counter[str]] = {}
    for label, name in named.items():
        spellings.setdefault(_key(name), Counter())[name] += counts[label]
    twins = {key: [name for name, _ in found.most_common()] for key, found in spellings.items() if len(found) > 1}
    for found in twins.values():
        if not join:
            raise DataError(
                f"{where}: the labels '{found[0]}' and '{found[1]}' look like one: join spellings of one label with "
                "--set join_labels=true, or write them alike"
            )
        chose("labels", f"{' and '.join(map(repr, found[1:]))} joined with '{found[0]}', as told by join_labels")
    return {label: twins.get(_key(name), [name])[0] for label, name in named.items()}


def _key(label: str) -> str:
    number = WHOLE_NUMBER.fullmatch(label)
    return str(int(number[1])) if number else label.casefold()
