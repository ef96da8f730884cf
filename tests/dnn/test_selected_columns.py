"""`n_features_to_select`: which numeric columns the network uses."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import KFold

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import hold_out

FEW = {"hidden_layer_sizes": (8,), "epochs": 3, "random_state": 0}
RELATED = [11, 47, 203]
pytestmark = pytest.mark.quick


def wide_table(n_rows=300, n_columns=300, seed=0):
    """Return numbers of which three columns decide y."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    return X, (X[:, RELATED].sum(axis=1) > 0).astype(int)


def used_columns(model):
    return set(model._network.inputs.numbers.tolist())


@pytest.fixture(scope="module")
def table():
    return wide_table()


@pytest.fixture(scope="module")
def fitted(table):
    """A network of three selected columns."""
    return DNNClassifier(n_features_to_select=3, **FEW).fit(*table)


@pytest.fixture(scope="module")
def automatic(table):
    """An ensemble of the default preset with few epochs."""
    return DNNClassifier(epochs=2, random_state=0).fit(*table)


def test_the_related_columns_are_used(fitted):
    assert used_columns(fitted) == set(RELATED)
    assert fitted.resolved_params_.n_features_to_select == 3
    assert fitted.n_features_in_ == 300


def test_only_the_selected_columns_matter(fitted, table):
    X, _ = table
    other = np.full_like(X, 1e6)
    other[:, RELATED] = X[:, RELATED]
    np.testing.assert_array_equal(fitted.predict_proba(other), fitted.predict_proba(X))
    other[:, RELATED] *= -1
    assert (fitted.predict(other) != fitted.predict(X)).mean() > 0.5


def test_the_network_is_that_of_these_columns_alone(fitted, table):
    X, y = table
    alone = DNNClassifier(**FEW).fit(X[:, RELATED], y)
    expected = alone.predict_proba(X[:, RELATED])
    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-12)


def test_auto_selects_in_a_wide_table(automatic):
    assert used_columns(automatic) >= set(RELATED)
    n_used = automatic.resolved_params_.n_features_to_select
    assert n_used == len(used_columns(automatic)) < 150
    assert automatic.resolved_params_.numeric_embedding == "piecewise_linear"


def test_the_number_that_auto_finds_selects_the_same(automatic, table):
    found = automatic.resolved_params_.n_features_to_select
    given = clone(automatic).set_params(n_features_to_select=found).fit(*table)
    np.testing.assert_array_equal(given.predict_proba(table[0]), automatic.predict_proba(table[0]))


@pytest.mark.parametrize("n_columns", [5, 256])
def test_auto_uses_all_columns_of_a_narrow_table(n_columns):
    X, y = wide_table(n_rows=80, n_columns=256)
    X = X[:, :n_columns]
    models = [
        DNNClassifier(epochs=1, n_features_to_select=n, random_state=0).fit(X, y)
        for n in ("auto", None)
    ]
    np.testing.assert_array_equal(*(model.predict_proba(X) for model in models))
    assert models[0].resolved_params_ == models[1].resolved_params_


def test_auto_uses_all_columns_where_many_are_related(table):
    y = np.random.default_rng(1).normal(size=300)
    X = table[0] + 0.2 * y[:, np.newaxis]
    models = [
        DNNRegressor(epochs=1, n_features_to_select=n, random_state=0).fit(X, y)
        for n in ("auto", None)
    ]
    np.testing.assert_array_equal(*(model.predict(X) for model in models))
    assert models[0].resolved_params_ == models[1].resolved_params_


@pytest.mark.parametrize(
    "kind", ["preset plain", "given layers", "few rows", "images", "sparse", "chunks"]
)
def test_auto_uses_all_columns_where_it_does_not_select(kind, table):
    X, y = table
    params = {"preset plain": {"preset": "plain"}, "given layers": {"hidden_layer_sizes": (3,)}}
    model = DNNClassifier(epochs=1, **params.get(kind, {}))
    if kind == "few rows":
        X, y = X[:49], y[:49]
    X = X.reshape(-1, 15, 20) if kind == "images" else X
    X = sparse.csr_array(X) if kind == "sparse" else X
    model = model.fit([(X, y)]) if kind == "chunks" else model.fit(X, y)
    assert model.resolved_params_.n_features_to_select is None
    assert not model._network.inputs.selects


# --------------------------------------------------------------------------------------- leaks


@pytest.mark.parametrize("preset", ["plain", "balanced"])
def test_held_out_rows_do_not_select(table, preset):
    X, y = table
    model = DNNClassifier(
        preset=preset, epochs=1, n_features_to_select=20, early_stopping=True, random_state=0
    ).fit(X, y)
    _, rows = hold_out(np.arange(len(y)), y, 0.1, model._continuation.split_seed)
    other = X.copy()
    other[rows] = 100 * (2 * y[rows, np.newaxis] - 1)
    again = clone(model).fit(other, y)
    assert used_columns(again) == used_columns(model)
    for one, two in zip(model._network.weights[:2], again._network.weights[:2], strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("related", ["few", "many"])
def test_a_generator_of_folds_is_used_once(table, related):
    X, y = table
    X = X if related == "few" else X + 0.3 * (2 * y[:, np.newaxis] - 1)
    folds = list(KFold(4).split(X))
    params = {"epochs": 1, "n_members": 2, "random_state": 0}
    model = DNNClassifier(validation=iter(folds), **params).fit(X, y)
    assert model._network.inputs.selects == (related == "few")
    again = DNNClassifier(validation=folds, **params).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    if related == "few":  # all members are validated on the last fold, which selects no column
        other = X.copy()
        other[folds[-1][1]] = 9.0
        assert used_columns(again) == used_columns(clone(again).fit(other, y))


def test_columns_that_seem_related_by_chance_do_not_raise_the_held_out_score():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(300, 2000)), rng.integers(2, size=300)
    params = {"epochs": 40, "validation_fraction": 0.5, "early_stopping": True, "random_state": 0}
    honest = DNNClassifier(n_features_to_select=20, **params).fit(X, y)
    everything = DNNClassifier(n_features_to_select=20, **FEW).fit(X, y)
    leaking = DNNClassifier(**params).fit(X[:, sorted(used_columns(everything))], y)
    assert max(leaking.history_["val_accuracy"]) > 0.65
    assert np.mean(honest.history_["val_accuracy"]) < 0.6


