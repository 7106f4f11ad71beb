"""Other ways to compute `LogMel`: one whole DFT matrix, TFLite's RFFT, ONNX's DFT and STFT operators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.networks.log_mel import SILENCE, LogMel, hann, mel_filters, turns

if TYPE_CHECKING:
    import keras

OPSET, IR_VERSION = 18, 10
FRAMES = {"a frame": 1, "two frames": 2, "a second": 50}  # at once: shortest, a step of the recogniser, a whole clip
INPUT, OUTPUT = "samples", "mels"

Paths = Mapping[int, Path]  # by number of samples


@dataclass(frozen=True)
class FrontEnd:
    """One alternative: its name, and what writes its files, given their paths by number of samples."""

    name: str
    suffix: str
    write: Callable[[Paths], None]


class WholeMatrix(LogMel):
    """`LogMel` by one product with the full matrix of cosines and sines."""

    def _energies(self, frames: Any) -> Any:
        from keras import ops

        bins = self.window // 2
        cosine, sine = turns(self.window, bins, self.window)
        x = frames * hann(self.window).astype("f4")
        return ops.square(ops.matmul(x, cosine)) + ops.square(ops.matmul(x, sine))  # (batch, frames, bins)


class FastFourier(LogMel):
    """`LogMel` by TensorFlow's RFFT."""

    def _energies(self, frames: Any) -> Any:
        import tensorflow as tf

        spectrum = tf.signal.rfft(frames * hann(self.window).astype("f4"))  # (batch, frames, bins + 1)
        return tf.square(tf.abs(spectrum))[..., :-1]  # TFLite cuts real numbers only


def samples_of(frames: int) -> int:
    """Samples that so many frames reach over."""
    layer = LogMel()
    return layer.window + (frames - 1) * layer.hop


def network(layer: LogMel) -> "keras.Model":
    """The front end alone: samples (batch, samples) → (batch, frames, mels)."""
    import keras

    samples = keras.Input((None,), name=INPUT)
    return keras.Model(samples, {OUTPUT: layer(samples)}, name="front_end")


def _onnx(kind: type[LogMel]) -> Callable[[Paths], None]:
    def write(paths: Paths) -> None:
        from components.converters.onnx.to_onnx import to_onnx

        for path in paths.values():
            to_onnx(network(kind()), _spec(), path)

    return write


def _tflite(kind: type[LogMel]) -> Callable[[Paths], None]:
    def write(paths: Paths) -> None:
        from components.converters.tflite.to_tflite import TfliteJob, write_tflite

        jobs = [TfliteJob(_spec({"batch": 1, "samples": samples}), path) for samples, path in paths.items()]
        write_tflite(network(kind()), jobs)

    return write


def _spec(fixed: dict[str, int] | None = None) -> Any:
    from components.converters.specs import GraphSpec, TensorSpec

    mels = TensorSpec(OUTPUT, ("batch", "frames", LogMel().mels))
    return GraphSpec((TensorSpec(INPUT, ("batch", "samples")),), (mels,), fixed or {})


def _operator(kind: str) -> Callable[[Paths], None]:
    """ONNX graphs around ONNX's own `STFT` or `DFT` operator; tf2onnx writes neither."""

    def write(paths: Paths) -> None:
        import onnx

        for samples, path in paths.items():
            onnx.save(_with_operator(kind, samples), str(path))

    return write


def _with_operator(kind: str, samples: int) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    layer = LogMel()
    weights = mel_filters(layer.window // 2, layer.sample_rate, layer.mels, layer.low_hz, layer.high_hz)
    constants = {
        "window": hann(layer.window).astype("f4"),
        "step": np.array(layer.hop, "i8"),
        "length": np.array(layer.window, "i8"),
        "weights": np.pad(weights, ((0, 1), (0, 0))),  # (bins, mels)
        "silence": np.array(SILENCE, "f4"),
        "last": np.array([-1], "i8"),
        "places": _places(layer, samples),
    }
    nodes = [
        *(_stft() if kind == "STFT" else _dft()),  # (1, frames, bins, 2)
        helper.make_node("ReduceSumSquare", ["spectrum", "last"], ["energies"], keepdims=0),  # (1, frames, bins)
        helper.make_node("MatMul", ["energies", "weights"], ["bands"]),
        helper.make_node("Add", ["bands", "silence"], ["audible"]),
        helper.make_node("Log", ["audible"], [OUTPUT]),
    ]
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, (1, samples))],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, (1, None, layer.mels))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _places(layer: LogMel, samples: int) -> np.ndarray:
    """Places of the samples of every frame, (frames, window)."""
    starts = np.arange((samples - layer.window) // layer.hop + 1) * layer.hop
    return (starts[:, None] + np.arange(layer.window)).astype("i8")


def _stft() -> list[Any]:
    from onnx import helper

    return [helper.make_node("STFT", [INPUT, "step", "window", "length"], ["spectrum"], onesided=1)]


def _dft() -> list[Any]:
    from onnx import helper

    return [
        helper.make_node("Gather", [INPUT, "places"], ["frames"], axis=1),  # (1, frames, window)
        helper.make_node("Mul", ["frames", "window"], ["windowed"]),
        helper.make_node("Unsqueeze", ["windowed", "last"], ["real"]),  # (1, frames, window, 1)
        helper.make_node("DFT", ["real", "length"], ["spectrum"], axis=2, onesided=1),  # (1, frames, bins, 2)
    ]


FRONT_ENDS = (
    FrontEnd("ONNX, two small matrices (LogMel)", "onnx", _onnx(LogMel)),
    FrontEnd("ONNX, one matrix", "onnx", _onnx(WholeMatrix)),
    FrontEnd("ONNX, DFT operator", "onnx", _operator("DFT")),
    FrontEnd("ONNX, STFT operator", "onnx", _operator("STFT")),
    FrontEnd("TFLite, two small matrices (LogMel)", "tflite", _tflite(LogMel)),
    FrontEnd("TFLite, one matrix", "tflite", _tflite(WholeMatrix)),
    FrontEnd("TFLite, RFFT operator", "tflite", _tflite(FastFourier)),
)
