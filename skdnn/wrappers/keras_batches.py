"""Batches for Keras's `fit` and `predict`, in an order of their own."""

from typing import Any

import numpy as np

from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.seeding import seed_epoch
from skdnn.wrappers.structures import as_batch, count_rows, take_rows


def order_of_rows(n_rows: int, seed: int | None, epoch: int) -> np.ndarray:
    """Return the row numbers of an epoch in their order, which is drawn from a seed.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    seed : int or None
        None keeps the rows in their order.
    epoch : int
        Each epoch has another order, whatever was trained before.

    Returns
    -------
    ndarray of shape (n_rows,), int
    """
    if seed is None:
        return np.arange(n_rows)
    return np.random.default_rng([seed, epoch]).permutation(n_rows)


class Batches(keras.utils.PyDataset):  # Keras has no types
    """Batches in an order drawn from a seed, and not from a global generator.

    Sparse rows are converted to dense ones, one batch at a time.

    Parameters
    ----------
    data : tuple of (X, y) or (X, y, weight)
        Arrays, sparse matrices, or structures of them.
    batch_size : int
        Rows of a batch; the last has the rows that are left.
    epoch : int
        The first epoch. Each has its own order.
    seed : int or None, default=None
        None keeps the rows in their order.
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
        """Seed layers that draw from a global generator."""
        seed_epoch(self.seed, self.epoch)

    def start(self, epoch: int) -> None:
        """Draw the order of an epoch."""
        self.epoch = epoch
        self.rows = order_of_rows(count_rows(self.data), self.seed, epoch)


class StartEpochs(keras.callbacks.Callback):  # Keras has no types
    """Start each epoch of batches with its number, which Keras does not pass to them.

    Parameters
    ----------
    batches : Batches
        The training rows.
    """

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Draw the order of the epoch."""
        self.batches.start(epoch)
