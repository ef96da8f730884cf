"""Prediction of the wrappers in NumPy, compared with Keras's own predict."""

import copy
import pickle
from threading import Thread

import keras
import numpy as np
import pytest
from keras import layers
from numpy.testing import assert_allclose, assert_array_equal

from skdnn import KerasClassifier, KerasRegressor
from skdnn.wrappers import BaseWrapper

SILENT = {"epochs": 1, "verbose": 0, "random_state": 0}
ACTIVATIONS = ["relu", "elu", "selu", "gelu", "softmax", "sigmoid", "tanh", "silu", "leaky_relu"]


class OwnDense(layers.Dense):
    """A layer whose formula only its own `call` knows."""

    def call(self, inputs):
        return 2 * super().call(inputs)


class OwnPredictStep(keras.Sequential):
    """A network that predicts in its own way."""

    def predict_step(self, data):
        return super().predict_step(data) + 7


def adapted(X):
    layer = layers.Normalization()
    layer.adapt(X)
    return layer


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(name="X")
def samples(rng):
    return rng.normal(size=(50, 4, 3)).astype("float32")


def stacks(X):
    """Lists of layers, without the output layer, that NumPy computes."""
    return {
        **{name: [layers.Flatten(), layers.Dense(6, name)] for name in ACTIVATIONS},
        "no bias": [layers.Flatten(), layers.Dense(6, use_bias=False)],
        "on the last axis": [layers.Dense(6, "tanh"), layers.Flatten()],
        "batch norm": [layers.BatchNormalization(), layers.Flatten(), layers.Dropout(0.3)],
        "batch norm of axis 1": [layers.BatchNormalization(axis=1), layers.Flatten()],
        "bare batch norm": [layers.BatchNormalization(center=False, scale=False), layers.Flatten()],
        "relu layer": [layers.ReLU(1.5, 0.1, 0.2), layers.Flatten()],
        "leaky relu layer": [layers.LeakyReLU(negative_slope=0.3), layers.Flatten()],
        "other activations": [layers.PReLU(), layers.ELU(0.5), layers.Softmax(1), layers.Flatten()],
        "activation layer": [layers.Activation("sigmoid"), layers.Flatten()],
        "noise": [layers.GaussianNoise(0.5), layers.GaussianDropout(0.1), layers.Flatten()],
        "rescaling": [layers.Rescaling(0.1, -1.0), layers.Flatten()],
        "rescaling by columns": [
            layers.Rescaling([0.1, 1.0, 3.0], [1.0, 0.0, 2.0]),
            layers.Flatten(),
        ],
        "normalization": [adapted(X), layers.Flatten()],
        "given normalization": [layers.Normalization(mean=0.5, variance=4.0), layers.Flatten()],
        "reshape": [layers.Reshape((-1, 2)), layers.Flatten()],
        "channels first": [layers.Flatten("channels_first")],
        "nested": [layers.Flatten(), keras.Sequential([layers.Dense(5, "relu"), layers.Dense(4)])],
    }


@pytest.mark.parametrize("name", stacks(np.ones((1, 4, 3))))
def test_numpy_predicts_as_keras(X, rng, name):
    network = [*stacks(X)[name], layers.Dense(2)]
    reg = KerasRegressor(network, loss="mse", **SILENT).fit(X, rng.normal(size=(50, 2)))
    assert reg._fitted_model.in_numpy() is not None
    ours = reg.predict(X)
    assert_allclose(ours, reg.to_keras().predict(X, verbose=0), rtol=1e-5, atol=1e-5)
    assert_allclose(pickle.loads(pickle.dumps(reg)).predict(X), ours, rtol=0, atol=0)
    assert_allclose(copy.deepcopy(reg).predict(X[:1]), ours[:1], rtol=1e-5, atol=1e-6)


def functional(shape, connect):
    def build():
        entry = keras.Input(shape)
        return keras.Model(entry, connect(entry))

    return build


