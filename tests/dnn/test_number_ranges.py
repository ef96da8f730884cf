"""Columns and targets of any magnitude, from the estimators' side."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import make_classification
from sklearn.preprocessing import RobustScaler

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor

DENSE = {"hidden_layer_sizes": (16,), "epochs": 15, "random_state": 0}
KERAS = {"epochs": 15, "verbose": 0, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    return make_classification(600, 6, n_informative=4, flip_y=0, class_sep=1.5, random_state=0)


def offset_column(kind, n=600):
    rng = np.random.default_rng(0)
    return {
        "day of nanoseconds": 1.79e18 + rng.integers(0, 86_400_000_000_000, n).astype(float),
        "ids": 1.7e18 + rng.integers(0, 10**6, n).astype(float),
        "constant": np.full(n, 1.7e18),
    }[kind]


@pytest.mark.parametrize("kind", ["day of nanoseconds", "ids", "constant"])
@pytest.mark.parametrize(
    "model",
    [
        DNNClassifier(**DENSE),
        DNNClassifier(**{**DENSE, "epochs": 60}, scaling="minmax"),
        KerasClassifier(**KERAS),
    ],
)
def test_a_column_at_a_large_offset_does_no_harm(table, kind, model):
    X, y = table
    alone = model.fit(X, y).score(X, y)
    beside = np.column_stack([X, offset_column(kind)])
    assert model.fit(beside, y).score(beside, y) > alone - 0.03


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("model", [DNNClassifier(**DENSE), KerasClassifier(**KERAS)])
def test_the_last_digits_of_large_integers_are_learned(dtype, model):
    small = np.random.default_rng(0).integers(0, 200, size=(500, 2))
    X = (small + 1_790_000_000_000_000_000).astype(dtype)
    y = small[:, 0] > 100
    assert model.set_params(epochs=30).fit(X, y).score(X, y) > 0.95


def test_the_keras_model_of_columns_at_an_offset_predicts_the_same(table):
    X, y = table
    X = np.column_stack([X, offset_column("ids")])
    X[::50, 0] = -1e12
    with pytest.warns(UserWarning, match="-1e\\+12 in column 0"):
        clf = DNNClassifier(**DENSE).fit(X, y)
    got = np.asarray(clf.model_(X))  # Keras's predict would convert X to float32
    np.testing.assert_allclose(got, clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize(
    "model",
    [
        DNNClassifier(**DENSE),
        DNNClassifier(preset="fast", random_state=0),
        DNNClassifier(scaling="robust", **DENSE),
        KerasClassifier(**KERAS),
    ],
)
def test_sentinels_leave_the_other_values_of_their_columns(table, model):
    X, y = table
    clean = model.fit(X, y).score(X, y)
    mask = np.random.default_rng(0).random(X.shape) < 0.01
    spoiled = pd.DataFrame(np.where(mask, -1e12, X), columns=list("abcdef"))
    with pytest.warns(UserWarning, match="-1e\\+12 in column 'a'") as caught:
        model.fit(spoiled, y)
    assert len(caught) == 1
    assert model.score(spoiled, y) > clean - 0.06


def test_robust_scaling_equals_a_robust_scaler_in_front(table):
    X, y = table
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.01, -999, X)
    inside = DNNClassifier(scaling="robust", **DENSE).fit(X, y).predict_proba(X)
    rows = RobustScaler(unit_variance=True).fit_transform(X).clip(-3, 3)
    outside = DNNClassifier(scaling=None, **DENSE).fit(rows, y).predict_proba(rows)
    np.testing.assert_allclose(inside, outside, atol=0.02)


def test_standard_scaling_of_sentinels_names_the_remedy(table):
    X, y = table
    X = X.copy()
    X[0, 2] = 1e15
    with pytest.warns(UserWarning, match="column 2 .* scaling='robust'"):
        DNNClassifier(scaling="standard", **DENSE).fit(X, y)


def test_partial_fit_with_sentinels(table):
    X, y = table
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.02, -1e12, X)
    clf = DNNClassifier((16,), random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for _ in range(15):
            for start in range(0, 600, 200):
                part = slice(start, start + 200)
                clf.partial_fit(X[part], y[part], classes=[0, 1])
    assert clf.score(X, y) > 0.85


@pytest.mark.parametrize("factor", [1e-200, 1e-30, 1e30, 1e160])
@pytest.mark.parametrize("model", [DNNClassifier(**DENSE), KerasClassifier(**KERAS)])
def test_the_unit_of_x_does_not_matter(table, factor, model):
    X, y = table
    expected = model.fit(X, y).predict_proba(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = model.fit(X * factor, y).predict_proba(X * factor)
    np.testing.assert_allclose(got, expected, atol=1e-3)


@pytest.mark.parametrize("shift", [0.0, 1e9, 1.7e18])
@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("model", [DNNRegressor(**DENSE), KerasRegressor(**KERAS)])
def test_the_unit_of_y_does_not_matter(table, shift, factor, model):
    X = table[0]
    step = np.round(1000 * X[:, 0]) * 256.0
    expected = model.fit(X, step).predict(X)
    got = model.fit(X, (step + shift) * factor).predict(X)
    np.testing.assert_allclose(got / factor - shift, expected, atol=0.15 * step.std())


@pytest.mark.parametrize("value", [1e30, -1.7e18])
@pytest.mark.parametrize("model", [DNNRegressor(**DENSE), KerasRegressor(**KERAS)])
def test_constant_y_is_predicted(table, value, model):
    X = table[0][:100]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predicted = model.fit(X, np.full(100, value)).predict(X)
    np.testing.assert_allclose(predicted, value, rtol=1e-12)


@pytest.mark.parametrize("kind", ["default", "pandas"])
def test_wrapper_scales_in_front_of_its_network_under_any_output(table, kind):
    X, y = table
    X = np.column_stack([X, offset_column("ids")])
    frame = pd.DataFrame(X, columns=list("abcdefg"))
    expected = KerasClassifier(**KERAS).fit(X, y).predict_proba(X)
    with sklearn.config_context(transform_output=kind):
        clf = KerasClassifier(**KERAS).fit(frame, y)
        got = pickle.loads(pickle.dumps(clf)).predict_proba(frame)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert clf.feature_encoder_.transform(X).std(axis=0) == pytest.approx(np.ones(7), rel=1e-3)
