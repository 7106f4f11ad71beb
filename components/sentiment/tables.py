"""Labelled texts of the user's own tables in one form, checked: `text` and `label` for every part."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.data.tables import column, read_table, row_of, tables_in
from components.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = ("text", "review", "sentence", "comment", "tweet", "content", "message", "body", "document")
LABEL_COLUMNS = ("label", "sentiment", "class", "category", "polarity", "target", "rating", "stars")
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
    "unlabelled": ("unsup", "unlabelled", "unlabeled", "unsupervised"),
}
BINARY = {"0": "negative", "1": "positive"}  # what 0 and 1 mean where a table says nothing else
LINE_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)  # reviews from web pages hold them
MOST_LABELS = 100  # more of them are a measure or an identifier and not a class
FEWEST_TEXTS = 3  # of each label, one each for training, validation and test


@dataclass(frozen=True)
class LabelledTexts:
    """Parts by name (train always, validation and test where the source has them), and texts without label."""

    parts: "dict[str, pd.DataFrame]"
    unlabelled: list[str] = field(default_factory=list)


def own(path: Path, text_column: str, label_column: str) -> LabelledTexts:
    """The user's table or folder of tables.

    Raises:
        DataError: names the file, and the row or column, that cannot be used.
    """
    if path.is_file():
        return LabelledTexts({"train": _labelled(path, text_column, label_column)})
    tables = tables_in(path)
    found = {part: tables[name] for part, names in PART_NAMES.items() for name in names if name in tables}
    if "train" not in found and len(tables) == 1:
        found = {"train": next(iter(tables.values()))}
    if "train" not in found:
        held = ", ".join(file.name for file in tables.values()) or "no table"
        raise DataError(f"{path} holds {held}: name the training table train.csv (or .tsv, .jsonl, .parquet)")
    unlabelled = found.pop("unlabelled", None)
    parts = {name: _labelled(file, text_column, label_column) for name, file in found.items()}
    return LabelledTexts(parts, _texts(unlabelled, text_column)[1] if unlabelled else [])


def _labelled(path: Path, text_column: str, label_column: str) -> "pd.DataFrame":
    import pandas as pd

    table, texts = _texts(path, text_column)
    name = column(table, path, label_column, LABEL_COLUMNS, "label_column")
    values = table[name]
    labels = [_label(value) for value in values]
    no_gaps([row_of(path, index) for index, label in enumerate(labels) if not label], f"column '{name}'")
    if set(labels) <= set(BINARY):
        labels = [BINARY[label] for label in labels]
    return pd.DataFrame({"text": texts, "label": labels})


def _texts(path: Path, text_column: str) -> "tuple[pd.DataFrame, list[str]]":
    """A table and its cleaned texts, none of them empty."""
    import pandas as pd

    table = read_table(path, text_only=True)
    name = column(table, path, text_column, TEXT_COLUMNS, "text_column")
    texts = ["" if pd.isna(value) else clean(str(value)) for value in table[name]]
    no_gaps([row_of(path, index) for index, text in enumerate(texts) if not text], f"column '{name}'")
    return table, texts


def clean(text: str) -> str:
    """The text with its HTML line breaks as line ends."""
    return LINE_BREAK.sub("\n", text).strip()


def _label(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def no_gaps(rows: Sequence[str], what: str) -> None:
    """Pass when no row is named as empty.

    Raises:
        DataError: names the first of them.
    """
    if rows:
        more = f" (and in {len(rows) - 1} more rows)" if len(rows) > 1 else ""
        raise DataError(f"{rows[0]}: {what} is empty{more}: fill it or remove the row")


def frame(rows: Iterable[tuple[str, str]]) -> "pd.DataFrame":
    """A table of text and label."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=["text", "label"])


def check(found: LabelledTexts, source: str) -> None:
    """Pass when a classifier can be trained and measured on the texts.

    Raises:
        DataError: one class, a class with hardly a text, a class that only the test knows, or far too many classes.
    """
    counts = found.parts["train"]["label"].value_counts()
    if len(counts) < 2:
        raise DataError(f"{source}: every text has the label '{counts.index[0]}': give texts of two classes or more")
    if len(counts) > MOST_LABELS:
        raise DataError(
            f"{source}: {len(counts)} different labels, as '{counts.index[0]}': name the column of classes with "
            f"--set label_column=COLUMN (at most {MOST_LABELS} classes)"
        )
    if counts.min() < FEWEST_TEXTS:
        raise DataError(
            f"{source}: label '{counts.idxmin()}' has {counts.min()} texts, {FEWEST_TEXTS} are needed: add some"
        )
    for name, part in found.parts.items():
        if unknown := sorted(set(part["label"]) - set(counts.index)):
            raise DataError(f"{source}: label '{unknown[0]}' of the {name} part is not in the training part")
