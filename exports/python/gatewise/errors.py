"""Errors of the light package; each message says what was wrong, where, and what to do next.

GatewiseError
├── BundleError             not a bundle, or one with a missing or altered file
│   └── SchemaError         a bundle of a newer major schema version
├── InputError              an argument that a predictor cannot use (also a ValueError)
├── MissingRuntimeError     the runtime of a variant is not installed (also an ImportError)
└── VerificationError       a bundle that does not compute what its test vectors say
"""

__all__ = ["BundleError", "GatewiseError", "InputError", "MissingRuntimeError", "SchemaError", "VerificationError"]


class GatewiseError(Exception):
    """Root of every error that Gatewise raises on purpose."""


class BundleError(GatewiseError):
    """Not a bundle, or one with a missing or altered file."""


class SchemaError(BundleError):
    """A bundle of a newer major schema version."""


class InputError(GatewiseError, ValueError):
    """An argument that a predictor cannot use."""


class MissingRuntimeError(GatewiseError, ImportError):
    """The runtime of a variant is not installed."""


class VerificationError(GatewiseError):
    """A bundle that does not compute what its test vectors say."""
