"""What shows only in a process of its own: imports, output, signals, threads, other backends."""

import os
import pickle
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skdnn import DNNClassifier, DNNRegressor
from skdnn.dnn.base import BaseDNN

# What one network computes twice, in two processes or with another number of threads.
ROUNDING = {"rtol": 1e-4, "atol": 1e-6}

# Raises where anything asks for TensorFlow or Keras; not an ImportError, which might be caught.
GUARD = """
import sys

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "scikeras"):
            raise AssertionError(f"something imports {name}")

sys.meta_path.insert(0, Guard())
"""
FIT = """
from skdnn import DNNClassifier
X, y = [[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"]
clf = DNNClassifier((4,), epochs=3, random_state=0)
clf.fit(X, y)
"""
LOAD = """
import pickle, sys
import numpy as np
fitted, X, y = pickle.load(open(sys.argv[1], "rb"))
"""


def start(code, *arguments, **environment):
    """Run code in a new process; a variable of the environment that is None is not set there."""
    inherited = {k: v for k, v in os.environ.items() if k not in environment}
    added = {k: v for k, v in environment.items() if v is not None}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=inherited | added,
        capture_output=True,
        text=True,
        timeout=300,
    )


def run(code, *arguments, **environment):
    """Run code in a new process, where it must not fail."""
    result = start(code, *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


@pytest.fixture
def clf():
    return DNNClassifier((8,), dropout=0.1, learning_rate=0.02, epochs=5, random_state=0)


@pytest.fixture
def pickled(clf, iris, tmp_path):
    """A file with a fitted estimator and the data that it was fitted on."""
    path = tmp_path / "fitted.pkl"
    path.write_bytes(pickle.dumps((clf.fit(*iris), *iris)))
    return path


# --------------------------------------------------------- without TensorFlow and without Keras


def test_guard_notices_a_fit():
    result = start(GUARD + FIT)
    assert result.returncode != 0
    assert "AssertionError: something imports" in result.stderr


def test_importing_skdnn_imports_nothing_heavy():
    run(GUARD + "import skdnn; assert 'sklearn' not in sys.modules; assert dir(skdnn)")


def test_unfitted_estimators_do_without_tensorflow():
    code = """
from sklearn.base import clone
from sklearn.utils import get_tags
from skdnn import DNNClassifier, DNNRegressor
for cls in (DNNClassifier, DNNRegressor):
    one = clone(cls(epochs=3, optimizer="sgd").set_params(dropout=0.1))
    assert one.get_params()["dropout"] == 0.1
    assert "dropout=0.1" in repr(one)
    assert cls.__name__ in one._repr_html_()
    assert cls.__name__.lower().endswith(get_tags(one).estimator_type)
"""
    run(GUARD + code)


USES = """
import copy
from sklearn.base import clone
fitted.predict(X), fitted.predict_proba(X), fitted.predict_log_proba(X)
fitted.score(X, y)
fitted.summary()
repr(fitted)
dir(fitted)
fitted._repr_html_()
from skdnn._network.summary import layers_of
assert layers_of(fitted)[-1].name == "output"
from skdnn import NetworkDisplay, TrainingHistoryDisplay
NetworkDisplay.from_estimator(fitted)
TrainingHistoryDisplay.from_estimator(fitted)
pickle.dumps(fitted)
copy.deepcopy(fitted)
clone(fitted).get_params()
"""


def test_fitted_estimator_does_without_tensorflow(pickled):
    run(GUARD + LOAD + USES, pickled)  # a failure names the line


def test_bad_parameters_are_refused_without_tensorflow():
    result = start(
        GUARD + "from skdnn import DNNClassifier\nDNNClassifier(epochs=0).fit([[0]], [0])"
    )
    assert "The 'epochs' parameter of DNNClassifier must be" in result.stderr.splitlines()[-1]


# ---------------------------------------------------------------------------- another process

PREDICT = f"{LOAD}\nnp.save(sys.argv[2], getattr(fitted, sys.argv[3])(X))"


@pytest.fixture
def cases(clf, iris, digits, diabetes, keras):
    """Estimators with their X and y, and the method that predicts numbers."""
    sparsemax = keras.activations.sparsemax  # which is not computed in NumPy
    return {
        "columns": (clf, *iris, "predict_proba"),
        "float64": (clone(clf).set_params(dtype="float64"), *iris, "predict_proba"),
        "images": (clone(clf), *digits, "predict_proba"),
        "quantity": (DNNRegressor(preset="plain", epochs=3), *diabetes, "predict"),
        "Keras's": (clone(clf).set_params(activation=sparsemax), *iris, "predict_proba"),
    }


PREDICT_ALL = """
import pickle, sys
import numpy as np
cases = pickle.load(open(sys.argv[1], "rb"))
values = {name: getattr(fitted, method)(X) for name, (fitted, X, y, method) in cases.items()}
np.savez(sys.argv[2], **values)
"""


def test_new_process_predicts_the_same_bits(cases, tmp_path):
    for estimator, X, y, _ in cases.values():
        estimator.fit(X, y)
    (tmp_path / "fitted.pkl").write_bytes(pickle.dumps(cases))
    run(PREDICT_ALL, tmp_path / "fitted.pkl", tmp_path / "out.npz")
    predicted = np.load(tmp_path / "out.npz")
    for name, (estimator, X, _, method) in cases.items():
        assert_array_equal(predicted[name], getattr(estimator, method)(X), err_msg=name)


def test_new_process_trains_to_the_same_networks(clf, iris, pickled, tmp_path):
    train = f"{LOAD}\none_more = pickle.loads(pickle.dumps(fitted)).partial_fit(X, y)\n"
    train += "outputs = fitted.fit(X, y).predict_proba(X), one_more.predict_proba(X)\n"
    run(train + "np.save(sys.argv[2], outputs)", pickled, tmp_path / "out.npy")
    refitted, one_more = np.load(tmp_path / "out.npy")
    expected = pickle.loads(pickle.dumps(clf)).partial_fit(*iris).predict_proba(iris[0])
    assert_allclose(one_more, expected, **ROUNDING)
    assert_allclose(refitted, clf.fit(*iris).predict_proba(iris[0]), **ROUNDING)


# ------------------------------------------------------------------------- output and settings

OTHERS = """
from skdnn import DNNRegressor
clf.partial_fit(X, y).predict(X)
clf.model_
DNNRegressor((4,), epochs=3, dropout=0.1, batch_norm=True, validation_fraction=0.5).fit(X, X)
"""
IN_WORKERS = """
from sklearn.model_selection import cross_val_score
cross_val_score(clf, X, y, cv=2, n_jobs=2)
"""


ENVIRONMENT = """
import os
print(os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["ONEDNN_PRIMITIVE_CACHE_CAPACITY"])
"""


def test_silence_few_kernels_of_onednn_and_a_verbose_fit_on_standard_output_alone():
    unset = {"TF_CPP_MIN_LOG_LEVEL": None, "ONEDNN_PRIMITIVE_CACHE_CAPACITY": None}
    verbose = "clf.set_params(verbose=1).fit(X, y)"
    result = run(FIT + OTHERS + IN_WORKERS + ENVIRONMENT + verbose, **unset)
    settings, header, *lines = result.stdout.splitlines()  # nothing comes before the settings
    assert settings.split()[1:] == ["128"]
    assert header.startswith(
        "DNNClassifier uses preset='plain', because hidden_layer_sizes is given"
    )
    assert [line.split()[1] for line in lines] == ["1/3", "2/3", "3/3"]
    assert result.stderr == ""


def test_the_environment_of_a_user_is_left_alone():
    given = {"TF_CPP_MIN_LOG_LEVEL": "0", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "7"}
    assert run(FIT + ENVIRONMENT, **given).stdout == "0 7\n"


WORKERS = """
import numpy as np
from sklearn.model_selection import cross_val_score
from skdnn import DNNClassifier
X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
clf = DNNClassifier((4,), epochs=20, random_state=0, verbose=1)
cross_val_score(clf, X, y, cv=2, n_jobs=2)
"""


def check_lines_of_two_workers(text):
    """Each worker's 20 epochs stand in whole lines, in order, whatever the other wrote between."""
    assert "\r" not in text
    by_worker = {}
    lines = text.splitlines()
    epochs = [line for line in lines if "] DNNClassifier uses preset='plain', " not in line]
    assert len(lines) - len(epochs) == 2  # one header for each fit
    for line in epochs:
        worker, epoch = re.fullmatch(
            r"\[(LokyProcess-\d)\] Epoch +(\d+)/20 .* loss \S+ accuracy \S+", line
        ).groups()
        by_worker.setdefault(worker, []).append(int(epoch))
    assert sum(map(len, by_worker.values())) == 40
    assert all(own in ([*range(1, 21)], [*range(1, 21)] * 2) for own in by_worker.values())


def test_two_workers_write_whole_lines_to_one_log():
    check_lines_of_two_workers(run(WORKERS).stdout)


def test_two_workers_write_whole_lines_to_one_terminal():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WORKERS],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "200"},
    )
    os.close(theirs)
    with open(ours, "rb") as terminal:
        text = b"".join(until_closed(terminal)).decode()
    assert process.wait() == 0
    check_lines_of_two_workers(text.replace("\r\n", "\n"))


