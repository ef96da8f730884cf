"""Tables, missing values, sparse matrices and memory maps, through the estimators."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_regression
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, OneHotEncoder, StandardScaler

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import hold_out
from skdnn._utils.tensorflow import keras


def quick(cls=DNNRegressor, **params):
    return cls(**{"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0, **params})


@pytest.fixture
def table():
    """Numbers, text, categories and booleans, with missing ones of each; y follows from all."""
    rng = np.random.default_rng(0)
    n = 240
    X = pd.DataFrame(
        {
            "area": rng.uniform(20, 200, n),
            "town": rng.choice(["Bonn", "Kiel", "Ulm"], n),
            "rooms": rng.integers(1, 7, n),
            "class": pd.Categorical(rng.choice(list("ABC"), n)),
            "new": rng.random(n) < 0.5,
        }
    )
    effect = X["town"].map({"Bonn": 0, "Kiel": 80, "Ulm": -60})
    y = X["area"] + effect + 50 * X["new"] + 30 * (X["class"] == "A") - 10 * X["rooms"]
    X["new"] = X["new"].astype("boolean")
    X.loc[::7, "area"] = np.nan
    X.loc[1::7, "town"] = None
    X.loc[2::7, "new"] = pd.NA
    return X, y.to_numpy(float)


@pytest.fixture
def numbers():
    """Numbers with missing values in two of four columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(3, 2, size=(80, 4))
    y = X[:, 0] - X[:, 3]
    X[::3, 0] = np.nan
    X[1::4, 2] = np.nan
    return X, y


# ------------------------------------------------------------- categories


def test_a_raw_table_is_fitted(table):
    X, y = table
    model = quick(hidden_layer_sizes=(32,), epochs=150, learning_rate=0.01).fit(X[:180], y[:180])
    assert model.score(X[180:], y[180:]) > 0.6
    only_numbers = X.drop(columns=["town", "class", "new"])
    less = quick(hidden_layer_sizes=(32,), epochs=150, learning_rate=0.01)
    less.fit(only_numbers[:180], y[:180])
    assert model.score(X[180:], y[180:]) > less.score(only_numbers[180:], y[180:]) + 0.1


@pytest.mark.parametrize("convert", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "arrow"])
def test_every_library_gives_the_same_network(table, convert):
    X, y = table
    expected = quick().fit(X, y).predict(X)
    other = quick().fit(convert(X), y)
    np.testing.assert_array_equal(other.predict(convert(X)), expected)
    assert list(other.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_keras_model_takes_what_encode_gives(table, cls, tmp_path):
    X, y = table
    model = quick(cls).fit(X, y > y.mean() if cls is DNNClassifier else y)
    ours = model.predict_proba(X) if cls is DNNClassifier else model.predict(X)[:, np.newaxis]
    matrix = model.encode(X)
    assert matrix.shape == X.shape
    np.testing.assert_allclose(model.model_.predict(matrix, verbose=0), ours, rtol=1e-4, atol=1e-5)
    model.model_.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(loaded.predict(matrix, verbose=0), ours, rtol=1e-4, atol=1e-5)


def test_an_unknown_category_adds_nothing(table):
    X, y = table
    model = quick(hidden_layer_sizes=(), epochs=20, learning_rate=0.1).fit(X, y)
    # A linear network: what the other towns add, this one does not.
    unknown = model.predict(X.assign(town="Rome"))
    parts = [model.predict(X.assign(town=town)) - unknown for town in ("Bonn", "Kiel", "Ulm")]
    assert all(part.std() < 1e-3 * np.abs(y).max() for part in parts)  # the same in each row
    assert len({round(float(part.mean()), 3) for part in parts} - {0.0}) == 3
    embedding, kernel = model.model_.get_weights()[:2]
    first = model._network.inputs.width - len(model._network.columns.codes)
    vectors = embedding[: 4 * 3].reshape(4, 3) @ kernel[first : first + 3]  # Bonn, Kiel, Ulm, none
    np.testing.assert_allclose([part.mean() for part in parts], vectors[:3].ravel(), rtol=1e-3)


def test_missing_categories_are_a_category_of_their_own(table):
    X, y = table
    model = quick(epochs=20, learning_rate=0.05).fit(X, y)
    nothing, unknown = X.assign(town=None), X.assign(town="Rome")
    assert not np.allclose(model.predict(nothing), model.predict(unknown))
    seen = quick().fit(X.assign(town="Bonn"), y)
    np.testing.assert_array_equal(seen.predict(nothing), seen.predict(unknown))


def test_names_and_order_of_columns_are_checked(table):
    X, y = table
    model = quick().fit(X, y)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.rename(columns={"area": "size"}))
    with pytest.raises(ValueError, match=r"same order[^X]*Pass X\[model\.feature_names_in_\]"):
        model.predict(X[X.columns[::-1]])
    more = X[X.columns[::-1]].assign(price=y)
    with pytest.raises(ValueError, match=r"- price\nPass X\[model\.feature_names_in_\]"):
        model.predict(more)
    np.testing.assert_array_equal(model.predict(more[model.feature_names_in_]), model.predict(X))
    with pytest.raises(ValueError, match="- area\nPass a table with all columns of fit"):
        model.predict(X.drop(columns="area"))


