"""The command line: `gatewise info|predict|verify|header BUNDLE`; one line and exit code 1 for every error."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from gatewise import __version__
from gatewise.errors import GatewiseError


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 1 after one line on stderr."""
    options = _options(list(sys.argv[1:] if arguments is None else arguments))
    try:
        options.run(options)
        sys.stdout.flush()
    except GatewiseError as error:
        print(f"gatewise: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing more to flush to it
        return 1
    except KeyboardInterrupt:
        print("gatewise: interrupted", file=sys.stderr)
        return 130
    return 0


def info(options: argparse.Namespace) -> None:
    """Print what a bundle is, what it was measured at, and its variants."""
    from gatewise.bundle import open_bundle

    bundle = open_bundle(options.bundle)
    manifest = bundle.manifest
    if options.json:
        print(json.dumps(manifest, indent=2))
        return
    print(f"{bundle.name} {bundle.version}: {bundle.application}, preset {manifest.get('preset')}")
    data = manifest.get("data") or {}
    print(f"data      {data.get('source')}, licence {data.get('licence')}")
    for tensor in (*bundle.inputs, *bundle.outputs):
        print(
            f"{'input' if tensor in bundle.inputs else 'output':10}{tensor.name} {_shape(tensor.shape)} {tensor.dtype}"
        )
    print(f"states    {len(bundle.states)}")
    _print_metrics(manifest)
    rows = [
        (name + (" *" if name == bundle.default_variant else ""), v.runtime, v.precision, f"{v.bytes:,}", *numbers)
        for name, v in bundle.variants.items()
        for numbers in [map(_number, (v.metric, v.latency_ms, v.parity))]
    ]
    print()
    _print_table(("variant", "runtime", "precision", "bytes", "metric", "ms", "parity"), rows)


def predict(options: argparse.Namespace) -> None:
    """Print the predictor's answer."""
    from gatewise.commands import applications
    from gatewise.predictors import load

    predictor = load(options.bundle, options.variant, options.threads)
    name = predictor.bundle.application
    known = dict(applications())
    if name not in known:
        raise GatewiseError(f"`gatewise predict` cannot ask a bundle for '{name}': load it from Python")
    for piece in known[name].answer(predictor, options):
        print(piece, end="", flush=True)


def verify(options: argparse.Namespace) -> None:
    """Print one line per variant; raise VerificationError if one fails."""
    from gatewise.bundle import open_bundle
    from gatewise.verify import require
    from gatewise.verify import verify as replay

    bundle = open_bundle(options.bundle)
    checks = replay(bundle)
    words = {True: "passed", False: "FAILED", None: "skipped"}
    rows = [
        (check.variant, words[check.passed], *numbers, check.note)
        for check in checks
        for numbers in [map(_number, (check.max_error, check.tolerance, check.milliseconds))]
    ]
    _print_table(("variant", "result", "max error", "tolerance", "ms", "note"), rows)
    require(bundle, checks)


def header(options: argparse.Namespace) -> None:
    """Write the microcontroller's variant as a C header."""
    from gatewise.bundle import open_bundle
    from gatewise.c_header import c_header

    bundle = open_bundle(options.bundle)
    text = c_header(bundle, bundle.variant(options.variant) if options.variant else None)
    if options.output == "-":
        print(text, end="")
        return
    try:
        with open(options.output, "w", encoding="ascii") as file:
            file.write(text)
    except OSError as error:
        raise GatewiseError(f"{options.output} cannot be written: {error.strerror}") from None


def _print_metrics(manifest: Mapping[str, Any]) -> None:
    """The primary metric beside every baseline's."""
    metrics = manifest.get("metrics") or {}
    primary = metrics.get("primary")
    print(f"{primary:9} {_number((metrics.get('test') or {}).get(primary))}")
    for name, values in (manifest.get("baselines") or {}).items():
        print(f"  beside  {_number(values.get(primary))}  {name}")


def _print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _shape(shape: Sequence[int | str]) -> str:
    return f"({', '.join(map(str, shape))})"


def _options(arguments: list[str]) -> argparse.Namespace:
    """What is asked for; options may stand before, between and behind texts and files."""
    parser, commands = _parsers()
    if arguments and arguments[0] in commands:
        return commands[arguments[0]].parse_intermixed_args(arguments[1:])
    return parser.parse_args(arguments)


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the program, and that of each command."""
    parser = argparse.ArgumentParser(
        prog="gatewise",
        description="Look into, use and verify a Gatewise bundle.",
        epilog="Exit codes: 0 done; 1 an error, told in one line; 2 a command line that is not understood; "
        "130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"gatewise {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    shown = _command(commands, "info", info, "what a bundle is and what it was measured at")
    shown.add_argument("--json", action="store_true", help="print the manifest")
    _command(commands, "verify", verify, "replay the bundle's test vectors on this device")
    written = _command(commands, "header", header, "write the microcontroller's variant as a C header")
    written.add_argument("--variant", help="model file to use, by its name in the manifest")
    written.add_argument("--output", default="-", metavar="FILE", help="file to write, for example model_micro.h")
    asked = _command(commands, "predict", predict, "predict with a bundle")
    asked.add_argument("input", nargs="*", help="prompt or texts (- reads standard input), CSV files, or WAV files")
    asked.add_argument("--variant", help="model file to use, by its name in the manifest")
    asked.add_argument("--threads", type=int, default=1, help="processor threads; 0: as many as there are cores")
    asked.add_argument("--json", action="store_true", help="print JSON")
    _add_application_options(asked)
    return parser, dict(commands.choices)


def _add_application_options(asked: argparse.ArgumentParser) -> None:
    from gatewise.commands import applications

    for name, command in applications():
        command.add_options(asked.add_argument_group(name.replace("_", " ")))


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], None], description: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=description, description=description)
    parser.add_argument("bundle", help="the bundle's folder or .zip file")
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
