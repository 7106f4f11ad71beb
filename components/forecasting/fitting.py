"""Batches of windows and the loss that a forecasting network is trained with."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from components.forecasting.windows import Windows


class Batches(keras.utils.PyDataset):
    """Windows of one part in batches, drawn anew every epoch.

    Args:
        windows: the data.
        starts: first rows of the windows.
        batch_size: windows per batch.
        most: windows per epoch, a new random choice every time; 0 for all.
        seed: of order and choice; None keeps the order.
    """

    def __init__(self, windows: Windows, starts: np.ndarray, batch_size: int, most: int, seed: int | None) -> None:
        super().__init__()
        self.windows, self.starts, self.batch_size, self.seed, self.epoch = windows, starts, batch_size, seed, 0
        self.count = min(most or len(starts), len(starts))
        self._draw()

    def _draw(self) -> None:
        if self.seed is None:
            self.drawn = self.starts[: self.count]
        else:
            self.drawn = np.random.default_rng((self.seed, self.epoch)).permutation(self.starts)[: self.count]

    def on_epoch_end(self) -> None:
        """Draw the windows of the next epoch."""
        self.epoch += 1
        self._draw()

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        starts = self.drawn[index * self.batch_size : (index + 1) * self.batch_size]
        targets = self.windows.targets(starts)[:, :, None].astype(np.float32)  # (batch, horizon, 1)
        weights = (1 / self.windows.units(starts)).astype(np.float32)
        return self.windows.feeds(starts), {"quantiles": targets}, {"quantiles": weights}


def pinball_loss(shares: tuple[float, ...]) -> Callable[[Any, Any], Any]:
    """The quantile loss of every window, raw units; with the weights of `Batches` it is the primary metric."""
    share = np.asarray(shares, np.float32)

    def pinball(targets: Any, quantiles: Any) -> Any:
        over = targets - quantiles  # (batch, horizon, quantiles)
        return ops.mean(ops.maximum(share * over, (share - 1) * over), axis=(1, 2))

    return pinball
