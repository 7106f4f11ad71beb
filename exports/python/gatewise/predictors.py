"""The predictor of a bundle's application."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from gatewise.bundle import open_bundle
from gatewise.errors import BundleError

if TYPE_CHECKING:
    from gatewise.forecasting import Forecaster
    from gatewise.sentiment import SentimentClassifier
    from gatewise.speech_commands import CommandRecognizer
    from gatewise.text_generation import TextGenerator

    Predictor: TypeAlias = TextGenerator | SentimentClassifier | Forecaster | CommandRecognizer

PREDICTORS = {
    "text_generation": "TextGenerator",
    "sentiment": "SentimentClassifier",
    "forecasting": "Forecaster",
    "speech_commands": "CommandRecognizer",
}


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
    if bundle.application not in PREDICTORS:
        known = ", ".join(PREDICTORS)
        raise BundleError(f"bundle {path} is for '{bundle.application}', this gatewise knows {known}: upgrade gatewise")
    predictor = getattr(import_module(f"gatewise.{bundle.application}"), PREDICTORS[bundle.application])
    try:
        return cast("Predictor", predictor(bundle, variant, threads))
    except (KeyError, TypeError) as error:
        cause = f"{type(error).__name__}: {error}"
        raise BundleError(f"the settings of bundle {path} are incomplete ({cause}): make the bundle again") from error
