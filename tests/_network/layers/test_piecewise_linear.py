"""The bins of the piecewise-linear embedding."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdnn._network.layers import PiecewiseLinear
from skdnn._network.layers.piecewise_linear import bins
from skdnn._network.spec import NetworkSpec


def embedded(x, start, n_bins):
    spec = NetworkSpec((x.shape[1],), (PiecewiseLinear("bins", x.shape[1], n_bins),), "float64")
    return spec.forward(start, x)[:, x.shape[1] :].reshape(*x.shape, n_bins)


def test_a_column_goes_through_its_bins_one_after_the_other():
    x = np.linspace(0, 4, 401)[:, None]
    places = embedded(x, bins(x, 4), 4)[:, 0]
    # Bins of equal width: numpy.interp is the same piecewise-linear function of each.
    for b in range(4):
        inner = (x[:, 0] > (b if b else -1)) & (x[:, 0] < (b + 1 if b < 3 else 9))
        expected = np.interp(x[:, 0], [b, b + 1], [0, 1])
        assert_allclose(places[inner, b], expected[inner], atol=1e-12)
    assert_allclose(places.sum(axis=1), x[:, 0], atol=1e-12)


def test_beyond_the_training_rows_the_outer_bins_go_on():
    x = np.arange(9.0)[:, None]
    low, high = embedded(np.array([[-8.0], [16.0]]), bins(x, 4), 4)[:, 0]
    assert_allclose(low, [-4, 0, 0, 0])
    assert_allclose(high, [1, 1, 1, 5])


def test_columns_of_few_values_have_fewer_bins_in_the_same_shape():
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(50), rng.integers(0, 2, 50), rng.normal(size=50)])
    start = bins(x, 8)
    assert all(array.shape == (3, 8) for array in start)
    places = embedded(x, start, 8)
    assert not places[:, 0].any()
    assert_allclose(places[:, 1, 0], x[:, 1])
    assert not places[:, 1, 1:].any()


@pytest.fixture
def spiky():
    """Numbers of which most are zero, among negative and positive ones."""
    rng = np.random.default_rng(0)
    return np.where(rng.random(1000) < 0.8, 0.0, rng.normal(size=1000).round(2))[:, None]


def test_what_holds_for_a_frequent_value_alone_is_linear_in_its_bins(spiky):
    x = spiky
    places = embedded(x, bins(x, 16), 16)[:, 0]
    is_zero = (x[:, 0] == 0).astype(float)
    inputs = np.column_stack([np.ones(len(x)), x, places])
    weights = np.linalg.lstsq(inputs, is_zero)[0]
    assert_allclose(inputs @ weights, is_zero, atol=1e-9)


def test_a_frequent_value_leaves_bins_for_the_others(spiky):
    x = spiky
    places = embedded(x, bins(x, 16), 16)[:, 0]
    # With nothing but quantiles of all, nearly all would be in the first bin or in the last.
    others = places[x[:, 0] != 0]
    assert len(np.unique(np.argmax(others < 1, axis=1))) > 10


def test_each_of_few_values_is_an_edge_however_rare():
    x = np.r_[np.zeros(500), np.ones(490), 2, 3, 3, 7][:, None]
    edge, slope, _, _ = bins(x, 8)
    assert_allclose(edge[0, :4], [0, 1, 2, 3])
    assert_allclose(slope[0], [1, 1, 1, 1 / 4, 0, 0, 0, 0])


def test_of_values_that_repeat_the_frequent_ones_alone_have_edges():
    rng = np.random.default_rng(0)
    x = rng.choice(np.r_[0, 5, np.arange(100) / 10], 2000, p=np.r_[0.4, 0.3, np.full(100, 0.003)])
    edges = np.append(bins(x[:, None], 16)[0][0], x.max())
    assert set(np.r_[0, 0.1, 4.9, 5, 5.1]) <= set(edges.round(9))
    assert len(set(edges)) < len(set(x)) / 5


@pytest.mark.parametrize("n_rows", [48, 4800])
def test_whether_values_are_few_does_not_depend_on_the_number_of_rows(n_rows):
    x = np.sort(np.resize(np.arange(16.0), n_rows))[:, None]
    assert_allclose(bins(x, 16)[0][0], [*range(15), 0])


def test_bins_next_to_nothing_wide_stay_between_0_and_1():
    x = np.r_[np.zeros(900), np.full(50, 1e-42), np.linspace(1, 2, 50)][:, None]
    start = [array.astype("float32") for array in bins(x, 16)]
    new = np.array([[-1e6], [0], [1e-42], [1.5], [1e6]])
    places = embedded(new, start, 16)[:, 0]
    assert places.min() == 0
    assert places[:-1].max() == 1  # the last bin is wide
