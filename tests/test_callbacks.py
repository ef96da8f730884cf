"""The line of an epoch, and when training stops."""

import io

import pytest

from skdnn._callbacks import EarlyStopping, EpochLines, together


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
        lines = EpochLines(2, stream)
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
    EpochLines(1).epoch_begins(1, 10)


def test_the_live_line_is_never_wider_than_the_screen(two_epochs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    *live, _ = two_epochs(Screen()).split("\n")[0].split("\r")[1:]
    assert all(len(line) < 20 for line in live)


class Training:
    """Whose state is the number of epochs."""

    epochs = 0

    def read(self):
        return self.epochs

    def evaluate(self):
        return {"val_loss": 1.0}


def stop_early(losses, patience=3, tol=0.0, goes_on=False):
    """Report losses until told to stop."""
    stopping, training = EarlyStopping(patience, tol, goes_on), Training()
    stopping.training_begins(training)
    for training.epochs, loss in enumerate(losses, start=1):
        if stopping.epoch_ends({"val_loss": loss}, training):
            break
    return stopping, training.epochs


def test_it_stops_after_epochs_without_improvement():
    stopping, n_epochs = stop_early([5, 4, 4, 4.5, 4, 1])
    assert (n_epochs, stopping.best_epoch, stopping.best) == (5, 2, 2)
    assert stopping.verdict() == (
        "Stopped after 3 epochs without improvement: the weights are those of epoch 2."
    )


def test_an_improvement_within_tol_does_not_count_but_is_kept():
    stopping, n_epochs = stop_early([5, 4.9, 4.8, 4.7], tol=1.0)
    assert (n_epochs, stopping.best, stopping.best_loss) == (4, 4, 4.7)


def test_small_improvements_count_together():
    stopping, n_epochs = stop_early([5, 4.6, 4.2, 3.9, 3.5, 3.1, 2.8], tol=1.0)
    assert (n_epochs, stopping.best, stopping.stopped) == (7, 7, False)
    assert stopping.verdict() == "The weights are those of epoch 7."


def test_where_it_starts_counts_if_training_goes_on():
    stopping, n_epochs = stop_early([5, 4, 3], goes_on=True)
    assert (n_epochs, stopping.best, stopping.best_epoch, stopping.best_loss) == (3, None, 0, 1.0)
    assert stopping.verdict().endswith("the weights are those of the fit before.")


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_no_improvement(lost):
    stopping, n_epochs = stop_early([lost, 2, lost, lost, lost])
    assert (n_epochs, stopping.best) == (5, 2)


def test_several_are_told_and_any_may_stop():
    early, line = EarlyStopping(1, 0.0, False), EpochLines(1, Log())
    both = together([line, early])
    both.training_begins(None)
    both.epoch_begins(1, 10)
    both.steps_done(10)
    assert not both.epoch_ends({"loss": 1.0, "val_loss": 1.0}, Training())
    assert both.epoch_ends({"loss": 1.0, "val_loss": 1.0}, Training())
    assert line.stream.getvalue().count("val 1.0") == 2


def test_nobody_is_silent():
    assert together([]).silent
    assert not together([EarlyStopping(1, 0.0, False)]).silent
