"""Tables for a terminal: what can be run, and what a run has made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from components.application import Application

SOURCE_WIDTH, METRIC_WIDTH = 15, 14  # characters of a name in one line of the table of results
VALUE_WIDTH = 12  # of a setting's value
NARROWEST = 100  # columns that a table of results needs where no terminal says how wide it is


@dataclass(frozen=True)
class Result:
    """One row of the table of results."""

    application: Application
    source: str
    verdict: Mapping[str, Any]  # the card of the report
    variants: Mapping[str, Mapping[str, Any]]  # the bundle's, by name
    milliseconds: float  # per prediction
    report: Path


def results_table(results: Sequence[Result]) -> Table:
    """One row per trained application: its test metric with the hardest baseline's beside it, sizes, time, report.

    Readable from 80 columns on: names are folded, the path into what is left; numbers stay whole.
    """
    table = Table(title="Test results", box=box.SIMPLE_HEAD, padding=(0, 0, 1, 0), show_edge=False, pad_edge=False)
    for heading in ("application,\nsource", "test metric", "hardest\nbaseline"):
        table.add_column(heading, no_wrap=True)
    table.add_column("bundle bytes", justify="right", no_wrap=True)
    table.add_column("ms per\npredic-\ntion", justify="right", no_wrap=True)
    table.add_column("report", overflow="fold")
    for result in results:
        verdict, shown = result.verdict, result.application.metric.shown
        won = "[green]wins[/]" if verdict["beats_baseline"] else "[red]loses[/]"
        table.add_row(
            "\n".join([result.application.name, *wrap(result.source, SOURCE_WIDTH)]),
            f"{shown(verdict['value'])} {won}\n{_folded(verdict['metric'], METRIC_WIDTH)}",
            f"{shown(verdict['baseline_value'])}\n{_folded(verdict['baseline'], METRIC_WIDTH)}",
            "\n".join(f"{name} {entry['bytes']:,}" for name, entry in result.variants.items()),
            f"{result.milliseconds:.2f}",
            _short(result.report),
        )
    return table


def sources_table(app: Application) -> Table:
    """The sources of an application, its own-data formats in the caption."""
    table = Table(title=app.title, caption=f"your own: {app.own_data}", title_justify="left", caption_justify="left")
    for heading in ("source", "kind", "what it is", "licence"):
        table.add_column(heading)
    for source in app.sources.values():
        table.add_row(source.name, source.kind, source.summary, source.licence)
    return table


def presets_table(app: Application) -> Table:
    """The settings of an application, one row each, with their values in every preset."""
    table = Table(title=app.title, title_justify="left")
    table.add_column("setting")
    for name in app.presets:
        table.add_column(name, justify="right", max_width=VALUE_WIDTH)
    table.add_column("what it is")
    values = {name: preset.model_dump(mode="json") for name, preset in app.presets.items()}
    for field, facts in type(next(iter(app.presets.values()))).model_fields.items():
        shown = [_plain(value[field]) for value in values.values()]
        table.add_row(field, *shown, facts.description or "")
    return table


def show(*tables: RenderableType) -> None:
    """Print tables, at a readable width where the output is no terminal."""
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 2 * NARROWEST)
    for table in tables:
        console.print(table)


def _folded(name: str, width: int) -> str:
    """A name in lines of at most `width` characters, cut between its words where that is possible."""
    return "\n".join(wrap(name.replace("_", " "), width))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _short(path: Path) -> str:
    """The path as seen from the working folder, if it is inside."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
