"""Labelled texts of the user's own in one form, checked: `text` and `label` for every part."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from components.data.choices import chose, doubt
from components.errors import DataError
from components.sentiment.archives import is_archive, unpacked
from components.sentiment.class_files import is_class_folder, rows_of_classes
from components.sentiment.columns import MOST_LABELS, USUAL, label_column, text_column
from components.sentiment.config import Config
from components.sentiment.labels import label_of, names_for, reason_of_sentiment
from components.sentiment.repeats import of_one_label
from components.sentiment.text_tables import TextTable, read, tables_of
from gatewise.cleaning import clean

if TYPE_CHECKING:
    import pandas as pd

PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
    "unlabelled": ("unsup", "unlabelled", "unlabeled", "unsupervised"),
}
FEWEST_TEXTS = 3  # different ones of each label, one each for training, validation and test
Row = tuple[str, str, str]  # text, label, place


@dataclass(frozen=True)
class LabelledTexts:
    """Texts as their source has them.

    Attributes:
        parts: tables `text`, `label` by name: train always, validation and test where the source has them.
        unlabelled: texts without label.
    """

    parts: "dict[str, pd.DataFrame]"
    unlabelled: list[str] = field(default_factory=list)


def own(path: Path, config: Config, steps: Sequence[str]) -> LabelledTexts:
    """The user's table, folder of tables, or folder or archive of texts by class.

    Args:
        path: where it is.
        config: how to read it.
        steps: of cleaning, after which no text may be empty.

    Raises:
        DataError: names the file, and the row or column, that cannot be used.
    """
    if is_archive(path):
        with unpacked(path) as folder:
            return own(folder, config, steps)
    found = _by_class(path, config) if _holds_classes(path) else _by_table(path, config)
    rows = [row for part in found.rows.values() for row in part]
    no_gaps([place for text, _, place in rows if not clean(text, steps)], f"column '{found.text}'")
    no_gaps([place for _, label, place in rows if not label], f"column '{found.label}'")
    labels = (label for _, label, _ in rows)
    names = names_for(labels, found.reason, config.names(), config.join_labels, str(path))
    parts = {name: frame((text, names[label]) for text, label, _ in part) for name, part in found.rows.items()}
    return LabelledTexts(parts, [text for text in found.unlabelled if clean(text, steps)])


@dataclass(frozen=True)
class _Found:
    """What the user's files hold.

    Attributes:
        rows: by part.
        text, label: names of their columns.
        unlabelled: texts without label.
        reason: why the labels 0 and 1 mean negative and positive, "" where they do not.
    """

    rows: dict[str, list[Row]]
    text: str
    label: str
    unlabelled: list[str]
    reason: str = ""


def _by_table(path: Path, config: Config) -> _Found:
    """What a table or a folder of tables holds."""
    files = {"train": path} if path.is_file() else _part_files(path)
    tables = {part: read(file, config.separator, config.encoding, _names(config)) for part, file in files.items()}
    unlabelled = tables.pop("unlabelled", None)
    train = tables["train"]
    text = text_column(train, config.text_column)
    label = label_column(train, config.label_column, text)
    rows = {"train": _rows(train, text, label)}
    for part, table in tables.items():
        if part != "train" and (found := _rows_like(table, part, text, label, config)):
            rows[part] = found
    texts = _texts(unlabelled, config) if unlabelled else []
    return _Found(rows, text, label, texts, reason_of_sentiment(train.frame, label))


def _names(config: Config) -> tuple[str, ...]:
    return (*USUAL, *filter(None, (config.text_column, config.label_column)))


def _part_files(folder: Path) -> dict[str, Path]:
    tables = tables_of(folder)
    found = {part: tables[name] for part, names in PART_NAMES.items() for name in names if name in tables}
    if "train" not in found and len(tables) == 1:
        found = {"train": next(iter(tables.values()))}
    if "train" not in found:
        held = ", ".join(file.name for file in tables.values()) or "no table"
        raise DataError(f"{folder} holds {held}: name the training table train.csv (or .tsv, .jsonl, .json, .parquet)")
    if other := [file.name for file in tables.values() if file not in found.values()]:
        chose("tables", f"{', '.join(file.name for file in found.values())}; {', '.join(other)} passed over")
    return found


def _rows_like(table: TextTable, part: str, text: str, label: str, config: Config) -> list[Row]:
    """The rows of a part beside the training table, none where it has no labels."""
    names = {str(name).lower(): str(name) for name in table.frame.columns}
    own_label = names.get(label.lower(), "")
    if not own_label or not any(map(label_of, table.frame[own_label])):
        doubt(
            f"{part} part",
            f"{table.path.name} has no labels in a column '{label}': it is passed over, and the {part} part is split "
            "off the training table",
        )
        return []
    return _rows(table, names.get(text.lower()) or text_column(table, config.text_column), own_label)


def _rows(table: TextTable, text: str, label: str) -> list[Row]:
    cells = zip(table.frame[text], table.frame[label], strict=True)
    return [(_text(value), label_of(mark), table.place(at)) for at, (value, mark) in enumerate(cells)]


def _texts(table: TextTable, config: Config) -> list[str]:
    return [_text(value) for value in table.frame[text_column(table, config.text_column)]]


def _text(value: object) -> str:
    return value if isinstance(value, str) else label_of(value)


def _holds_classes(path: Path) -> bool:
    """Whether a folder's texts are sorted into classes by folders or files, and no table names a part."""
    if not path.is_dir() or tables_of(path).keys() & {name for names in PART_NAMES.values() for name in names}:
        return False
    return any(map(is_class_folder, [path, *_part_folders(path).values()]))


