"""A loss or weights that are no longer finite end a fit of a wrapper with an error."""

import keras
import numpy as np
import pytest
from keras.layers import Dense
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skdnn import DNNRegressor, KerasClassifier, KerasRegressor

SILENT = {"verbose": 0, "random_state": 0}


class EachBatch(keras.callbacks.Callback):
    """A callback that needs Keras's own fit."""

    def on_train_batch_end(self, batch, logs=None):
        pass


# What decides between the compiled loop and Keras's own fit.
WAYS = {
    "compiled loop": {},
    "Keras's fit": {"callbacks": EachBatch},
    "eager": {"run_eagerly": True},
    "TerminateOnNaN": {"callbacks": keras.callbacks.TerminateOnNaN},
}


def steep(**params):
    """Return a regressor whose squared error overflows in the first epoch."""
    settings = {"optimizer": "sgd", "optimizer__learning_rate": 1e6, "epochs": 5, **SILENT}
    return KerasRegressor([Dense(8), Dense(1)], **{**settings, **params})


@pytest.mark.parametrize("way", WAYS)
def test_error_names_the_epoch_and_the_learning_rate(diabetes, way):
    X, y = diabetes
    message = (
        r"Training diverged in epoch 1: the loss is no longer finite. Lower the learning rate "
        r"\(optimizer__learning_rate; it was 1e\+06\), or scale X, and numeric targets y"
    )
    with pytest.raises(ValueError, match=message):
        steep(**WAYS[way]).fit(X, y)


def test_error_is_that_of_the_dense_estimators(diabetes):
    start = "Training diverged in epoch 1: the loss is no longer finite. Lower "
    dense = DNNRegressor((8,), optimizer="sgd", learning_rate=1e9, random_state=0)
    for regressor in (dense, steep()):
        with pytest.raises(ValueError, match=start):
            regressor.fit(*diabetes)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["fit", "warm fit", "partial_fit"])
def test_diverged_fit_restores_the_estimator(diabetes, way, method):
    X, y = diabetes
    reg = steep(optimizer__learning_rate=1e-4, **WAYS[way]).fit(X, y / 100)
    before, history = reg.predict(X), reg.history_
    reg.set_params(warm_start=method == "warm fit")
    huge = np.full(len(y), 1e30)
    with pytest.raises(ValueError, match="Training diverged in epoch"):
        (reg.partial_fit if method == "partial_fit" else reg.fit)(X, huge)
    assert_array_equal(reg.predict(X), before)
    assert reg.history_ is history
    assert np.isfinite(before).all()


@pytest.mark.parametrize("way", ["compiled loop", "Keras's fit"])
def test_first_epoch_whose_loss_is_not_finite_ends_the_fit(iris, way):
    seen = []

    class Late(keras.callbacks.Callback):
        """Sets weights that are not finite after the second epoch."""

        def on_epoch_begin(self, epoch, logs=None):
            seen.append(epoch)
            if epoch == 2:
                self.model.layers[-1].bias.assign([np.nan] * 3)

    callbacks = [Late(), *([EachBatch()] if way != "compiled loop" else [])]
    clf = KerasClassifier([Dense(3, "softmax")], callbacks=callbacks, epochs=9, **SILENT)
    with pytest.raises(ValueError, match="Training diverged in epoch 3"):
        clf.fit(*iris)
    assert seen == [0, 1, 2]
    assert not hasattr(clf, "model_")


def test_weights_that_overflow_in_the_last_step():
    X = np.full((4, 1), 1e20)
    reg = KerasRegressor(
        [Dense(1, kernel_initializer="zeros")],
        loss="mae",
        optimizer="sgd",
        optimizer__learning_rate=1e30,
        batch_size=4,
        **SILENT,
    )
    with pytest.raises(ValueError, match="Training diverged in epoch 1"):
        reg.fit(X, np.ones(4))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_own_loss_that_is_not_finite(iris, value):
    def own(y_true, y_pred):
        return keras.ops.mean(y_pred, axis=-1) * 0 + value

    clf = KerasClassifier([Dense(3, "softmax")], loss=own, **SILENT)
    for attempt in (clf, clone(clf)):
        with pytest.raises(ValueError, match="Training diverged in epoch 1"):
            attempt.fit(*iris)


def test_a_network_of_the_users_own_fit_is_checked_too(diabetes):
    class Own(keras.Sequential):
        def fit(self, *args, **kwargs):
            history = super().fit(*args, **{**kwargs, "callbacks": []})
            assert np.isnan(history.history["loss"][-1])
            return history

    def build():
        return Own([keras.Input((10,)), Dense(8), Dense(1)])

    with pytest.raises(ValueError, match="Training diverged in epoch 1"):
        steep().set_params(model=build).fit(*diabetes)
