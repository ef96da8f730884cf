"""`KerasRegressor`: numeric targets of one or more columns."""

import pickle

import keras
import numpy as np
import pytest
from keras.layers import Dense, Flatten, Input
from sklearn.ensemble import (
    BaggingRegressor,
)
from sklearn.metrics import mean_squared_error, r2_score

from skdnn import KerasRegressor

SILENT = {"verbose": 0, "random_state": 0}
FAST = {**SILENT, "epochs": 20, "optimizer": "adam", "optimizer__learning_rate": 0.05}


def test_each_output_learns_a_column(iris):
    X = iris[0]
    inputs = Input((4,))
    outputs = [Dense(1, name="first")(inputs), Dense(1, name="second")(inputs)]
    reg = KerasRegressor(keras.Model(inputs, outputs), **FAST).fit(X, X[:, :2])
    assert set(reg.history_) == {"loss", "first_loss", "second_loss"}
    assert reg.predict(X[:1]).shape == (1, 2)
    assert reg.score(X, X[:, :2]) > -1


def test_autoencoder_of_images(digits):
    images = digits[0][:50]
    network = [Flatten(), Dense(64), keras.layers.Reshape((8, 8))]
    assert (
        KerasRegressor(network, **SILENT).fit(images, images).predict(images).shape == images.shape
    )


def test_history_has_metrics_by_their_full_names(diabetes):
    reg = KerasRegressor(metrics=["mae"], validation_split=0.2, epochs=2, **SILENT)
    history = reg.fit(*diabetes).history_
    metric = "mean_absolute_error"
    assert set(history) == {"loss", metric, "val_loss", f"val_{metric}"}
    assert all(len(values) == 2 for values in history.values())


def test_regressors_in_a_bag(diabetes):
    reg = KerasRegressor([Dense(8, activation="relu"), Dense(1)], **SILENT)
    bag = BaggingRegressor(reg, n_estimators=2, random_state=0).fit(*diabetes)
    assert bag.predict(diabetes[0]).shape == (442,)


# ------------------------------------------------------------------ y of the default network


@pytest.fixture(scope="module")
def prices(diabetes):
    X, y = diabetes
    return X, 1000 * y + 500_000


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"optimizer": "sgd"},
        {"loss": "mae"},
        {"loss": keras.losses.Huber()},
        {"loss": keras.losses.MeanSquaredError},
        {"loss": "log_cosh"},
    ],
)
def test_default_network_learns_prices(prices, params):
    X, y = prices
    reg = KerasRegressor(epochs=30, **params, **SILENT).fit(X, y)
    assert reg.score(X, y) == r2_score(y, reg.predict(X)) > 0.5


@pytest.mark.parametrize(("factor", "shift"), [(1e-6, 0.0), (1e9, -1e12), (-3.0, 7e14)])
def test_default_network_predicts_the_same_in_any_unit_of_y(diabetes, factor, shift):
    X, y = diabetes
    one = KerasRegressor(epochs=3, **SILENT).fit(X, y)
    other = KerasRegressor(epochs=3, **SILENT).fit(X, abs(factor) * y + shift)
    expected = abs(factor) * one.predict(X) + shift
    np.testing.assert_allclose(other.predict(X), expected, rtol=1e-5, atol=1e-4 * abs(factor))


def test_losses_of_the_default_network_are_of_standardised_y(prices):
    X, y = prices
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    validation = X[:50], y[:50]
    reg = KerasRegressor(epochs=2, batch_size=-1, shuffle=False, **SILENT)
    reg.fit(X, y, sample_weight=weight, validation_data=validation)
    mean = np.average(y, weights=weight)
    variance = np.average((y - mean) ** 2, weights=weight)
    expected = mean_squared_error(y[:50], reg.predict(X[:50])) / variance
    assert reg.history_["val_loss"][-1] == pytest.approx(expected, rel=1e-4)


def test_continued_training_keeps_the_unit_of_y(prices):
    X, y = prices
    whole = KerasRegressor(epochs=4, warm_start=True, **SILENT).fit(X, y)
    before = whole.predict(X)
    scale = whole.target_encoder_.scale_
    copy = pickle.loads(pickle.dumps(whole))
    np.testing.assert_array_equal(copy.predict(X), before)
    for reg in (whole, copy):
        reg.partial_fit(X[:100], y[:100]).fit(X, y + 1)
        np.testing.assert_array_equal(reg.target_encoder_.scale_.unit, scale.unit)
    np.testing.assert_allclose(copy.predict(X), whole.predict(X), rtol=1e-6)
    assert whole.score(X, y) > r2_score(y, before)


def test_initialized_default_network_standardises_y(prices):
    X, y = prices
    reg = KerasRegressor(optimizer="adam", **SILENT).initialize(X, y)
    for _ in range(40):
        reg.partial_fit(X, y)
    assert reg.score(X, y) > 0.4


def test_each_column_of_y_has_a_unit_of_its_own(diabetes):
    X, y = diabetes
    both = np.column_stack([y * 1e6, y * 1e-6 + 5])
    reg = KerasRegressor(epochs=30, **SILENT).fit(X, both)
    scores = r2_score(both, reg.predict(X), multioutput="raw_values")
    assert scores.min() > 0.5


@pytest.mark.parametrize(
    "params",
    [
        {"model": [Dense(5, activation="relu"), Dense(1)]},
        {"model": lambda: keras.Sequential([Input((10,)), Dense(1)]), "loss": "mse"},
        {"loss": "mape"},
    ],
)
def test_other_networks_and_losses_get_y_as_it_is(diabetes, params):
    X, y = diabetes
    reg = KerasRegressor(**params, **SILENT).fit(X, y)
    assert reg.target_encoder_.scale_ is None
    outputs = reg.model_.predict(X, verbose=0).ravel()
    np.testing.assert_allclose(reg.predict(X), outputs, rtol=1e-4, atol=1e-6)
