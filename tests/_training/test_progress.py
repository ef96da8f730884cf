import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from skdnn import DNNClassifier, KerasClassifier
from skdnn._training.callbacks import Report
from skdnn._training.progress import listening, with_listener

pytestmark = pytest.mark.quick


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(60, 3)), np.repeat([0, 1], 30)


@pytest.mark.parametrize(
    "model",
    [
        DNNClassifier((4,), epochs=3, random_state=0),
        DNNClassifier((4,), epochs=3, n_members=2, random_state=0),
        KerasClassifier(epochs=3, verbose=0, random_state=0),
    ],
)
def test_every_epoch_is_followed_and_training_is_the_same(model):
    X, y = data()
    expected = model.fit(X, y).predict_proba(X)
    followed = []
    with listening(lambda *epoch: followed.append(epoch)):
        found = model.fit(X, y).predict_proba(X)
    assert followed == [(1, 3), (2, 3), (3, 3)]
    np.testing.assert_array_equal(found, expected)


def test_a_listener_is_called_between_graph_calls_only():
    with listening(print):
        assert with_listener(Report(), 3).silent


def test_without_a_listener_nothing_is_added():
    report = Report()
    with listening(print):
        pass
    assert with_listener(report, 3) is report


def test_other_threads_have_no_listener():
    report, found = Report(), []
    with listening(print):
        thread = threading.Thread(target=lambda: found.append(with_listener(report, 3)))
        thread.start()
        thread.join()
    assert found == [report]


# In a process of its own: a child of one that has trained may wait for ever for TensorFlow.
FORK = """
import multiprocessing
from skdnn._training.callbacks import Report
from skdnn._training.progress import listening, with_listener

def child(pipe):
    report = Report()
    pipe.send(with_listener(report, 3) is report)

context = multiprocessing.get_context("fork")
ours, theirs = context.Pipe()
with listening(print):
    process = context.Process(target=child, args=(theirs,))
    process.start()
    print(ours.recv())
    process.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_has_no_listener():
    command = [sys.executable, "-W", "error", "-c", FORK]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "True\n"
