"""A flow run in this process: settings checked first, then Prefect, then what the table of results needs."""

import logging
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from components.data.sources import is_own, named, own_path
from components.registry import get
from components.settings import parse_assignments
from flows.tables import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.stages import Outcome

log = logging.getLogger(__name__)


def checked_settings(application: str, preset: str, source: str, assignments: "Iterable[str]") -> dict[str, Any]:
    """The settings that `key=value` texts change, after everything was checked that needs no work.

    Raises:
        SettingError: an unknown application, preset, source or setting, or a value out of bounds.
        SourceError: a path where nothing is.
    """
    app = get(application)
    changes = parse_assignments(assignments)
    config = app.preset(preset).changed(changes)
    if is_own(source):
        own_path(source)
    else:
        named(app.sources, source)
    return {name: getattr(config, name) for name in changes}


def launch(
    application: str, preset: str, source: str, settings: dict[str, Any], publish_anyway: bool = False
) -> "Outcome":
    """The outcome of one run of an application's flow.

    Without a Prefect server of the user's, Prefect starts a temporary one, once per process.
    """
    started = time.monotonic()
    log.info("%s, preset %s, source %s: starting Prefect", application, preset, source)
    flow = getattr(import_module(f"flows.{application}"), application)
    outcome: Outcome = flow(preset=preset, source=source, settings=settings, publish_anyway=publish_anyway)
    log.info("%s: done in %.0f s", application, time.monotonic() - started)
    return outcome


def result_of(outcome: "Outcome", milliseconds: float | None = None) -> Result:
    """The row of the table of results; the time is the export stage's where no other was measured."""
    from components.pipeline.stages import REPORT

    plan, variants = outcome.plan, outcome.bundle.card()["variants"]
    default = next(iter(variants.values()))
    return Result(
        get(plan.application),
        plan.source,
        outcome.report.card(),
        variants,
        default["latency_ms"] if milliseconds is None else milliseconds,
        outcome.report.path / REPORT,
    )
