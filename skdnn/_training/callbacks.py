"""Reports that the trainer calls between epochs.

The reports write progress lines, divide the learning rate on a plateau, and call scikit-learn's
callbacks.
"""

import io
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import current_process
from typing import Any, TextIO

from tqdm import tqdm

from skdnn._utils.text import can_encode, encodable

_LINE = "{desc} {bar:8} {elapsed_s:.1f}s{postfix}"  # 80 columns wide with a loss and a metric
_BLOCKS = "▏█"  # the bar of tqdm, unless it is written in ASCII
_NARROW = "{desc} {elapsed_s:.1f}s{postfix}"
_WRITING = threading.Lock()


class Report:
    """The base class of objects that the trainer calls between steps and epochs.

    The methods of the base class do nothing.

    Attributes
    ----------
    silent : bool
        Whether the report reads, changes or stops training only after epochs that are evaluated.
        If so, several epochs may be one graph call.
    """

    silent = True

    def training_begins(self, training: Any) -> None:
        """Receive the `Training` object before the first epoch."""

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Receive the number of the epoch, counted from 1, and the number of steps of an epoch."""

    def steps_done(self, n_steps: int) -> None:
        """Receive the number of steps of the last graph call."""

    def steps_end(self, training: Any) -> None:
        """Receive the `Training` object when all steps of one epoch, or of several, are done.

        The held-out rows are evaluated afterwards. The method may change `training.n_epochs`.
        """

    def evaluation_begins(self, training: Any) -> None:
        """Receive the `Training` object before the held-out rows are evaluated after an epoch."""

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        """Receive the logs of the held-out rows, which map names such as "val_loss" to values."""

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Receive the loss and metrics of an epoch by name, and return whether to stop training.

        Entries that the method adds to the logs become part of the history.
        """
        return False

    def training_ends(self, training: Any) -> None:
        """Receive the `Training` object after the last epoch."""


class ReportList(Report):
    """A report that calls several reports.

    The attribute `silent` is True if all of the reports are silent. Training stops if any of the
    reports stops training.

    Parameters
    ----------
    reports : sequence of Report
        The reports, in the order in which they are called.
    """

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

    def steps_end(self, training: Any) -> None:
        for report in self.reports:
            report.steps_end(training)

    def evaluation_begins(self, training: Any) -> None:
        for report in self.reports:
            report.evaluation_begins(training)

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        for report in self.reports:
            report.evaluation_ends(logs, training)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        # All reports are called, including those that follow a report that stops training.
        stops = [report.epoch_ends(logs, training) for report in self.reports]
        return any(stops)

    def training_ends(self, training: Any) -> None:
        for report in self.reports:
            report.training_ends(training)


