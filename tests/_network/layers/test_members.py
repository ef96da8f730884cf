"""Ensemble members, and their mean."""

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from skdnn._network.architectures import dense_network
from skdnn._network.initial_weights import initial_weights
from skdnn._network.keras_model import build
from skdnn._network.layers import Dense, Mean, Members
from skdnn._network.spec import NetworkSpec
from skdnn._utils.tensorflow import keras

N_COLUMNS = 5


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


def _members(embedding, **options):
    hidden = [(5, "relu", 0.2), (4, "tanh", 0.0)]
    entry = () if embedding is None else (embedding,)
    options = {"scaled": False, "entry": entry, "n_members": 3, **options}
    return dense_network((6,), hidden, (2, "softmax"), **options)


def test_a_weighted_mean_is_numpys_average(X, rng, assert_same_in_keras):
    spec = network(Members("members", 3), Dense("output", 2), Mean("mean", weighted=True))
    kernel, bias, _ = (rng.normal(size=s) for _, _, shapes in spec.walk() for s in shapes)
    share = rng.dirichlet(np.ones(3))
    got = assert_same_in_keras(spec, [kernel, bias, share], X)
    each = X @ kernel + bias[:, None]
    assert_allclose(got, np.average(each, axis=0, weights=share))
    assert_array_equal(initial_weights(spec, "zeros", rng, "Owner")[-1], np.full(3, 1 / 3))


def test_each_member_is_a_network_of_its_own():
    spec = _members(None, batch_norm=True)
    weights = initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner")
    x = np.random.default_rng(1).normal(size=(9, 6)).astype("float32")
    alone = dense_network(
        (6,), [(5, "relu", 0.2), (4, "tanh", 0.0)], (2, "softmax"), scaled=False, batch_norm=True
    )
    outputs = [alone.forward([w[i] for w in weights], x) for i in range(3)]
    assert not np.allclose(outputs[0], outputs[1])
    expected = np.mean(outputs, axis=0)
    np.testing.assert_allclose(spec.forward(weights, x), expected, rtol=1e-5)


def test_members_normalise_their_batches_as_keras_does():
    spec = _members(None, batch_norm=True)
    model = build(spec)
    model.set_weights(initial_weights(spec, "he_normal", np.random.default_rng(0), "Owner"))
    x = np.random.default_rng(1).normal(size=(3, 30, 5)).astype("float32")
    mine = next(layer for layer in model.layers if "batch_norm" in layer.name)
    got = np.asarray(mine(x, training=True))
    for member in range(3):
        its = keras.layers.BatchNormalization(momentum=0.9)
        np.testing.assert_allclose(got[member], its(x[member], training=True), atol=1e-5)
        for my, its_own in zip(mine.get_weights(), its.get_weights(), strict=True):
            np.testing.assert_allclose(my[member], its_own, atol=1e-6)