def until_closed(terminal):
    """Yield what comes from a terminal; Linux raises an error when the other side has closed it."""
    with suppress(OSError):
        while data := terminal.read1():
            yield data


def test_messages_of_others_and_the_standard_error_of_a_process_are_kept_while_tensorflow_loads():
    meanwhile = """
import os, subprocess, sys

class Speaker:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow" and not hasattr(sys, "late"):
            os.write(2, b"something important\\n")
            late = "import sys; sys.stdin.read(); print('late words', file=sys.stderr)"
            # What it reads ends with this process.
            sys.late = subprocess.Popen([sys.executable, "-c", late], stdin=subprocess.PIPE)

sys.meta_path.insert(0, Speaker())
"""
    result = run(meanwhile + FIT, TF_CPP_MIN_LOG_LEVEL=None)
    assert result.stderr.splitlines() == ["something important", "late words"]


LAST_WORDS = """
import ctypes, os, sys

class Dying:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\\n")
            os.write(2, b"the reason\\nand more, without an end of line")
            {death}

sys.meta_path.insert(0, Dying())
"""


@pytest.mark.parametrize(
    "death",
    [
        "os.abort()",
        "os._exit(3)",
        "os.kill(os.getpid(), 9)",
        "ctypes.PyDLL(None).abort()",  # as code in C that holds the lock of the interpreter
    ],
)
def test_a_process_that_dies_while_tensorflow_loads_says_why(death):
    if sys.platform == "win32":
        pytest.skip("Windows has no such signals")
    code = LAST_WORDS.replace("{death}", death) + FIT
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert child.returncode != 0
    assert child.stderr == b"the reason\nand more, without an end of line"


