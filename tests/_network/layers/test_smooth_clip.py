"""Robust scaling with smooth clipping."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.preprocessing import RobustScaler

from skdnn._network.layers import SmoothClip
from skdnn._network.layers.smooth_clip import robust_scale
from skdnn._network.spec import NetworkSpec

N_COLUMNS, N_NUMERIC = 5, 3


def network(*layers, dtype="float64"):
    return NetworkSpec((N_COLUMNS,), layers, dtype)


@pytest.mark.parametrize("n_columns", [N_NUMERIC, N_COLUMNS])
def test_smooth_clipping_is_robust_scaling_that_ends_at_three(n_columns, X):
    scaler = RobustScaler().fit(X[:, :n_columns])
    constants = robust_scale(X[:, :n_columns])
    assert_allclose(constants[0], scaler.center_)
    assert_allclose(constants[1], 1 / scaler.scale_)
    got = network(SmoothClip("clip", n_columns)).forward(constants, X)
    z = scaler.transform(X[:, :n_columns])
    assert_allclose(got[:, :n_columns], 3 * np.sin(np.arctan(z / 3)))
    assert_array_equal(got[:, n_columns:], X[:, n_columns:])
    far = network(SmoothClip("clip", n_columns)).forward(constants, 1e9 * X)
    assert_allclose(np.abs(far[:, :n_columns]), 3)


def test_columns_of_few_values_are_scaled_by_their_range():
    x = np.zeros((9, 3))
    x[0, 0], x[1, 0], x[:, 1] = 1, -3, 7
    x[:, 2] = np.arange(9)
    center, factor = robust_scale(x)
    assert_array_equal(center, [0, 7, 4])
    assert_array_equal(factor, [2 / 4, 0, 1 / 4])
