"""The line of an epoch, and when training stops."""

import io
import re
import sys
from threading import Thread
from types import SimpleNamespace

import pytest

from skdnn._training.callbacks import ProgressLines, ReportList
from skdnn._training.early_stopping import EarlyStopping


def val_loss(logs):
    return logs["val_loss"]


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Log(io.StringIO):
    encoding = "ascii"


@pytest.fixture
def two_epochs():
    def write(stream):
        lines = ProgressLines(2, stream)
        for epoch in (1, 2):
            lines.epoch_begins(epoch, 10)
            lines.steps_done(4)
            lines.steps_done(6)
            lines.epoch_ends({"loss": 0.5, "accuracy": 0.75, "val_loss": 0.25})
        return stream.getvalue()

    return write


def test_a_log_gets_one_plain_line_per_epoch(two_epochs):
    first, second = two_epochs(Log()).splitlines()
    assert first.startswith("Epoch 1/2 ########")
    assert first.endswith("loss 0.5000 (val 0.2500) accuracy 0.7500")
    assert second.startswith("Epoch 2/2")


def test_a_terminal_gets_one_live_line_per_epoch(two_epochs):
    text = two_epochs(Screen())
    assert text.count("\n") == 2
    drawn = text.split("\n")[0].split("\r")[1:]
    assert [line.count("█") for line in drawn] == [0, 3, 8, 8]
    assert drawn[-1].endswith("accuracy 0.7500")


def test_a_program_without_a_console(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    ProgressLines(1).epoch_begins(1, 10)


def test_the_live_line_is_never_wider_than_the_screen(two_epochs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    *live, _ = two_epochs(Screen()).split("\n")[0].split("\r")[1:]
    assert all(len(line) < 20 for line in live)
    *_, whole = two_epochs(Screen()).split("\n")[0].split("\r")
    assert whole.endswith("s, loss 0.5000 (val 0.2500) accuracy 0.7500")
    assert "█" not in whole  # the bar goes first


def test_in_a_thread_a_terminal_gets_whole_lines_that_say_whose_they_are(two_epochs):
    screen = Screen()
    threads = [Thread(target=two_epochs, args=[screen], name=f"fold {n}") for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = screen.getvalue().splitlines()
    assert len(lines) == 4
    assert "\r" not in screen.getvalue()
    for name in ("fold 1", "fold 2"):
        own = [line for line in lines if line.startswith(f"[{name}] Epoch ")]
        assert len(own) == 2
        assert all(line.endswith("accuracy 0.7500") for line in own)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_a_stream_of_any_encoding_gets_what_it_can_write(encoding):
    raw = io.BytesIO()
    lines = ProgressLines(1, io.TextIOWrapper(raw, encoding=encoding))
    lines.epoch_begins(1, 10)
    lines.steps_done(10)
    lines.epoch_ends({"loss": 0.5, "größe ∑": 1.0})
    line = raw.getvalue().decode(encoding)
    assert line.startswith("Epoch 1/1 ")
    assert line.endswith(" 1.000\n")


class OutStream(io.StringIO):
    """Says no to isatty, as ipykernel's does."""

    __module__ = "ipykernel.iostream"
    encoding = "utf-8"


def notebook(monkeypatch, request):
    """Let IPython answer that a cell is executed on this request of Jupyter's protocol."""
    shell = SimpleNamespace(get_parent=lambda: request)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.mark.parametrize("request_", [{"content": {"allow_stdin": True}}, {}])
def test_an_open_notebook_gets_a_live_line(two_epochs, monkeypatch, request_):
    notebook(monkeypatch, request_)
    assert without_seconds(two_epochs(OutStream())) == without_seconds(two_epochs(Screen()))


def test_a_notebook_that_a_program_executes_gets_one_line_per_epoch(two_epochs, monkeypatch):
    notebook(monkeypatch, {"content": {"allow_stdin": False}})
    text = two_epochs(OutStream())
    assert "\r" not in text
    assert text.count("\n") == 2
    assert all(line.endswith("accuracy 0.7500") for line in text.splitlines())


def without_seconds(text):
    return re.sub(r"\d\.\ds", "s", text)


def test_figures_of_any_size_keep_four_digits(two_epochs):
    log = Log()
    lines = ProgressLines(1, log)
    lines.epoch_begins(1, 1)
    lines.epoch_ends({"loss": 1.23456e-17, "error": -123456789.0, "val_error": float("nan")})
    assert log.getvalue().endswith("loss 1.235e-17 error -1.235e+08 (val nan)\n")


class Training:
    """Whose state is the number of epochs."""

    epochs, n_epochs = 0, 100

    def read(self):
        return self.epochs

    def evaluate(self):
        return {"val_loss": 1.0}


def stop_early(losses, patience=3, tol=0.0, resumes=False):
    """Report losses until told to stop."""
    stopping, training = EarlyStopping(val_loss, patience, tol, resumes), Training()
    stopping.training_begins(training)
    for training.epochs, loss in enumerate(losses, start=1):
        if stopping.epoch_ends({"val_loss": loss}, training):
            break
    return stopping, training.epochs


def test_it_stops_after_epochs_without_improvement():
    stopping, n_epochs = stop_early([5, 4, 4, 4.5, 4, 1])
    assert (n_epochs, stopping.best_epoch, stopping.best) == (5, 2, 2)
    assert stopping.summary() == (
        "Stopped after 3 epochs without improvement: the weights are those of epoch 2."
    )


def test_an_improvement_within_tol_does_not_count_but_is_kept():
    stopping, n_epochs = stop_early([5, 4.9, 4.8, 4.7], tol=1.0)
    assert (n_epochs, stopping.best, stopping.best_loss) == (4, 4, 4.7)


def test_small_improvements_count_together():
    stopping, n_epochs = stop_early([5, 4.6, 4.2, 3.9, 3.5, 3.1, 2.8], tol=1.0)
    assert (n_epochs, stopping.best, stopping.stopped) == (7, 7, False)
    assert stopping.summary() == "The weights are those of epoch 7."


def test_where_it_starts_counts_if_training_goes_on():
    stopping, n_epochs = stop_early([5, 4, 3], resumes=True)
    assert (n_epochs, stopping.best, stopping.best_epoch, stopping.best_loss) == (3, None, 0, 1.0)
    assert stopping.summary().endswith("the weights are those of the fit before.")


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_no_improvement(lost):
    stopping, n_epochs = stop_early([lost, 2, lost, lost, lost])
    assert (n_epochs, stopping.best) == (5, 2)


def test_several_are_told_and_any_may_stop():
    early, line = EarlyStopping(val_loss, 1, 0.0, False), ProgressLines(1, Log())
    both = ReportList([line, early])
    both.training_begins(None)
    both.epoch_begins(1, 10)
    both.steps_done(10)
    assert not both.epoch_ends({"loss": 1.0, "val_loss": 1.0}, Training())
    assert both.epoch_ends({"loss": 1.0, "val_loss": 1.0}, Training())
    assert line.stream.getvalue().count("val 1.0") == 2


def test_nobody_is_silent():
    assert ReportList([]).silent
    assert ReportList(
        [EarlyStopping(val_loss, 1, 0.0, False)]
    ).silent  # it looks where rows are evaluated
    assert not ReportList([ProgressLines(1, Log())]).silent
