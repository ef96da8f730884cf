"""Offsets and scales of columns of any magnitude."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdnn._data.preprocessing import Inputs
from skdnn._data.scaling import fit_target_scale

OFFSETS = [1.79e18, -1.79e18, 1.0e30, 3.3e-200, 1e300]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def scaled(X, scaling="standard", weight=None, dtype="float32", rows=None):
    rows = np.arange(X.shape[0]) if rows is None else rows
    inputs = Inputs(scaling, X.shape[1:]).fit(X, rows, weight)
    return inputs.fetch_from(X, dtype)(np.arange(X.shape[0]))


@pytest.mark.parametrize("scaling", ["auto", "standard", "minmax", "pixelwise", "robust"])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.7, *OFFSETS])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_constant_column_is_exactly_zero(rng, scaling, value, weighted):
    X = np.column_stack([np.full(99, value), rng.normal(size=99)])
    weight = rng.uniform(size=99) if weighted else None
    assert not scaled(X, scaling, weight)[:, 0].any()


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint64", "int32"])
def test_a_constant_column_of_any_dtype_is_exactly_zero(dtype):
    X = np.column_stack([np.full(99, 2_000_000_011), np.arange(99)]).astype(dtype)
    assert not scaled(X)[:, 0].any()


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
@pytest.mark.parametrize("scaling", ["auto", "standard", "minmax"])
def test_large_integers_keep_every_digit(rng, dtype, scaling):
    small = rng.integers(0, 1000, size=(200, 2))
    X = (small + 1_790_000_000_000_000_000).astype(dtype)
    np.testing.assert_allclose(scaled(X, scaling), scaled(small, scaling), rtol=1e-6, atol=1e-6)


def test_integers_of_other_dtypes_and_far_away_are_predicted(rng):
    small = rng.integers(0, 1000, size=(200, 1))
    X = small + 1_790_000_000_000_000_000
    inputs = Inputs("standard", (1,)).fit(X, np.arange(200), None)
    expected = inputs.apply(X, "float64")
    np.testing.assert_array_equal(inputs.apply(X.astype("uint64"), "float64"), expected)
    np.testing.assert_allclose(inputs.apply(X.astype(float), "float64"), expected, atol=0.5)
    zero = inputs.apply(np.zeros((1, 1), np.int64), "float64")
    assert zero[0, 0] == pytest.approx(-1.79e18 / small.std(), rel=1e-6)


def test_missing_numbers_are_imputed_beside_large_integers():
    X = np.arange(100)[:, np.newaxis] + 1_790_000_000_000_000_000
    inputs = Inputs("standard", (1,)).fit(X, np.arange(100), None)
    assert abs(inputs.apply(np.array([[np.nan]]), "float64", missing=True)[0, 0]) < 10


@pytest.mark.parametrize("offset", [1e9, 1e12, 1.79e18])
@pytest.mark.parametrize("weighted", [False, True])
def test_nearly_constant_columns_are_standardised(rng, offset, weighted):
    noise = rng.integers(0, 50, size=(300, 1)) * np.spacing(offset)
    weight = rng.uniform(size=300) if weighted else None
    got = scaled(offset + noise, weight=weight, dtype="float64")
    expected = StandardScaler().fit(noise / noise.max(), sample_weight=weight)
    np.testing.assert_allclose(
        np.diff(got, axis=0),
        np.diff(expected.transform(noise / noise.max()), axis=0),
        atol=1e-9,
    )
    assert abs(got.mean()) < 0.2


@pytest.mark.parametrize("factor", [1e-200, 1e-30, 1e20, 1e160, 1e300])
@pytest.mark.parametrize("scaling", ["auto", "standard", "minmax", "robust"])
def test_the_unit_of_a_column_does_not_matter(rng, factor, scaling):
    X = rng.normal(size=(100, 2))
    np.testing.assert_allclose(scaled(X * factor, scaling), scaled(X, scaling), rtol=1e-5)


@pytest.mark.parametrize("factor", [1e-37, 1e37])
@pytest.mark.parametrize("scaling", ["auto", "minmax"])
def test_the_unit_of_a_column_in_float32_does_not_matter(rng, factor, scaling):
    X = rng.normal(size=(100, 2)).astype("float32")
    many = X * np.float32(factor)
    np.testing.assert_allclose(scaled(many, scaling), scaled(X, scaling), rtol=1e-4, atol=1e-5)


def test_columns_beside_a_nearly_constant_one_keep_their_result(rng):
    X = rng.lognormal(size=(200, 3))
    beside = np.column_stack([X, 1e18 + rng.uniform(size=200)])
    for scaler, scaling in ((StandardScaler(), "standard"), (MinMaxScaler(), "minmax")):
        got = scaled(beside, scaling, dtype="float64")[:, :3]
        np.testing.assert_array_equal(got, scaled(X, scaling, dtype="float64"))
        np.testing.assert_allclose(got, scaler.fit_transform(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scaling", ["auto", "standard", "minmax"])
def test_sparse_columns_at_a_large_offset(rng, scaling):
    noise = rng.integers(0, 50, size=(300, 1)) * 256.0
    X = np.column_stack([1.79e18 + noise, np.full(300, 1e30), rng.normal(size=300)])
    got = scaled(sparse.csr_matrix(X), scaling, dtype="float64")
    assert np.corrcoef(got[:, 0], noise[:, 0])[0, 1] == pytest.approx(1)
    assert 0.2 < got[:, 0].std() < 1.1
    assert np.abs(got[:, 1]).max() <= 1
    assert np.ptp(got[:, 1]) == 0


def test_a_later_value_of_a_constant_column_is_bounded_by_its_magnitude():
    X = np.full((50, 1), 1.79e18)
    inputs = Inputs("auto", (1,)).fit(X, np.arange(50), None)
    day = 86_400e9
    assert abs(inputs.apply(X[:1] + day, "float64")[0, 0]) < 1


@pytest.mark.parametrize("value", [0.0, 5.0, 1e30, -1.7e18, 1e-30])
@pytest.mark.parametrize("weighted", [False, True])
def test_constant_y_is_restored_exactly(rng, value, weighted):
    weight = rng.uniform(size=30) if weighted else None
    y = np.full(30, value)
    scale = fit_target_scale(y, weight)
    assert not scale.standardise(y).any()
    np.testing.assert_array_equal(scale.restore(np.zeros(30)), y)


@pytest.mark.parametrize("offset", [0.0, 1e12, 1.7e18])
@pytest.mark.parametrize("factor", [1e-300, 1.0, 1e300])
def test_y_of_any_size_is_standardised(rng, offset, factor):
    y = offset * min(factor, 1) + factor * np.spacing(max(offset, 1)) * rng.integers(0, 99, 200)
    scale = fit_target_scale(y, None)
    assert scale.standardise(y).std() == pytest.approx(1)
    restored = scale.restore(scale.standardise(y))
    np.testing.assert_allclose(restored, y, rtol=1e-12, atol=1e-12 * y.max())
