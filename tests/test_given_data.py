"""X and y in forms that no estimator reads: one sentence, the same for both families."""

import datetime
import warnings
from decimal import Decimal

import keras
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from skdnn import DNNClassifier, DNNRegressor, KerasClassifier, KerasRegressor
from skdnn._data.splits import check_groups

N = 24
NUMBERS = np.random.default_rng(0).normal(size=(N, 3))
TABLE = pd.DataFrame(NUMBERS, columns=["a", "b", "c"])
FIRST = 1_790_000_000_000_000_000

ESTIMATORS = {
    "DNNRegressor": lambda: DNNRegressor((4,), epochs=1, random_state=0),
    "KerasRegressor": lambda: KerasRegressor(verbose=0, random_state=0),
}
CLASSIFIERS = {
    "DNNClassifier": lambda: DNNClassifier((4,), epochs=1, random_state=0),
    "KerasClassifier": lambda: KerasClassifier(verbose=0, random_state=0),
}


def ragged():
    images = np.empty(N, object)
    images[:] = [np.zeros((8, 8))] * (N - 1) + [np.zeros((8, 7))]
    return images


# name -> (X, what the error says came, what to write)
SAMPLES = {
    "Series": (TABLE["a"], "a Series", r"X\.to_frame\(\)"),
    "Polars Series": (pl.Series(NUMBERS[:, 0]), "a Series", r"X\.to_frame\(\)"),
    "LazyFrame": (pl.DataFrame(NUMBERS).lazy(), "a LazyFrame", r"X\.collect\(\)"),
    "Struct": (pl.DataFrame({"s": [{"u": 1.0}] * N}), "Column 's'.*Struct", r"X\.unnest\('s'\)"),
    "List": (pl.DataFrame({"s": [[1.0, 2.0]] * N}), "Column 's'.*List", r"X\['s'\]\.to_list"),
    "Array": (pl.DataFrame({"s": NUMBERS}), "Column 's'.*Array", r"X\['s'\]\.to_list"),
    "lists": (TABLE.assign(s=[[1.0]] * N), "Column 's'.*list", r"X\['s'\]\.to_list"),
    "arrays": (TABLE.assign(s=list(NUMBERS)), "Column 's'.*ndarray", r"X\['s'\]\.to_list"),
    "dicts": (TABLE.assign(s=[{"u": 1}] * N), "Column 's'.*dict", "json_normalize"),
    "Arrow struct": (pa.table({"s": [{"u": 1}] * N}), "Column 's'.*struct", "unnest"),
    "list of dicts": ([{"a": 1.0, "b": True}] * N, "a list of dicts", r"pd\.DataFrame\(X\)"),
    "JSON rows": ([[1.0, True, None, "a"]] * N, r"Column 3 of X holds text \(a\)", r"\[3\]"),
    "objects": (np.array([[1.0, "a"]] * N, object), r"Column 1 of X holds text \(a\)", r"\[1\]"),
    "dates": (TABLE.assign(d=[datetime.date(2026, 1, 1)] * N), "Column 'd'.*dates", "days since"),
    "datetimes": (np.full((N, 1), "2026-01-01", "M8[D]"), "datetime64.*dates", r"np\.timedelta64"),
    "masked": (np.ma.masked_array(NUMBERS, NUMBERS > 1), "a masked array", r"\.filled\(np\.nan"),
    "ragged list": (
        [*np.zeros((N - 1, 8, 8)), np.zeros((8, 7))],
        r"\(8, 8\) and \(8, 7\)",
        "resize",
    ),
    "ragged array": (ragged(), "array of arrays", "resize"),
    "fields": (np.zeros(N, [("a", "f8")]), "structured array", r"pd\.DataFrame\(X\)"),
    "complex": (NUMBERS + 1j, "Complex data not supported", r"X\.imag"),
    "one dimension": (NUMBERS[:, 0], "1D array of 24 values", r"X\.reshape\(-1, 1\)"),
    "names twice": (TABLE.set_axis(list("aab"), axis=1), "several columns named 'a'", "set_axis"),
    "set": ({1, 2}, "Got set", "pass the values"),
    "generator": ((row for row in NUMBERS), "Got generator", "pass an array"),
    "huge integers": (np.full((N, 1), 10**400, object), "too large", "logarithm"),
}


@pytest.mark.parametrize("owner", ESTIMATORS)
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_that_cannot_be_read_are_refused_in_one_sentence(name, owner):
    X, came, write = SAMPLES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((TypeError, ValueError), match=f"{came}.*{write}") as caught:
            ESTIMATORS[owner]().fit(X, np.arange(float(N)))
    assert owner in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("owner", CLASSIFIERS)
