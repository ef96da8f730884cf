"""`time_limit` of the DNN estimators."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdnn
from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import hold_out
from skdnn._training.schedules import Schedule
from skdnn._training.time_limit import TimeLimit


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


@pytest.fixture
def ticking(monkeypatch):
    """Fits start at 0 of a clock that advances by one second whenever it is read."""

    class Clock:
        now = 0.0

        def perf_counter(self):
            self.now += 1
            return self.now

    clock = Clock()

    def start(seconds, begin, planned):
        clock.now = 0.0
        return TimeLimit(seconds, 0.0, planned)

    monkeypatch.setattr("skdnn._training.time_limit.time", clock)
    monkeypatch.setattr("skdnn.dnn.run.TimeLimit", start)


def short(cls=DNNClassifier, **params):
    return cls((8,), **{"random_state": 0, "batch_size": 64, **params})


def same_weights(a, b):
    pairs = zip(a._network.state.weights, b._network.state.weights, strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


@pytest.mark.parametrize(
    "params",
    [
        {"hidden_layer_sizes": (8,), "epochs": 6},
        {"hidden_layer_sizes": (8,), "epochs": 6, "early_stopping": True, "verbose": 1},
        {"epochs": 8, "batch_size": 64},
    ],
    ids=str,
)
def test_a_fit_that_ends_in_time_is_the_same_as_without_a_limit(iris, params):
    free, limited = (
        DNNClassifier(**params, time_limit=limit, random_state=0).fit(*iris)
        for limit in (None, 3600)
    )
    assert same_weights(free, limited)
    np.testing.assert_equal(limited.history_, free.history_)


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
@pytest.mark.parametrize("early_stopping", [True, False])
def test_at_least_one_epoch_is_trained(iris, cls, early_stopping):
    X, y = iris
    model = short(cls, time_limit=1e-3, early_stopping=early_stopping, warm_start=True)
    message = rf"^time_limit=0\.001 ended the training of {cls.__name__} after 1 of \d+ epochs\."
    for n_epochs in (1, 2):
        with pytest.warns(ConvergenceWarning, match=message) as caught:
            model.fit(X, y)
        assert [warning.filename for warning in caught] == [__file__]
        assert model.n_iter_ == n_epochs
    assert model.predict(X).shape == (150,)


def test_an_ensemble_that_runs_out_of_time_is_validated_and_calibrated(iris):
    model = DNNClassifier(time_limit=1e-3, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(*iris)
    assert model.n_iter_ == model.best_epoch_ == 1
    assert np.isfinite(model.history_["val_loss"]).all()
    assert model._network.temperatures is not None


def test_chunks_end_in_time(iris):
    X, y = iris
    model = short(time_limit=1e-3, epochs=5, warm_start=True)
    chunks = [(X[::2], y[::2]), (X[1::2], y[1::2])]
    for n_epochs in (1, 2):
        with pytest.warns(ConvergenceWarning, match="after 1 of 5 epochs"):
            model.fit(chunks, X_val=X[::3], y_val=y[::3])
        assert model.n_iter_ == n_epochs


@pytest.mark.parametrize("name", ["cosine", "coslog4", "one_cycle", "constant"])
def test_a_schedule_ends_with_the_last_epoch_that_fits(iris, ticking, name):
    model = short(epochs=60, learning_rate=0.01, learning_rate_schedule=name, time_limit=12)
    with pytest.warns(ConvergenceWarning):
        model.fit(*iris)
    assert 3 < model.n_iter_ < 15
    if name == "constant":
        assert "learning_rate" not in model.history_
        return
    n_steps = 3 * model.n_iter_  # 150 rows in batches of 64
    expected = 0.01 * Schedule(name).factors(np.array([n_steps - 1]), n_steps)[0]
    rates = model.history_["learning_rate"]
    assert rates[-1] == pytest.approx(expected)
    assert rates[-1] < max(rates) / 5


def test_the_epoch_that_is_kept_is_the_best_near_the_end_of_a_cycle(iris, ticking):
    model = short(epochs=300, preset="fast", time_limit=120, early_stopping=True)
    model.set_params(hidden_layer_sizes=(8,), n_members=1, parametrization="standard")
    with pytest.warns(ConvergenceWarning):
        model.fit(*iris)
    ends = sorted(Schedule("coslog4").ends_of_cycles(model.n_iter_))
    assert model.n_iter_ in ends
    assert model.best_epoch_ in ends
    scores = model.validation_scores_
    assert scores[model.best_epoch_ - 1] == model.best_score_
    late = [epoch for epoch in ends if epoch > model.n_iter_ / 2]  # when the plan had settled
    assert model.best_score_ >= np.max(scores[np.array(late) - 1])


def test_verbose_output_says_that_time_was_up(iris, ticking, capsys):
    with pytest.warns(ConvergenceWarning):
        model = short(epochs=60, time_limit=12, verbose=1, early_stopping=True).fit(*iris)
    *_, line, last = capsys.readouterr().out.splitlines()
    expected = f"time_limit=12 ended the training of DNNClassifier after {model.n_iter_} of 60"
    assert line == f"{expected} epochs."
    assert last == f"The weights are those of epoch {model.best_epoch_}."


def test_nothing_is_said_if_something_else_ends_training(iris, ticking):
    model = short(epochs=60, time_limit=30, early_stopping=True, n_iter_no_change=1, tol=10.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.fit(*iris).n_iter_ == 2


def test_training_does_not_see_the_rows_held_out(diabetes, ticking):
    X, y = diabetes
    model = short(DNNRegressor, epochs=60, time_limit=12, early_stopping=True)
    model.set_params(n_iter_no_change=60, learning_rate_schedule="cosine")
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    _, rows = hold_out(np.arange(len(y)), None, 0.1, model._continuation.split_seed)
    poisoned, strange = X.copy(), y.copy()
    poisoned[rows], strange[rows] = 1e3, -1e3
    with pytest.warns(ConvergenceWarning):
        other = clone(model).fit(poisoned, strange)
    assert other.history_["loss"] == model.history_["loss"]
    assert other.history_["val_loss"] != model.history_["val_loss"]


@pytest.mark.parametrize("value", [0, -1, float("nan"), "60", [60]])
def test_other_values_are_refused(iris, value):
    with pytest.raises(ValueError, match="'time_limit' parameter of DNNClassifier must be a float"):
        short(time_limit=value).fit(*iris)


def test_it_survives_copies_files_pipelines_and_searches(iris, tmp_path):
    model = short(time_limit=900, epochs=2).fit(*iris)
    skdnn.save(model, tmp_path / "model.skdnn")
    again = [clone(model), copy.copy(model), pickle.loads(pickle.dumps(model))]
    for other in [*again, skdnn.load(tmp_path / "model.skdnn")]:
        assert other.time_limit == 900
    pipe = make_pipeline(StandardScaler(), short(epochs=2))
    search = GridSearchCV(pipe, {"dnnclassifier__time_limit": [None, 900]}, cv=2).fit(*iris)
    first, second = search.cv_results_["mean_test_score"]
    assert first == second


def test_a_pickle_without_the_parameter_has_its_default(iris):
    state = short(time_limit=900).__getstate__()
    del state["time_limit"]
    old = DNNClassifier()
    old.__setstate__(state)
    assert old.time_limit is None
    assert old.fit(*iris).n_iter_ > 1
