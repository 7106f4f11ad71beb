"""The flow of sentiment."""

from prefect import flow

from components.sentiment import application
from flows.parameters import Preset, every_field_optional
from flows.stages import Outcome, evaluate, export, ingest, planned, preprocess, promote, train


@every_field_optional
class Changes(application.Config):
    """Settings in place of the preset's."""


@flow(name="sentiment", flow_run_name="sentiment {preset} on {source}")
def sentiment(
    preset: Preset = "base",
    source: str = "embedded",
    settings: Changes | None = None,
    publish_anyway: bool = False,
) -> Outcome:
    """Sentiment: labelled texts become a classifier that names a text's class.

    Args:
        preset: complete settings, named by size; tiny trains in seconds.
        source: a name from `gatewise-flows sources sentiment`, or a path of your own.
        settings: settings in place of the preset's.
        publish_anyway: publish the bundle even if it loses to its baseline.
    """
    plan = planned("sentiment", preset, source, settings)
    raw = ingest(plan)
    data = preprocess(plan, raw)
    model = train(plan, data)
    report = evaluate(plan, data, model)
    bundle = export(plan, data, model, report)
    return promote(plan, bundle, report, publish_anyway)