@pytest.mark.parametrize(
    "y",
    [
        np.array([None, *"ab" * 11, "a"], object),
        [float("nan"), *[0, 1] * 11, 0],
        pd.Series([pd.NA, *[0, 1] * 11, 0], dtype="Int64"),
        pd.Series([pd.NA, *"ab" * 11, "a"], dtype=object),
    ],
    ids=["None", "NaN", "NA", "NA of objects"],
)
def test_missing_labels_are_refused_in_one_sentence(y, owner):
    with pytest.raises(
        ValueError, match=f"'y' parameter of {owner} .* 1 missing of 24 values.*drop these"
    ):
        CLASSIFIERS[owner]().fit(NUMBERS, y)


@pytest.mark.parametrize("owner", CLASSIFIERS)
def test_fractions_are_no_labels(owner):
    with pytest.raises(ValueError, match=f"The y of {owner} must hold classes.*use .*Regressor"):
        CLASSIFIERS[owner]().fit(NUMBERS, NUMBERS[:, 0])


@pytest.mark.parametrize("owner", ESTIMATORS)
@pytest.mark.parametrize("text", [["low", "high"] * 12, np.array(["low", 1] * 12, object)])
def test_text_is_no_target_of_regression(text, owner):
    with pytest.raises(ValueError, match=rf"The y of {owner} holds text \(low\).*Classifier"):
        ESTIMATORS[owner]().fit(NUMBERS, text)


LABELS = FIRST + np.arange(N) % 3


@pytest.mark.parametrize("owner", CLASSIFIERS)
@pytest.mark.parametrize(
    "make",
    [
        lambda: LABELS,
        lambda: (2**64 - 3 + (np.arange(N) % 3).astype(object)).astype(np.uint64),
        lambda: pd.Series(LABELS, dtype="Int64"),
        lambda: pd.Series(LABELS, dtype="int64[pyarrow]"),
        lambda: LABELS.astype(object),
        lambda: LABELS.tolist(),
        lambda: pl.Series(LABELS),
        lambda: np.array([Decimal(int(label)) for label in LABELS], object),
    ],
    ids=["int64", "uint64", "Int64", "Arrow", "object", "list", "Polars", "Decimal"],
)
def test_large_labels_keep_every_digit(make, owner):
    y = make()
    labels = sorted({int(label) for label in y})
    model = CLASSIFIERS[owner]().fit(NUMBERS, y)
    assert model.classes_.tolist() == labels
    assert set(model.predict(NUMBERS).tolist()) <= set(labels)
    assert model.predict_proba(NUMBERS).shape == (N, 3)
    assert model.score(NUMBERS, y) >= 0


@pytest.mark.parametrize("owner", CLASSIFIERS)
def test_classes_of_partial_fit_keep_every_digit(owner):
    labels = pd.Series([FIRST, FIRST + 1, FIRST + 2], dtype="Int64")
    model = CLASSIFIERS[owner]()
    model.partial_fit(NUMBERS, np.full(N, FIRST + 1), classes=labels)
    model.partial_fit(NUMBERS, pd.Series(LABELS, dtype="Int64"), classes=labels)
    assert model.classes_.tolist() == labels.tolist()


@pytest.mark.parametrize("owner", CLASSIFIERS)
def test_large_labels_are_weighted_and_validated_by_name(owner):
    y = pd.Series(FIRST + np.arange(N) % 2, dtype="Int64")
    model = CLASSIFIERS[owner]().set_params(class_weight={FIRST: 1, FIRST + 1: 1e6}, epochs=20)
    is_dense = owner.startswith("DNN")
    model.set_params(**{"learning_rate" if is_dense else "optimizer__learning_rate": 0.1})
    names = ({"X_val": NUMBERS, "y_val": y}, {"validation_data": (NUMBERS, y)})[not is_dense]
    model.fit(NUMBERS, y, **names)
    assert set(model.predict(NUMBERS).tolist()) == {FIRST + 1}
    assert len(model.history_["val_loss"]) > 0
    neighbour = (
        {"X_val": NUMBERS, "y_val": y + 2} if is_dense else {"validation_data": (NUMBERS, y + 2)}
    )
    with pytest.raises(ValueError, match=f"y_val has labels that y does not have: .{FIRST + 2}"):
        model.fit(NUMBERS, y, **neighbour)


def test_groups_keep_every_digit():
    groups = pd.Series(FIRST + np.arange(N) % 4, dtype="Int64")
    checked = check_groups(groups, np.arange(N))
    assert checked.tolist() == groups.tolist()


def test_labels_of_chunks_keep_every_digit():
    kinds = ("Int64", "UInt64", object)
    chunks = [(NUMBERS, pd.Series(LABELS + i, dtype=kind)) for i, kind in enumerate(kinds)]
    model = DNNClassifier((4,), epochs=1, random_state=0).fit(chunks)
    assert model.classes_.tolist() == [FIRST + i for i in range(5)]
    assert set(model.predict(NUMBERS).tolist()) <= set(model.classes_.tolist())