@pytest.mark.parametrize("given", [[0, 2], [True, False, True, False]], ids=str)
def test_columns_of_an_array_may_be_categories(given):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 5, size=(200, 4))
    y = np.array([3, -2, 5, 0, -4.0])[X[:, 0]] + np.array([1, 0, -1, 4, 2])[X[:, 2]]
    params = {"epochs": 100, "learning_rate": 0.02}
    coded = quick(categorical_features=given, **params).fit(X, y)
    assert coded.score(X, y) > 0.95 > quick(hidden_layer_sizes=(), **params).fit(X, y).score(X, y)
    text = quick(categorical_features=given, **params).fit(X.astype(str), y)
    np.testing.assert_allclose(text.predict(X.astype(str)), coded.predict(X), rtol=1e-4)


def test_an_array_of_text_is_rejected_with_advice():
    X = np.array([["a", "b"], ["c", "d"]] * 5, object)
    with pytest.raises(ValueError, match=r"holds text .*takes columns of numbers"):
        quick().fit(X, np.arange(10.0))


def test_dates_in_a_table_are_refused(table):
    X, y = table
    with pytest.raises(TypeError, match=r"Column 'when' of X holds dates or times .* DNNRegressor"):
        quick().fit(X.assign(when=pd.Timestamp("2026-01-01")), y)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_in_a_table_is_refused(table, bad):
    X, y = table
    model = quick().fit(X, y)
    broken = X.assign(area=bad)
    for call in (lambda: quick().fit(broken, y), lambda: model.predict(broken)):
        with pytest.raises(ValueError, match="Input X contains infinity"):
            call()


