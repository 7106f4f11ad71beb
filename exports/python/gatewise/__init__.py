"""Gatewise: predict with small, verified GRU bundles; needs numpy and onnxruntime only."""

from gatewise.errors import (
    BundleError,
    GatewiseError,
    InputError,
    MissingRuntimeError,
    SchemaError,
    VerificationError,
)

__version__ = "0.1.0"

__all__ = [
    "BundleError",
    "GatewiseError",
    "InputError",
    "MissingRuntimeError",
    "SchemaError",
    "VerificationError",
]
