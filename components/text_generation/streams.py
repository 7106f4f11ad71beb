"""Batches of contiguous streams of ids, for training with carried state (truncated backpropagation through time)."""

from typing import Any

import keras
import numpy as np


def rows_of(batch_size: int, window: int, *parts: np.ndarray) -> int:
    """Streams that every part can be cut into: `batch_size`, or fewer where a part is short; 0 where one is too short.

    A stream needs one window of ids and the id that follows it.
    """
    return min(batch_size, *((len(part) - 1) // window for part in parts))


class Streams(keras.utils.PyDataset):
    """One epoch of (ids, following ids) batches, both (rows, window); row i of a batch continues row i of the last.

    In training every epoch starts the streams a random few ids later, so that windows are not cut at the same places.
    """

    def __init__(self, ids: np.ndarray, rows: int, window: int, seed: int | None = None) -> None:
        """Streams over `ids`; without a seed they start at the first id in every epoch."""
        super().__init__()
        self.ids, self.rows, self.window, self.seed = ids, rows, window, seed
        spare = 0 if seed is None else min(window - 1, len(ids) - 1 - rows * window)
        self.offsets = spare + 1
        self.batches = (len(ids) - 1 - spare) // rows // window
        self.begin(epoch=0)

    def begin(self, epoch: int) -> None:
        """Take up the streams of an epoch."""
        offset = 0 if self.seed is None else int(np.random.default_rng((self.seed, epoch)).integers(self.offsets))
        apart = (len(self.ids) - 1 - offset) // self.rows
        self.starts = offset + apart * np.arange(self.rows)  # (rows,)

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        places = self.starts[:, None] + index * self.window + np.arange(self.window)  # (rows, window)
        return self.ids[places], self.ids[places + 1]


class FreshStates(keras.callbacks.Callback):
    """Zeroes the carried states where streams begin: at the start of every epoch and of every validation."""

    def __init__(self, streams: Streams) -> None:
        super().__init__()
        self.streams = streams

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002, Keras passes it by name
        self.streams.begin(epoch)
        self.model.reset_state()

    def on_test_begin(self, logs: Any = None) -> None:  # noqa: ARG002, Keras passes it by name
        self.model.reset_state()
