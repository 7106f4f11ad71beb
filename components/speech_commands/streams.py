"""Training sequences of a recogniser: clips one after the other over background noise, each time differently."""

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from components.data.progress import new_bar
from components.networks.log_mel import SILENCE
from components.speech_commands.audio import from_pcm
from components.speech_commands.augmentation import (
    Augmentation,
    coloured,
    masked,
    moved,
    noisy,
    retold,
    stretch_of,
)
from components.speech_commands.network import MELS, mel_spectra
from components.speech_commands.parts import FRAMES_PER_SECOND, SPECTRA, ClipFacts, Part

if TYPE_CHECKING:
    from components.speech_commands.config import Config

log = logging.getLogger(__name__)

CLIPS_AT_ONCE = 256  # through the log-mel layer
TRAINED_FRAMES = 5  # at the end of a clip, where its word must be known; before that it may not be over
SILENT_SHARE = 0.12  # of the clips of a pass are background noise alone, besides those of the data
SILENT_GAIN = (-9.0, 1.0)  # natural logarithm of energy by which such noise is turned down or up
TEMPERATURES = np.geomspace(0.4, 2.5, 41)
FLOOR = float(np.log(SILENCE))  # log-mel of digital silence


def clip_spectra(part: Part, facts: ClipFacts) -> np.ndarray:
    """Log-mel spectra of a part's clips: (clips, spectra, mels), float32."""
    return np.concatenate(list(spectra_blocks(part, facts)))


def spectra_blocks(part: Part, facts: ClipFacts) -> Iterator[np.ndarray]:
    """The same in blocks of clips, for data that would fill the memory."""
    for first in range(0, len(part.clips), CLIPS_AT_ONCE):
        yield mel_spectra(part.samples(first, first + CLIPS_AT_ONCE), facts)


def answers_to(trained: keras.Model, spectra: np.ndarray) -> np.ndarray:
    """Probabilities (clips, frames, labels) of normalised spectra, as many at once as memory is sure to hold."""
    blocks = range(0, len(spectra), CLIPS_AT_ONCE)
    return np.concatenate([trained(spectra[first : first + CLIPS_AT_ONCE]).numpy() for first in blocks])


def retold_spectra(
    part: Part, facts: ClipFacts, copies: int, settings: Augmentation, seed: int, folder: Path
) -> np.ndarray:
    """Log-mel spectra of every clip as it is and `copies - 1` times retold: (copies, clips, spectra, mels), float16.

    They lie in a nameless file in `folder` that ends with the array: for 85,000 clips six copies are 2 GB.
    """
    count = len(part.clips)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        out = np.memmap(file, np.float16, "w+", shape=(copies, count, facts.spectra, MELS))
    with new_bar() as bar:
        task = bar.add_task("clips to spectra", total=copies * count, note="")
        for copy in range(copies):
            rng = np.random.default_rng((seed, copy))
            for first in range(0, count, CLIPS_AT_ONCE):
                clips = part.samples(first, first + CLIPS_AT_ONCE)
                if copy:
                    clips = np.stack([retold(clip, facts.sample_rate, rng, settings) for clip in clips])
                out[copy, first : first + CLIPS_AT_ONCE] = mel_spectra(clips, facts)
                bar.advance(task, len(clips))
    return out


def noise_spectra(part: Part, facts: ClipFacts) -> np.ndarray:
    """Log-mel spectra of a part's background noise: (spectra, mels)."""
    whole = len(part.noise) // facts.hop * facts.hop
    return mel_spectra(from_pcm(part.noise[None, :whole]), facts)[0]


def some_spectra(part: Part, facts: ClipFacts) -> np.ndarray:
    """Log-mel spectra of clips spread over a part, for its mean and deviation: (clips, spectra, mels)."""
    rows = np.linspace(0, len(part.clips) - 1, min(len(part.clips), CLIPS_AT_ONCE)).astype(int)
    return mel_spectra(from_pcm(part.clips[rows]), facts)


@dataclass(frozen=True)
class Heard:
    """Training clips as spectra, and what is done to them on the way to the network.

    Attributes:
        spectra: (copies, clips, spectra, mels), every clip told in several ways.
        labels: (clips,).
        noise: of the background, (spectra, mels).
        normalise: as the network's front end does.
    """

    spectra: np.ndarray
    labels: np.ndarray
    noise: np.ndarray
    normalise: Any


