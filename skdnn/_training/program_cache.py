"""Compiled programs, kept for the next fit that can use them; imports no TensorFlow."""

import gc
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

_SIZE = "SKDNN_PROGRAM_CACHE_SIZE"
# A closed program is a few objects in a reference cycle to Python, and megabytes to TensorFlow: the
# garbage collector would not free them soon. To collect takes 0.2 s.
_COLLECT_EVERY = 16


class ProgramCache:
    """Keeps programs that are not in use, and drops the least recently used first.

    A program is lent to one fit at a time: its variables are that fit's own. A second thread
    that wants the same one meanwhile compiles another.

    Parameters
    ----------
    maxsize : int
        Number of programs to keep.
    """

    def __init__(self, maxsize: int):
        self.maxsize = maxsize
        self.n_lent = 0
        self._n_closed = 0
        self._idle: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, key: Hashable, compile: Callable[[Any], Any]) -> Iterator[Any]:
        """Lend the program of a key; one whose run was interrupted is closed afterwards."""
        with self._lock:
            program = self._idle.pop(key, None)
            self.n_lent += 1
        is_whole = False
        try:
            program = compile(key) if program is None else program
            yield program
            is_whole = True
        finally:
            with self._lock:
                self.n_lent -= 1
                if is_whole:
                    self._idle[key] = program
            if not is_whole and program is not None:
                program.close()
            self.trim(self.maxsize)

    def abandon(self) -> None:
        """Drop all programs in a forked process, which does not have their threads."""
        self._lock = threading.Lock()
        self.n_lent = 0
        for program in self._idle.values():
            program.abandon()
        self._idle.clear()

    def trim(self, size: int) -> None:
        """Drop all but the `size` programs that were used last."""
        while True:
            with self._lock:
                if len(self._idle) <= size:
                    return
                _, program = self._idle.popitem(last=False)
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
    """Throw away the compiled programs that skdnn keeps, and free their memory.

    The program of an architecture (layers, activations, optimizer and its settings but for the
    learning rate, kind of target) is kept, so that the next fit that can use it compiles nothing.
    At most 16 are kept, the longest unused thrown away first: set the environment variable
    ``SKDNN_PROGRAM_CACHE_SIZE`` before skdnn is imported for more or fewer, 0 for none. A program
    takes some megabytes. Programs that are training are not touched. Fitted estimators lose
    nothing. TensorFlow's cache of eager kernels is cleared with them, as by
    ``keras.utils.clear_session``: eager random operations with a seed of their own start their
    sequence again.

    Examples
    --------
    >>> from skdnn import clear_program_cache
    >>> clear_program_cache()
    """
    PROGRAMS.trim(0)
