"""Forked processes, in which TensorFlow would wait for threads that a fork does not copy."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

# The child sends the text of its result; a child that hangs is killed.
START = """
import os, pickle, select, signal, sys, threading
import numpy as np
import keras
from keras import layers
from skdnn import DNNClassifier, KerasClassifier, KerasRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(3000, 16)).astype("float32")
y = np.arange(3000) % 3
DENSE = [layers.Dense(300, "relu"), layers.Dropout(0.1), layers.Dense(3, "softmax")]
RECURRENT = [layers.Reshape((4, 4)), layers.SimpleRNN(300), layers.Dense(3, "softmax")]

def fitted(network, cls=KerasClassifier, **params):
    return cls(network, epochs=1, random_state=0, **{"verbose": 0, **params}).fit(X, y)

def in_child(function):
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            result = function()
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        os.write(send, pickle.dumps(result))
        os._exit(0)
    ready, _, _ = select.select([receive], [], [], 60)
    if not ready:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        sys.exit("the child hung")
    os.waitpid(pid, 0)
    return pickle.loads(os.read(receive, 65536))
"""
ERROR = "RuntimeError: This process was forked from one that has"


def run(code, *arguments):
    command = [sys.executable, "-c", START + code, *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def test_wrappers_predict_in_a_forked_process():
    run(
        """
reg = fitted([layers.Dense(1)], KerasRegressor, loss="mse")
for verbose in (0, 1):
    clf = fitted(DENSE, verbose=verbose)
    model = clf.model_
    model.set_weights([0.5 * weight for weight in model.get_weights()])  # the child follows
    loaded = pickle.loads(pickle.dumps(clf))
    expected = model.predict(X, verbose=0)
    for one in (clf, loaded):
        assert in_child(lambda: float(np.abs(one.predict_proba(X) - expected).max())) < 1e-5
    labels = expected[:50].argmax(axis=1).tolist()
    assert in_child(lambda: one.predict(X[:50]).tolist()) == labels
assert abs(in_child(lambda: reg.score(X, y)) - reg.score(X, y)) < 1e-6
assert in_child(lambda: hasattr(clf, "classes_") and clf.initialized_)
"""
    )


def test_a_fork_while_a_thread_trains_predicts_too():
    run(
        """
clf = fitted(DENSE)
expected = clf.predict(X[:50]).tolist()
ended = []
def train():
    while not ended:
        fitted(DENSE)
thread = threading.Thread(target=train)
thread.start()
try:
    for _ in range(10):
        assert in_child(lambda: clf.predict(X[:50]).tolist()) == expected
finally:
    ended.append(True)
    thread.join()
"""
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What each way into TensorFlow ends in, in a child, and a file with two fitted wrappers."""
    file = tmp_path_factory.mktemp("forks") / "fitted.pkl"
    output = run(
        """
clf = fitted(RECURRENT)
open(sys.argv[1], "wb").write(pickle.dumps((fitted(DENSE), clf)))
packed = pickle.dumps(clf)
dnn = DNNClassifier((300,), activation=keras.ops.sin, epochs=1).fit(X, y)
ways = {
    "predict": lambda: clf.predict(X),
    "score": lambda: clf.score(X, y),
    "predict with a bar": lambda: clf.predict(X, verbose=1),
    "model_": lambda: clf.model_.predict(X),
    "to_keras": lambda: clf.to_keras(),
    "unpickle": lambda: pickle.loads(packed).predict(X),
    "fit": lambda: fitted(DENSE),
    "partial_fit": lambda: clf.partial_fit(X, y),
    "Keras's fit": lambda: fitted(DENSE, run_eagerly=True),
    "initialize": lambda: KerasClassifier(DENSE).initialize(X, y),
    "own activation": lambda: dnn.predict(X),
    "dense to_keras": lambda: dnn.to_keras(),
    "dense model_": lambda: dnn.model_.predict(X),
    "dense fit": lambda: dnn.fit(X, y),
}
for name, way in ways.items():
    print(name, in_child(way), sep=" | ")
""",
        file,
    )
    return output, file


def test_every_way_into_tensorflow_is_an_error_in_a_forked_process(trained):
    output, _ = trained
    for line in output.splitlines():
        assert f" | {ERROR} trained a network" in line
        assert "loky backend or with multiprocessing's 'spawn'" in line
    assert len(output.splitlines()) == 14


def test_a_parent_that_has_only_loaded_a_wrapper(trained):
    _, file = trained
    output = run(
        """
dense, recurrent = pickle.load(open(sys.argv[1], "rb"))
recurrent.predict(X)
assert len(in_child(lambda: dense.predict(X).tolist()[:10])) == 10
print(in_child(lambda: recurrent.predict(X)))
print(in_child(lambda: dense.fit(X, y)))
""",
        file,
    )
    assert output.count(f"{ERROR} used TensorFlow") == 2