KERAS_ONLY = {
    "own layer": [layers.Flatten(), OwnDense(2)],
    "recurrent": [layers.LSTM(3), layers.Dense(2)],
    "own predict_step": lambda: OwnPredictStep(
        [keras.Input((4, 3)), layers.Flatten(), layers.Dense(2)]
    ),
    "residual": functional(
        (4, 3), lambda x: layers.Dense(2)(layers.Flatten()(layers.Add()([x, layers.Dense(3)(x)])))
    ),
    "layer that is called twice": functional(
        (4, 3), lambda x: layers.Dense(2)(layers.Flatten()((d := layers.Dense(3))(d(x))))
    ),
    "operation": functional(
        (4, 3), lambda x: layers.Dense(2)(keras.ops.square(layers.Flatten()(x)))
    ),
}


@pytest.mark.parametrize("name", KERAS_ONLY)
def test_keras_predicts_what_numpy_cannot(X, rng, name):
    reg = KerasRegressor(KERAS_ONLY[name], loss="mse", **SILENT).fit(X, rng.normal(size=(50, 2)))
    assert reg._fitted_model.in_numpy() is None
    assert_allclose(reg.predict(X), reg.model_.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_embedding(rng, dtype):
    codes, y = rng.integers(0, 9, (60, 3)), rng.normal(size=60)
    network = [
        keras.Input((3,), dtype=dtype),
        layers.Embedding(9, 4),
        layers.Flatten(),
        layers.Dense(1),
    ]
    reg = KerasRegressor(network, loss="mse", **SILENT).fit(codes, y)
    assert reg._fitted_model.in_numpy() is not None
    expected = reg.to_keras().predict(codes, verbose=0)[:, 0]
    assert_allclose(reg.predict(codes), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"codes 0 to 8\. Got the code 12"):
        reg.predict(np.full((1, 3), 12))
    with pytest.raises(ValueError, match="Got the code -1"):
        reg.predict(np.full((1, 3), -1))


@pytest.mark.parametrize("y", [[0, 1], ["a", "b", "c"]])
def test_default_network_and_logits_give_keras_probabilities(iris, y):
    X, labels = iris[0], np.asarray(y)[iris[1] % len(y)]
    clf = KerasClassifier(**SILENT).fit(X, labels)
    expected = clf.to_keras().predict(X, verbose=0)
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-4, atol=1e-6)
    logits = KerasClassifier([layers.Dense(len(y))], **SILENT).fit(X, labels)
    proba = keras.ops.softmax(logits.to_keras().predict(X, verbose=0))
    assert_allclose(logits.predict_proba(X), np.asarray(proba), rtol=1e-4, atol=1e-6)
    loaded = pickle.loads(pickle.dumps(logits))
    assert_allclose(loaded.predict_proba(X), np.asarray(proba), rtol=1e-4, atol=1e-6)


def test_predictions_follow_the_weights_that_the_user_sets(iris):
    clf = KerasClassifier(**SILENT).fit(*iris)
    before = clf.predict_proba(iris[0])
    model = clf.model_
    weights = model.get_weights()
    weights[-1] = weights[-1] + np.array([3.0, 0.0, -3.0])
    model.set_weights(weights)
    after = clf.predict_proba(iris[0])
    assert np.abs(after - before).max() > 0.1
    assert_allclose(after, model.predict(iris[0], verbose=0), rtol=1e-5, atol=1e-6)
    clf.model_ = other = clf.to_keras()  # a network in place of the trained one
    other.layers[-1].bias.assign([9.0, 0.0, 0.0])
    assert_allclose(clf.predict_proba(iris[0]), other.predict(iris[0], verbose=0), 1e-5, 1e-6)


def test_to_keras_returns_a_copy(iris):
    clf = KerasClassifier(**SILENT).fit(*iris)
    before, model = clf.predict_proba(iris[0]), clf.to_keras()
    assert model is not clf.model_
    assert int(model.optimizer.iterations) == int(clf.model_.optimizer.iterations)
    model.set_weights([0 * weight for weight in model.get_weights()])
    assert_array_equal(clf.predict_proba(iris[0]), before)


