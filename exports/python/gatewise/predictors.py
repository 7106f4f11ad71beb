"""The predictor of a bundle's application."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from gatewise.bundle import Bundle, open_bundle
from gatewise.errors import BundleError

if TYPE_CHECKING:
    from gatewise.forecasting import Forecaster
    from gatewise.sentiment import SentimentClassifier
    from gatewise.speech_commands import CommandRecognizer
    from gatewise.text_generation import TextGenerator

    Predictor: TypeAlias = TextGenerator | SentimentClassifier | Forecaster | CommandRecognizer


def load(path: str | Path, variant: str | None = None, threads: int = 1) -> "Predictor":
    """The predictor for a bundle: TextGenerator, SentimentClassifier, Forecaster or CommandRecognizer.

    Args:
        path: the bundle's folder or .zip file.
        variant: model file to use, by its name in the manifest; the bundle's default one without.
        threads: processor threads per prediction, 0 for as many as there are cores.

    Raises:
        BundleError: not a bundle, a missing or altered file, no such variant.
        SchemaError: a bundle of a newer major schema version.
        MissingRuntimeError: the variant's runtime is not installed.
    """
    bundle = open_bundle(path)
    predictor = _class_for(bundle)
    try:
        return cast("Predictor", predictor(bundle, variant, threads))
    except (KeyError, TypeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise BundleError(f"the settings of bundle {path} are incomplete ({cause}): make the bundle again") from error


def _class_for(bundle: Bundle) -> Any:
    """The class named `Predictor` in the module that has the application's name."""
    name = bundle.application
    module = f"gatewise.{name}"
    known = import_module(module) if name.isidentifier() and find_spec(module) else None
    predictor = getattr(known, "Predictor", None)
    if predictor is None:
        raise BundleError(f"bundle {bundle.path} is for '{name}', which this gatewise does not know: upgrade gatewise")
    return predictor