class ProgressLines(Report):
    """A report that writes one line of progress per epoch.

    The line shows a progress bar, the elapsed seconds, and the loss and the metric of the training
    rows and of the held-out rows. On a terminal and in a notebook, the line is updated during the
    epoch. Elsewhere, the line is written once, after the epoch, to keep a log readable. A notebook
    that a program executes, such as nbconvert, would keep every update. In a worker process or a
    second thread, the line is also written once, because other workers may write to
    the same terminal. Each line then starts with the name of the process or thread.

    Parameters
    ----------
    n_epochs : int
        The planned number of epochs.
    stream : file, default=None
        The file to write to. None for standard output.
    """

    silent = False

    def __init__(self, n_epochs: int, stream: TextIO | None = None):
        self.n_epochs = n_epochs
        stream = sys.stdout if stream is None else stream
        # An application without a console has no standard output.
        self.stream = io.StringIO() if stream is None else stream
        self.worker = _worker_name()
        self.is_terminal = getattr(self.stream, "isatty", bool)()
        self.live = (self.is_terminal or _in_open_notebook(self.stream)) and not self.worker

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Start the line of an epoch."""
        self._epoch, self._n_steps, self._done = epoch, n_steps, 0
        self._begin = time.perf_counter()
        self._redraw()

    def steps_done(self, n_steps: int) -> None:
        """Update the progress bar."""
        self._done += n_steps
        self._redraw()

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Complete the line with the loss and the metric of the epoch."""
        figures = []
        for name, value in logs.items():
            if not name.startswith("val_"):
                held_out = f" (val {logs[f'val_{name}']:#.4g})" if f"val_{name}" in logs else ""
                figures.append(f"{name} {value:#.4g}{held_out}")
        if "val_score" in logs:
            figures.append(f"score (val {logs['val_score']:#.4g})")
        line = self._line(" ".join(figures))
        width = len(self.worker) + len(line)
        if self.is_terminal and width >= shutil.get_terminal_size().columns:
            line = self._line(" ".join(figures), _NARROW)
        self._write(line + "\n")
        return False

    def write_line(self, sentence: str) -> None:
        """Write a sentence on a line of its own."""
        self._write(sentence + "\n")

    def _redraw(self) -> None:
        if self.live:  # a line wider than the terminal could not be overwritten
            self._write(self._line()[: shutil.get_terminal_size().columns - 1])

    def _write(self, line: str) -> None:
        line = f"\r{line}" if self.live else self.worker + line
        with _WRITING:  # threads that share the stream write whole lines
            self.stream.write(encodable(line, self.stream))
            self.stream.flush()

    def _line(self, figures: str = "", layout: str = _LINE) -> str:
        line: str = tqdm.format_meter(
            self._done,
            self._n_steps,
            time.perf_counter() - self._begin,
            prefix=f"Epoch {self._epoch:{len(str(self.n_epochs))}}/{self.n_epochs}",
            postfix=figures,
            bar_format=layout,
            ascii=not can_encode(_BLOCKS, self.stream),
        )
        return line


class Plateau(Report):
    """A report that divides the learning rate by five whenever the loss has stopped falling.

    The factor is that of `learning_rate="adaptive"` in scikit-learn's MLPClassifier. The epochs are
    those at which Keras's `ReduceLROnPlateau` reduces the learning rate.

    Parameters
    ----------
    patience : int
        The number of consecutive epochs without an improvement after which the learning rate is
        divided. The count then starts again. The validation loss is monitored, or the training loss
        if there are no held-out rows.
    tol : float
        The tolerance. The loss improves if the loss decreases by more than `tol`.
    """

    silent = False
    _FACTOR = 0.2
    _LEAST = 1e-6  # relative to the initial learning rate

    def __init__(self, patience: int, tol: float):
        self.patience = patience
        self.tol = tol
        self._best = float("inf")
        self._waited = 0

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Divide the learning rate if the loss has not improved for `patience` epochs."""
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
    """A report that calls scikit-learn's callbacks at the start and end of the fit and each epoch.

    The fit is a task in the sense of scikit-learn's callbacks, and each epoch is a subtask.

    Parameters
    ----------
    estimator : estimator
        The estimator that is fitted.
    context : sklearn.callback.CallbackContext
        The callback context of the whole fit.
    data : dict
        The keyword arguments of the callbacks. The values are X, y and metadata, or functions that
        return X, y and metadata.
    fitted : callable
        Takes a state of the network and the history, and returns the attributes of an estimator
        that is fitted with that state.
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
        """End the task of an epoch, and return whether to stop training.

        The fitted estimator is created only if a callback requests the estimator.
        """
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


def _in_open_notebook(stream: TextIO) -> bool:
    """Return whether a stream is the output of a notebook that a person has open.

    A program that executes a notebook, such as nbconvert or papermill, asks for the execution of a
    cell without input from the keyboard.
    """
    if not type(stream).__module__.startswith("ipykernel"):
        return False
    try:
        request = sys.modules["IPython"].get_ipython().get_parent()
        return bool(request["content"]["allow_stdin"])
    except (AttributeError, KeyError, TypeError):  # another kernel, or no cell is executed
        return True


def _worker_name() -> str:
    """Return the name of a worker process and of a second thread, or "" in the main thread."""
    process, thread = current_process().name, threading.current_thread()
    names = [process] * (process != "MainProcess")
    names += [thread.name] * (thread is not threading.main_thread())
    return f"[{' '.join(names)}] " if names else ""
