"""What tests of layers share."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdnn._network.keras_model import build

N_COLUMNS = 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(name="X")
def rows(rng):
    """Rows of the five columns that the networks of these tests take."""
    return 3 * rng.normal(size=(40, N_COLUMNS))


@pytest.fixture
def assert_same_in_keras():
    """A function that checks NumPy's outputs against Keras's, and returns them."""

    def check(spec, weights, X):
        model = build(spec)
        model.set_weights(weights)
        got = spec.forward(weights, X)
        assert_allclose(got, model(X, training=False), rtol=1e-12, atol=1e-12)
        assert spec.forward(weights, X.astype("float32")).dtype == "float32"
        return got

    return check
