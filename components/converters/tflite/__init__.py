"""Keras to TFLite: built-in operations, integers, microcontrollers."""
