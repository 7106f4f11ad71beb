"""Keras to ONNX: native GRU nodes, int8 weights, graphs of one step."""
