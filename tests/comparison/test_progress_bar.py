import io
import sys

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from skdnn import DNNClassifier, compare
from skdnn.comparison import progress_bar


@pytest.fixture
def drawn(monkeypatch):
    """What the bar shows after each change: its position, the model and the text beside it."""
    states = []

    class Recorder(progress_bar.tqdm):
        def update(self, n=1):
            assert n >= 0
            super().update(n)
            states.append((self.n, self.desc, self.postfix))

    monkeypatch.setattr(progress_bar, "tqdm", Recorder)
    return states


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)), np.repeat([0, 1], 30)


def test_the_bar_moves_with_every_epoch(drawn, rows):
    network = DNNClassifier((4,), epochs=4, random_state=0)
    compare(*rows, {"network": network, "dummy": DummyClassifier()}, cv=2, verbose=1)
    positions = [round(n, 3) for n, _, _ in drawn]
    assert positions == [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2, 2, 3, 4]
    assert drawn[3] == (pytest.approx(0.6), "network", "0/4 folds, epoch 3/4")
    assert drawn[-2:] == [(3, "dummy", "3/4 folds"), (4, "dummy", "4/4 folds")]


def test_a_search_never_moves_the_bar_backwards(drawn, rows):
    search = GridSearchCV(DNNClassifier((4,), epochs=2), {"alpha": [0.0, 0.1]}, cv=2)
    compare(*rows, {"search": search}, cv=2, verbose=1)
    assert "1/2 folds, epoch 2/2" in [text for _, _, text in drawn]
    assert drawn[-1][0] == 2


def test_folds_of_worker_processes_are_counted_when_they_are_done(drawn, rows):
    compare(*rows, {"dummy": DummyClassifier()}, cv=4, n_jobs=2, verbose=1)
    assert [n for n, _, _ in drawn] == [0, 0, 1, 2, 3]


def test_a_failed_model_does_not_stop_the_bar(drawn, rows):
    X, y = rows
    models = {"bad": DummyClassifier(strategy="none"), "dummy": DummyClassifier()}
    compare(X, y, models, cv=2, verbose=1)
    assert drawn[-1] == (4, "dummy", "4/4 folds")


def test_names_that_the_terminal_cannot_show_are_replaced(rows, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stderr", terminal)
    compare(*rows, {"Bäume": DummyClassifier()}, cv=2, verbose=1)
    terminal.flush()
    assert b"B?ume:   0%|" in terminal.buffer.getvalue()
