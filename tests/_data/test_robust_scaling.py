"""Columns with extreme values."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import RobustScaler

from skdnn._data.preprocessing import Inputs
from skdnn._data.robust_scaling import outlier_message, quantiles


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def fitted(X, scaling="auto", weight=None):
    return Inputs(scaling, X.shape[1:]).fit(X, np.arange(X.shape[0]), weight)


def test_robust_scaling_is_that_of_scikit_learn_clipped(rng):
    X = rng.standard_t(2, size=(801, 3)) * [1, 1e-9, 1e9] + [0, 1, -5]
    expected = RobustScaler(unit_variance=True).fit_transform(X)
    got = fitted(X, "robust").apply(X, "float64")
    np.testing.assert_allclose(got, expected.clip(-3, 3), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("sentinel", [-1e6, 1e12, -1e300])
def test_auto_keeps_the_other_values_of_a_column_with_sentinels(rng, sentinel):
    clean = rng.normal(size=(1000, 2))
    X = clean.copy()
    X[::100, 0] = sentinel
    got = fitted(X).apply(X, "float32")
    kept = np.arange(1000) % 100 > 0
    np.testing.assert_allclose(got[kept, 0], clean[kept, 0].clip(-3, 3), atol=0.3)
    np.testing.assert_array_equal(got[~kept, 0], np.sign(sentinel) * 3)
    np.testing.assert_array_equal(got[:, 1], fitted(clean[:, 1:]).apply(X[:, 1:], "float32")[:, 0])


def test_auto_leaves_columns_without_extreme_values_alone(rng):
    X = rng.lognormal(0, 1.5, size=(2000, 3))
    auto, standard = fitted(X), fitted(X, "standard")
    assert auto.limit is None
    np.testing.assert_array_equal(auto.scale, standard.scale)


def test_interquartile_range_of_zero(rng):
    X = np.zeros((1000, 3))
    X[:200, 0] = rng.uniform(1, 2, size=200)
    X[:, 1] = X[:, 0]
    X[-1, 1] = 1e12
    X[:10, 2] = -1e12  # the only other value: a flag, not an outlier
    inputs = fitted(X)
    got = inputs.apply(X, "float32")
    assert [outlier.position for outlier in inputs.outliers] == [1]
    assert np.corrcoef(got[:200, 1], X[:200, 1])[0, 1] == pytest.approx(1)
    assert set(np.sign(got[:, 2])) == {-1, 1}


def test_weights_count_as_rows(rng):
    X = rng.normal(size=(60, 2))
    X[0, 0] = 1e12
    weight = rng.integers(1, 4, size=60)
    one = fitted(X, "robust", weight.astype(float))
    other = fitted(X.repeat(weight, axis=0), "robust")
    np.testing.assert_allclose(one.offset, other.offset)
    np.testing.assert_allclose(one.scale, other.scale)


@pytest.mark.parametrize("level", [0.25, 0.5, 0.75])
def test_quantiles_of_weighted_rows(rng, level):
    x = rng.normal(size=(41, 3))
    weight = rng.integers(0, 4, size=41)
    got = quantiles(x, weight.astype(float), (level,))
    expected = np.quantile(x.repeat(weight, axis=0), level, axis=0, method="averaged_inverted_cdf")
    np.testing.assert_allclose(got[0], expected)


def test_missing_values_and_outliers_in_one_column(rng):
    X = rng.normal(size=(500, 2))
    X[::50, 0] = 1e12
    X[1::50, 0] = np.nan
    inputs = fitted(X)
    got = inputs.apply(X, "float32", missing=True)
    assert np.isfinite(got).all()
    assert np.abs(got[:, 0]).max() == 3
    assert got[2::50, 0].std() > 0.5


@pytest.mark.parametrize("scaling", ["auto", "robust"])
def test_sparse_columns_with_outliers_stay_sparse(rng, scaling):
    X = sparse.random(1000, 3, 0.2, format="lil", random_state=0)
    X[0, 1] = 1e12
    X = X.tocsr()
    inputs = fitted(X, scaling)
    got = inputs.apply(X, "float32")
    assert sparse.issparse(got)
    assert np.abs(got.data).max() <= 1
    column = got[:, [1]].toarray().ravel()[1:]
    expected = X[:, [1]].toarray().ravel()[1:]
    assert np.corrcoef(column, expected)[0, 1] == pytest.approx(1)
    assert np.abs(column).max() > 0.1


@pytest.mark.parametrize(("names", "expected"), [(None, "column 1 "), (["a", "b"], "column 'b' ")])
def test_warning_names_the_column_and_the_value(rng, names, expected):
    X = rng.normal(size=(100, 2))
    X[7, 1] = -2e12
    inputs = fitted(X)
    message = outlier_message(inputs.outliers, names, "Owner", are_clipped=True)
    assert f"-2e+12 in {expected}" in message


def test_no_warning_below_a_million_ranges(rng):
    X = rng.normal(size=(100, 2))
    X[7, 1] = 1e5
    assert outlier_message(fitted(X).outliers, None, "Owner", are_clipped=True) is None
