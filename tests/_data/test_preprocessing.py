"""What happens to X on its way into the network."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from skdnn._data.flatten import as_rows
from skdnn._data.preprocessing import Inputs


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def everything(X):
    return np.arange(len(X))


@pytest.mark.parametrize(
    ("scaling", "scaler"),
    [("auto", StandardScaler()), ("standard", StandardScaler()), ("minmax", MinMaxScaler())],
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_tables_are_scaled_as_scikit_learn_scales_them(rng, scaling, scaler, dtype):
    X = rng.uniform(0, 200, size=(50, 3)).astype(dtype)
    got = Inputs(scaling, (3,)).fit(X, everything(X), None).apply(X, np.float64)
    np.testing.assert_allclose(got, scaler.fit_transform(X.astype(float)), rtol=1e-4, atol=1e-5)


def test_the_chunk_size_does_not_change_the_result(rng, monkeypatch):
    X = rng.normal(3, 2, size=(100, 4))
    weight = rng.uniform(size=100)
    whole = Inputs("auto", (4,)).fit(X, everything(X), weight)
    monkeypatch.setattr("skdnn._data.preprocessing._CHUNK", 28)
    parts = Inputs("auto", (4,)).fit(X, everything(X), weight)
    np.testing.assert_allclose(parts.offset, whole.offset)
    np.testing.assert_allclose(parts.scale, whole.scale)
    fetched = parts.fetch_from(X, "float32")(everything(X))
    np.testing.assert_array_equal(fetched, parts.apply(X, "float32"))


def test_uint8_images_are_divided_by_255():
    X = np.array([[[0, 255]], [[51, 102]]], np.uint8)
    flat, shape = as_rows(X)
    got = Inputs("auto", shape).fit(flat, everything(X), None).apply(flat, np.float32)
    np.testing.assert_allclose(got, [[0, 1], [0.2, 0.4]], rtol=1e-6)


def test_uint8_images_of_few_levels_are_not_divided_away(rng):
    flat, shape = as_rows(rng.integers(0, 2, size=(30, 4, 4)).astype(np.uint8))
    scaled = Inputs("auto", shape).fit(flat, everything(flat), None).apply(flat, np.float32)
    assert scaled.std() == pytest.approx(1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_other_images_get_one_scale_for_all_pixels(rng, dtype):
    flat, shape = as_rows(rng.uniform(0, 255, size=(20, 4, 4)).astype(dtype))
    scaled = Inputs("auto", shape).fit(flat, everything(flat), None).apply(flat, np.float64)
    assert scaled.mean() == pytest.approx(0, abs=1e-6)
    assert scaled.std() == pytest.approx(1)
    assert np.corrcoef(scaled.ravel(), flat.ravel())[0, 1] == pytest.approx(1)


def test_images_with_weights_are_scaled_by_them(rng):
    flat, shape = as_rows(rng.normal(size=(6, 2, 2)))
    weight = np.array([1, 2, 0, 1, 3, 1.0])
    weighted = Inputs("auto", shape).fit(flat, everything(flat), weight)
    again = flat.repeat(weight.astype(int), axis=0)
    repeated = Inputs("auto", shape).fit(again, everything(again), None)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


def test_a_constant_column_becomes_zero():
    X = np.column_stack([np.full(10, 0.1), np.arange(10.0)])
    for scaling in ("standard", "minmax"):
        scaled = Inputs(scaling, (2,)).fit(X, everything(X), None).apply(X, np.float32)
        np.testing.assert_allclose(scaled[:, 0], 0, atol=1e-7)


def test_scaling_is_fitted_on_the_given_rows_only(rng):
    X = rng.normal(size=(30, 2))
    rows = np.arange(20)
    poisoned = X.copy()
    poisoned[20:] = 1e6
    fits = [Inputs("auto", (2,)).fit(data, rows, None) for data in (X, poisoned)]
    np.testing.assert_array_equal(fits[0].scale, fits[1].scale)


def test_large_offsets_keep_their_digits():
    X = 1.7e9 + np.arange(100.0)[:, None]  # seconds since 1970: float32 distinguishes every 128th
    scaled = (
        Inputs("auto", (1,)).fit(X, everything(X), None).fetch_from(X, "float32")(everything(X))
    )
    assert len(np.unique(scaled)) == 100


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("scaling", [None, "standard", "minmax"])
@pytest.mark.parametrize("layout", [np.asarray, np.asfortranarray, lambda X: np.tile(X, 2)[:, ::2]])
def test_what_the_network_can_read_is_not_copied_whole(rng, dtype, scaling, layout):
    X = layout(rng.uniform(0, 9, size=(1000, 300)).astype(dtype))
    inputs = Inputs(scaling, (300,)).fit(X, everything(X), None)
    tracemalloc.start()
    fetched = inputs.fetch_from(X, "float32")(np.arange(10))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(fetched, inputs.apply(X[:10], "float32"))
    assert peak < X.nbytes / 4


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_fetched_rows_are_aligned_and_leave_the_data_alone(rng, dtype):
    X = rng.uniform(0, 9, size=(50, 3)).astype(dtype)
    before = X.copy()
    fetched = Inputs("standard", (3,)).fit(X, everything(X), None).fetch_from(X, "float32")
    assert fetched(np.array([3, 3, 7])).ctypes.data % 64 == 0
    np.testing.assert_array_equal(X, before)


def test_images_are_flattened_without_a_copy():
    X = np.zeros((5, 3, 2))
    rows, shape = as_rows(X)
    assert rows.shape == (5, 6)
    assert shape == (3, 2)
    assert np.shares_memory(rows, X)


def with_gaps(rng, dtype="float64"):
    X = rng.normal(3, 2, size=(100, 4)).astype(dtype)
    X[::3, 1] = np.nan
    X[1::4, 3] = np.nan
    return X


@pytest.mark.parametrize(
    ("scaling", "scaler"), [("standard", StandardScaler()), ("minmax", MinMaxScaler())]
)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_missing_values_are_imputed_as_by_scikit_learn(rng, scaling, scaler, dtype):
    X = with_gaps(rng, dtype)
    filled = SimpleImputer(strategy="median", add_indicator=True).fit_transform(X.astype(float))
    expected = np.hstack([scaler.fit_transform(filled[:, :4]), filled[:, 4:]])
    inputs = Inputs(scaling, (4,)).fit(X, everything(X), None)
    got = inputs.fetch_from(X, "float32")(everything(X))
    np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(inputs.apply(X, np.float32, missing=True), got)


def test_medians_count_weights_as_rows(rng):
    X, weight = with_gaps(rng), np.arange(100) % 4
    few = Inputs("auto", (4,)).fit(X, np.flatnonzero(weight), weight / 1.7)
    many = Inputs("auto", (4,)).fit(*(lambda x: (x, everything(x), None))(X.repeat(weight, axis=0)))
    np.testing.assert_allclose(few.fill, many.fill)
    np.testing.assert_array_equal(few.signed, [1, 3])


def test_the_chunk_size_does_not_change_the_imputation(rng, monkeypatch):
    X = with_gaps(rng)
    X[:60, 1] = np.nan  # no value at all in the first chunks
    whole = Inputs("standard", (4,)).fit(X, everything(X), None)
    monkeypatch.setattr("skdnn._data.preprocessing._CHUNK", 400)
    parts = Inputs("standard", (4,)).fit(X, everything(X), None)
    for name in ("offset", "scale", "fill", "signed"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))


def test_codes_are_last_and_not_scaled(rng):
    X = np.column_stack([np.arange(20) % 3, rng.normal(5, 3, 20), np.arange(20) % 7])
    X[4, 1] = np.nan
    inputs = Inputs("standard", (3,), [0, 2]).fit(X, everything(X), None)
    got = inputs.apply(X, np.float64, missing=True)
    np.testing.assert_array_equal(got[:, 2:], X[:, [0, 2]])
    np.testing.assert_array_equal(got[:, 1], np.isnan(X[:, 1]))
    assert got[:, 0].mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("dtype", ["float32"])
def test_rows_with_missing_values_are_imputed_as_they_are_fetched(rng, dtype):
    X = rng.normal(size=(2000, 300)).astype(dtype)
    X[::2, 5] = np.nan
    inputs = Inputs("standard", (300,)).fit(X, everything(X), None)
    tracemalloc.start()
    fetched = inputs.fetch_from(X, "float32")(np.arange(10))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fetched.ctypes.data % 64 == 0
    assert peak < X.nbytes / 4


@pytest.mark.parametrize("scaling", ["standard", "minmax"])
def test_sparse_columns_are_scaled_as_dense_ones(rng, scaling, monkeypatch):
    monkeypatch.setattr("skdnn._data.preprocessing._CHUNK", 64)
    X = sparse.random(80, 6, 0.3, format="lil", random_state=0) * 5
    X[:, 0] = 0
    X = X.tocsr()
    rows = np.arange(0, 80, 2)
    thin, dense = (Inputs(scaling, (6,)).fit(x, rows, None) for x in (X, X.toarray()))
    np.testing.assert_allclose(thin.offset, dense.offset, atol=1e-12)
    np.testing.assert_allclose(thin.scale, dense.scale)
    got = thin.fetch_from(X, "float32")(rows)
    np.testing.assert_allclose(
        got, dense.apply(X.toarray()[rows], np.float32), rtol=1e-5, atol=1e-6
    )
