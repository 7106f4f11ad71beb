"""Any Keras GRU to small, proven ONNX and TFLite files."""

from components.converters.parity import check_parity
from components.converters.specs import GraphSpec, StateSpec, TensorSpec, VariantFile
from components.converters.to_onnx import to_onnx

__all__ = [
    "GraphSpec",
    "StateSpec",
    "TensorSpec",
    "VariantFile",
    "check_parity",
    "to_onnx",
]