def test_integers_of_objects_reach_an_embedding_exactly():
    frame = pd.DataFrame({"id": pd.Series(2**24 + np.arange(N), dtype="Int64")})
    assert KerasRegressor(verbose=0).fit(frame, np.arange(float(N))).X_dtype_ == np.int64
    rows = [[2**24 + 1, None]] * N
    model = DNNRegressor((4,), epochs=1, categorical_features=[0]).fit(rows, np.arange(float(N)))
    assert model._network.columns.encoders[0].values == [2**24 + 1]


@pytest.mark.parametrize("owner", ESTIMATORS)
def test_integers_beside_floats_that_are_rounded_are_reported_once(owner):
    frame = pd.DataFrame({"id": FIRST + np.arange(N), "x": NUMBERS[:, 0]})
    with pytest.warns(UserWarning, match=f"Column 'id' of X.*{owner} trains on rounded") as caught:
        ESTIMATORS[owner]().fit(frame, NUMBERS[:, 0])
    assert len(caught) == 1


@pytest.mark.parametrize("make", [*ESTIMATORS.values()], ids=[*ESTIMATORS])
def test_numbers_of_any_magnitude_are_learned_by_networks_that_scale(make):
    y = NUMBERS[:, 0]
    expected = make().fit(NUMBERS, y).predict(NUMBERS)
    np.testing.assert_allclose(
        make().fit(NUMBERS * 1e300, y).predict(NUMBERS * 1e300), expected, rtol=1e-3, atol=1e-3
    )
    larger = make().fit(NUMBERS, y * 2.0**900).predict(NUMBERS).astype(float)
    np.testing.assert_allclose(larger / 2.0**900, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("name", "factors"), [("X", (1e300, 1)), ("y", (1, 1e300))])
def test_numbers_beyond_the_floats_of_a_network_are_refused(name, factors):
    X, y = NUMBERS * factors[0], NUMBERS[:, 0] * factors[1]
    own = KerasRegressor([keras.layers.Dense(1)], verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(
            ValueError,
            match=rf"{name} of KerasRegressor holds numbers up to .*e\+"
            rf"300, .* float32, .*: scale them, such as {name} / np\.abs\({name}",
        ):
            own.fit(X, y)


def test_rows_of_json_keep_booleans_and_missing_values():
    rows = [["Bonn", True, 1.5, None], ["Kiel", False, 2.5, 7]] * 12
    model = DNNRegressor((4,), epochs=1, categorical_features=[0, 1])
    model.fit(rows, np.arange(float(N)))
    expected = [[1, 2, 1.5, np.nan], [2, 1, 2.5, 7]] * 12
    np.testing.assert_array_equal(model._network.encode(rows), expected)
    frame = pd.DataFrame(rows)
    automatic = DNNRegressor((4,), epochs=1).fit(frame, np.arange(float(N)))
    np.testing.assert_array_equal(automatic._network.encode(frame), expected)


INDEXES = {
    "duplicated": np.zeros(N, int),
    "unsorted": np.arange(N)[::-1],
    "dates": pd.date_range("2026-01-01", periods=N),
    "multi": pd.MultiIndex.from_product([range(N // 2), ["a", "b"]]),
    "text": [f"row {i}" for i in range(N)],
}


@pytest.mark.parametrize("name", INDEXES)
def test_the_index_of_a_table_has_no_influence(name):
    frame = TABLE.assign(
        town=["Bonn", None, "Kiel"] * 8, n=pd.Series([1, None] * 12, dtype="Int64")
    )
    y = pd.Series(NUMBERS[:, 0])
    expected = ESTIMATORS["DNNRegressor"]().fit(frame, y).predict(frame)
    moved, y.index = frame.set_axis(INDEXES[name], axis=0), pd.Index(INDEXES[name])[::-1]
    fitted = ESTIMATORS["DNNRegressor"]().fit(moved, y)
    np.testing.assert_array_equal(fitted.predict(moved), expected)


def test_columns_may_be_named_by_numbers():
    frame = pd.DataFrame({0: ["a", "b"] * 12, 7: NUMBERS[:, 0]})
    model = ESTIMATORS["DNNRegressor"]().fit(frame, NUMBERS[:, 0])
    np.testing.assert_array_equal(model._network.encode(frame)[:, 0], [1, 2] * 12)


@pytest.mark.parametrize("owner", [*ESTIMATORS, *CLASSIFIERS])
def test_no_rows_are_an_error_and_one_row_has_a_prediction(owner):
    make = {**ESTIMATORS, **CLASSIFIERS}[owner]
    y = np.arange(N) % 2
    for X in (NUMBERS, TABLE):
        with pytest.raises(ValueError, match=r"Found array with 0 sample"):
            make().fit(X[:0], y[:0])
        model = make().fit(X, y)
        assert model.predict(X[:1]).shape == (1,)
        with pytest.raises(ValueError, match=r"Found array with 0 sample"):
            model.predict(X[:0])
