"""Training a text network on labelled texts, then on texts that it has labelled itself as well.

The second round is self-training with soft labels (Scudder 1965; Hinton, Vinyals and Dean 2015): the GRU learns from
what it and the linear part say together of texts without label, which is more than it knows alone. Only where the
source has such texts. The linear part is fitted before, the weights of both halves after each round.
"""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.networks import training
from components.networks.fused_gru import fused
from components.sentiment import blending, linear_part
from components.sentiment.batches import Part, scoring_batches, training_batches
from components.sentiment.scores import TEXTS_AT_ONCE, answers

if TYPE_CHECKING:
    import keras
    from scipy.sparse import csr_matrix

    from components.sentiment.config import Config

log = logging.getLogger(__name__)

LABELLED, TAUGHT = "labelled", "taught"  # folders of the two rounds' checkpoints
HISTORY = "history.json"  # written when a round is over
History = dict[str, list[float]]


class SelfTraining:
    """One training: the network, the settings and the linear part's view of any text."""

    def __init__(self, model: "keras.Model", config: "Config", labels: int, vocabulary: int) -> None:
        self.model, self.config, self.labels, self.vocabulary = model, config, labels, vocabulary
        self.table = np.zeros((vocabulary + config.pairs, 1), np.float32)

    def fit(self, train: Part, validation: Part, unlabelled: Part, folder: Path) -> History:
        """Train the network; return the history of all rounds, and the validation accuracy of each half and both.

        Args:
            train: the training part.
            validation: texts to stop early on and to weigh the two halves on.
            unlabelled: texts whose labels are not looked at; may be none.
            folder: where checkpoints live; a training that was cut off goes on from them.
        """
        if self.config.pairs:
            self.table = linear_part.fitted_table(self._counts(train), train.labels, self.labels)
            self.model.get_layer("linear").set_weights([self.table])
        truth = self._one_hot(train)
        history = self._round(truth, validation, self.config, folder / LABELLED)
        halves = self._blend(validation)
        if self.config.taught_epochs and len(unlabelled):
            taught = Part(unlabelled.ids, self._said_of(unlabelled))
            both = Part([*truth.ids, *taught.ids], np.concatenate([truth.labels, taught.labels]))
            again = self.config.changed({"epochs": self.config.taught_epochs})
            self._weigh(blending.Weights.of_the_first(self.labels))
            more = self._round(both, validation, again, folder / TAUGHT)
            history = {name: history[name] + more[name] for name in history}
            halves = self._blend(validation)
        return history | halves

    def _round(self, train: Part, validation: Part, config: "Config", folder: Path) -> History:
        """One training of the GRU alone, unless `folder` says that it is over."""
        if (folder / HISTORY).exists():
            self.model.load_weights(str(folder / training.BEST_WEIGHTS))
            return dict(json.loads((folder / HISTORY).read_text()))
        with fused(self.model, dtype=None if config.bfloat16 else "float32"):
            lesson = training.Lesson(
                training_batches(train, config.batch_size, config.stretch, config.word_dropout, config.seed),
                scoring_batches(self._one_hot(validation), TEXTS_AT_ONCE, config.max_length),
                steps_per_epoch=-(-len(train) // config.batch_size),
                loss="categorical_crossentropy",
                metrics=["accuracy"],
            )
            return training.fit(self.model, lesson, config, folder)

    def _blend(self, validation: Part) -> History:
        """Weigh the halves by what they say of the validation part; return the accuracy of each and of both."""
        deep = self._deep(validation)
        if not self.config.pairs:
            return {"gru_val_accuracy": [_accuracy(deep, validation.labels)]}
        wide = self._wide(validation)
        weights = blending.fitted(deep, wide, validation.labels)
        self._weigh(weights)
        found = {"gru": deep, "linear": wide, "blend": weights.probabilities(deep, wide)}
        shares = {name: _accuracy(logits, validation.labels) for name, logits in found.items()}
        log.info("right on the validation part: %s", ", ".join(f"{name} {x:.2%}" for name, x in shares.items()))
        log.info("scales of both: %.3f, %.3f", *weights.scales)
        return {f"{name}_val_accuracy": [share] for name, share in shares.items()}

    def _weigh(self, weights: blending.Weights) -> None:
        self.weights = weights
        if self.config.pairs:
            self.model.get_layer("blend").set_weights([weights.scales, weights.bias])

    def _said_of(self, part: Part) -> np.ndarray:
        """Probabilities (texts, labels) float32 by both halves."""
        log.info("labelling %d texts", len(part))
        deep = self._deep(part)
        if not self.config.pairs:
            return blending.softmax(deep).astype(np.float32)
        return self.weights.probabilities(deep, self._wide(part)).astype(np.float32)

    def _deep(self, part: Part) -> np.ndarray:
        """Logits (texts, labels) of the GRU."""
        import keras

        from components.networks.gru import predictor

        alone = keras.Model(self.model.input, {"logits": self.model.get_layer("logits").output})
        with fused(alone, dtype="float32"):
            return answers(predictor(alone), part, self.config.max_length, "logits")

    def _wide(self, part: Part) -> np.ndarray:
        """Logits (texts, labels) of the linear part."""
        return linear_part.logits(self._counts(part), self.table)

    def _counts(self, part: Part) -> "csr_matrix":
        read = [ids[: self.config.max_length] for ids in part.ids]
        return linear_part.features(read, self.vocabulary, self.config.pairs)

    def _one_hot(self, part: Part) -> Part:
        return Part(part.ids, np.eye(self.labels, dtype=np.float32)[part.labels])


def _accuracy(found: np.ndarray, labels: np.ndarray) -> float:
    return float(np.mean(found.argmax(axis=1) == labels))