def test_no_second_process_is_started_in_a_frozen_application():
    code = "import sys\nsys.frozen, sys.executable = True, 'of the application'\n" + FIT
    result = run(code + "print(clf.n_iter_)", TF_CPP_MIN_LOG_LEVEL=None)
    assert result.stdout == "3\n"


def test_fit_without_a_standard_error():
    result = run("import os; os.close(2)\n" + FIT + "print(clf.n_iter_)", TF_CPP_MIN_LOG_LEVEL=None)
    assert result.stdout == "3\n"


# How Keras comes to another backend: by the environment, or as its first user had it.
ELSEWHERE = {
    "environment": ("", {"KERAS_BACKEND": "numpy"}),
    "imported before": ("import keras\nkeras.backend.backend = lambda: 'numpy'\n", {}),
}


@pytest.mark.parametrize("how", ELSEWHERE)
def test_another_keras_backend_is_refused(how):
    before, environment = ELSEWHERE[how]
    message = start(before + FIT, **environment).stderr.splitlines()[-1]
    assert message.startswith("ImportError: skdnn trains with TensorFlow, but Keras was started")
    assert "numpy backend: unset KERAS_BACKEND, or set it to 'tensorflow', before" in message


def test_fitted_estimator_predicts_under_another_keras_backend(clf, iris, pickled, tmp_path):
    run(PREDICT, pickled, tmp_path / "out.npy", "predict", KERAS_BACKEND="numpy")
    assert_array_equal(np.load(tmp_path / "out.npy"), clf.predict(iris[0]))


# -------------------------------------------------------------------------------- global seeds


@pytest.fixture(scope="module")
def draw(keras):
    """Return a number from each of the global generators, drawn after something was done."""
    import tensorflow as tf

    def draw(something):
        keras.utils.set_random_seed(7)  # Python's, NumPy's, TensorFlow's and Keras's own
        something()
        return (
            random.random(),
            np.random.random(),
            float(tf.random.uniform([])),
            float(keras.random.uniform([])),
        )

    return draw


