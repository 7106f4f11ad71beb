"""The one training loop: seeds, schedule, checkpoints, resume, early stop, history."""

import json
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import TrainingError
from components.settings import Settings

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

WARMUP_SHARE = 0.05  # of all steps, linear from zero to the peak learning rate
GRADIENT_NORM = 1.0  # gradients are scaled down to this global norm: GRUs over long sequences have spikes
BEST_WEIGHTS = "best.weights.h5"
WATCHED = "val_loss"  # decides which epoch is best


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    keras.utils.set_random_seed(seed)


def optimizer(config: Settings, steps: int) -> "keras.optimizers.Optimizer":
    """AdamW (Loshchilov and Hutter 2019) under a cosine schedule with linear warm-up over `steps` steps in all."""
    import keras

    warmup = max(1, round(WARMUP_SHARE * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / warmup,
        decay_steps=max(1, steps - warmup),
        alpha=0.01,
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay, global_clipnorm=GRADIENT_NORM)


@dataclass(frozen=True)
class Lesson:
    """What a network is trained on, and for what.

    Attributes:
        train: a tf.data dataset (or keras PyDataset) of one epoch.
        validation: the same for the validation part; never the test part.
        steps_per_epoch: batches in `train`, for the schedule and the progress bar.
        loss: as Keras' compile takes it; its value on the validation part decides which epoch is best.
        metrics: as Keras' compile takes it.
        callbacks: more Keras callbacks.
    """

    train: Any
    validation: Any
    steps_per_epoch: int
    loss: Any
    metrics: Sequence[Any] = ()
    callbacks: Sequence[Any] = ()


def fit(model: "keras.Model", lesson: Lesson, config: Settings, folder: Path) -> dict[str, list[float]]:
    """History of a training that leaves `model` with the weights of its best epoch.

    A training that was cut off goes on from its last whole epoch when called again with the same folder.

    Args:
        model: the network to train.
        lesson: data, loss and what is watched.
        config: the settings.
        folder: where checkpoints live while the training runs.

    Raises:
        TrainingError: the loss stopped being a finite number.
    """
    import keras

    from components.networks.epoch_bar import EpochBar

    folder.mkdir(parents=True, exist_ok=True)
    best = folder / BEST_WEIGHTS
    model.compile(
        optimizer(config, lesson.steps_per_epoch * config.epochs),
        lesson.loss,
        metrics=list(lesson.metrics),
        jit_compile=False,  # XLA runs a GRU's loop 1.4 times slower on a CPU
    )
    history = model.fit(
        lesson.train,
        validation_data=lesson.validation,
        epochs=config.epochs,
        verbose=0,
        shuffle=False,
        callbacks=[
            *lesson.callbacks,
            keras.callbacks.BackupAndRestore(str(folder / "backup")),
            keras.callbacks.ModelCheckpoint(
                str(best), monitor=WATCHED, mode="min", save_best_only=True, save_weights_only=True
            ),
            keras.callbacks.EarlyStopping(monitor=WATCHED, mode="min", patience=config.patience),
            keras.callbacks.TerminateOnNaN(),
            EpochBar(config.epochs, lesson.steps_per_epoch),
        ],
    ).history
    if not best.exists() or not math.isfinite(history.get("loss", [math.nan])[-1]):
        raise TrainingError("training stopped: the loss is not a finite number; try a smaller learning_rate")
    model.load_weights(str(best))
    return _saved(folder / "history.json", history)


def _saved(path: Path, history: dict[str, list[Any]]) -> dict[str, list[float]]:
    """The history as plain floats, continued from the one in `path` when a training was resumed, and written there."""
    earlier = json.loads(path.read_text()) if path.exists() else {}
    whole = {name: earlier.get(name, []) + [float(value) for value in values] for name, values in history.items()}
    path.write_text(json.dumps(whole, indent=1))
    return whole
