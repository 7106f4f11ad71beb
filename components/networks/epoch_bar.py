"""The progress of one training: a bar over its steps on a terminal, and one log line per epoch everywhere."""

import logging
import time
from typing import Any

import keras

from components.data.progress import new_bar

log = logging.getLogger(__name__)


class EpochBar(keras.callbacks.Callback):
    """A bar over all steps of a training; every epoch's numbers go to the log."""

    def __init__(self, epochs: int, steps_per_epoch: int) -> None:
        super().__init__()
        self.epochs, self.steps_per_epoch = epochs, steps_per_epoch
        self.bar = new_bar()

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' signature)
        self.bar.start()
        self.task = self.bar.add_task("train", total=self.epochs * self.steps_per_epoch, note="")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras' signature)
        self.started = time.monotonic()
        self.bar.update(self.task, completed=epoch * self.steps_per_epoch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002 (Keras' signature)
        self.bar.update(self.task, advance=1, note=f"loss {(logs or {}).get('loss', 0):.4f}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        numbers = "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        seconds = time.monotonic() - self.started
        log.info("epoch %d/%d  %s  (%.1f s)", epoch + 1, self.epochs, numbers, seconds)

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 (Keras' signature)
        self.bar.stop()
