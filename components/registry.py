"""The registry: an application is a package under `components` with an `application.py`; nothing else lists it."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import components

if TYPE_CHECKING:
    from components.application import Application

DECLARATION = "application"  # the module that holds a package's APPLICATION
SHARED_LAYERS = ("components.networks.log_mel",)  # modules with Keras layers that any application may use


def names() -> tuple[str, ...]:
    """Names of all applications, sorted; none of them is imported."""
    return tuple(sorted(_packages()))


def get(name: str) -> "Application[Any]":
    """The application of that name; its declaration is imported on first use.

    Raises:
        SettingError: there is none.
    """
    if name not in names():
        from components.errors import SettingError

        raise SettingError(f"unknown application '{name}': choose from {', '.join(names())}")
    application: Application[Any] = import_module(f"components.{name}.{DECLARATION}").APPLICATION
    return application


def import_layers() -> None:
    """Import every module that defines a Keras layer: Keras finds a saved layer by its name only then."""
    for module in (*SHARED_LAYERS, *(module for name in names() for module in get(name).layers)):
        import_module(module)


def _packages() -> Iterator[str]:
    for found in pkgutil.iter_modules(components.__path__):
        places = (Path(root) / found.name / f"{DECLARATION}.py" for root in components.__path__)
        if found.ispkg and any(place.is_file() for place in places):
            yield found.name
