"""The numbers of a table of series, and which rows belong to which series."""

from collections.abc import Sequence

import numpy as np

from gatewise.errors import InputError
from gatewise.number_forms import (
    MISSING,
    NumberForm,
    Numbers,
    find_form,
    looks_like_number,
    missing_in,
    numbers,
    suspicious,
)
from gatewise.reading import Reading
from gatewise.series_sheet import Sheet

MOSTLY = 0.8  # of a column's cells that are numbers: what else stands there is a mistake, not another kind of column


def group_rows(sheet: Sheet, names: Sequence[str]) -> dict[str, np.ndarray]:
    """The rows of each series by its name, in order of appearance."""
    columns = [np.char.strip(np.asarray(sheet.texts(name), dtype=str)) for name in names]
    keys = columns[0]
    if len(columns) > 1:
        titled = [np.char.add(f"{name} ", column) for name, column in zip(names, columns, strict=True)]
        keys = titled[0]
        for column in titled[1:]:
            keys = np.char.add(np.char.add(keys, ", "), column)
    different, first, places = np.unique(keys, return_index=True, return_inverse=True)
    if (different == "").any():
        row = int(first[np.argmax(different == "")])
        raise InputError(f"{sheet.where(row)}: column {names[0]} is empty: name the series of this row, or drop it")
    rows = np.split(np.argsort(places.ravel(), kind="stable"), np.cumsum(np.bincount(places.ravel()))[:-1])
    return {str(different[i]): rows[i] for i in np.argsort(first)}


def form_of(sheet: Sheet, used: set[str], reading: Reading) -> NumberForm:
    """How the table writes its numbers, from all cells beside time and names."""
    cells: set[str] = set()
    for name in sheet.names:
        column = sheet.columns[name]
        if name not in used and not isinstance(column, np.ndarray) and all(map(looks_like_number, set(column))):
            cells |= set(column)
    form = find_form(cells, reading.decimal, reading.thousands)
    if not form.sure and sheet.separator == ";":  # what Excel writes where the comma is the decimal mark
        form = NumberForm(",", "", sure=False)
    if (form.decimal, form.thousands) != (".", ""):
        marks = f"'{form.decimal}' before fractions" + (f", '{form.thousands}' in thousands" if form.thousands else "")
        sure = form.sure or bool(reading.decimal or reading.thousands)
        reading.say("numbers", f"{marks}: set decimal and thousands if that is wrong", not sure)
    return form


def column_of(sheet: Sheet, name: str, form: NumberForm, reading: Reading) -> np.ndarray:
    """A column as float64, NaN where a value is missing; what was read as missing is said.

    Raises:
        InputError: a cell that is no number, by its line.
    """
    read = _read(sheet, name, form, reading)
    if read.wrong is not None:
        text = sheet.texts(name)[read.wrong]
        raise InputError(
            f"{sheet.where(read.wrong)}: '{text}' in column {name} is not a number: correct it, or say how "
            "numbers and missing values are written (decimal, thousands, missing)"
        )
    for mark, count in read.marks.items():
        told = f"'{mark}' in column {name} of {sheet.path.name}, {count} times, means no value"
        reading.say("missing values", told)
    if read.signs:
        reading.say("numbers", f"signs of currency and per cent in column {name} are left out")
    odd = suspicious(read.values)
    if odd:
        told = f"column {name} of {sheet.path.name} holds {odd[0]:g} in {odd[1]} rows, far from all other values"
        reading.say("missing values", f"{told}: if it means no value, set missing={odd[0]:g}", True)
    return read.values


def _read(sheet: Sheet, name: str, form: NumberForm, reading: Reading) -> Numbers:
    column = sheet.columns[name]
    if isinstance(column, np.ndarray):
        return Numbers(missing_in(column, reading.missing), {}, None)
    return numbers(column, form, reading.missing)


def is_numeric(sheet: Sheet, name: str, form: NumberForm, reading: Reading) -> bool:
    """Whether a column holds numbers; one that holds almost only numbers is read as such, and its word refused."""
    column = sheet.columns[name]
    if isinstance(column, np.ndarray):
        return bool(np.isfinite(column).any())
    read = numbers(column, form, reading.missing)
    known = int(np.isfinite(read.values).sum())
    if read.wrong is None:
        return known > 0
    filled = sum(text.strip().lower() not in MISSING for text in column)
    if known >= MOSTLY * filled:
        column_of(sheet, name, form, reading)
    return False
