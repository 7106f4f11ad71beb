"""The `inspect` command: what a source would be understood as, without training on it."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from components.application import Run
from components.data.choices import Choice, collected

FIRST = 12  # rows shown


def inspect(run: Run[Any]) -> list[RenderableType]:
    """Tables of what was found, of what was chosen and why, and of the first rows as they were understood.

    Raises:
        SourceError, DataError, SettingError: as a run on this source would.
    """
    app = run.application
    with tempfile.TemporaryDirectory() as folder, collected() as choices:
        facts = app.ingest(run.source, run.config, Path(folder))
        rows = app.preview(Path(folder), run.config)
    return [_facts(run.source, facts), _choices(choices), _rows(rows[:FIRST])]


def _facts(source: str, facts: Mapping[str, Any]) -> RenderableType:
    rows = [(name.replace("_", " "), str(value)) for name, value in facts.items()]
    return _table(f"{source}: what is there", ("", ""), rows)


def _choices(choices: Sequence[Choice]) -> RenderableType:
    if not choices:
        return "Nothing had to be chosen for you.\n"
    rows = [(one.about, one.chosen, "check" if one.doubtful else "") for one in choices]
    return _table("What was chosen for you", ("about", "chosen", ""), rows)


def _rows(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    headings = tuple(dict.fromkeys(name for row in rows for name in row))
    cells = [[str(row.get(name, "")) for name in headings] for row in rows]
    return _table("The first rows as they are understood", headings, cells)


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    table = Table(show_header=any(headings))
    for heading in headings:
        table.add_column(escape(heading), overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    return Group(f"[bold]{escape(title)}[/]", table)
