"""Seeds for what draws from global generators, which are left as they were found."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skdnn.wrappers.scikeras_compat import global_state, keras

# Keras draws the seeds of layers and initialisers from Python's generator, a build function may
# draw from NumPy's and Keras's: they are shared by all threads, and lent to one at a time.
_GENERATORS = threading.RLock()
_KERAS_GENERATOR = "global_seed_generator"


def draw_seed(random_state: Any) -> int | None:
    """Return the seed of one fit; None where nothing is to be seeded.

    Parameters
    ----------
    random_state : int, RandomState instance or None
        An int is the seed. An instance is drawn from, so that each fit has another seed.
    """
    if random_state is None:
        return None
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(1, np.iinfo(np.int32).max))
    check_random_state(random_state)  # raises scikit-learn's error for what is no seed
    return int(random_state)


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Have the global generators of Python, NumPy and Keras start at a seed, and put them back.

    Parameters
    ----------
    seed : int or None
        None leaves the generators alone, to be seeded by the program, as Keras's are.
    """
    if seed is None:
        yield
        return
    with _GENERATORS:
        python, numpy = random.getstate(), np.random.get_state()
        of_keras = global_state.get_global_attribute(_KERAS_GENERATOR)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        global_state.set_global_attribute(_KERAS_GENERATOR, keras.random.SeedGenerator(seed))
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            global_state.set_global_attribute(_KERAS_GENERATOR, of_keras)


@contextmanager
def seeded_training(seed: int | None) -> Iterator[None]:
    """Put the generator of PyTorch back after a training that `seed_epoch` seeds.

    On that backend of Keras dropout draws from it. On the others each layer has its own.
    """
    if seed is None or keras.backend.backend() != "torch":
        yield
        return
    import torch

    with _GENERATORS, torch.random.fork_rng(devices=[]):
        yield


def seed_epoch(seed: int | None, epoch: int) -> None:
    """Have dropout on PyTorch draw the same in an epoch, whatever was trained before."""
    if seed is not None and keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))
