"""What happens between epochs: for now, a line of progress."""

import io
import shutil
import sys
import threading
import time
from multiprocessing import current_process
from typing import Any, TextIO

from tqdm import tqdm

_LINE = "{desc} {bar:8} {elapsed_s:.1f}s{postfix}"  # with two figures, 80 columns
_NARROW = "{desc} {elapsed_s:.1f}s{postfix}"
_WRITING = threading.Lock()


class Silence:
    """Reports nothing."""

    silent = True

    def epoch_begins(self, epoch: int, n_steps: int) -> None: ...

    def steps_done(self, n_steps: int) -> None: ...

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        return False


class EpochLines:
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


def _worker_name() -> str:
    """Name the process and the thread, where it is not the program's own that runs."""
    process, thread = current_process().name, threading.current_thread()
    names = [process] * (process != "MainProcess")
    names += [thread.name] * (thread is not threading.main_thread())
    return f"[{' '.join(names)}] " if names else ""