@pytest.mark.parametrize("seed", [0, None], ids=["seeded", "not seeded"])
def test_global_generators_are_neither_set_nor_used(clf, iris, draw, seed):
    clf.set_params(random_state=seed, validation_fraction=0.2)
    untouched = draw(lambda: None)
    assert draw(lambda: clf.fit(*iris).predict(iris[0])) == untouched
    assert draw(lambda: clf.partial_fit(*iris)) == untouched
    assert draw(lambda: clf.model_) == untouched


def test_seeded_fit_does_not_depend_on_global_seeds(clf, iris, draw):
    expected = clone(clf).fit(*iris)
    draw(lambda: clf.fit(*iris))
    assert_allclose(clf.predict_proba(iris[0]), expected.predict_proba(iris[0]), **ROUNDING)


def test_global_seeds_do_not_make_unseeded_fits_equal(clf, iris, draw):
    one, two = clone(clf.set_params(random_state=None)), clone(clf)
    draw(lambda: one.fit(*iris))
    draw(lambda: two.fit(*iris))
    assert not np.allclose(one.predict_proba(iris[0]), two.predict_proba(iris[0]))


# -------------------------------------------------------------------------------------- Ctrl-C


@pytest.fixture
def interrupt(monkeypatch):
    """Has training interrupted once, when so many epochs from now have been trained."""

    def interrupt(epochs):
        countdown = iter(range(epochs - 1, -1, -1))

        def steps_done(self, n_steps):
            if next(countdown, None) == 0:
                raise KeyboardInterrupt

        # Without a report, one graph call may train many epochs.
        watched = property(lambda self: False, lambda self, value: None)
        monkeypatch.setattr("skdnn._training.callbacks.ReportList.silent", watched, raising=False)
        monkeypatch.setattr("skdnn._training.callbacks.ReportList.steps_done", steps_done)

    return interrupt


def test_interrupted_fit_leaves_an_estimator_that_is_not_fitted(clf, iris, interrupt):
    interrupt(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*iris)
    with pytest.raises(NotFittedError, match="This DNNClassifier instance is not fitted yet"):
        clf.predict(iris[0])
    assert vars(clf) == clf.get_params()


