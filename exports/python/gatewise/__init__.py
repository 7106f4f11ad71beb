"""Gatewise: predict with small, verified GRU bundles; needs numpy and onnxruntime only."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gatewise.errors import (
    BundleError,
    GatewiseError,
    InputError,
    MissingRuntimeError,
    SchemaError,
    VerificationError,
)

if TYPE_CHECKING:
    from gatewise.bundle import Bundle, open_bundle
    from gatewise.forecasting import Forecast, Forecaster
    from gatewise.predictors import load
    from gatewise.sentiment import Sentiment, SentimentClassifier
    from gatewise.speech_commands import Command, CommandRecognizer, Detection
    from gatewise.text_generation import TextGenerator

__version__ = "0.1.0"

__all__ = [
    "Bundle",
    "BundleError",
    "Command",
    "CommandRecognizer",
    "Detection",
    "Forecast",
    "Forecaster",
    "GatewiseError",
    "InputError",
    "MissingRuntimeError",
    "SchemaError",
    "Sentiment",
    "SentimentClassifier",
    "TextGenerator",
    "VerificationError",
    "load",
    "open_bundle",
]

_MODULES = {  # imported when first asked for: importing gatewise takes a few milliseconds, numpy a hundred
    "Bundle": "bundle",
    "Command": "speech_commands",
    "CommandRecognizer": "speech_commands",
    "Detection": "speech_commands",
    "Forecast": "forecasting",
    "Forecaster": "forecasting",
    "Sentiment": "sentiment",
    "SentimentClassifier": "sentiment",
    "TextGenerator": "text_generation",
    "load": "predictors",
    "open_bundle": "bundle",
}


def __getattr__(name: str) -> Any:
    """A public name, from the module that defines it."""
    if name not in _MODULES:
        raise AttributeError(f"module 'gatewise' has no attribute '{name}'")
    value = getattr(import_module(f"gatewise.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
