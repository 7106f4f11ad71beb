"""The flow of speech_commands."""

from prefect import flow

from components.speech_commands import application
from flows.parameters import Preset, every_field_optional
from flows.stages import Outcome, evaluate, export, ingest, planned, preprocess, promote, train


@every_field_optional
class Changes(application.Config):
    """Settings in place of the preset's."""


@flow(name="speech_commands", flow_run_name="speech_commands {preset} on {source}")
def speech_commands(
    preset: Preset = "base",
    source: str = "embedded",
    settings: Changes | None = None,
    publish_anyway: bool = False,
) -> Outcome:
    """Speech commands: labelled clips of spoken words become a recogniser that listens to a stream.

    Args:
        preset: complete settings, named by size; tiny trains in seconds.
        source: a name from `gatewise-flows sources speech_commands`, or a path of your own.
        settings: settings in place of the preset's.
        publish_anyway: publish the bundle even if it loses to its baseline.
    """
    plan = planned("speech_commands", preset, source, settings)
    raw = ingest(plan)
    data = preprocess(plan, raw)
    model = train(plan, data)
    report = evaluate(plan, data, model)
    bundle = export(plan, data, model, report)
    return promote(plan, bundle, report, publish_anyway)
