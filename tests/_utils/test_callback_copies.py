"""What callbacks refer to outside the network is shared, in both families of estimators."""

import logging
import sqlite3
import threading
from functools import partial

import keras
import numpy as np
import optuna
import pytest
from optuna_integration import KerasPruningCallback
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier
from skdnn._utils.callback_copies import clone_callbacks
from skdnn.comparison import compare
from skdnn.wrappers import KerasClassifier

X, Y = load_iris(return_X_y=True)
X = X.astype("float32")
optuna.logging.set_verbosity(optuna.logging.WARNING)


def dense(callbacks, **changes):
    settings = {"epochs": 3, "validation_fraction": 0.2, "random_state": 0, **changes}
    return DNNClassifier((4,), callbacks=callbacks, **settings)


def wrapped(callbacks, **changes):
    settings = {"epochs": 3, "validation_split": 0.2, "random_state": 0, "verbose": 0, **changes}
    layers = [keras.layers.Dense(4, "relu"), keras.layers.Dense(3, "softmax")]
    return KerasClassifier(layers, callbacks=callbacks, **settings)


class Outside:
    """Something that a copy would not reach, and that refuses to be copied."""

    def __init__(self):
        self.losses = []
        self.lock = threading.Lock()
        self.database = sqlite3.connect(":memory:", check_same_thread=False)

    def report(self, epoch, logs):
        with self.lock:
            self.losses.append(logs["loss"])

    def __del__(self):
        self.database.close()


class Reporter(keras.callbacks.Callback):
    def __init__(self, outside, logger=None):
        super().__init__()
        self.outside = outside
        self.logger = logger
        self.n_epochs = 0

    def on_train_begin(self, logs=None):
        self.begun = True

    def on_epoch_end(self, epoch, logs=None):
        self.n_epochs += 1
        self.outside.report(epoch, logs)


class ReportingStop(keras.callbacks.EarlyStopping):
    def __init__(self, outside):
        super().__init__("loss", patience=100)
        self.outside = outside

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.outside.report(epoch, logs)


WAYS = {
    "object": Reporter,
    "list": lambda outside: [Reporter(outside), keras.callbacks.History()],
    "class of Keras": ReportingStop,
    "bound method": lambda outside: keras.callbacks.LambdaCallback(on_epoch_end=outside.report),
}
both = pytest.mark.parametrize("make", [dense, wrapped])
in_every_way = pytest.mark.parametrize("way", WAYS.values(), ids=list(WAYS))


@both
@in_every_way
def test_a_fit_reaches_what_a_callback_refers_to(make, way):
    outside = Outside()
    fitted = make(way(outside)).fit(X, Y)
    assert outside.losses == pytest.approx(fitted.history_["loss"])


@both
@in_every_way
def test_a_clone_shares_what_a_callback_refers_to(make, way):
    outside = Outside()
    estimator = make(way(outside))
    first, second = clone(estimator).fit(X, Y), clone(clone(estimator)).fit(X, Y)
    assert outside.losses == pytest.approx([*first.history_["loss"], *second.history_["loss"]])


@both
def test_the_object_of_the_user_is_called_and_keeps_no_model(make):
    reporter = Reporter(Outside())
    estimator = make(reporter).fit(X, Y)
    assert (reporter.begun, reporter.n_epochs, reporter.model) == (True, 3, None)
    twin = clone(estimator).fit(X, Y)
    assert twin.callbacks is not reporter
    assert (reporter.n_epochs, twin.callbacks.n_epochs) == (3, 6)


@both
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_fold_reaches_the_same_object(make, n_jobs):
    from joblib import parallel_backend

    outside = Outside()
    model = make_pipeline(StandardScaler(), make(Reporter(outside)))
    with parallel_backend("threading"):
        cross_validate(model, X, Y, cv=3, n_jobs=n_jobs, error_score="raise")
    assert len(outside.losses) == 3 * 3


@both
def test_every_candidate_of_a_search_and_the_refit_reach_the_same_object(make):
    outside = Outside()
    search = GridSearchCV(make(Reporter(outside)), {"batch_size": [16, 32]}, cv=2)
    search.fit(X, Y)
    assert len(outside.losses) == 3 * (2 * 2 + 1)


@both
def test_warm_starts_reach_the_same_object(make):
    outside = Outside()
    make(Reporter(outside), warm_start=True).fit(X, Y).fit(X, Y)
    assert len(outside.losses) == 3 * 2


def test_a_comparison_reaches_the_same_object():
    outside = Outside()
    compare(X, Y, models={"network": dense(Reporter(outside))}, cv=2)
    assert len(outside.losses) == 3 * 2


def test_functions_and_arguments_of_callbacks_are_shared_by_clones():
    outside = Outside()
    by_function = clone(dense(partial(Reporter, outside)))
    by_function.fit(X, Y)
    by_argument = clone(wrapped(Reporter, callbacks__outside=outside))
    by_argument.fit(X, Y)
    alone = clone(wrapped(None, fit__callbacks={"own": Reporter(outside)}))
    alone.fit(X, Y)
    assert len(outside.losses) == 3 * 3


def test_a_clone_has_containers_and_training_state_of_its_own():
    history = keras.callbacks.History()
    wrapped(history).fit(X, Y)
    new = clone_callbacks([history])
    assert new[0].history == history.history
    new[0].history["loss"].append(0.0)
    assert len(history.history["loss"]) == 3
    logger = logging.getLogger("of the user")
    assert clone_callbacks({"a": (Reporter(None, logger),)})["a"][0].logger is logger


@both
def test_the_pruner_of_optuna_sees_the_reports_of_every_trial(make):
    """The median pruner stops the trials whose reported loss is above those of the first ones."""
    seen = {}

    def objective(trial):
        # From the third trial on, training barely moves from the initial weights.
        good = trial.number < 2
        rate = {"learning_rate": 0.05 if good else 1e-6}
        rate = rate if make is dense else {"optimizer": "adam", "optimizer__learning_rate": 0.05}
        if make is wrapped and not good:
            rate["optimizer__learning_rate"] = 1e-6
        model = clone(make(KerasPruningCallback(trial, "loss"), epochs=6, **rate))
        seen[trial.number] = model
        return model.fit(X, Y).history_["loss"][-1]

    pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=2)
    study = optuna.create_study(pruner=pruner)
    study.optimize(objective, n_trials=4)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED"]
    reported = list(study.trials[0].intermediate_values.values())
    assert reported == pytest.approx(seen[0].history_["loss"])
    assert len(study.trials[3].intermediate_values) == 3
    assert all(model.callbacks.model is None for model in seen.values())
    assert not hasattr(seen[3], "history_")
    assert np.isfinite(study.best_value)
