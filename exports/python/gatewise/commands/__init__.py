"""What `gatewise predict` takes and prints, a module for each application: `add_options` and `answer`."""

import pkgutil
import sys
from argparse import Namespace, _ArgumentGroup
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from gatewise.errors import InputError

ArgumentGroup = _ArgumentGroup


def applications() -> Iterator[tuple[str, ModuleType]]:
    """Every application's name and module, sorted."""
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
        yield found.name, import_module(f"{__name__}.{found.name}")


def inputs(options: Namespace) -> list[str]:
    """Texts from the arguments, or from standard input's lines for a single dash."""
    if options.input == ["-"]:
        return [line for line in sys.stdin.read().splitlines() if line.strip()]
    return list(options.input)


def files(options: Namespace, what: str) -> list[str]:
    """The files that are named, one at least.

    Raises:
        InputError: there is none.
    """
    if not options.input:
        raise InputError(f"nothing to predict from: give {what}")
    return list(options.input)
