"""`n_jobs`: ensembles trained in groups, in threads of joblib."""

import multiprocessing
import threading

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from skdnn import DNNClassifier, DNNRegressor
from skdnn._training.member_groups import GroupedProgram
from skdnn._training.workers import Workers, effective_threads
from skdnn.dnn import trainer_input

configured = getattr(joblib, "parallel_config", joblib.parallel_backend)  # the name before 1.3
FEW = {"preset": "fast", "hidden_layer_sizes": (9,), "batch_size": 64, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(203, 4))
    X[:, 3] = rng.integers(3, size=203)
    return X, (X[:, 0] + X[:, 1] * X[:, 3] > 0).astype(int)


def groups_of(monkeypatch):
    """Return a list that receives the sizes of the groups of each fit."""
    found, begin = [], GroupedProgram.__init__

    def record(self, key, groups, workers):
        found.append([group.size for group in groups])
        begin(self, key, groups, workers)

    monkeypatch.setattr(GroupedProgram, "__init__", record)
    return found


def assert_same(one, other, X):
    assert one.n_iter_ == other.n_iter_
    assert getattr(one, "best_epoch_", None) == getattr(other, "best_epoch_", None)
    assert one.history_.keys() == other.history_.keys()
    for name, values in one.history_.items():
        np.testing.assert_allclose(other.history_[name], values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(other.predict(X), one.predict(X), rtol=1e-3, atol=1e-4)
    if hasattr(one, "predict_proba"):
        np.testing.assert_allclose(other.predict_proba(X), one.predict_proba(X), atol=1e-4)


# Parameters, each of which takes another way through the training loop.
WAYS = {
    "both architectures": {"n_members": 3, "epochs": 3},
    "dropout": {"n_members": 3, "epochs": 2, "dropout": 0.3, "parametrization": "both"},
    "batch_norm": {"n_members": 4, "epochs": 2, "batch_norm": True, "dropout": 0.1},
    "alpha": {"n_members": 2, "epochs": 2, "alpha": 0.05},
    "ema": {"n_members": 2, "epochs": 2, "ema_momentum": 0.9, "weight_decay": 0.1},
    "plateau": {
        "n_members": 2,
        "epochs": 5,
        "learning_rate_schedule": "reduce_on_plateau",
        "n_iter_no_change": 2,
        "tol": 10.0,
    },
    "sgd": {"n_members": 2, "epochs": 2, "optimizer": "nesterov", "learning_rate": 0.05},
    "without held-out rows": {"n_members": 3, "epochs": 2, "early_stopping": False},
    "one fraction": {"n_members": 3, "epochs": 2, "validation_fraction": 0.2},
    "categories": {"n_members": 2, "epochs": 2, "categorical_features": [3]},
    "float64": {"n_members": 2, "epochs": 2, "dtype": "float64"},
}


@pytest.mark.parametrize("way", list(WAYS))
def test_the_result_does_not_depend_on_n_jobs(way, table, monkeypatch):
    X, y = table
    kind = DNNRegressor if way in ("both architectures", "sgd") else DNNClassifier
    model = kind(**FEW | WAYS[way])
    groups = groups_of(monkeypatch)
    one, several = clone(model).fit(X, y), clone(model).set_params(n_jobs=2).fit(X, y)
    assert [sum(sizes) for sizes in groups] == [model.n_members]
    assert_same(one, several, X)


def test_training_goes_on_with_another_n_jobs(table):
    X, y = table
    model = DNNClassifier(n_members=3, epochs=2, dropout=0.2, warm_start=True, **FEW)
    one, several = clone(model).set_params(n_jobs=1).fit(X, y), clone(model).fit(X, y)
    several.set_params(n_jobs=3).fit(X, y)
    one.fit(X, y)
    assert_same(one, several, X)
    assert_same(one.partial_fit(X, y), several.set_params(n_jobs=2).partial_fit(X, y), X)


def test_callbacks_see_the_whole_ensemble(table):
    from keras.callbacks import Callback

    class Halve(Callback):
        def on_epoch_end(self, epoch, logs=None):
            model = self.model
            model.set_weights([weight / 2 for weight in model.get_weights()])

    X, y = table
    model = DNNRegressor(n_members=2, epochs=2, callbacks=[Halve()], **FEW)
    assert_same(clone(model).fit(X, y), clone(model).set_params(n_jobs=2).fit(X, y), X)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({"n_members": 4, "n_jobs": 3}, [2, 1, 1]),
        ({"n_members": 3, "n_jobs": 8}, [1, 1, 1]),
        ({"n_members": 4, "n_jobs": 1}, None),
        ({"n_members": 4}, None),
        ({"n_members": 1, "n_jobs": 2}, None),
        # What makes the members depend on each other.
        ({"n_members": 4, "n_jobs": 2, "clipnorm": 1.0}, None),
        ({"n_members": 4, "n_jobs": 2, "optimizer": "lamb"}, None),
        ({"n_members": 4, "n_jobs": 2, "numeric_embedding": "periodic"}, None),
        (
            {"n_members": 4, "n_jobs": 2, "categorical_features": [3], "one_hot_max_size": 1},
            None,
        ),
    ],
    ids=str,
)
def test_members_are_divided_into_groups(table, monkeypatch, given, sizes):
    groups = groups_of(monkeypatch)
    DNNClassifier(epochs=1, **FEW | given).fit(*table)
    assert groups == ([] if sizes is None else [sizes])


