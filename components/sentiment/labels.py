"""Labels as the classes they name: spellings of one class joined when told, refused otherwise, never silently two."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from components.data.choices import chose
from components.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

BINARY = {"0": "negative", "1": "positive"}  # what 0 and 1 mean in a column of these names, and in SST-2
OF_SENTIMENT = ("sentiment", "polarity")
RATINGS = ("rating", "stars", "score", "overall")
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


def reason_of_sentiment(frame: "pd.DataFrame", column: str) -> str:
    """Why 0 and 1 in a column mean negative and positive, "" where they may mean anything."""
    if column.lower() in OF_SENTIMENT:
        return f"the column is called '{column}'"
    labels = frame[column].map(label_of)
    for name in frame.columns:
        if str(name).lower() in RATINGS and name != column and set(labels) == set(BINARY):
            ratings = [_numbers(frame[name][labels == label]) for label in sorted(BINARY)]
            if ratings[0].max() < ratings[1].min():
                return f"every text with 1 has a higher '{name}'"
    return ""


def _numbers(values: "pd.Series") -> "pd.Series":
    import pandas as pd

    return pd.to_numeric(values, errors="coerce")


def names_for(labels: Iterable[str], reason: str, names: Mapping[str, str], join: bool, where: str) -> dict[str, str]:
    """The name of the class for every label as it stands in the tables.

    Args:
        labels: of every row of every part.
        reason: why 0 is negative and 1 positive, "" where they are not.
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
    if not set(joined.values()) <= set(BINARY):
        return joined
    if not reason:
        chose("labels", "0 and 1 keep their names, as they may mean anything; set label_names=0=NAME,1=NAME")
        return joined
    chose("labels", f"0 is negative and 1 positive, as {reason}; if not, set label_names=0=NAME,1=NAME")
    return {label: BINARY[name] for label, name in joined.items()}


def _joined(named: Mapping[str, str], counts: Mapping[str, int], join: bool, where: str) -> dict[str, str]:
    """The names with every spelling of one label turned into its commonest, of numbers into the shortest."""
    spellings: dict[str, Counter[str]] = {}
    for label, name in named.items():
        spellings.setdefault(_key(name), Counter())[name] += counts[label]
    twins = {key: _ranked(found) for key, found in spellings.items() if len(found) > 1}
    for found in twins.values():
        if not join:
            raise DataError(
                f"{where}: the labels '{found[0]}' and '{found[1]}' look like one: join spellings of one label with "
                "--set join_labels=true, or write them alike"
            )
        chose("labels", f"{' and '.join(map(repr, found[1:]))} joined with '{found[0]}', as told by join_labels")
    return {label: twins.get(_key(name), [name])[0] for label, name in named.items()}


def _ranked(spellings: Counter[str]) -> list[str]:
    names = [name for name, _ in spellings.most_common()]
    return sorted(names, key=len) if all(map(WHOLE_NUMBER.fullmatch, names)) else names


def _key(label: str) -> str:
    number = WHOLE_NUMBER.fullmatch(label)
    return str(int(number[1])) if number else label.casefold()
