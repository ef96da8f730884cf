"""What shows only in a process of its own: imports, output, signals, threads, other backends."""

import os
import pickle
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from skdnn import DNNClassifier, DNNRegressor

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


def run(code, *arguments, check=True, **environment):
    """Run code in a new process; a variable of the environment that is None is not set there."""
    inherited = {k: v for k, v in os.environ.items() if k not in environment}
    added = {k: v for k, v in environment.items() if v is not None}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=inherited | added,
        capture_output=True,
        text=True,
        check=check,
        timeout=300,
    )


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def clf():
    return DNNClassifier((8,), dropout=0.1, learning_rate=0.02, epochs=5, random_state=0)


@pytest.fixture
def pickled(clf, iris, tmp_path):
    """A file with a fitted estimator and the data that it was fitted on."""
    path = tmp_path / "fitted.pkl"
    path.write_bytes(pickle.dumps((clf.fit(*iris), iris[0])))
    return path


# --------------------------------------------------------- without TensorFlow and without Keras


def test_guard_notices_a_fit():
    result = run(GUARD + FIT, check=False)
    assert result.returncode != 0
    assert "AssertionError: something imports" in result.stderr


def test_importing_skdnn_imports_nothing_heavy():
    run(GUARD + "import skdnn; assert 'sklearn' not in sys.modules; assert dir(skdnn)")


@pytest.mark.parametrize("name", ["DNNClassifier", "DNNRegressor"])
def test_unfitted_estimators_do_without_tensorflow(name):
    code = f"""
from sklearn.base import clone
from sklearn.utils import get_tags
from skdnn import {name}
one = clone({name}(epochs=3, optimizer="sgd").set_params(dropout=0.1))
assert one.get_params()["dropout"] == 0.1
assert "dropout=0.1" in repr(one)
assert "{name}" in one._repr_html_()
assert get_tags(one).estimator_type in ("classifier", "regressor")
"""
    run(GUARD + code)


@pytest.mark.parametrize(
    "use",
    [
        "fitted.predict(X); fitted.predict_proba(X); fitted.predict_log_proba(X)",
        "fitted.score(X, fitted.predict(X))",
        "fitted.summary()",
        "repr(fitted); fitted._repr_html_()",
        "pickle.dumps(fitted)",
        "import copy; copy.deepcopy(fitted)",
        "from sklearn.base import clone; clone(fitted).get_params()",
    ],
)
def test_fitted_estimator_does_without_tensorflow(pickled, use):
    load = "import pickle\nfitted, X = pickle.load(open(sys.argv[1], 'rb'))\n"
    run(GUARD + load + use, pickled)


def test_bad_data_and_constraints_are_refused_without_tensorflow():
    code = """
from skdnn import DNNClassifier
try:
    DNNClassifier(epochs=0).fit([[0.0], [1.0]], [0, 1])
except ValueError as error:
    print(error)
"""
    assert "The 'epochs' parameter of DNNClassifier must be" in run(GUARD + code).stdout


# ---------------------------------------------------------------------------- another process

PREDICT = """
import pickle, sys
import numpy as np
fitted, X = pickle.load(open(sys.argv[1], "rb"))
np.save(sys.argv[2], getattr(fitted, sys.argv[3])(X))
"""


@pytest.fixture(params=["columns", "float64", "images", "quantity", "own activation"])
def case(request, clf, iris, keras):
    """An estimator, its X and y, and the method that predicts numbers."""
    digits = load_digits()
    relu = keras.activations.relu
    return {
        "columns": lambda: (clf, *iris, "predict_proba"),
        "float64": lambda: (clf.set_params(dtype="float64"), *iris, "predict_proba"),
        "images": lambda: (clf, digits.images[:200], digits.target[:200], "predict_proba"),
        "quantity": lambda: (DNNRegressor(epochs=3), *load_diabetes(return_X_y=True), "predict"),
        "own activation": lambda: (clf.set_params(activation=relu), *iris, "predict_proba"),
    }[request.param]()


@pytest.fixture(scope="module")
def keras():
    import keras

    return keras


def test_new_process_predicts_the_same_bits(case, tmp_path):
    estimator, X, y, method = case
    (tmp_path / "fitted.pkl").write_bytes(pickle.dumps((estimator.fit(X, y), X)))
    run(PREDICT, tmp_path / "fitted.pkl", tmp_path / "out.npy", method)
    assert_array_equal(np.load(tmp_path / "out.npy"), getattr(estimator, method)(X))


def test_new_process_goes_on_where_training_stopped(clf, iris, pickled, tmp_path):
    code = """
import pickle, sys
import numpy as np
fitted, X = pickle.load(open(sys.argv[1], "rb"))
fitted.partial_fit(X, np.load(sys.argv[2]))
np.save(sys.argv[3], fitted.predict_proba(X))
"""
    np.save(tmp_path / "y.npy", iris[1])
    run(code, pickled, tmp_path / "y.npy", tmp_path / "out.npy")
    expected = clf.partial_fit(*iris).predict_proba(iris[0])
    assert_allclose(np.load(tmp_path / "out.npy"), expected, rtol=1e-4, atol=1e-6)


