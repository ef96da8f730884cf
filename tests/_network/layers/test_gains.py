"""Layers whose gains are factors of the learning rate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build
from skdnn._network.layers import Dense, LearnedScale, MixedActivation, ScaledDense
from skdnn._network.spec import NetworkSpec
from skdnn._utils.tensorflow import keras, tf

N_COLUMNS = 5
_RATE = 2.0**-10  # Keras has it in float32


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


def fit(model, X, y, rate, n_steps):
    """Train with Adam, of an epsilon that is as good as none."""
    optimizer = keras.optimizers.Adam(rate, epsilon=1e-30)
    for _ in range(n_steps):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(X) - y))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)


@pytest.mark.parametrize("gain", [1 / 8, 8.0])
def test_a_gain_is_a_factor_of_adams_rate(gain, X, rng):
    y, kernel, bias = rng.normal(size=(40, 4)), rng.normal(size=(N_COLUMNS, 4)), np.ones(4)
    scaled = build(network(ScaledDense("output", 4, "tanh", gain, gain)))
    scaled.set_weights([kernel / gain, bias / gain])
    plain = build(network(Dense("output", 4, "tanh")))
    plain.set_weights([kernel, bias])
    fit(scaled, X, y, _RATE, 30)
    fit(plain, X, y, gain * _RATE, 30)
    assert np.abs(plain.get_weights()[0] - kernel).max() > gain * 10 * _RATE
    for mine, its in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        assert_allclose(gain * mine, its, rtol=1e-9)


@pytest.mark.parametrize(
    ("layer", "gains"),
    [
        (ScaledDense("layer", 4, "linear", 0.5, 0.1, 1.0, 1.0), [0.5, 0.1]),
        (LearnedScale("layer", 6.0), [6.0]),
        (MixedActivation("layer", "selu", 0.1), [0.1]),
    ],
    ids=["dense", "scale", "mixed"],
)
def test_adams_first_step_is_the_rate_times_the_gain(layer, gains, X, rng):
    spec = network(layer)
    model, weights = build(spec), initial_weights(spec, "zeros", rng, "Owner")
    model.set_weights(weights)
    fit(model, X, rng.normal(size=(40, spec.n_outputs)), _RATE, 1)
    for before, after, gain in zip(weights, model.get_weights(), gains, strict=True):
        assert_allclose(np.abs(gain * (after - before)), gain * _RATE, rtol=1e-5)
