"""The command line of the training side; everything heavy is imported when a command needs it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.faults import HELP
from flows.options import (
    ApplicationName,
    Assignments,
    ConversionRequest,
    InspectedSource,
    Preset,
    PublishAnyway,
    SourceName,
    StageRequest,
    Verbose,
    taking,
)

if TYPE_CHECKING:
    from components.application import Application

cli = typer.Typer(
    help="Train GRUs on sequences and ship them as small, verified bundles.",
    epilog=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@cli.command()
def run(
    application: ApplicationName,
    preset: Preset = "base",
    source: SourceName = "embedded",
    assignments: Assignments = None,
    publish_anyway: PublishAnyway = False,
    verbose: Verbose = False,
) -> None:
    """Run an application's flow: ingest, preprocess, train, evaluate, export, promote."""
    from flows.surroundings import prepare

    prepare(verbose)
    from flows.launch import checked_settings, launch, result_of
    from flows.tables import results_table, show

    settings = checked_settings(application, preset, source, assignments or [])
    outcome = launch(application, preset, source, settings, publish_anyway)
    show(results_table([result_of(outcome)]))
    typer.echo(f"{outcome.promotion.reason}\nbundle: {outcome.promotion.path}")


@cli.command()
def sources(application: Annotated[str | None, typer.Argument(metavar="[APPLICATION]")] = None) -> None:
    """List where raw data can come from."""
    from flows.tables import show, sources_table

    show(*(sources_table(app) for app in _applications(application)))


@cli.command()
def presets(application: Annotated[str | None, typer.Argument(metavar="[APPLICATION]")] = None) -> None:
    """List every setting with its value in each preset."""
    from flows.tables import presets_table, show

    show(*(presets_table(app) for app in _applications(application)))


@cli.command()
def inspect(application: ApplicationName, source: InspectedSource, assignments: Assignments = None) -> None:
    """Show how a source is understood, every choice that is made for you, and its first rows; nothing is trained."""
    from flows.surroundings import prepare

    prepare()
    from components.application import Run
    from components.registry import get
    from flows.inspection import inspect as inspected
    from flows.launch import checked_settings
    from flows.tables import show

    app = get(application)
    preset = next(iter(app.presets))
    settings = checked_settings(application, preset, source, assignments or [])
    show(*inspected(Run(app, source, app.preset(preset).changed(settings), preset)))


@cli.command()
@taking(StageRequest)
def stage(request: StageRequest) -> None:
    """Run one stage alone, without Prefect, on artifact folders that earlier stages wrote."""
    from flows.surroundings import prepare

    prepare()
    from components.application import Run
    from components.registry import get
    from flows.launch import checked_settings
    from flows.one_stage import run_stage

    settings = checked_settings(request.application, request.preset, request.source, request.assignments or [])
    app = get(request.application)
    asked = Run(app, request.source, app.preset(request.preset).changed(settings), request.preset)
    typer.echo(run_stage(request.name, asked, request.inputs or [], request.out, request.publish_anyway))


@cli.command()
@taking(ConversionRequest)
def convert(request: ConversionRequest) -> None:
    """Convert any saved Keras model to ONNX and TFLite, and print how each file compares with Keras."""
    from flows.surroundings import prepare

    prepare()
    from flows.conversion import parity_table, run_conversion
    from flows.tables import show

    show(parity_table(run_conversion(request)))


@cli.command()
def demo(
    device: Annotated[
        Path | None, typer.Option(help="Python of an environment with only the light package, to predict in")
    ] = None,
) -> None:
    """Train every application in minutes on embedded data, and predict with each bundle."""
    from flows.demo import run_demo

    run_demo(device or Path(sys.executable))


def _applications(name: str | None) -> "list[Application[Any]]":
    from components.registry import get, names

    return [get(one) for one in ([name] if name else names())]


def main() -> Any:
    """Run the command line; an error that a user can cause is one line and exit code 1."""
    try:
        return cli()
    except Exception as error:
        from flows.faults import told

        line = told(error)
        if line is None:
            raise
        typer.echo(f"error: {line}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
