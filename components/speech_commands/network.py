"""The network that hears commands: log-mel spectra, a causal convolution over two at a time, GRUs, a softmax.

Spectra come every 20 ms. The convolution, over time and mels as over a picture, moves on by two of them: GRUs hear,
and the network answers, a frame of 40 ms, which halves their work and the steps they have to remember a word for.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from components.converters.specs import GraphSpec, TensorSpec
from components.networks.gru import NEXT_STATE, STATE, stack, state_inputs
from components.speech_commands.parts import SPECTRA, ClipFacts

if TYPE_CHECKING:
    import keras

WINDOW_HOPS = 2  # a spectrum's window is two hops long: each sample is heard twice
MELS, LOW_HZ, HIGH_SHARE = 40, 60.0, 0.475  # of the sample rate: just below what an anti-alias filter lets through
TALL, DOWN = 5, 2  # mels that the convolution sees at once, and by which it moves on
SMALLEST_DEVIATION = 0.1  # of a mel, natural logarithm: a silent band is not blown up


@dataclass(frozen=True)
class Shape:
    """Sizes of a recogniser."""

    units: int
    layers: int
    filters: int  # of the convolution
    context: int  # spectra that it sees at once
    features: int  # made of the filters' answers for the GRUs
    dropout: float


def log_mel(facts: ClipFacts) -> Any:
    """The front end layer: (batch, samples) → (batch, spectra, mels)."""
    from components.networks.log_mel import LogMel

    return LogMel(
        facts.sample_rate,
        WINDOW_HOPS * facts.spectrum_hop,
        facts.spectrum_hop,
        MELS,
        LOW_HZ,
        HIGH_SHARE * facts.sample_rate,
        name="log_mel",
    )


def mel_spectra(clips: Any, facts: ClipFacts) -> np.ndarray:
    """Log-mel spectra of clips that begin in silence: (clips, samples) → (clips, spectra, mels) float32."""
    samples = np.pad(np.asarray(clips, np.float32), ((0, 0), (_overlap(facts), 0)))
    return np.asarray(log_mel(facts)(samples))


def network(facts: ClipFacts, shape: Shape, spectra: np.ndarray) -> "keras.Model":
    """The recogniser: samples (batch, samples) and states → probabilities (batch, frames, labels) and next states.

    The states are those of the GRU layers, then the samples that the next spectrum overlaps, then, where the
    convolution looks back, the spectra it still needs.

    Args:
        facts: rates and labels.
        shape: sizes.
        spectra: of training clips, (clips, spectra, mels); their mean and deviation normalise the input.
    """
    import keras

    from components.networks.log_mel import Tail

    states = state_inputs(shape.units, shape.layers)
    following: dict[str, Any] = {}

    def after(x: Any, length: int, features: tuple[int, ...]) -> Any:
        """`x` with the last `length` steps of what came before in front, kept as one more state."""
        index = len(states)
        states.append(keras.Input((length, *features), name=STATE.format(index)))
        joined, last = Tail(length, return_state=True, name=f"tail_{index}")(x, initial_state=states[-1])
        following[NEXT_STATE.format(index)] = keras.layers.Identity(name=NEXT_STATE.format(index))(last)
        return joined

    samples = keras.Input((None,), name="samples")
    recurrent = list(states)
    x = log_mel(facts)(after(samples, _overlap(facts), ()))  # (batch, spectra, mels)
    mean, deviation = spectra.mean((0, 1)), np.maximum(spectra.std((0, 1)), SMALLEST_DEVIATION)
    scale = 1 / deviation
    x = keras.layers.Rescaling(scale.tolist(), (-mean * scale).tolist(), name="normalised")(x)
    if shape.context > SPECTRA:
        x = after(x, shape.context - SPECTRA, (MELS,))
    for layer in convolution(shape):
        x = layer(x)  # … → (batch, frames, features)
    x, last = stack(x, shape.units, recurrent, shape.dropout)  # (batch, frames, units)
    probabilities = keras.layers.Dense(len(facts.labels), activation="softmax", name="probabilities")(x)
    outputs = {"probabilities": probabilities, **dict(sorted((last | following).items()))}
    return keras.Model([samples, *states], outputs, name="recogniser")


def convolution(shape: Shape) -> "list[keras.layers.Layer]":
    """The layers from normalised spectra (batch, spectra, mels) to what GRUs hear, (batch, frames, features)."""
    from keras import layers

    high = (MELS - TALL) // DOWN + 1
    return [
        layers.Reshape((-1, MELS, 1), name="picture"),
        layers.Conv2D(shape.filters, (shape.context, TALL), (SPECTRA, DOWN), use_bias=False, name="convolution"),
        layers.BatchNormalization(name="batch_normalisation"),
        layers.ReLU(name="rectified"),
        layers.Reshape((-1, high * shape.filters), name="flat"),
        layers.Dropout(shape.dropout / 2, name="convolution_dropout"),
        layers.Dense(shape.features, use_bias=False, name="features"),
        layers.BatchNormalization(name="features_normalisation"),
        layers.ReLU(name="features_rectified"),
        layers.Dropout(shape.dropout / 2, name="features_dropout"),
    ]


def start_states(facts: ClipFacts, shape: Shape, rows: int) -> dict[str, np.ndarray]:
    """The states before anything was heard, zeros, by input name."""
    return {name: np.zeros((rows, *size), np.float32) for name, size in state_shapes(facts, shape).items()}


def state_shapes(facts: ClipFacts, shape: Shape) -> dict[str, tuple[int, ...]]:
    """Shape of each state without the batch, by input name."""
    sizes: list[tuple[int, ...]] = [*[(shape.units,)] * shape.layers, (_overlap(facts),)]
    sizes += [(shape.context - SPECTRA, MELS)] if shape.context > SPECTRA else []
    return {STATE.format(index): size for index, size in enumerate(sizes)}


def graph(facts: ClipFacts, shape: Shape) -> GraphSpec:
    """The network's inputs and outputs as an export promises them; one frame at a time where sizes are frozen."""
    sizes: list[tuple[str, tuple[str | int, ...]]] = [
        (name, ("batch", *size)) for name, size in state_shapes(facts, shape).items()
    ]
    heard = TensorSpec("samples", ("batch", "samples"), "float32", f"-1 to 1, {facts.sample_rate} Hz")
    answer = TensorSpec("probabilities", ("batch", "frames", len(facts.labels)), "float32", "probability")
    return GraphSpec(
        inputs=(heard, *(TensorSpec(name, size) for name, size in sizes)),
        outputs=(answer, *(TensorSpec(f"{name}_next", size) for name, size in sizes)),
        fixed={"batch": 1, "samples": facts.hop},
    )


def on_spectra(recogniser: "keras.Model", shape: Shape) -> "keras.Model":
    """The recogniser's layers behind its normalisation, begun in silence: spectra (batch, spectra, mels) → answers.

    Trained in the recogniser's place, since its front end has nothing to learn and would be most of the work.
    """
    import keras
    from keras import ops

    recurrent = [name.format(index) for index in range(shape.layers) for name in ("gru_{}", "gru_{}_dropout")]
    names = (*(layer.name for layer in convolution(shape)), *recurrent, "probabilities")

    class OnSpectra(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="on_spectra")
            self.heard = [recogniser.get_layer(name) for name in names]

        def call(self, inputs: Any) -> Any:
            x = ops.pad(inputs, ((0, 0), (shape.context - SPECTRA, 0), (0, 0)))
            for layer in self.heard:
                x = layer(x)
                x = x[0] if isinstance(x, list | tuple) else x  # a GRU returns its last state as well
            return x

    model = OnSpectra()
    model(np.zeros((1, SPECTRA, MELS), np.float32))  # makes its variables known: checkpoints need them
    return model


def _overlap(facts: ClipFacts) -> int:
    return (WINDOW_HOPS - 1) * facts.spectrum_hop
