"""What the commands of `gatewise-flows` take: one typed value for each command that takes much."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from components.registry import names

ApplicationName = Annotated[str, typer.Argument(metavar="APPLICATION", help=", ".join(names()))]
Preset = Annotated[str, typer.Option("--preset", "-p", help="tiny, base or large; see `gatewise-flows presets`")]
SourceName = Annotated[
    str, typer.Option("--source", "-s", help="a name from `gatewise-flows sources`, or a path of your own")
]
InspectedSource = Annotated[
    str, typer.Argument(metavar="SOURCE", help="a name from `gatewise-flows sources`, or a path of your own")
]
Assignments = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="a setting in place of the preset's; repeatable")
]
PublishAnyway = Annotated[
    bool, typer.Option("--publish-anyway", help="publish the bundle even if the model loses to its baseline")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="show Prefect's log lines too")]

Request = TypeVar("Request")


@dataclass(frozen=True)
class StageRequest:
    """One stage alone."""

    name: Annotated[str, typer.Argument(metavar="STAGE", help="ingest, preprocess, train, evaluate, export or promote")]
    application: ApplicationName
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER]...",
            help="artifacts it works on. preprocess: RAW; train: DATA; evaluate: DATA MODEL; "
            "export: DATA MODEL REPORT; promote: BUNDLE REPORT",
        ),
    ] = None
    out: Annotated[Path | None, typer.Option("--out", "-o", help="folder to write; exports/bundles for promote")] = None
    preset: Preset = "base"
    source: SourceName = "embedded"
    assignments: Assignments = None
    publish_anyway: PublishAnyway = False


@dataclass(frozen=True)
class ConversionRequest:
    """One model to convert."""

    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a .keras or .h5 file that anybody made")]
    out: Annotated[Path, typer.Argument(metavar="OUT", help="folder to write, with a table of parity")]
    fix: Annotated[
        list[str] | None,
        typer.Option(metavar="AXIS=SIZE", help="size of an axis where a runtime wants one, e.g. time=49; repeatable"),
    ] = None
    examples: Annotated[
        Path | None, typer.Option(help=".npz file of arrays by input name to compare on, instead of random inputs")
    ] = None
    runtime: Annotated[
        list[str] | None, typer.Option(help="write files for this runtime alone: onnxruntime or litert")
    ] = None
    input: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=AXES", help="an input of a model that does not know its own, e.g. x=time,8 or ids=time:int32"
        ),
    ] = None
    allow_lambda: Annotated[
        bool, typer.Option("--allow-lambda", help="load Lambda layers, which runs Python code stored in MODEL")
    ] = False
    code: Annotated[
        list[Path] | None, typer.Option(help="Python file that defines layers of the model; it is run; repeatable")
    ] = None


def taking(kind: type[Request]) -> Callable[[Callable[[Request], None]], Callable[..., None]]:
    """Turn a command that takes one value of `kind`, a dataclass, into one with a parameter for each of its fields."""

    def decorate(command: Callable[[Request], None]) -> Callable[..., None]:
        def call(**values: Any) -> None:
            command(kind(**values))

        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__annotations__ = get_type_hints(kind, include_extras=True)
        call.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
        return call

    return decorate
