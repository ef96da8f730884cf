"""Follows the epochs of fits from outside, such as for the progress bar of `compare`."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from skdnn._training.callbacks import Report, ReportList

Listener = Callable[[int, int], object]  # takes the finished and the planned number of epochs
# The listener and its process. A forked worker process must not write to the terminal.
_LISTENER: ContextVar[tuple[Listener, int] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call a function after each epoch of the fits in this thread and process."""
    token = _LISTENER.set((listener, os.getpid()))
    try:
        yield
    finally:
        _LISTENER.reset(token)


def with_listener(report: Report, n_epochs: int) -> Report:
    """Return a report that also calls the current listener, or the report if there is none."""
    listener, process = _LISTENER.get() or (None, None)
    if listener is None or process != os.getpid():
        return report
    return ReportList([report, _EpochCounter(n_epochs, listener)])


class _EpochCounter(Report):
    """A report that passes the number of finished epochs to a listener.

    The report is silent, so that it does not change which epochs are one graph call.
    """

    def __init__(self, n_epochs: int, listener: Listener):
        self.n_epochs = n_epochs
        self.listener = listener

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Pass the number of finished epochs to the listener."""
        self.listener(training.epoch, self.n_epochs)
        return False
