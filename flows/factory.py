"""The flow of an application: the six stages in a row, behind a form made of its declaration."""

from typing import Any, Literal, Optional

from prefect import Flow, flow
from pydantic import BaseModel

from components.registry import get
from flows.parameters import every_field_optional
from flows.stages import Outcome, evaluate, export, ingest, planned, preprocess, promote, train

USUAL = "base"  # the preset unless another is asked for
FORM = """{title}: {summary}.

Args:
    preset: complete settings, named by size; tiny trains in seconds.
    source: a name from `gatewise-flows sources {name}`, or a path of your own.
    settings: settings in place of the preset's.
    publish_anyway: publish the bundle even if it loses to its baseline.
"""


def application_flow(name: str) -> Flow[Any, Outcome]:
    """The flow of the application of that name.

    Raises:
        SettingError: there is none.
    """
    app = get(name)
    usual = USUAL if USUAL in app.presets else next(iter(app.presets))

    def run(
        preset: str = usual,
        source: str = app.default_source,
        settings: BaseModel | None = None,
        publish_anyway: bool = False,
    ) -> Outcome:
        plan = planned(name, preset, source, settings)
        raw = ingest(plan)
        data = preprocess(plan, raw)
        model = train(plan, data)
        report = evaluate(plan, data, model)
        bundle = export(plan, data, model, report)
        return promote(plan, bundle, report, publish_anyway)

    changes = every_field_optional(type(app.presets[usual]))
    run.__name__ = run.__qualname__ = name
    run.__doc__ = FORM.format(title=app.title, summary=app.summary, name=name)
    run.__annotations__ |= {"preset": Literal[tuple(app.presets)], "settings": Optional[changes]}  # noqa: UP045 (a value)
    return flow(name=name, flow_run_name=f"{name} {{preset}} on {{source}}")(run)
