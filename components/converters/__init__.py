"""Any Keras GRU to small, proven ONNX and TFLite files."""

from components.converters.checking.parity import check_parity
from components.converters.conversion import Conversion, convert
from components.converters.network_files import convert_variants
from components.converters.onnx.to_onnx import to_onnx
from components.converters.specs import GraphSpec, StateSpec, TensorSpec, VariantFile
from components.converters.tflite.to_tflite import to_tflite
from components.converters.tracing.loading import Reading

__all__ = [
    "Conversion",
    "GraphSpec",
    "Reading",
    "StateSpec",
    "TensorSpec",
    "VariantFile",
    "check_parity",
    "convert",
    "convert_variants",
    "to_onnx",
    "to_tflite",
]
