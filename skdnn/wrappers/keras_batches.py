"""Batches for Keras's `fit` and `predict`, in an order that depends on a given seed."""

from typing import Any

import numpy as np

from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.seeding import seed_epoch
from skdnn.wrappers.structures import as_batch, count_rows, take_rows


def order_of_rows(n_rows: int, seed: int | None, epoch: int) -> np.ndarray:
    """Return the row indices in the order for an epoch, which is shuffled with a seed.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    seed : int or None
        Seed of the order. None keeps the original order of the rows.
    epoch : int
        Index of the epoch. The order depends only on the seed and this index.

    Returns
    -------
    ndarray of shape (n_rows,), int
    """
    if seed is None:
        return np.arange(n_rows)
    return np.random.default_rng([seed, epoch]).permutation(n_rows)


class Batches(keras.utils.PyDataset):
    """Batches of rows in an order that is shuffled with a given seed.

    Sparse rows are converted to dense arrays, one batch at a time.

    Parameters
    ----------
    data : tuple of (X, y) or (X, y, weight)
        Arrays, sparse matrices, or dicts, lists or tuples of arrays.
    batch_size : int
        Number of rows per batch. The last batch has the remaining rows.
    epoch : int
        Index of the first epoch. Each epoch has a different order.
    seed : int or None, default=None
        Seed of the order. None keeps the original order of the rows.
    """

    def __init__(self, data: tuple[Any, ...], batch_size: int, epoch: int, seed: int | None = None):
        super().__init__()
        self.data = data
        self.batch_size = batch_size
        self.seed = seed
        self.start(epoch)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        rows = self.rows[index * self.batch_size : (index + 1) * self.batch_size]
        return as_batch(take_rows(self.data, rows))

    def on_epoch_begin(self) -> None:
        """Seed PyTorch's global generator if Keras uses the PyTorch backend and a seed is set."""
        seed_epoch(self.seed, self.epoch)

    def start(self, epoch: int) -> None:
        """Set the epoch, and compute the order of the rows for the epoch."""
        self.epoch = epoch
        self.rows = order_of_rows(count_rows(self.data), self.seed, epoch)


class StartEpochs(keras.callbacks.Callback):
    """Callback that passes the index of each epoch to the batches, because Keras does not.

    Parameters
    ----------
    batches : Batches
        Batches of training rows.
    """

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Compute the order of the rows for the epoch."""
        self.batches.start(epoch)
