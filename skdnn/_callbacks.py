"""What happens between epochs: a line of progress, and a learning rate that follows the loss."""

import io
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

from tqdm import tqdm

_LINE = "{desc} {bar:8} {elapsed_s:.1f}s{postfix}"  # with two figures, 80 columns


class Silence:
    """Reports nothing."""

    silent = True

    def training_begins(self, training: Any) -> None: ...

    def epoch_begins(self, epoch: int, n_steps: int) -> None: ...

    def steps_done(self, n_steps: int) -> None: ...

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        return False

    def training_ends(self, training: Any) -> None: ...


class Several:
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

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        # All are told, also behind one that stops.
        stops = [report.epoch_ends(logs, training) for report in self.reports]
        return any(stops)

    def training_ends(self, training: Any) -> None:
        for report in self.reports:
            report.training_ends(training)


class EpochLines(Silence):
    """One line per epoch: a bar, seconds, loss, metric, and the same of the validation rows.

    On a terminal and in a notebook the line is live. Elsewhere it is written once, when its epoch
    is over, so that a log stays readable.

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
        is_terminal = getattr(self.stream, "isatty", bool)()
        self.live = is_terminal or type(self.stream).__module__.startswith("ipykernel")

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
        self._write(self._line(" ".join(figures)) + "\n")
        return False

    def _redraw(self) -> None:
        if self.live:  # never wider than the screen, or the next one could not be drawn over it
            self._write(self._line()[: shutil.get_terminal_size().columns - 1])

    def _write(self, line: str) -> None:
        self.stream.write(f"\r{line}" if self.live else line)
        self.stream.flush()

    def _line(self, figures: str = "") -> str:
        encoding = getattr(self.stream, "encoding", None) or "ascii"
        return tqdm.format_meter(
            self._done,
            self._n_steps,
            time.perf_counter() - self._begin,
            prefix=f"Epoch {self._epoch:{len(str(self.n_epochs))}}/{self.n_epochs}",
            postfix=figures,
            bar_format=_LINE,
            ascii=not encoding.lower().startswith("utf"),
        )


class Plateau(Silence):
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
            training.factor = max(self._LEAST, training.factor * self._FACTOR)
            self._waited = 0
        return False
