"""What happens between epochs: progress, early stopping, a falling rate, callbacks."""

import io
import math
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import current_process
from typing import Any, TextIO

from tqdm import tqdm

_LINE = "{desc} {bar:8} {elapsed_s:.1f}s{postfix}"  # with two figures, 80 columns
_NARROW = "{desc} {elapsed_s:.1f}s{postfix}"
_WRITING = threading.Lock()


class Report:
    """What training reports to between its steps; this one does nothing.

    Attributes
    ----------
    silent : bool
        Whether it neither reads, changes nor stops training except where rows are evaluated:
        several epochs may then be one graph call.
    """

    silent = True

    def training_begins(self, training: Any) -> None:
        """Receive the training before its first epoch."""

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Receive the number of the epoch, from 1, and its number of steps."""

    def steps_done(self, n_steps: int) -> None:
        """Receive how many more steps are done."""

    def evaluation_begins(self, training: Any) -> None:
        """Receive the training before the held-out rows are evaluated, at the end of an epoch."""

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        """Receive loss and metrics of the held-out rows, their names starting with "val_"."""

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Return whether to stop; what is added to the logs is in the history."""
        return False

    def training_ends(self, training: Any) -> None:
        """Receive the training after its last epoch."""


class ReportList:
    """Several reports as one: silent where all are, and any of them may stop."""

    def __init__(self, reports: Sequence[Any]):
        self.reports = reports
        self.silent = all(report.silent for report in reports)

    def training_begins(self, training: Any) -> None:
        for report in self.reports:
            report.training_begins(training)

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        for report in self.reports:
            report.epoch_begins(epoch, n_steps)

    def steps_done(self, n_steps: int) -> None:
        for report in self.reports:
            report.steps_done(n_steps)

    def evaluation_begins(self, training: Any) -> None:
        for report in self.reports:
            report.evaluation_begins(training)

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        for report in self.reports:
            report.evaluation_ends(logs, training)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        # All are told, also behind one that stops.
        stops = [report.epoch_ends(logs, training) for report in self.reports]
        return any(stops)

    def training_ends(self, training: Any) -> None:
        for report in self.reports:
            report.training_ends(training)


class ProgressLines(Report):
    """One line per epoch: a bar, seconds, loss, metric, and the same of the validation rows.

    On a terminal and in a notebook the line is live. Elsewhere it is written once, when its epoch
    is over, so that a log stays readable. So it is in a worker process and in a second thread, and
    each line begins with the worker's name: others may write to the same terminal.

    Parameters
    ----------
    n_epochs : int
        Number of epochs to come.
    stream : file, default=None
        Where to write; None for standard output.
    """

    silent = False

    def __init__(self, n_epochs: int, stream: TextIO | None = None):
        self.n_epochs = n_epochs
        stream = sys.stdout if stream is None else stream
        # A program without a console has no standard output.
        self.stream = io.StringIO() if stream is None else stream
        self.worker = _worker_name()
        self.is_terminal = getattr(self.stream, "isatty", bool)()
        in_notebook = type(self.stream).__module__.startswith("ipykernel")
        self.live = (self.is_terminal or in_notebook) and not self.worker

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Start a line."""
        self._epoch, self._n_steps, self._done = epoch, n_steps, 0
        self._begin = time.perf_counter()
        self._redraw()

    def steps_done(self, n_steps: int) -> None:
        """Move the bar."""
        self._done += n_steps
        self._redraw()

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Finish the line with the epoch's figures."""
        figures = []
        for name, value in logs.items():
            if not name.startswith("val_"):
                held_out = f" (val {logs[f'val_{name}']:#.4g})" if f"val_{name}" in logs else ""
                figures.append(f"{name} {value:#.4g}{held_out}")
        line = self._line(" ".join(figures))
        width = len(self.worker) + len(line)
        if self.is_terminal and width >= shutil.get_terminal_size().columns:
            line = self._line(" ".join(figures), _NARROW)
        self._write(line + "\n")
        return False

    def say(self, sentence: str) -> None:
        """Write a line."""
        self._write(sentence + "\n")

    def _redraw(self) -> None:
        if self.live:  # never wider than the screen, or the next one could not be drawn over it
            self._write(self._line()[: shutil.get_terminal_size().columns - 1])

    def _write(self, line: str) -> None:
        line = f"\r{line}" if self.live else self.worker + line
        encoding = getattr(self.stream, "encoding", None) or "utf-8"
        with _WRITING:  # whole lines, also where threads share the stream
            self.stream.write(line.encode(encoding, "replace").decode(encoding))
            self.stream.flush()

    def _line(self, figures: str = "", layout: str = _LINE) -> str:
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        return tqdm.format_meter(
            self._done,
            self._n_steps,
            time.perf_counter() - self._begin,
            prefix=f"Epoch {self._epoch:{len(str(self.n_epochs))}}/{self.n_epochs}",
            postfix=figures,
            bar_format=layout,
            ascii=not encoding.lower().startswith("utf"),
        )


