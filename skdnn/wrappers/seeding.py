"""Seed global random generators, and restore the state of the generators afterwards."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_random_state

from skdnn._utils.keras_internals import seeded_random
from skdnn.wrappers.scikeras_compat import keras

# Keras generates the seeds of layers and initialisers with Python's generator, and a build function
# may use the generators of NumPy or Keras. All threads share the generators, so only one thread at
# a time may seed the generators.
_GENERATORS = threading.RLock()


def draw_seed(random_state: int | np.random.RandomState | None) -> int | None:
    """Return the seed of one fit, or None if `random_state` is None.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int is the seed itself. An instance generates a different seed for each fit. None means
        that global generators are not seeded.
    """
    if random_state is None:
        return None
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(1, np.iinfo(np.int32).max))
    check_random_state(random_state)  # raises scikit-learn's error for an invalid seed
    return int(random_state)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Seed the global generators of Python, NumPy and Keras, and restore the generators on exit.

    Parameters
    ----------
    seed : int or None
        The seed. None leaves the generators unchanged.
    """
    if seed is None:
        yield
        return
    with _GENERATORS:
        python, numpy = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            with seeded_random(seed):
                yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


@contextmanager
def torch_generator_restored(seed: int | None) -> Iterator[None]:
    """Context manager that restores PyTorch's global random generator on exit.

    `seed_epoch` seeds the global generator during training.

    With the PyTorch backend of Keras, dropout uses the global generator. With other backends, each
    layer has its own generator.
    """
    if seed is None or keras.backend.backend() != "torch":
        yield
        return
    import torch

    with _GENERATORS, torch.random.fork_rng(devices=[]):
        yield


def seed_epoch(seed: int | None, epoch: int) -> None:
    """Seed PyTorch's global generator for one epoch, independently of previous training."""
    if seed is not None and keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))