def test_a_table_without_rows_and_one_with_too_many(table):
    X, y = table
    with pytest.raises(ValueError, match="0 sample"):
        quick().fit(X, y).predict(X[:0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick().fit(X, y[1:])
    with pytest.raises(ValueError, match="requires y to be passed"):
        quick().fit(X, None)


def test_a_category_that_only_a_leak_could_use(table):
    X, y = table
    model = quick(validation_fraction=0.25).fit(X, y)
    _, held_out = hold_out(np.arange(len(y)), None, 0.25, model._continuation.split_seed)
    other = X.copy()
    other.loc[held_out, ["area", "town"]] = [np.nan, "Rome"]
    again = quick(validation_fraction=0.25).fit(other, y)
    for a, b in zip(model._network.state.weights, again._network.state.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model._network.inputs.fill, again._network.inputs.fill)
    assert "Rome" not in again._network.columns.encoders[1].values


def test_tables_in_a_search_with_two_processes(table):
    X, y = table
    grid = {"hidden_layer_sizes": [(4,), (8,)]}
    search = GridSearchCV(quick(), grid, n_jobs=2, cv=3).fit(X, y)
    alone = GridSearchCV(quick(), grid, cv=3).fit(X, y)
    scores = [s.cv_results_["mean_test_score"] for s in (search, alone)]
    np.testing.assert_allclose(*scores, rtol=1e-4)


@pytest.mark.parametrize("convert", [pd.DataFrame, pl.from_pandas], ids=["pandas", "polars"])
def test_tables_are_cross_validated(table, convert):
    X, y = table
    X = X.assign(rare=np.where(np.arange(len(y)) == 5, "once", "often"))  # unknown in one fold
    scores = cross_validate(quick(), convert(X), y, cv=4, error_score="raise")
    assert np.isfinite(scores["test_score"]).all()


def test_a_pipeline_that_hands_tables_on(table):
    X, y = table
    columns = make_column_transformer(
        (SimpleImputer(), ["area"]), remainder="passthrough", verbose_feature_names_out=False
    )
    model = make_pipeline(columns.set_output(transform="pandas"), quick()).fit(X, y)
    assert model[-1]._network.columns.sizes == (4, 3, 3)
    assert model.predict(X).shape == y.shape


def test_partial_fit_continues_with_unknown_categories(table):
    X, y = table
    model = quick().partial_fit(X[:100], y[:100])
    sizes = model._network.columns.sizes
    model.partial_fit(X[100:].assign(town="Rome"), y[100:])
    assert model._network.columns.sizes == sizes
    assert model.n_iter_ == 2


def test_warm_start_with_other_categorical_features_is_refused(table):
    X, y = table
    model = quick(warm_start=True).fit(X, y)
    model.set_params(categorical_features=["town", "class", "new"])
    with pytest.raises(ValueError, match=r"categorical_features, .* was changed"):
        model.fit(X, y)


def test_a_model_of_a_table_pickles(table):
    X, y = table
    model = quick().fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    again.partial_fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.partial_fit(X, y).predict(X))


def test_embeddings_are_in_the_summary(table, capsys):
    quick().fit(*table).summary()
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    # 4 towns, 3 classes and 3 of `new`, missing ones counted, in vectors of 3, 3 and 3.
    assert lines["embedding"][1:] == ["CategoryEmbedding", "(None,", "12)", "30"]
    assert lines["columns"][1:] == ["ColumnTransform", "(None,", "6)", "0"]


# --------------------------------------------------------- missing values


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_missing_values_are_the_median_with_an_indicator(numbers, dtype, layout):
    X, y = numbers
    X = X.astype(dtype)
    filled = SimpleImputer(strategy="median", add_indicator=True).fit_transform(X)
    by_hand = np.hstack([StandardScaler().fit_transform(filled[:, :4]), filled[:, 4:]])
    expected = quick(scaling=None, dtype=dtype).fit(by_hand, y).predict(by_hand)
    got = quick(dtype=dtype).fit(layout(X), y).predict(layout(X))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_missing_values_in_keras_model(numbers):
    X, y = numbers
    model = quick().fit(X, y)
    np.testing.assert_allclose(model.model_.predict(X, verbose=0).ravel(), model.predict(X), 1e-4)


def test_a_column_that_is_first_missing_in_prediction_is_filled(numbers):
    X, y = numbers
    model = quick().fit(X, y)
    gap, median = X.copy(), X.copy()
    gap[:, 1], median[:, 1] = np.nan, np.median(X[:, 1])
    np.testing.assert_allclose(model.predict(gap), model.predict(median), rtol=1e-6)
    whole = np.nan_to_num(X)
    model = quick().fit(whole, y)
    gap, median = whole.copy(), whole.copy()
    gap[::2, 0], median[::2, 0] = np.nan, np.median(whole[:, 0])
    np.testing.assert_allclose(model.predict(gap), model.predict(median), rtol=1e-6)
    assert model._network.spec.body.n_inputs == 4


@pytest.mark.parametrize("scaling", ["auto", "minmax", None])
def test_columns_with_nothing_in_them(numbers, scaling):
    X, y = numbers
    X[:, 1] = np.nan
    model = quick(scaling=scaling).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    nothing = quick(scaling=scaling).fit(np.full((9, 4), np.nan), np.arange(9.0))
    assert np.isfinite(nothing.predict(X)).all()


def test_weight_two_is_the_row_twice_for_medians_too(numbers):
    X, y = numbers
    weight = np.arange(80) % 3
    weighted = quick().fit(X, y, weight)._network.inputs
    repeated = quick().fit(X.repeat(weight, axis=0), y.repeat(weight))._network.inputs
    np.testing.assert_allclose(weighted.fill, repeated.fill)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


def test_a_missing_value_can_be_informative():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (rng.random(300) < 0.5).astype(int)
    X[y == 1, 0] = np.nan
    model = quick(DNNClassifier, epochs=20, learning_rate=0.02).fit(X, y)
    assert model.score(X, y) == 1


def test_images_with_missing_values(numbers):
    X, y = numbers
    images = X.reshape(-1, 2, 2)
    model = quick().fit(images, y)
    assert model._network.spec.body.n_inputs == 6
    got = model.model_.predict(images, verbose=0).ravel()
    np.testing.assert_allclose(got, model.predict(images), rtol=1e-4)


def test_partial_fit_with_new_missing_values(numbers):
    X, y = numbers
    model = quick().partial_fit(np.nan_to_num(X), y).partial_fit(X, y)
    assert np.isfinite(model.predict(X)).all()


# ----------------------------------------------------------------- sparse


@pytest.fixture
def counts():
    X = sparse.random(120, 30, 0.2, format="csr", random_state=0)
    return X, np.asarray(X[:, :5].sum(axis=1)).ravel()


@pytest.mark.parametrize("scaling", ["standard", "minmax", None])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_sparse_gives_what_dense_gives(counts, scaling, dtype):
    X, y = counts
    X = (X * 9).astype(dtype)
    dense, thin = (quick(scaling=scaling).fit(x, y) for x in (X.toarray(), X))
    np.testing.assert_allclose(thin.predict(X), dense.predict(X.toarray()), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(thin.predict(X.toarray()), thin.predict(X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "params",
    [
        {"n_members": 3},
        {"numeric_embedding": "piecewise_linear"},
        {"numeric_embedding": "periodic"},
    ],
    ids=str,
)
def test_sparse_gives_what_dense_gives_to_members_and_embeddings(counts, params):
    X, y = counts
    model = quick(**params).fit(X, y)
    np.testing.assert_allclose(model.predict(X), model.predict(X.toarray()), rtol=1e-5, atol=1e-6)


def test_by_default_sparse_columns_are_divided_by_their_greatest_value(counts):
    X, y = counts
    scaled = MaxAbsScaler().fit_transform(X)
    by_hand = quick(scaling=None).fit(scaled, y).predict(scaled)
    np.testing.assert_allclose(quick().fit(X, y).predict(X), by_hand, rtol=1e-5)


@pytest.mark.parametrize("container", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_sparse_formats(counts, container):
    X, y = counts
    expected = quick().partial_fit(X, y).partial_fit(X, y).predict(X)
    got = quick().partial_fit(container(X), y).partial_fit(container(X), y).predict(container(X))
    np.testing.assert_array_equal(got, expected)


def test_large_indices(counts):
    X, y = counts
    wide = X.copy()
    wide.indices, wide.indptr = X.indices.astype("int64"), X.indptr.astype("int64")
    np.testing.assert_array_equal(quick().fit(wide, y).predict(wide), quick().fit(X, y).predict(X))


def test_weights_of_sparse_rows_are_those_of_dense_ones(counts):
    X, y = counts
    weight = np.arange(120) % 3
    models = [quick(scaling="standard").fit(x, y, weight) for x in (X, X.toarray())]
    np.testing.assert_allclose(models[0].predict(X), models[1].predict(X), rtol=1e-5)


def test_no_more_than_a_call_is_ever_dense(monkeypatch):
    X = sparse.random(600, 20_000, 0.001, format="csr", dtype="float32", random_state=0)
    y = np.arange(600.0)
    sizes = []
    original = sparse.csr_matrix.toarray

    def watched(self, *args, **kwargs):
        sizes.append(self.shape[0] * self.shape[1])
        return original(self, *args, **kwargs)

    monkeypatch.setattr(sparse.csr_matrix, "toarray", watched)
    X = sparse.csr_matrix(X)
    for scaling in ("auto", "standard"):
        model = quick(scaling=scaling, epochs=1).fit(X, y)
        model.predict(X)
        model.set_params(activation="sparsemax").fit(X, y).predict(X)  # through Keras
    assert max(sizes) <= 2**22
    assert sum(sizes) >= 4 * 600 * 20_000


def test_sparse_with_missing_values_is_refused(counts):
    X, y = counts
    broken = X.copy()
    broken.data[3] = np.nan
    for call in (lambda: quick().fit(broken, y), lambda: quick().fit(X, y).predict(broken)):
        with pytest.raises(ValueError, match="Sparse X of DNNRegressor must hold no missing value"):
            call()


def test_sparse_output_of_one_hot_encoding(table):
    X, y = table
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["town", "class"]), sparse_threshold=1),
        quick(),
    ).fit(X, y)
    assert sparse.issparse(model[:-1].transform(X))
    assert model.predict(X).shape == y.shape


def test_encode_gives_sparse_and_images_back(counts):
    X, y = counts
    assert sparse.issparse(quick().fit(X, y).encode(X))
    images = X.toarray().reshape(-1, 5, 6)
    np.testing.assert_array_equal(quick().fit(images, y).encode(images), images)


# ------------------------------------------------------------ memory maps


@pytest.mark.parametrize(
    ("dtype", "gaps"),
    [
        *[(dtype, False) for dtype in ("float32", "float64", "int64", "uint8")],
        *[(dtype, True) for dtype in ("float32", "float64")],  # others have no NaN
    ],
)
def test_memory_maps_are_never_in_memory_as_a_whole(tmp_path, monkeypatch, dtype, gaps):
    monkeypatch.setattr("skdnn._data.preprocessing._CHUNK", 2**16)
    monkeypatch.setattr("skdnn._training.batches.VALUES_PER_CALL", 2**16)
    monkeypatch.setattr("skdnn.dnn.fitted._VALUES", 2**16)
    X, y = make_regression(8000, 1000, random_state=0)
    X = (20 * X).astype(dtype)
    if gaps:
        X[::5, 3] = np.nan
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    expected = quick(epochs=1).fit(X, y).predict(X)
    tracemalloc.start()
    got = quick(epochs=1).fit(mapped, y).predict(mapped)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_array_equal(got, expected)
    assert peak < X.nbytes / 2 if dtype != "uint8" else peak < X.nbytes
