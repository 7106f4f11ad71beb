"""Which column holds the texts and which the labels: named by the user, or found, and then said."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.data.choices import chose, doubt
from components.errors import DataError
from components.sentiment.text_tables import TextTable, first_row

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = (
    *("text", "review", "sentence", "comment", "tweet", "content", "message", "body", "document", "review_text"),
    *("reviewtext", "comment_text", "tweet_text", "full_text", "review_body", "phrase", "headline", "utterance"),
)
SURE_LABELS = ("label", "labels", "sentiment")  # named so for nothing else
LABEL_COLUMNS = (*SURE_LABELS, "class", "category", "polarity", "target", "rating", "stars")
USUAL = TEXT_COLUMNS + LABEL_COLUMNS
MOST_LABELS = 100  # more of them are a measure or an identifier and not a class
WORDS_PER_TEXT = 3  # fewer on average are names or codes


def text_column(table: TextTable, wanted: str) -> str:
    """The column of the texts.

    Raises:
        DataError: none of that name, or none that is surely it.
    """
    if wanted:
        return _named(table, wanted, "text_column")
    usual = _usual(table, TEXT_COLUMNS)
    if len(usual) > 1:
        doubt("text column", f"'{usual[0]}' of {_among(usual)}; if it is another, set text_column=COLUMN")
    if usual:
        return _said(table, "text column", usual[0])
    wordy = [name for name in table.frame.columns if _words(table.frame[name]) >= WORDS_PER_TEXT]
    if len(wordy) == 1 and _may_be_found(table):
        doubt("text column", f"'{wordy[0]}', the only one with sentences; if it is another, set text_column=COLUMN")
        return wordy[0]
    raise _not_found(table, "text_column", TEXT_COLUMNS, wordy)


def label_column(table: TextTable, wanted: str, text: str) -> str:
    """The column of the labels.

    Raises:
        DataError: none of that name, or none that is surely it.
    """
    if wanted:
        return _named(table, wanted, "label_column")
    usual = [name for name in _usual(table, LABEL_COLUMNS) if name != text]
    sure = [name for name in usual if name.lower() in SURE_LABELS]
    if len(sure) == 1 or len(usual) == 1:
        others = [name for name in usual if name not in sure[:1]]
        if sure and others:
            doubt("label column", f"'{sure[0]}', not {_among(others)}; if it is another, set label_column=COLUMN")
        return _said(table, "label column", (sure or usual)[0])
    if usual:
        raise DataError(
            f"{table.path}: the columns {_among(usual)} could each hold the labels: name one with "
            "--set label_column=COLUMN"
        )
    few = [name for name in table.frame.columns if name != text and _is_of_classes(table.frame[name])]
    if len(few) == 1 and _may_be_found(table):
        doubt("label column", f"'{few[0]}', the only one of a few classes; if it is another, set label_column=COLUMN")
        return few[0]
    raise _not_found(table, "label_column", LABEL_COLUMNS, few)


def _may_be_found(table: TextTable) -> bool:
    """Whether what the cells look like may decide: in a table without names two columns are text and label."""
    return table.headed or len(table.frame.columns) == 2


def _named(table: TextTable, wanted: str, setting: str) -> str:
    """The column of that name, in any case of letters, or of that number, counted from 1."""
    names = [str(name) for name in table.frame.columns]
    same = [name for name in names if name == wanted] or [name for name in names if name.lower() == wanted.lower()]
    if len(same) > 1:
        raise DataError(f"{table.path} has the columns {_among(same)}: write --set {setting}=COLUMN as it stands there")
    if same:
        return same[0]
    if wanted.isdecimal() and 1 <= int(wanted) <= len(names):
        chose(setting.replace("_", " "), f"number {wanted} is '{names[int(wanted) - 1]}'")
        return names[int(wanted) - 1]
    raise DataError(
        f"{table.path}: no column '{wanted}'; it has {', '.join(names)}: name one with --set {setting}=COLUMN"
    )


def _usual(table: TextTable, usual: Sequence[str]) -> list[str]:
    names = [str(name) for name in table.frame.columns]
    return [name for wanted in usual for name in names if name.lower() == wanted]


def _said(table: TextTable, about: str, name: str) -> str:
    others = [str(other) for other in table.frame.columns if other != name]
    chose(about, f"'{name}' of {table.path.name}" + (f"; not {', '.join(others)}" if others else ""))
    return name


def _among(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)


def _words(values: "pd.Series") -> float:
    """Words of a value on average."""
    return float(values.map(lambda value: len(str(value).split())).mean())


def _is_of_classes(values: "pd.Series") -> bool:
    different = values.map(str).nunique()
    return 2 <= different <= min(MOST_LABELS, len(values) // 2)


def _not_found(table: TextTable, setting: str, usual: Sequence[str], possible: Sequence[str]) -> DataError:
    """The question for a column: what there is, and how to name it."""
    if not table.headed:
        return DataError(
            f"{table.path} has no line of names; its first row is {first_row(table)}: name the columns by number with "
            "--set text_column=NUMBER --set label_column=NUMBER"
        )
    likely = f" ({_among(possible)} look like it)" if possible else ""
    return DataError(
        f"{table.path}: none of the usual columns {', '.join(usual)}; it has "
        f"{', '.join(map(str, table.frame.columns))}{likely}: name one with --set {setting}=COLUMN"
    )
