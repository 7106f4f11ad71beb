"""Texts whose class is the name of their folder or of their file: pos/ and neg/, reviews.pos and reviews.neg."""

from collections.abc import Iterator
from pathlib import Path

from components.data.choices import chose
from components.data.text_files import text_of, without_nuls
from components.errors import DataError

CLASS_NAMES = ("pos", "neg", "neu", "positive", "negative", "neutral")
TEXT_SUFFIX = ".txt"
Row = tuple[str, str, str]  # text, label, place


def is_class_folder(folder: Path) -> bool:
    """Whether the folder holds a folder or a file for each of two classes or more."""
    return len(_classes(folder)) > 1


def rows_of_classes(folder: Path, encoding: str = "") -> list[Row]:
    """Text, label and place of every text of every class: a file of a folder, or a line of a file.

    Raises:
        DataError: a file that cannot be read.
    """
    classes = _classes(folder)
    lines = any(path.is_file() for path in classes.values())
    chose(
        "labels",
        f"the names of the {'files' if lines else 'folders'} in {folder.name}: {', '.join(classes)}; "
        f"a text is a {'line' if lines else 'file'}",
    )
    return [row for label, path in classes.items() for row in _rows(path, label, encoding)]


def _classes(folder: Path) -> dict[str, Path]:
    """Folders of texts by name; where there are none, files that carry the name of a class."""
    entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
    folders = {path.name: path for path in entries if path.is_dir() and next(path.glob(f"*{TEXT_SUFFIX}"), None)}
    if len(folders) > 1:
        return folders
    named = [(label, path) for path in entries if path.is_file() and (label := _label_of_file(path))]
    labels = [label for label, _ in named]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise DataError(f"{folder} holds two files of the class '{twice[0]}': keep one of them")
    return dict(named)


def _label_of_file(path: Path) -> str:
    for name in (path.suffix[1:], path.stem if path.suffix == TEXT_SUFFIX else ""):
        if name.lower() in CLASS_NAMES:
            return name
    return ""


def _rows(path: Path, label: str, encoding: str) -> Iterator[Row]:
    if path.is_dir():
        for file in sorted(path.glob(f"*{TEXT_SUFFIX}")):
            yield without_nuls(text_of(file, encoding), file), label, str(file)
        return
    for number, line in enumerate(without_nuls(text_of(path, encoding), path).split("\n"), start=1):
        if line.strip():
            yield line, label, f"{path}, line {number}"
