"""Draws of one thread from the modules `random` and `numpy.random`, without their global state.

Keras draws the seeds of layers and initialisers with functions of the module `random`, and a
function that builds a network may draw with functions of `numpy.random`. All threads share the
generators behind these functions. `local_draws` therefore seeds no generator of another thread:
for the time of a block it replaces the functions of the two modules by functions that draw from
generators of the calling thread, and from the global generators in all other threads.

A function that was imported by its own name, as in `from random import random`, draws from the
global generator.
"""

import functools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

# Functions of `numpy.random` that are methods of its generator under another name.
_OTHER_NAMES = {"sample": "random_sample", "ranf": "random_sample"}

_OF_THREAD = threading.local()  # `generators`: the generators of this thread by module name
_LOCK = threading.Lock()  # guards the two variables below
_replaced: list[tuple[ModuleType, str, Any]] = []
_n_blocks = 0


@contextmanager
def local_draws(seed: int) -> Iterator[None]:
    """Let functions of `random` and `numpy.random` draw from generators of this thread.

    Parameters
    ----------
    seed : int
        The seed of the generators.
    """
    generators = {
        "random": random.Random(seed),
        "numpy.random": np.random.RandomState(seed % 2**32),
    }
    before = getattr(_OF_THREAD, "generators", None)
    _enter()
    try:
        _OF_THREAD.generators = generators
        yield
    finally:
        _OF_THREAD.generators = before
        _leave()


def _enter() -> None:
    global _n_blocks
    with _LOCK:
        _n_blocks += 1
        if _n_blocks > 1:
            return
        for module, generator in ((random, random.Random), (np.random, np.random.RandomState)):
            for name, function in list(vars(module).items()):
                method = _method_of(module, name)
                if not name.startswith("_") and callable(getattr(generator, method, None)):
                    _replaced.append((module, name, function))
                    setattr(module, name, _of_thread(module.__name__, method, function))


def _leave() -> None:
    global _n_blocks
    with _LOCK:
        _n_blocks -= 1
        while _n_blocks == 0 and _replaced:
            module, name, function = _replaced.pop()
            setattr(module, name, function)


def _method_of(module: ModuleType, name: str) -> str:
    return _OTHER_NAMES.get(name, name) if module is np.random else name


def _of_thread(module: str, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def draw(*args: Any, **kwargs: Any) -> Any:
        generators = getattr(_OF_THREAD, "generators", None)
        draws = function if generators is None else getattr(generators[module], method)
        return draws(*args, **kwargs)

    return draw
