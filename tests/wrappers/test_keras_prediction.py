"""Prediction with a Keras model, by calls of the model or by Keras itself."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from skdnn.wrappers import keras_prediction

X = np.arange(24.0).reshape(12, 2)


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("args", [{}, {"batch_size": 5}, {"verbose": 2}], ids=str)
@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_predictions_are_those_of_keras(model, kind, args):
    expected = model.predict(X, verbose=0)
    assert_allclose(
        keras_prediction.predict(model, kind(X), {"verbose": 0, **args}), expected, rtol=1e-5
    )


def test_predict_step_of_its_own_is_used():
    class Own(keras.Sequential):
        def predict_step(self, data):
            return super().predict_step(data) * 0 + 7

    model = Own([keras.Input((2,)), keras.layers.Dense(1)])
    assert_array_equal(keras_prediction.predict(model, X, {"verbose": 0}), np.full((12, 1), 7))


def test_several_outputs_are_concatenated_separately():
    inputs = keras.Input((2,))
    outputs = {name: keras.layers.Dense(1)(inputs) for name in ("a", "b")}
    model = keras.Model(inputs, outputs)
    found = keras_prediction.predict(model, X, {"verbose": 0, "batch_size": 5})
    assert {name: value.shape for name, value in found.items()} == {"a": (12, 1), "b": (12, 1)}
