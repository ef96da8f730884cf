"""A report that stops training early and keeps the best epoch."""

import math
from collections.abc import Callable
from typing import Any

from skdnn._training.callbacks import Report
from skdnn._training.training_job import EpochSet, all_epochs


class EarlyStopping(Report):
    """A report that stops training when the validation loss no longer improves.

    The report keeps a copy of the state of the best epoch.

    Parameters
    ----------
    measure : callable
        Takes the logs of an epoch, and returns the validation loss to minimise.
    patience : int or None
        The number of consecutive epochs without an improvement after which training stops. None
        stops at the end of a cycle of the learning rate that has no better epoch than the cycles
        before.
    tol : float
        The tolerance. The loss improves if the loss decreases by more than `tol`. The best epoch is
        the epoch with the smallest loss, even if the decrease is smaller than `tol`.
    resumes : bool
        Whether training resumes from an earlier fit. If so, the initial state is also a candidate
        for the best state.
    candidates : callable, default=all_epochs
        Takes the planned number of epochs, and returns the epochs, counted from 1, that may be the
        best epoch. None is all epochs. Another epoch may be the best epoch only while no epoch in
        the set, nor the initial state, has a finite loss.

    Attributes
    ----------
    best_epoch : int
        The number of the best epoch, counted from 1. The number is 0 if the initial state is best.
    best_loss : float
        The validation loss of the best epoch. Infinite if no validation loss was finite.
    best : State or None
        The state of the best epoch. None if the initial state is best.
    stopped : bool
        Whether the report has stopped training.
    """

    def __init__(
        self,
        measure: Callable[[dict[str, Any]], Any],
        patience: int | None,
        tol: float,
        resumes: bool,
        candidates: EpochSet = all_epochs,
    ):
        self.measure = measure
        self.patience = patience
        self.tol = tol
        self.resumes = resumes
        self.candidates = candidates
        self.best_epoch = self._epoch = self._improved = self._cycle_end = 0
        self.best_loss = self._reference = math.inf
        self.best: Any = None
        # The sort key of the best epoch: whether the epoch is outside `candidates`, and its loss.
        self._rank = (True, math.inf)
        self.stopped = False

    def training_begins(self, training: Any) -> None:
        """Evaluate the initial state if training resumes from an earlier fit."""
        if self.resumes:
            loss = self.measure(training.evaluate())
            if math.isfinite(loss):
                self.best_loss = self._reference = loss
                self._rank = (False, loss)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Keep the state of the best epoch so far, and return whether to stop training."""
        self._epoch += 1
        if "val_loss" not in logs:  # the epoch was not evaluated
            return False
        loss = self.measure(logs)
        candidates = self.candidates(training.n_epochs)
        rank = (candidates is not None and self._epoch not in candidates, loss)
        if loss < math.inf and rank < self._rank:
            self.best_epoch, self.best_loss, self.best = self._epoch, loss, training.read()
            self._rank = rank
        if loss < self._reference - self.tol:
            self._reference, self._improved = loss, self._epoch
        if self.patience is None:
            self.stopped = self._stops_after_cycle(candidates, training.n_epochs)
        else:
            self.stopped = self._epoch - self._improved >= self.patience
        return self.stopped

    def _stops_after_cycle(self, ends: frozenset[int] | None, n_epochs: int) -> bool:
        """Note whether the epoch ends a cycle, and return whether training stops after it.

        Training stops if the cycle has no better epoch than the cycles before. `ends` are the
        epochs near the ends of the cycles. There is no use in stopping after the last epoch, nor
        in the first cycle.
        """
        if ends is None or self._epoch not in ends or self._epoch + 1 in ends:
            return False
        before, self._cycle_end = self._cycle_end, self._epoch
        return bool(before) and self.best_epoch <= before and self._epoch < n_epochs

    def summary(self) -> str:
        """Return a sentence that states why training stopped and which epoch was the best."""
        span = "a cycle" if self.patience is None else f"{self.patience} epochs"
        begin = f"Stopped after {span} without improvement: the" * self.stopped
        best = f"epoch {self.best_epoch}" if self.best_epoch else "the fit before"
        return f"{begin or 'The'} weights are those of {best}."
