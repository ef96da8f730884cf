"""`sklearn.set_config(transform_output=...)` changes no estimator and no baseline."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import sklearn
from keras.layers import Dense
from numpy.testing import assert_array_equal
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import (
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
    parametrize_with_checks,
)

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor
from skdnn.comparison import compare, default_models

WEIGHT_CHECKS = [
    check_sample_weight_equivalence_on_dense_data,
    check_sample_weight_equivalence_on_sparse_data,
]
SEEDED = {"verbose": 0, "random_state": 0}
CATEGORICAL = {"loss": "categorical_crossentropy", **SEEDED}


@pytest.fixture(params=["pandas", "polars"])
def output(request):
    with sklearn.config_context(transform_output=request.param):
        yield request.param


@parametrize_with_checks(
    [
        DNNClassifier(preset="plain"),
        DNNRegressor(preset="plain"),
        KerasClassifier(verbose=0),
        KerasRegressor(verbose=0),
    ]
)
def test_scikit_learn_check(estimator, check, monkeypatch):
    """With pandas alone: what polars changes is in the tests of the wrappers below."""
    # The checks prepare their own data with a scaler, and expect arrays of it.
    scaler = StandardScaler().set_output(transform="default")
    monkeypatch.setattr(estimator_checks, "StandardScaler", lambda: sklearn.clone(scaler))
    if check.func in WEIGHT_CHECKS:  # in float32, as in test_estimator_checks.py
        compare = partial(estimator_checks.assert_allclose_dense_sparse, rtol=1e-5, atol=1e-6)
        monkeypatch.setattr(estimator_checks, "assert_allclose_dense_sparse", compare)
    with sklearn.config_context(transform_output="pandas"):
        check(estimator)


class Scaled(KerasClassifier):
    """Has a scaler of scikit-learn in front of the network."""

    @property
    def feature_encoder(self):
        return StandardScaler()


class ScaledFrames(KerasClassifier):
    """Has a scaler that returns a DataFrame whatever the configuration says."""

    @property
    def feature_encoder(self):
        return StandardScaler().set_output(transform="pandas")


def one_hot(y):
    return np.eye(3, dtype=int)[y]


@pytest.mark.parametrize(
    ("make", "labels"),
    [
        (lambda: KerasClassifier(**SEEDED), lambda y: y),
        (lambda: KerasClassifier(**SEEDED), lambda y: y > 0),
        (lambda: KerasClassifier(**CATEGORICAL), lambda y: y),
        (lambda: KerasClassifier([Dense(3, "softmax")], **CATEGORICAL), one_hot),
        (lambda: KerasClassifier(**SEEDED), lambda y: np.column_stack([y > 0, y > 1]).astype(int)),
        (lambda: Scaled(**SEEDED, model=[Dense(3, "softmax")]), lambda y: y),
        (lambda: ScaledFrames(**SEEDED, model=[Dense(3, "softmax")]), lambda y: y),
        (lambda: DNNClassifier(preset="plain", epochs=2, random_state=0), lambda y: y),
    ],
)
def test_a_seeded_classifier_is_the_same(make, labels, iris, output):
    X, y = iris[0], labels(iris[1])
    with sklearn.config_context(transform_output="default"):
        expected = make().fit(X, y).predict_proba(X)
    assert_array_equal(make().fit(X, y).predict_proba(X), expected)


def test_validation_labels_are_encoded(iris, output):
    X, y = iris[0], np.array(["a", "b", "c"])[iris[1]]
    clf = KerasClassifier(**SEEDED, shuffle=False, batch_size=-1, optimizer="sgd")
    clf.set_params(optimizer__learning_rate=1e-30).fit(X, y, validation_data=(X, y))
    # The network does not move, so that both losses are the same mean over the same rows.
    np.testing.assert_allclose(clf.history_["val_loss"], clf.history_["loss"], rtol=1e-5)


def test_fits_without_a_seed_use_the_compiled_loop(iris, output, capsys):
    KerasClassifier(verbose=2).fit(*iris)
    assert "Training in the compiled loop" in capsys.readouterr().out


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_baselines_are_the_same(task, iris, output):
    X, y = pd.DataFrame(iris[0]), iris[1]
    X.insert(4, "text", np.array(["u", "v", "w"])[y[::-1]])
    X.columns = list("abcde")
    for name in ("linear", "hist-gradient-boosting"):
        (model,) = default_models(task, X, names=[name]).values()
        with sklearn.config_context(transform_output="default"):
            expected = sklearn.clone(model).fit(X, y).predict(X)
        assert_array_equal(model.fit(X, y).predict(X), expected)


def test_a_comparison_is_the_same(iris, output):
    models = {"keras": KerasClassifier(**SEEDED), "dnn": DNNClassifier(preset="plain", epochs=1)}
    models["dnn"].set_params(random_state=0)
    with sklearn.config_context(transform_output="default"):
        expected = compare(*iris, models, cv=2)
    result = compare(*iris, models, cv=2)
    assert_array_equal(result.scores["accuracy"], expected.scores["accuracy"])
    assert not result.failures