class EarlyStopping(Report):
    """Stops when the held-out rows are predicted no better, and keeps the state of the best epoch.

    Parameters
    ----------
    measure : callable
        Given what is told of an epoch, returns the number that is to be small: the loss.
    patience : int
        Number of epochs in a row without improvement after which to stop.
    tol : float
        What the loss must fall by to count as an improvement. The best epoch is the one of the
        least loss, by however little.
    goes_on : bool
        Whether training goes on from an earlier one: where it starts is then among what it may
        end with.
    among : set of int, default=None
        Epochs, from 1 on, of which it chooses once there is one; None for all.

    Attributes
    ----------
    best_epoch : int
        Its number, from 1 on; 0 for where training started.
    best_loss : float
        Its measure; infinite where none was finite.
    best : State or None
        Its state; None for where training started.
    stopped : bool
        Whether it has told to stop.
    """

    def __init__(
        self,
        measure: Callable[[dict[str, Any]], Any],
        patience: int,
        tol: float,
        goes_on: bool,
        among: frozenset[int] | None = None,
    ):
        self.measure = measure
        self.patience = patience
        self.tol = tol
        self.goes_on = goes_on
        self.among = among
        self.best_epoch = self._epoch = self._improved = 0
        self.best_loss = self._reference = math.inf
        self.best: Any = None
        self._place = (True, math.inf)  # of the best: whether it is none of those, and its loss
        self.stopped = False

    def training_begins(self, training: Any) -> None:
        """See where training starts."""
        if self.goes_on:
            loss = self.measure(training.evaluate())
            if math.isfinite(loss):
                self.best_loss = self._reference = loss
                self._place = (False, loss)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Keep the state of an epoch that is the best so far; stop after too many that are not."""
        self._epoch += 1
        if "val_loss" not in logs:  # not every epoch is looked at
            return False
        loss = self.measure(logs)
        place = (self.among is not None and self._epoch not in self.among, loss)
        if loss < math.inf and place < self._place:
            self.best_epoch, self.best_loss, self.best = self._epoch, loss, training.read()
            self._place = place
        if loss < self._reference - self.tol:
            self._reference, self._improved = loss, self._epoch
        self.stopped = self._epoch - self._improved >= self.patience
        return self.stopped

    def verdict(self) -> str:
        """Tell in a sentence how it ended."""
        begin = f"Stopped after {self.patience} epochs without improvement: the" * self.stopped
        best = f"epoch {self.best_epoch}" if self.best_epoch else "the fit before"
        return f"{begin or 'The'} weights are those of {best}."


class Plateau(Report):
    """Divides the learning rate whenever the loss has stopped falling.

    The rate becomes a fifth, as with `learning_rate="adaptive"` of scikit-learn's MLPClassifier;
    when, is decided as Keras's `ReduceLROnPlateau` does.

    Parameters
    ----------
    patience : int
        Number of epochs in a row without an improvement of the validation loss, or of the loss
        where nothing is validated, after which the rate is divided. They are counted anew then.
    tol : float
        What is no more than this is no improvement.
    """

    silent = False
    _FACTOR = 0.2
    _LEAST = 1e-6  # of the rate that it began with

    def __init__(self, patience: int, tol: float):
        self.patience = patience
        self.tol = tol
        self._best = float("inf")
        self._waited = 0

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Look whether the loss has improved, and lower the rate where it has not for long."""
        loss = logs.get("val_loss", logs["loss"])
        if loss < self._best - self.tol:
            self._best, self._waited = loss, 0
            return False
        self._waited += 1
        if self._waited >= self.patience:
            factor = training.learning_rate_factor * self._FACTOR
            training.learning_rate_factor = max(self._LEAST, factor)
            self._waited = 0
        return False


class SklearnCallbacks(Report):
    """Tells scikit-learn's callbacks of epochs: each is a task of the fit.

    Parameters
    ----------
    estimator : estimator
        What is fitted.
    context : sklearn.callback.CallbackContext
        That of the whole fit.
    data : dict
        The X, y and metadata that callbacks may ask for, or functions that give them.
    fitted : callable
        Given a state and the history, returns the attributes of an estimator that was fitted so
        far.
    """

    silent = False

    def __init__(
        self, estimator: Any, context: Any, data: dict[str, Any], fitted: Callable[..., dict]
    ):
        self.estimator = estimator
        self.context = context
        self.data = data
        self.fitted = fitted
        context.call_on_fit_task_begin(estimator=estimator, **data)

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Begin a task."""
        self._task = self.context.subcontext(task_name="epoch")
        self._task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """End it; the fitted estimator is made only where a callback asks for it."""
        return self._task.call_on_fit_task_end(
            estimator=self.estimator,
            **self.data,
            reconstruction_attributes=lambda: self.fitted(training.read(), training.history()),
        )

    def end(self) -> None:
        """End the task that is the whole fit."""
        self.context.call_on_fit_task_end(
            estimator=self.estimator, **self.data, reconstruction_attributes={}
        )


def _worker_name() -> str:
    """Name the process and the thread, where it is not the program's own that runs."""
    process, thread = current_process().name, threading.current_thread()
    names = [process] * (process != "MainProcess")
    names += [thread.name] * (thread is not threading.main_thread())
    return f"[{' '.join(names)}] " if names else ""
