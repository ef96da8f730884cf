"""The cache of compiled programs for later fits. This module does not import TensorFlow."""

import gc
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

_LOG = logging.getLogger(__name__)
_SIZE = "SKDNN_PROGRAM_CACHE_SIZE"
# A closed program is a few Python objects in a reference cycle, but holds megabytes of TensorFlow's
# memory. The garbage collector would not free the memory soon, and a collection takes 0.2 s.
_COLLECT_EVERY = 16


class ProgramCache:
    """A cache of compiled programs that are not in use, with least-recently-used eviction.

    Only one fit uses a program at a time, because the variables of the program hold the state of
    the fit. If a second thread requests the same program at that time, a second copy is compiled,
    and later both copies are kept.

    Parameters
    ----------
    maxsize : int
        The maximum number of programs to keep that are not in use.

    Attributes
    ----------
    n_lent : int
        The number of programs in use.
    n_idle : int
        The number of programs that are not in use.
    """

    def __init__(self, maxsize: int):
        self.maxsize = maxsize
        self.n_lent = 0
        self.n_idle = 0
        self._n_closed = 0
        # The programs of each key, which is never without one. The last key was used last.
        self._idle: OrderedDict[Hashable, list[Any]] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, key: Hashable, compile: Callable[[Any], Any]) -> Iterator[Any]:
        """Context manager that yields the program of a key.

        On exit, the program returns to the cache. If an exception occurred, the program is closed
        instead.

        Parameters
        ----------
        key : hashable
            The key of the program.
        compile : callable
            Takes the key, and returns a new program. Called if the cache has no program of the key.

        Yields
        ------
        CompiledProgram
        """
        with self._lock:
            program = self._take(key, -1) if key in self._idle else None
            self.n_lent += 1
        is_whole = False
        try:
            if program is None:
                _LOG.debug("Compiling a program: %d idle ones are of other keys", self.n_idle)
                program = compile(key)
            yield program
            is_whole = True
        finally:
            with self._lock:
                self.n_lent -= 1
                if is_whole:
                    self._idle.setdefault(key, []).append(program)
                    self._idle.move_to_end(key)
                    self.n_idle += 1
            if not is_whole and program is not None:
                program.close()
            self.trim(self.maxsize)

    def _take(self, key: Hashable, position: int) -> Any:
        """Remove and return a program of a key that has one, under the lock."""
        programs = self._idle[key]
        program = programs.pop(position)
        if not programs:
            del self._idle[key]
        self.n_idle -= 1
        return program

    def abandon(self) -> None:
        """Drop all programs without closing them, in a forked process that lacks their threads."""
        self._lock = threading.Lock()
        self.n_lent = self.n_idle = 0
        for programs in self._idle.values():
            for program in programs:
                program.abandon()
        self._idle.clear()

    def trim(self, size: int) -> None:
        """Close all programs that are not in use, except the `size` most recently used programs."""
        while True:
            with self._lock:
                if self.n_idle <= size:
                    return
                program = self._take(next(iter(self._idle)), 0)
                self._n_closed += 1
                is_time = self._n_closed % _COLLECT_EVERY == 0
            program.close()
            del program
            if is_time:
                gc.collect()


def _initial_size() -> int:
    size = os.environ.get(_SIZE, "16")
    if not size.isdecimal():
        raise ValueError(
            f"The environment variable {_SIZE} must be a whole number, the number of compiled "
            f"programs that skdnn keeps. Got {size!r}."
        )
    return int(size)


PROGRAMS = ProgramCache(_initial_size())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=PROGRAMS.abandon)


def clear_program_cache() -> None:
    """Delete the compiled programs that skdnn keeps, and free their memory.

    A compiled program consists of TensorFlow graph functions and their variables. skdnn keeps the
    program of a fit so that a later fit can use the program without compilation. Fits share a
    program if they have the same layers, activations, type of target, optimizer and optimizer
    settings. The learning rate may differ.

    skdnn keeps at most 16 programs, and deletes the least recently used program first. To change
    the number, set the environment variable ``SKDNN_PROGRAM_CACHE_SIZE`` before skdnn is imported.
    With 0, no program is kept. A program takes some megabytes.

    Programs that are training are not deleted. Fitted estimators do not change. TensorFlow's cache
    of eager kernels is also cleared, as by ``keras.utils.clear_session``. As a result, eager random
    operations with an operation seed start their sequence again.

    Examples
    --------
    >>> from skdnn import clear_program_cache
    >>> clear_program_cache()
    """
    PROGRAMS.trim(0)