class ClipStreams(keras.utils.PyDataset):
    """One pass over all clips in random order, as streams of a few clips that a network hears in one go.

    Each item is normalised spectra (streams, clips * spectra, mels) and the clips' labels, one-hot
    (streams, clips, labels). The same seed gives the same passes.

    Args:
        heard: the clips.
        facts: labels and rates.
        config: gives batch_size, clips_in_stream and seed.
        changes: what happens to clips anew in each pass.
    """

    def __init__(self, heard: Heard, facts: ClipFacts, config: "Config", changes: Augmentation) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4)
        self.spectra, self.labels, self.noise, self.normalise = (
            heard.spectra,
            heard.labels,
            heard.noise,
            heard.normalise,
        )
        self.facts, self.batch, self.clips_in_stream = facts, config.batch_size, config.clips_in_stream
        self.settings, self.seed, self.passes = changes, config.seed, 0
        self.order = self._shuffled()

    def __len__(self) -> int:
        return max(1, len(self.order) // (self.batch * self.clips_in_stream))

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng((self.seed, self.passes, index))
        size = self.batch * self.clips_in_stream
        chosen = np.resize(self.order[index * size : (index + 1) * size], size)  # (batch * clips,)
        clips, labels = self._clips(chosen, rng)
        _, spectra, mels = clips.shape
        clips = coloured(moved(clips, rng, self.settings, 1 / (SPECTRA * FRAMES_PER_SECOND)), rng, self.settings)
        streams = clips.reshape(self.batch, self.clips_in_stream * spectra, mels)
        streams = np.maximum(noisy(streams, self.noise, rng, self.settings), FLOOR)
        clips = masked(self.normalise(streams.reshape(-1, spectra, mels)), rng, self.settings)
        one_hot = np.eye(len(self.facts.labels), dtype=np.float32)[labels]
        return clips.reshape(streams.shape), one_hot.reshape(self.batch, self.clips_in_stream, -1)

    def on_epoch_end(self) -> None:
        """Shuffle anew."""
        self.passes += 1
        self.order = self._shuffled()

    def _shuffled(self) -> np.ndarray:
        """Numbers of the clips in this pass's order; -1 stands for background noise alone."""
        count = len(self.labels)
        silent = np.full(int(SILENT_SHARE * count), -1)
        return np.random.default_rng((self.seed, self.passes)).permutation(np.concatenate([np.arange(count), silent]))

    def _clips(self, chosen: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Spectra (clips, spectra, mels) of one of each chosen clip's copies, and the labels (clips,)."""
        copies = rng.integers(len(self.spectra), size=len(chosen))
        clips = self.spectra[copies, chosen].astype(np.float32)
        labels = self.labels[chosen].copy()
        for row in np.flatnonzero(chosen < 0):
            clips[row] = stretch_of(self.noise, clips.shape[1], rng) + rng.uniform(*SILENT_GAIN)
            labels[row] = len(self.facts.labels) - 1
        return clips, labels


def whole_clips(spectra: np.ndarray, labels: np.ndarray, normalise: Any, facts: ClipFacts, batch: int) -> Any:
    """A dataset of clips one by one, unchanged, for validation: spectra and one-hot labels (batch, 1, labels)."""
    import tensorflow as tf

    one_hot = np.eye(len(facts.labels), dtype=np.float32)[labels][:, None]
    return tf.data.Dataset.from_tensor_slices((normalise(spectra), one_hot)).batch(batch)


def clip_loss(frames: int, smoothing: float) -> Any:
    """A Keras loss: cross-entropy at each of the last `TRAINED_FRAMES` frames of every clip in a stream."""
    from keras import ops

    def loss(labels: Any, probabilities: Any) -> Any:  # (streams, clips, labels), (streams, clips * frames, labels)
        clips, count = ops.shape(labels)[1], labels.shape[2]
        last = ops.reshape(probabilities, (-1, clips, frames, count))[:, :, -TRAINED_FRAMES:]
        wanted = labels[:, :, None] * (1 - smoothing) + smoothing / count
        return -ops.mean(ops.sum(wanted * ops.log(last + keras.config.epsilon()), axis=-1), axis=(1, 2))

    return loss


def clip_accuracy(decision_frames: int, frames: int) -> Any:
    """A Keras metric: share of clips whose mean probability over their last frames is highest for their label."""
    from keras import ops

    def accuracy(labels: Any, probabilities: Any) -> Any:
        clips, count = ops.shape(labels)[1], labels.shape[2]
        last = ops.reshape(probabilities, (-1, clips, frames, count))[:, :, -decision_frames:]
        right = ops.equal(ops.argmax(ops.mean(last, axis=2), -1), ops.argmax(labels, -1))
        return ops.mean(ops.cast(right, "float32"), axis=-1)

    return accuracy


def normaliser(recogniser: keras.Model) -> Any:
    """The function by which the recogniser's front end normalises spectra, for arrays."""
    layer = recogniser.get_layer("normalised")
    scale, offset = np.array(layer.scale, np.float32), np.array(layer.offset, np.float32)
    return lambda spectra: np.asarray(spectra, np.float32) * scale + offset


def calibrate(recogniser: keras.Model, probabilities: np.ndarray, labels: np.ndarray, decision_frames: int) -> float:
    """The temperature (Guo et al. 2017) that makes probabilities on validation clips honest, put into the network.

    Args:
        recogniser: its last layer is rescaled.
        probabilities: its answers on the validation clips, (clips, frames, labels).
        labels: the truth, (clips,).
        decision_frames: frames whose mean is a clip's answer.
    """
    logarithms = np.log(probabilities[:, -decision_frames:] + keras.config.epsilon())

    def loss(temperature: float) -> float:
        powers = np.exp(logarithms / temperature)
        means = (powers / powers.sum(-1, keepdims=True)).mean(axis=1)  # (clips, labels)
        return float(-np.log(means[np.arange(len(labels)), labels] + keras.config.epsilon()).mean())

    best = min(TEMPERATURES, key=loss)
    layer = recogniser.get_layer("probabilities")
    layer.set_weights([weights / best for weights in layer.get_weights()])
    log.info("temperature %.2f fitted on the validation clips", best)
    return float(best)