def test_rows_of_weight_zero_do_not_select(table):
    X, y = table
    weight = (np.arange(len(y)) < 200).astype(float)
    other, labels = X.copy(), y.copy()
    other[200:], labels[200:] = 5.0, 1 - labels[200:]
    one, two = (
        DNNClassifier(n_features_to_select=20, **FEW).fit(*data, weight)
        for data in ((X, y), (other, labels))
    )
    assert used_columns(one) == used_columns(two)


# ----------------------------------------------------------------------------- kinds of columns


def test_categories_stay_and_missing_numbers_are_imputed(table):
    X, y = table
    frame = pd.DataFrame(X[:, :60]).rename(columns=lambda i: f"n{i}")
    frame["town"] = np.where(y == 1, "Bonn", "Kiel")
    frame.loc[::7, "n11"] = np.nan
    frame["n5"] = 1.0
    model = DNNClassifier(n_features_to_select=4, **FEW).fit(frame, y)
    assert len(model._network.inputs.numbers) == 4
    assert model._network.columns.codes == [60]
    assert list(model.feature_names_in_) == list(frame)
    keras = model.to_keras().predict(model.encode(frame), verbose=0)
    np.testing.assert_allclose(keras, model.predict_proba(frame), rtol=1e-4, atol=1e-5)


def test_more_columns_than_there_are(table):
    X, y = table
    model = DNNClassifier(n_features_to_select=1000, **FEW).fit(X[:, :20], y)
    assert used_columns(model) == set(range(20))


def test_sparse_and_dense_rows_are_predicted_alike(table):
    X, y = table
    X = np.where(np.abs(X) > 1, X, 0)
    model = DNNClassifier(n_features_to_select=5, **FEW).fit(sparse.csr_matrix(X), y)
    assert len(used_columns(model)) == 5
    assert used_columns(model) >= set(RELATED)
    proba = model.predict_proba(sparse.csr_matrix(X))
    np.testing.assert_allclose(proba, model.predict_proba(X), rtol=1e-5, atol=1e-6)
    alone = DNNClassifier(**FEW).fit(sparse.csr_matrix(X)[:, sorted(used_columns(model))], y)
    np.testing.assert_array_equal(alone._network.state.weights[0], model._network.state.weights[0])


def test_pixels_of_images_are_selected_if_asked_for(digits):
    X, y = digits
    model = DNNClassifier(n_features_to_select=20, **FEW).fit(X, y)
    assert len(used_columns(model)) == 20
    keras = model.to_keras().predict(X, verbose=0)
    np.testing.assert_allclose(keras, model.predict_proba(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("y_kind", ["several targets", "labels", "one target"])
def test_the_related_columns_of_other_targets(table, y_kind):
    X, y = table
    several = X[:, [11, 47]] + X[:, [203]]
    if y_kind == "labels":
        model = DNNClassifier(n_features_to_select=6, **FEW).fit(X, (several > 0).astype(int))
    else:
        y = several if y_kind == "several targets" else several[:, 0]
        model = DNNRegressor(n_features_to_select=6, **FEW).fit(X, y)
    assert used_columns(model) >= ({11, 203} if y_kind == "one target" else set(RELATED))


# --------------------------------------------------------------------------- continued training


def test_the_columns_of_the_first_part_stay(table):
    X, y = table
    model = DNNClassifier(n_features_to_select=6, **FEW)
    model.partial_fit(X[:200], y[:200], classes=[0, 1])
    first = used_columns(model)
    model.partial_fit(X[200:], y[200:])
    assert used_columns(model) == first >= set(RELATED)
    chunks = DNNClassifier(n_features_to_select=6, **FEW).fit(
        [(X[:150], y[:150]), (X[150:], y[150:])]
    )
    assert used_columns(chunks) >= set(RELATED)


def test_a_warm_start_keeps_the_columns(table):
    X, y = table
    model = DNNClassifier(epochs=1, warm_start=True, random_state=0).fit(X, y)
    columns, held_out = used_columns(model), model._continuation.split_seed
    model.fit(X, y)
    assert used_columns(model) == columns
    assert model._continuation.split_seed == held_out
    with pytest.raises(ValueError, match="n_features_to_select"):
        model.set_params(n_features_to_select=3).fit(X, y)


def test_copies_predict_the_same(automatic, table):
    X, y = table
    again = pickle.loads(pickle.dumps(automatic))
    np.testing.assert_array_equal(again.predict_proba(X), automatic.predict_proba(X))
    refitted = clone(automatic).fit(X, y)
    np.testing.assert_array_equal(refitted.predict_proba(X), automatic.predict_proba(X))


def test_one_row_is_predicted_as_among_others(automatic, table):
    X, _ = table
    expected = automatic.predict_proba(X)[:1]
    np.testing.assert_allclose(automatic.predict_proba(X[:1]), expected, rtol=1e-5)


@pytest.mark.parametrize("value", [0, -1, 2.5, "some"])
def test_what_is_no_number_of_columns_is_refused(value, table):
    with pytest.raises(ValueError, match="'n_features_to_select' parameter of DNNClassifier"):
        DNNClassifier(n_features_to_select=value).fit(*table)