def test_same_seed_gives_the_same_network_in_a_new_process(clf, iris, pickled, tmp_path):
    code = "import pickle, sys\nfrom sklearn.datasets import load_iris\n"
    code += "fitted, X = pickle.load(open(sys.argv[1], 'rb'))\n"
    code += "fitted.fit(*load_iris(return_X_y=True))\n"
    code += "pickle.dump((fitted, X), open(sys.argv[1], 'wb'))\n"
    expected = clf.fit(*iris).predict_proba(iris[0])
    run(code, pickled)
    again, X = pickle.loads(pickled.read_bytes())
    assert_allclose(again.predict_proba(X), expected, rtol=1e-4, atol=1e-6)


# -------------------------------------------------------------------------- output and settings


@pytest.mark.parametrize(
    "use",
    [
        "",
        "clf.model_",
        "clf.partial_fit(X, y); clf.predict(X)",
        "from skdnn import DNNRegressor; DNNRegressor((4,), epochs=3, dropout=0.1).fit(X, X)",
        "from sklearn.model_selection import cross_val_score as s; s(clf, X, y, cv=2, n_jobs=2)",
    ],
    ids=["fit", "model_", "partial_fit", "regressor", "in worker processes"],
)
def test_silence(use):
    result = run(FIT + use, TF_CPP_MIN_LOG_LEVEL=None)
    assert (result.stdout, result.stderr) == ("", "")


def test_verbose_fit_writes_to_standard_output_alone():
    result = run(FIT + "clf.set_params(verbose=1).fit(X, y)", TF_CPP_MIN_LOG_LEVEL=None)
    assert [line.split()[1] for line in result.stdout.splitlines()] == ["1/3", "2/3", "3/3"]
    assert result.stderr == ""


def test_messages_of_others_are_kept_while_tensorflow_loads():
    warn = "import warnings, sys; print('mine', file=sys.stderr)\n"
    late = "import threading, os\nos.write(2, b'also mine\\n')\n"
    result = run(warn + FIT + late, TF_CPP_MIN_LOG_LEVEL=None)
    assert result.stderr == "mine\nalso mine\n"


def test_fit_without_a_standard_error():
    result = run("import os; os.close(2)\n" + FIT + "print(clf.n_iter_)", TF_CPP_MIN_LOG_LEVEL=None)
    assert result.stdout == "3\n"


@pytest.mark.parametrize("level", ["0", "1", "2"])
def test_log_level_of_the_user_is_left_alone(level):
    show = "import os; print(os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    assert run(FIT + show, TF_CPP_MIN_LOG_LEVEL=level).stdout == f"{level}\n"


def test_another_keras_backend_is_refused():
    result = run(FIT, check=False, KERAS_BACKEND="numpy")
    assert result.returncode != 0
    assert "ImportError: skdnn trains with TensorFlow, but Keras was started with its numpy" in (
        result.stderr
    )
    assert "unset KERAS_BACKEND, or set it to 'tensorflow'" in result.stderr


def test_fitted_estimator_predicts_under_another_keras_backend(clf, pickled, tmp_path):
    run(PREDICT, pickled, tmp_path / "out.npy", "predict", KERAS_BACKEND="numpy")
    assert_array_equal(np.load(tmp_path / "out.npy"), clf.predict(load_iris().data))


# ------------------------------------------------------------------------------- global seeds


@pytest.fixture
def draw(keras):
    """Draws a number from each of the global generators, after giving each a seed."""
    import tensorflow as tf

    def draw(use):
        keras.utils.set_random_seed(7)  # Python's, NumPy's, TensorFlow's and Keras's own
        use()
        return (
            random.random(),
            np.random.random(),
            float(tf.random.uniform([])),
            float(keras.random.uniform([])),
        )

    return draw


@pytest.mark.parametrize("seed", [0, None], ids=["seeded", "not seeded"])
def test_fit_neither_reads_nor_sets_global_seeds(clf, iris, draw, seed):
    clf.set_params(random_state=seed, validation_fraction=0.2)
    untouched = draw(lambda: None)
    assert draw(lambda: clf.fit(*iris).predict(iris[0])) == untouched
    assert draw(lambda: clf.partial_fit(*iris)) == untouched
    assert draw(lambda: clf.model_) == untouched


def test_fit_does_not_depend_on_global_seeds(clf, iris, draw):
    expected = clf.fit(*iris).predict_proba(iris[0])
    draw(lambda: None)
    assert_array_equal(clf.fit(*iris).predict_proba(iris[0]), expected)


def test_global_seeds_do_not_make_unseeded_fits_equal(clf, iris, draw):
    one, two = clone(clf.set_params(random_state=None)), clone(clf)
    draw(lambda: None)
    one.fit(*iris)
    draw(lambda: None)
    assert not np.allclose(one.predict_proba(iris[0]), two.fit(*iris).predict_proba(iris[0]))


# -------------------------------------------------------------------------------------- Ctrl-C


