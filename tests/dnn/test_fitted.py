"""A fitted network predicts by itself, and the names of fitted attributes are complete."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skdnn import DNNClassifier, DNNRegressor
from skdnn.dnn.fit_result import FITTED_ATTRIBUTES, FitResult


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    columns = {"size": rng.normal(size=80), "town": rng.choice(["Bern", "Rome"], 80)}
    return pd.DataFrame(columns), rng.normal(size=80)


def test_it_predicts_without_an_estimator(table):
    X, y = table
    model = DNNRegressor(preset="fast", random_state=0).fit(X, y)
    network = pickle.loads(pickle.dumps(model._network))
    assert_array_equal(network.predict(X), model.predict(X))


@pytest.mark.parametrize("as_given", [np.asarray, pd.DataFrame, np.ndarray.tolist])
def test_it_takes_numbers_of_any_kind(as_given):
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    model = DNNClassifier((4,), epochs=2, random_state=0).fit(X, y)
    assert_array_equal(model._network.predict(as_given(X)), model.predict(X))


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_every_attribute_of_a_fit_is_known_by_name(kind):
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    model = kind((4,), epochs=2, early_stopping=True).fit(pd.DataFrame(X, columns=[*"abc"]), y)
    parameters = set(model.get_params())
    assert set(vars(model)) - parameters == set(FitResult.of(model).attributes()) | {
        "best_score_",
        "validation_scores_",
    }
    assert set(vars(model)) - parameters <= set(FITTED_ATTRIBUTES)


class Small(DNNClassifier):
    """A subclass whose constructor has one parameter."""

    def __init__(self, width=8):
        super().__init__((width,), epochs=2, random_state=0)
        self.width = width


def test_a_subclass_may_have_fewer_parameters():
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 2
    model = clone(Small(5)).fit(X, y)
    assert model._network.spec.layers[1].units == 5
    assert model.partial_fit(X, y).n_iter_ == 3
    assert model.model_.count_params() == 3 * 5 + 5 + 5 * 2 + 2
    assert Small().fit([(X, y)]).score(X, y) >= 0