@pytest.mark.parametrize("n_jobs", [2, 3, -1])
def test_n_jobs_is_what_joblib_says(n_jobs):
    assert effective_threads(n_jobs) == effective_n_jobs(n_jobs)


def test_joblib_decides_about_none():
    assert effective_threads(None) is None
    with configured("loky", n_jobs=3):
        assert effective_threads(None) == effective_n_jobs(None) == 3
        assert effective_threads(2) == 2


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_the_backend_of_joblib_is_the_one_of_the_user_but_never_processes(table, backend):
    before = set(multiprocessing.active_children())  # of other tests
    with configured(backend, n_jobs=2):
        model = DNNClassifier(n_members=2, epochs=1, **FEW).fit(*table)
    assert set(multiprocessing.active_children()) <= before
    assert_same(model, DNNClassifier(n_members=2, epochs=1, **FEW).fit(*table), table[0])


def test_a_worker_of_joblib_does_not_start_threads():
    found = Parallel(2, backend="threading")(delayed(effective_threads)(n) for n in (None, -1, 1))
    assert found == [None, None, 1]


def test_workers_call_functions_at_the_same_time():
    barrier = threading.Barrier(3, timeout=60)

    def meet(number):
        barrier.wait()
        return number, threading.get_ident()

    with Workers(3) as workers:
        numbers, threads = zip(*workers.map(meet, range(3)), strict=True)
        assert len(set(threads)) == 3
        assert numbers == (0, 1, 2)
        with pytest.raises(ZeroDivisionError):
            workers.map(lambda x: 1 // x, [1, 0, 1])
        assert workers.map(max, [1, 5], [2, 3]) == [2, 5]
    assert not {thread.ident for thread in threading.enumerate()} & set(threads)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "all"])
def test_n_jobs_is_checked(n_jobs, iris):
    with pytest.raises(ValueError, match="The 'n_jobs' parameter of DNNClassifier must be"):
        DNNClassifier(n_jobs=n_jobs).fit(*iris)


def test_n_jobs_has_the_default_of_a_forest():
    assert DNNClassifier().n_jobs is RandomForestClassifier().n_jobs is None


def test_a_fit_that_fails_ends_its_threads(table, monkeypatch):
    X, y = table
    before = threading.active_count()
    model = DNNRegressor(n_members=2, epochs=3, n_jobs=2, optimizer="sgd", **FEW)
    with pytest.raises(ValueError, match="diverged"):
        model.set_params(learning_rate=1e6, parametrization="standard").fit(X, y)
    assert threading.active_count() <= before


def test_the_trainer_receives_n_jobs(table, monkeypatch):
    plans = []
    plan = trainer_input.Plan
    monkeypatch.setattr(trainer_input, "Plan", lambda **k: plans.append(plan(**k)) or plans[-1])
    DNNClassifier((2,), epochs=1, n_jobs=-1).fit(*table)
    assert [p.n_jobs for p in plans] == [-1]