@pytest.fixture
def interrupt(monkeypatch):
    """Has the first fit from now on interrupted in its second epoch."""
    calls = []

    def steps_done(self, n_steps):
        calls.append(n_steps)
        if len(calls) == 2:
            raise KeyboardInterrupt

    def arm():
        monkeypatch.setattr("skdnn._callbacks.Silence.steps_done", steps_done)

    return arm


def test_interrupted_fit_leaves_an_estimator_that_is_not_fitted(clf, iris, interrupt):
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*iris)
    with pytest.raises(NotFittedError, match="This DNNClassifier instance is not fitted yet"):
        clf.predict(iris[0])
    assert vars(clf) == clf.get_params()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_interrupted_fit_keeps_the_one_before(clf, iris, interrupt, method):
    before = clf.set_params(validation_fraction=0.2).fit(*iris).predict_proba(iris[0])
    history, n_iter = clf.history_, clf.n_iter_
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        for _ in range(2):
            getattr(clf, method)(*iris)
    if method == "fit":
        assert_array_equal(clf.predict_proba(iris[0]), before)
        assert (clf.history_, clf.n_iter_) == (history, n_iter)
    else:
        assert clf.n_iter_ == n_iter + 1


def test_fit_after_an_interrupted_one_is_as_if_nothing_had_been(clf, iris, interrupt):
    expected = clone(clf).fit(*iris)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*iris)
    clf.fit(*iris)
    assert_array_equal(clf.predict_proba(iris[0]), expected.predict_proba(iris[0]))
    assert clf.history_ == expected.history_


def test_warm_start_goes_on_after_an_interruption(clf, iris, interrupt):
    clf.set_params(warm_start=True).fit(*iris)
    expected = pickle.loads(pickle.dumps(clf)).fit(*iris)
    interrupt()
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*iris)
    clf.fit(*iris)
    assert_allclose(clf.predict_proba(iris[0]), expected.predict_proba(iris[0]), rtol=1e-5)
    assert clf.n_iter_ == expected.n_iter_


def test_interruption_at_any_line_of_the_end_of_fit_is_harmless(clf, iris): ...


def test_signal_stops_a_long_fit():
    code = """
import os, signal, threading
from skdnn import DNNClassifier, _callbacks

def epoch_begins(self, epoch, n_steps):
    if epoch == 2:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()

_callbacks.Silence.epoch_begins = epoch_begins
clf = DNNClassifier((4,), epochs=10**9, random_state=0)
try:
    clf.fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
except KeyboardInterrupt:
    print("stopped", vars(clf) == clf.get_params(), clf.set_params(epochs=3).fit([[0], [1]], [0, 1]).n_iter_)
"""
    assert run(code).stdout == "stopped True 3\n"


# ------------------------------------------------------------------------------------- threads


def at_once(*jobs):
    """Call each in a thread of its own, all starting together; return what they return."""
    start = Barrier(len(jobs))

    def wait_and_call(job):
        start.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(wait_and_call, jobs))


@pytest.mark.parametrize("sizes", [[(8,), (8,)], [(8,), (8, 4)]], ids=["same", "different"])
def test_two_threads_train_as_one_after_the_other(clf, iris, sizes):
    networks = [
        clone(clf).set_params(hidden_layer_sizes=s, random_state=i) for i, s in enumerate(sizes)
    ]
    expected = [clone(one).fit(*iris).history_["loss"] for one in networks]
    fitted = at_once(*(lambda one=one: one.fit(*iris) for one in networks))
    for one, losses in zip(fitted, expected, strict=True):
        assert_allclose(one.history_["loss"], losses, rtol=1e-5)


def test_threads_predict_while_another_trains(clf, iris):
    expected = clf.fit(*iris).predict_proba(iris[0])
    other = clone(clf).set_params(epochs=20)
    _, *predicted = at_once(
        lambda: other.fit(*iris), *[lambda: clf.predict_proba(iris[0]) for _ in range(3)]
    )
    for one in predicted:
        assert_array_equal(one, expected)


def test_grid_search_in_threads_gives_the_same(clf, iris):
    grid = {"alpha": [0, 0.01, 0.1], "hidden_layer_sizes": [(8,), (4, 4)]}
    search = GridSearchCV(clf, grid, cv=3, scoring="neg_log_loss")
    alone = clone(search).fit(*iris).cv_results_["mean_test_score"]
    with joblib.parallel_config("threading", n_jobs=2):
        threads = clone(search).fit(*iris).cv_results_["mean_test_score"]
    assert_allclose(threads, alone, rtol=1e-4)


def test_first_fits_of_a_process_may_start_at_once():
    code = """
from concurrent.futures import ThreadPoolExecutor
from skdnn import DNNClassifier

def fit(seed):
    return DNNClassifier((4,), epochs=3, random_state=seed).fit([[0.0], [1.0]], [0, 1]).n_iter_

with ThreadPoolExecutor(2) as pool:
    print(*pool.map(fit, range(4)))
"""
    result = run(code, TF_CPP_MIN_LOG_LEVEL=None)
    assert (result.stdout, result.stderr) == ("3 3 3 3\n", "")