def test_interrupted_fit_keeps_the_one_before(clf, iris, interrupt):
    before = clf.set_params(validation_fraction=0.2).fit(*iris).predict_proba(iris[0])
    history = clf.history_
    interrupt(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(iris[0][:, :3], iris[1] > 1)
    assert_array_equal(clf.predict_proba(iris[0]), before)
    assert_array_equal(clf.classes_, np.unique(iris[1]))
    assert (clf.history_, clf.n_iter_) == (history, clf.epochs)


def test_fit_after_an_interrupted_one_is_as_if_nothing_had_been(clf, iris, interrupt):
    expected = clone(clf).fit(*iris)
    interrupt(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*iris)
    clf.fit(*iris)
    assert_allclose(clf.predict_proba(iris[0]), expected.predict_proba(iris[0]), **ROUNDING)


@pytest.mark.parametrize(("method", "epochs"), [("fit", 2), ("partial_fit", 1)])
def test_training_continues_from_before_its_interruption(clf, iris, interrupt, method, epochs):
    train = getattr(clf.set_params(warm_start=True).fit(*iris), method)
    expected = pickle.loads(pickle.dumps(clf))
    getattr(expected, method)(*iris)
    interrupt(epochs)
    with pytest.raises(KeyboardInterrupt):
        train(*iris)
    train(*iris)
    assert_allclose(clf.predict_proba(iris[0]), expected.predict_proba(iris[0]), **ROUNDING)
    assert clf.n_iter_ == expected.n_iter_


@contextmanager
def interruption_at(function, line):
    """Raise KeyboardInterrupt as a function comes to a line of its source."""

    def trace(frame, event, _):
        if frame.f_code is not function.__code__:
            return None
        if event == "line" and frame.f_lineno == line:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


# The first line is that of `def`.
HANDING_OVER = sorted({line for *_, line in BaseDNN._keep.__code__.co_lines() if line})[1:]


@pytest.mark.parametrize("line", HANDING_OVER, ids=range(len(HANDING_OVER)))
def test_interruption_leaves_the_old_fit_or_the_new_one(clf, iris, line):
    X, y = iris
    old = clf.fit(X, y).predict_proba(X)
    new = clone(clf).fit(X, -y).predict_proba(X)
    with pytest.raises(KeyboardInterrupt), interruption_at(BaseDNN._keep, line):
        clf.fit(X, -y)
    assert clf.get_params() == clone(clf).get_params()
    expected = old if clf.classes_[0] == 0 else new
    assert_allclose(clf.predict_proba(X), expected, **ROUNDING)


CTRL_C = """
import os, signal, threading
from skdnn._training import callbacks
from skdnn import DNNClassifier

pressed = []

def press(self, epoch, n_steps):
    if epoch > 1 and not pressed:  # many short epochs go by at once
        pressed.append(epoch)
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

callbacks.ReportList.epoch_begins = press
clf = DNNClassifier((4,), epochs=10**9, random_state=0)
try:
    clf.fit([[0.0], [1.0]], [0, 1])
except KeyboardInterrupt:
    print("stopped", hasattr(clf, "classes_"))
callbacks.ReportList.epoch_begins = lambda *args: None
print(clf.set_params(epochs=3).fit([[0.0], [1.0]], [0, 1]).n_iter_)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGINT to a single process")
def test_signal_stops_a_long_fit():
    assert run(CTRL_C).stdout == "stopped False\n3\n"


# --------------------------------------------------------------------------- threads and forks


def at_once(*jobs):
    """Call each in a thread of its own, all starting together; return what they return."""
    line = Barrier(len(jobs))

    def wait_and_call(job):
        line.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(wait_and_call, jobs))


@pytest.mark.parametrize("sizes", [[(8,), (8,)], [(8,), (8, 4)]], ids=["same", "different"])
def test_two_threads_train_as_one_after_the_other(clf, iris, sizes):
    networks = [
        clone(clf).set_params(hidden_layer_sizes=size, random_state=seed, epochs=20)
        for seed, size in enumerate(sizes)
    ]
    expected = [clone(one).fit(*iris).predict_proba(iris[0]) for one in networks]
    at_once(*[lambda one=one: one.fit(*iris) for one in networks])
    for one, proba in zip(networks, expected, strict=True):
        assert_allclose(one.predict_proba(iris[0]), proba, **ROUNDING)


def test_threads_predict_while_another_trains(clf, iris):
    expected = clf.fit(*iris).predict_proba(iris[0])
    other = clone(clf).set_params(epochs=20)
    jobs = [lambda: clf.predict_proba(iris[0])] * 3
    for proba in at_once(lambda: other.fit(*iris), *jobs)[1:]:
        assert_array_equal(proba, expected)


def test_grid_search_in_threads_gives_the_same(clf, iris):
    grid = {"alpha": [0, 0.01, 0.1], "hidden_layer_sizes": [(8,), (4, 4)]}
    search = GridSearchCV(clf, grid, cv=3, scoring="neg_log_loss")
    alone = clone(search).fit(*iris).cv_results_["mean_test_score"]
    with joblib.parallel_config("threading", n_jobs=2):
        threads = clone(search).fit(*iris).cv_results_["mean_test_score"]
    assert_allclose(threads, alone, **ROUNDING)


FIRST_FITS = """
from concurrent.futures import ThreadPoolExecutor
from skdnn import DNNClassifier

def fit(seed):
    return DNNClassifier((4,), epochs=3, random_state=seed).fit([[0.0], [1.0]], [0, 1]).n_iter_

with ThreadPoolExecutor(2) as pool:
    print(*pool.map(fit, range(4)))
"""


def test_first_fits_of_a_process_may_start_at_once():
    result = run(FIRST_FITS, TF_CPP_MIN_LOG_LEVEL=None)
    assert (result.stdout, result.stderr) == ("3 3 3 3\n", "")


FORK = """
import os, sys, skdnn

def end():
    sys.exit(0)

def clear():
    skdnn.clear_program_cache()

def delete():
    global clf
    del clf

for last in (end, clear, delete):
    pid = os.fork()
    if pid == 0:
        last()
        sys.exit(0)
    assert os.waitpid(pid, 0)[1] == 0, last

import multiprocessing
context = multiprocessing.get_context("fork")
queue = context.Queue()

def refit():
    try:
        clf.fit(X, y)
    except RuntimeError as error:
        queue.put(str(error))

context.Process(target=lambda: queue.put(clf.predict(X).tolist()), daemon=True).start()
assert queue.get(timeout=60) == clf.predict(X).tolist()
context.Process(target=refit, daemon=True).start()
print(queue.get(timeout=60))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_forked_processes_predict_but_do_not_train_and_end():
    message = run(FIT + FORK).stdout
    assert "forked from one that has trained a network" in message
    assert "loky backend or with multiprocessing's 'spawn'" in message
