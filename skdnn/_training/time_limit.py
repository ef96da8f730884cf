"""Shortens a fit to the epochs that end within a time limit."""

import time
from typing import Any

from skdnn._training.callbacks import Report


class TimeLimit(Report):
    """A report that shortens training so that a fit ends in time.

    After each pass over the rows, the report plans as many epochs as fit into the remaining time,
    at the mean pace so far. The schedule of the learning rate then ends with the last epoch that
    fits. If all epochs fit, nothing changes. At least one epoch is trained.

    Parameters
    ----------
    seconds : float
        The time limit, counted from `begin`.
    begin : float
        The value of `time.perf_counter()` at the start of the fit.
    planned : int
        The number of epochs without the time limit.

    Attributes
    ----------
    n_epochs : int
        The number of epochs that fit, at most `planned`.
    """

    silent = False

    def __init__(self, seconds: float, begin: float, planned: int):
        self.seconds = seconds
        self.planned = self.n_epochs = planned
        self._deadline = begin + seconds
        # The pace is measured from here. The first call and the first evaluation do not count,
        # because TensorFlow prepares the graph in them.
        self._start: float | None = None
        self._n_steps_done = 0
        self._evaluation_begin = self._evaluation = 0.0

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Record the number of steps of an epoch."""
        self._n_steps = n_steps

    def steps_done(self, n_steps: int) -> None:
        """Count the steps after the first call."""
        if self._start is None:
            self._start = time.perf_counter()
        else:
            self._n_steps_done += n_steps

    def steps_end(self, training: Any) -> None:
        """Plan as many epochs as fit into the time that is left."""
        done = training.n_trained
        self.n_epochs = done + min(self.planned - done, self._n_more())
        training.n_epochs = self.n_epochs

    def evaluation_begins(self, training: Any) -> None:
        """Record when an evaluation begins."""
        self._evaluation_begin = time.perf_counter()

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        """Record how long an evaluation takes."""
        is_first = not self._evaluation
        self._evaluation = time.perf_counter() - self._evaluation_begin
        if is_first and self._start is not None:
            self._start += self._evaluation

    def is_reached(self, n_epochs: int) -> bool:
        """Return whether the limit has ended a training of so many epochs."""
        return n_epochs == self.n_epochs < self.planned

    def _n_more(self) -> int:
        """Return how many further epochs fit into the time that is left."""
        now = time.perf_counter()
        # Calibration after the last epoch takes about as long as an evaluation.
        left = self._deadline - now - 2 * self._evaluation
        if left <= 0:
            return 0
        if self._start is None or not self._n_steps_done:  # the pace is not yet known
            return self.planned
        seconds = (now - self._start) / self._n_steps_done * self._n_steps
        return int(min(left / max(seconds, 1e-9), self.planned))
