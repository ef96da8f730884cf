"""What tests of layers share."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdnn._network.keras_model import build
from skdnn._network.onnx_graph import OnnxGraph, Tensor, UniqueNames, build_model

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


@pytest.fixture
def assert_same_in_onnx(run_onnx):
    """A function that checks ONNX's outputs against NumPy's, in float64 and in float32."""

    def check(spec, weights, X):
        for dtype, precision in (("float64", 1e-6), ("float32", 2e-5)):
            graph = OnnxGraph(dtype, UniqueNames(["X"]))
            stored = [w.astype("float32") for w in weights]
            output = spec.to_onnx(graph, "X", stored)
            shapes = Tensor("X", dtype, spec.input_shape), Tensor(output, dtype, spec.output_shape)
            if len(spec.output_shape) > 1:  # the axis of members comes before the rows
                shapes = shapes[0], Tensor(output, dtype, (None, spec.n_outputs))
            model = build_model(graph, shapes[:1], shapes[1:], "network")
            got = run_onnx(model, X)[output]
            expected = spec.forward(stored, X.astype(dtype))
            assert (got.shape, got.dtype) == (expected.shape, dtype)
            assert_allclose(got, expected, rtol=precision, atol=precision)

    return check
