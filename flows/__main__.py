"""The command line of the training side; everything heavy is imported when a command needs it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from components.application import Application

cli = typer.Typer(
    help="Train GRUs on sequences and ship them as small, verified bundles.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ApplicationName = Annotated[
    str, typer.Argument(metavar="APPLICATION", help="text_generation, sentiment, forecasting or speech_commands")
]
Preset = Annotated[str, typer.Option("--preset", "-p", help="tiny, base or large; see `gatewise-flows presets`")]
SourceName = Annotated[
    str, typer.Option("--source", "-s", help="a name from `gatewise-flows sources`, or a path of your own")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a setting in place of the preset's; repeatable")
]
PublishAnyway = Annotated[
    bool, typer.Option("--publish-anyway", help="publish the bundle even if the model loses to its baseline")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="show Prefect's log lines too")]


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
def stage(
    name: Annotated[
        str, typer.Argument(metavar="STAGE", help="ingest, preprocess, train, evaluate, export or promote")
    ],
    application: ApplicationName,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="artifacts it works on. preprocess: RAW; train: DATA; evaluate: DATA MODEL; "
            "export: DATA MODEL REPORT; promote: BUNDLE REPORT",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="folder to write; exports/bundles for promote")
    ] = None,
    preset: Preset = "base",
    source: SourceName = "embedded",
    assignments: Assignments = None,
    publish_anyway: PublishAnyway = False,
) -> None:
    """Run one stage alone, without Prefect, on artifact folders that earlier stages wrote."""
    from flows.surroundings import prepare

    prepare()
    from flows.launch import checked_settings
    from flows.one_stage import run_stage

    settings = checked_settings(application, preset, source, assignments or [])
    typer.echo(run_stage(name, application, inputs or [], out, preset, source, settings, publish_anyway))


@cli.command()
def convert(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a .keras or .h5 file that anybody made")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder to write, with a table of parity")],
    fix: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=SIZE", help="size of an axis where a runtime wants one, e.g. time=49; repeatable"),
    ] = None,
    examples: Annotated[
        Path | None, typer.Option(help=".npz file of arrays by input name to compare on, instead of random inputs")
    ] = None,
    runtime: Annotated[
        list[str] | None, typer.Option(help="write files for this runtime alone: onnxruntime or litert")
    ] = None,
    allow_lambda: Annotated[
        bool, typer.Option("--allow-lambda", help="load Lambda layers, which runs Python code stored in MODEL")
    ] = False,
    code: Annotated[
        list[Path] | None, typer.Option(help="Python file that defines layers of the model; it is run; repeatable")
    ] = None,
) -> None:
    """Convert any saved Keras model to ONNX and TFLite, and print how each file compares with Keras."""
    from flows.surroundings import prepare

    prepare()
    from flows.conversion import parity_table, run_conversion
    from flows.tables import show

    done = run_conversion(model, out, fix or [], examples, runtime or [], allow_lambda, code or [])
    show(parity_table(done))


@cli.command()
def demo(
    device: Annotated[
        Path | None, typer.Option(help="Python of an environment with only the light package, to predict in")
    ] = None,
) -> None:
    """Train all four applications in minutes on embedded data, and predict with each bundle."""
    from flows.demo import run_demo

    run_demo(device or Path(sys.executable))


def _applications(name: str | None) -> "list[Application]":
    from components.application import NAMES, get

    return [get(one) for one in ([name] if name else NAMES)]


def main() -> Any:
    """Run the command line; an error of ours is one line and exit code 1."""
    try:
        return cli()
    except Exception as error:
        from gatewise.errors import GatewiseError

        if not isinstance(error, GatewiseError):
            raise
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
