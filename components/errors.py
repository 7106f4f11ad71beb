"""Errors of the training side; each message says what was wrong, where, and what to do next.

GatewiseError                 (gatewise.errors)
├── SettingError              an unknown preset, source or setting, or a value out of bounds
├── SourceError               raw data that cannot be had: no network, wrong checksum, unknown ticker
├── DataError                 raw data that cannot be used: names the file, row or column
├── TrainingError             a training that cannot go on: loss not finite, checkpoint of another model
├── ConversionError           a model that cannot be exported: names the layer
└── ParityError               an exported model that does not compute what its source computes
"""

from gatewise.errors import GatewiseError

__all__ = [
    "ConversionError",
    "DataError",
    "GatewiseError",
    "ParityError",
    "SettingError",
    "SourceError",
    "TrainingError",
]


class SettingError(GatewiseError):
    """An unknown preset, source or setting, or a value out of bounds."""


class SourceError(GatewiseError):
    """Raw data that cannot be had."""


class DataError(GatewiseError):
    """Raw data that cannot be used."""


class TrainingError(GatewiseError):
    """A training that cannot go on."""


class ConversionError(GatewiseError):
    """A model that cannot be exported."""


class ParityError(GatewiseError):
    """An exported model that does not compute what its source computes."""