def test_progress_bar_counts_the_batches_of_keras(iris, capsys):
    clf = KerasClassifier(**SILENT).fit(*iris)
    quiet = clf.predict(iris[0])
    assert_array_equal(clf.predict(iris[0], verbose=1), quiet)
    assert "5/5" in capsys.readouterr().out
    assert_array_equal(clf.predict(iris[0], verbose=1, batch_size=50), quiet)
    assert "3/3" in capsys.readouterr().out


def test_callbacks_of_prediction_are_called_by_keras(iris):
    calls = []
    callback = keras.callbacks.LambdaCallback()
    callback.on_predict_begin = lambda logs=None: calls.append("begin")
    KerasClassifier(predict__callbacks=[callback], **SILENT).fit(*iris).predict(iris[0])
    assert calls == ["begin"]


# -------------------------------------------------------------------------------------- threads


def predictions_while(train, predict):
    """Return what another thread predicts while this thread trains."""
    found, errors, ended = [], [], []

    def loop():
        try:
            while not ended:
                found.append(predict())
        except Exception as error:
            errors.append(error)

    thread = Thread(target=loop)
    thread.start()
    try:
        train()
    finally:
        ended.append(True)
        thread.join()
    assert not errors
    return found


def is_one_of(found, known):
    return all(
        any(one.shape == other.shape and np.allclose(one, other, 1e-5, 1e-6) for other in known)
        for one in found
    )


def test_predictions_while_an_estimator_is_fitted_again_come_from_one_fit(iris):
    X, y = iris
    data = [(X, y), (X, np.array(list("ab"))[y % 2])]
    clf = KerasClassifier(**SILENT)
    known = [clf.fit(*pair).predict_proba(X) for pair in data]
    labels = [clf.fit(*pair).predict(X) for pair in data]

    def train():
        for i in range(8):
            clf.fit(*data[i % 2])

    assert is_one_of(predictions_while(train, lambda: clf.predict_proba(X)), known)
    for found in predictions_while(train, lambda: clf.predict(X)):
        assert any(found.dtype == one.dtype and (found == one).all() for one in labels)


@pytest.mark.parametrize("kind", ["NumPy", "Keras"])
def test_predictions_during_further_training_are_those_of_a_whole_epoch(iris, kind):
    X, y = iris
    first = [] if kind == "NumPy" else [layers.Reshape((2, 2)), layers.SimpleRNN(4)]
    clf = KerasClassifier([*first, layers.Dense(3, "softmax")], **SILENT).fit(X, y)
    assert (clf._fitted_model.in_numpy() is None) == (kind == "Keras")
    model, known = clf.model_, [clf.predict_proba(X)]

    def train():
        for _ in range(6):
            clf.partial_fit(X, y)
            known.append(clf.predict_proba(X))

    found = predictions_while(train, lambda: clf.predict_proba(X))
    assert is_one_of(found, known)
    assert clf.model_ is model


def test_failed_further_training_leaves_the_network_as_it_was(iris):
    X, y = iris
    clf = KerasClassifier([layers.Dense(3, "softmax")], **SILENT).fit(X, y)
    before, model = clf.predict_proba(X), clf.model_
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        clf.set_params(callbacks=[stop]).partial_fit(X, y)
    assert_array_equal(clf.predict_proba(X), before)
    assert clf.set_params(callbacks=None).partial_fit(X, y).model_ is model


def test_base_wrapper_predicts_in_numpy(rng):
    X = rng.normal(size=(20, 4)).astype("float32")
    wrapper = BaseWrapper([layers.Dense(4)], loss="mse", **SILENT).fit(X, X)
    assert_allclose(wrapper.predict(X), wrapper.to_keras().predict(X, verbose=0), 1e-5, 1e-6)
