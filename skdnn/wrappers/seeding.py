"""Seeds of a fit: of what Keras and build functions draw, and of PyTorch's generator."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from sklearn.utils import check_random_state

from skdnn._utils.keras_internals import seeded_random
from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.thread_draws import local_draws

# All threads share PyTorch's global generator, and dropout of Keras's PyTorch backend has no other,
# so only one thread at a time may seed it.
_TORCH = threading.RLock()


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
    """Seed what Keras and build functions draw in this thread, and nothing in other threads.

    These are draws from the modules `random` and `numpy.random`, and from `keras.random` without a
    seed. The state of the global generators does not change.

    Parameters
    ----------
    seed : int or None
        The seed. None lets them draw from the global generators.
    """
    if seed is None:
        yield
        return
    with local_draws(seed), seeded_random(seed):  # Keras has one generator per thread
        yield


@contextmanager
def torch_generator_restored(seed: int | None) -> Iterator[None]:
    """Context manager that restores PyTorch's global random generator on exit.

    `seed_epoch` seeds the global generator during training. Another thread that draws from it
    meanwhile gets numbers of the seeded sequence.

    With the PyTorch backend of Keras, dropout uses the global generator. With other backends, each
    layer has its own generator.
    """
    if seed is None or keras.backend.backend() != "torch":
        yield
        return
    import torch

    with _TORCH, torch.random.fork_rng(devices=[]):
        yield


def seed_epoch(seed: int | None, epoch: int) -> None:
    """Seed PyTorch's global generator for one epoch, independently of previous training."""
    if seed is not None and keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(int(np.random.default_rng([seed, epoch]).integers(2**31)))
