"""`KerasRegressor`: numeric targets of one or more columns."""

import keras
from keras.layers import Dense, Flatten, Input
from sklearn.ensemble import (
    BaggingRegressor,
)

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
