"""What happens between epochs: progress lines, early stopping, plateaus, callbacks."""

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
    """Base class of what the trainer calls between steps and epochs; does nothing itself.

    Attributes
    ----------
    silent : bool
        Whether it reads, changes or stops training only after epochs that are evaluated. Several
        epochs may then be one graph call.
    """

    silent = True

    def training_begins(self, training: Any) -> None:
        """Receive the training before its first epoch."""

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Receive the number of the epoch, from 1, and its number of steps."""

    def steps_done(self, n_steps: int) -> None:
        """Receive the number of steps that the last call has done."""

    def evaluation_begins(self, training: Any) -> None:
        """Receive the training before the held-out rows are evaluated, at the end of an epoch."""

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        """Receive loss and metrics of the held-out rows, their names starting with "val_"."""

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Return whether to stop; what is added to the logs is in the history."""
        return False

    def training_ends(self, training: Any) -> None:
        """Receive the training after its last epoch."""


class ReportList(Report):
    """Several reports as one: silent if all of them are, and any of them may stop training."""

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
        # All are called, also those after one that stops.
        stops = [report.epoch_ends(logs, training) for report in self.reports]
        return any(stops)

    def training_ends(self, training: Any) -> None:
        for report in self.reports:
            report.training_ends(training)


class ProgressLines(Report):
    """Writes one line per epoch: bar, seconds, loss and metric, of training and validation rows.

    On a terminal and in a notebook the line is live. Elsewhere it is written once, when its epoch
    is over, so that a log stays readable. In a worker process or a second thread, too, because
    others may write to the same terminal; each line then starts with the worker's name.

    Parameters
    ----------
    n_epochs : int
        Number of epochs that are planned.
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
        line: str = tqdm.format_meter(
            self._done,
            self._n_steps,
            time.perf_counter() - self._begin,
            prefix=f"Epoch {self._epoch:{len(str(self.n_epochs))}}/{self.n_epochs}",
            postfix=figures,
            bar_format=layout,
            ascii=not encoding.lower().startswith("utf"),
        )
        return line


class EarlyStopping(Report):
    """Stops when the validation loss no longer improves, and keeps the state of the best epoch.

    Parameters
    ----------
    measure : callable
        Given the logs of an epoch, returns the validation loss to minimise.
    patience : int
        Number of epochs in a row without improvement after which to stop.
    tol : float
        How much the loss must fall to count as an improvement. The best epoch is the one with the
        smallest loss, by however little.
    goes_on : bool
        Whether training resumes from an earlier fit. The state that it starts from is then a
        candidate for the best.
    among : set of int, default=None
        Candidates for the best epoch, from 1 on; None for all. Until the first of them is over,
        other epochs are candidates, too.

    Attributes
    ----------
    best_epoch : int
        The best epoch, from 1 on; 0 for the state that training started from.
    best_loss : float
        Its validation loss; infinite where none was finite.
    best : State or None
        Its state; None for the one that training started from.
    stopped : bool
        Whether it has stopped training.
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
        # The rank of the best: whether it is not among the candidates, and its loss.
        self._rank = (True, math.inf)
        self.stopped = False

    def training_begins(self, training: Any) -> None:
        """Evaluate the state that training resumes from."""
        if self.goes_on:
            loss = self.measure(training.evaluate())
            if math.isfinite(loss):
                self.best_loss = self._reference = loss
                self._rank = (False, loss)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Keep the state of the best epoch so far; return whether to stop."""
        self._epoch += 1
        if "val_loss" not in logs:  # the epoch was not evaluated
            return False
        loss = self.measure(logs)
        rank = (self.among is not None and self._epoch not in self.among, loss)
        if loss < math.inf and rank < self._rank:
            self.best_epoch, self.best_loss, self.best = self._epoch, loss, training.read()
            self._rank = rank
        if loss < self._reference - self.tol:
            self._reference, self._improved = loss, self._epoch
        self.stopped = self._epoch - self._improved >= self.patience
        return self.stopped

    def verdict(self) -> str:
        """Return a sentence that says how training ended."""
        begin = f"Stopped after {self.patience} epochs without improvement: the" * self.stopped
        best = f"epoch {self.best_epoch}" if self.best_epoch else "the fit before"
        return f"{begin or 'The'} weights are those of {best}."


class Plateau(Report):
    """Divides the learning rate whenever the loss has stopped falling.

    It is divided by five, as with `learning_rate="adaptive"` of scikit-learn's MLPClassifier, at
    the same epochs as by Keras's `ReduceLROnPlateau`.

    Parameters
    ----------
    patience : int
        Number of epochs in a row without an improvement, after which the rate is divided and the
        count starts again. The validation loss counts, or the loss where nothing is validated.
    tol : float
        How much the loss must fall to count as an improvement.
    """

    silent = False
    _FACTOR = 0.2
    _LEAST = 1e-6  # of the first learning rate

    def __init__(self, patience: int, tol: float):
        self.patience = patience
        self.tol = tol
        self._best = float("inf")
        self._waited = 0

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Lower the learning rate where the loss has not improved for long; never stop."""
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
    """Calls scikit-learn's callbacks for each epoch: a task within the fit.

    Parameters
    ----------
    estimator : estimator
        What is fitted.
    context : sklearn.callback.CallbackContext
        The context of the whole fit.
    data : dict
        X, y and metadata for callbacks, or functions that return them.
    fitted : callable
        Given a state and the history, returns the attributes of an estimator fitted so far.
    """

    silent = False

    def __init__(
        self,
        estimator: Any,
        context: Any,
        data: dict[str, Any],
        fitted: Callable[..., dict[str, Any]],
    ):
        self.estimator = estimator
        self.context = context
        self.data = data
        self.fitted = fitted
        context.call_on_fit_task_begin(estimator=estimator, **data)

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Start the task of an epoch."""
        self._task = self.context.subcontext(task_name="epoch")
        self._task.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """End it; the fitted estimator is made only where a callback asks for it."""
        stops = self._task.call_on_fit_task_end(
            estimator=self.estimator,
            **self.data,
            reconstruction_attributes=lambda: self.fitted(training.read(), training.history()),
        )
        return bool(stops)

    def end(self, attributes: dict[str, Any]) -> None:
        """End the task of the whole fit.

        Parameters
        ----------
        attributes : dict
            Attributes of the fitted estimator, which callbacks may read.
        """
        vars(self.estimator).update(attributes)
        self.context.call_on_fit_task_end(
            estimator=self.estimator, **self.data, reconstruction_attributes={}
        )


def _worker_name() -> str:
    """Return the names of process and thread, where they are not the main ones."""
    process, thread = current_process().name, threading.current_thread()
    names = [process] * (process != "MainProcess")
    names += [thread.name] * (thread is not threading.main_thread())
    return f"[{' '.join(names)}] " if names else ""
