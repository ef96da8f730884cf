"""The line of an epoch."""

import io

import pytest

from skdnn._callbacks import EpochLines


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