def _part_folders(folder: Path) -> dict[str, Path]:
    entries = {entry.name.lower(): entry for entry in sorted(folder.iterdir()) if entry.is_dir()}
    return {part: entries[name] for part, names in PART_NAMES.items() for name in names if name in entries}


def _by_class(folder: Path, config: Config) -> _Found:
    """What folders or files of classes hold."""
    folders = {part: place for part, place in _part_folders(folder).items() if is_class_folder(place)}
    folders = folders if "train" in folders else {"train": folder}
    unlabelled: list[str] = []
    rows: dict[str, list[Row]] = {}
    for part, place in folders.items():
        found = rows_of_classes(place, config.encoding)
        rows[part] = [row for row in found if row[1].lower() not in PART_NAMES["unlabelled"]]
        unlabelled += [text for text, label, _ in found if label.lower() in PART_NAMES["unlabelled"]]
    return _Found(rows, "text", "label", unlabelled)


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


def check(parts: "Mapping[str, pd.DataFrame]", source: str) -> None:
    """Pass when a classifier can be trained and measured on the texts.

    Raises:
        DataError: one class, a class with hardly a text, a class that only the test knows, or far too many classes.
    """
    train = parts["train"]
    counts = train["label"].value_counts()
    if len(counts) < 2:
        raise DataError(f"{source}: every text has the label '{counts.index[0]}': give texts of two classes or more")
    if len(counts) > MOST_LABELS:
        raise DataError(
            f"{source}: {len(counts)} different labels, as '{counts.index[0]}': name the column of classes with "
            f"--set label_column=COLUMN (at most {MOST_LABELS} classes)"
        )
    clear = of_one_label(train)["label"].value_counts().reindex(counts.index, fill_value=0)
    if clear.min() < FEWEST_TEXTS:
        raise DataError(
            f"{source}: label '{clear.idxmin()}' has {clear.min()} different texts, {FEWEST_TEXTS} are needed: add "
            "some or remove the label's rows"
        )
    for name, part in parts.items():
        if unknown := sorted(set(part["label"]) - set(counts.index)):
            raise DataError(f"{source}: label '{unknown[0]}' of the {name} part is not in the training part")


def say_unmeasured(parts: "Mapping[str, pd.DataFrame]") -> None:
    """Say which classes of the training part another part holds no text of."""
    for name, part in parts.items():
        if missing := sorted(set(parts["train"]["label"]) - set(part["label"])):
            doubt(f"{name} part", f"it holds no text of {', '.join(map(repr, missing))}: nothing is measured of it")
