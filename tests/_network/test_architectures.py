"""The layers of RealMLP, and what they start from."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from skdnn._network.architectures import realmlp_stack
from skdnn._network.initial_weights import initial_weights
from skdnn._network.layers import ScaledDense
from skdnn._network.spec import NetworkSpec

N_COLUMNS = 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(name="X")
def rows(rng):
    return 3 * rng.normal(size=(40, N_COLUMNS))


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


@pytest.mark.parametrize("rate", [1.0, 20.0])
def test_weights_start_as_in_the_neural_tangent_parametrisation(rate):
    stack = realmlp_stack([(200, "selu", 0.0)] * 2, (2, "linear"), n_inputs=300, rate=rate)
    spec = NetworkSpec((300,), stack, "float64")
    weights = initial_weights(spec, "zeros", np.random.default_rng(0), "Owner")
    dense = [pair for pair in spec.split_weights(weights) if isinstance(pair[0], ScaledDense)]
    for layer, (kernel, bias) in dense[:2]:
        kernel = np.sqrt(len(kernel)) * layer.kernel_gain * kernel
        assert [kernel.mean(), kernel.std()] == pytest.approx([0, 1], abs=0.02)
        bias = layer.bias_gain * bias
        assert [bias.mean(), bias.std()] == pytest.approx([0, 1], abs=0.2)
    assert not any(array.any() for array in dense[2][1])
    assert [layer.kernel_gain / rate for layer, _ in dense] == pytest.approx(
        [300**-0.5, 200**-0.5, 200**-0.5]
    )


def test_scales_and_mixes_start_as_if_they_were_not_there(X, rng):
    stack = realmlp_stack([(9, "silu", 0.0)], (2, "linear"), n_inputs=N_COLUMNS, rate=20.0)
    spec = network(*stack)
    weights = initial_weights(spec, "zeros", rng, "Owner")
    weights[4:] = rng.normal(size=(9, 2)), rng.normal(size=2)  # the output would be zero
    _, kernel, bias, _, out, end = weights
    h = X @ kernel * 20 / np.sqrt(N_COLUMNS) + 2 * bias
    expected = (h * expit(h)) @ out * 20 / np.sqrt(9) + 2 * end
    assert_allclose(spec.forward(weights, X), expected, rtol=1e-9)


def test_each_member_is_drawn_apart(rng):
    stack = realmlp_stack([(9, "silu", 0.0)], (2, "linear"), n_inputs=N_COLUMNS, n_members=2)
    _, kernel, bias, *_ = initial_weights(network(*stack), "zeros", rng, "Owner")
    assert not np.any(kernel[0] == kernel[1])
    assert not np.any(bias[0] == bias[1])
