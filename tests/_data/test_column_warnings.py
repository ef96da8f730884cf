"""Warnings about columns of nearly unique categories, and of integers that floats round."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skdnn import DNNClassifier, DNNRegressor, KerasRegressor, compare
from skdnn._data.column_warnings import ColumnWarning, are_inexact_as_floats, are_nearly_unique

pytestmark = pytest.mark.quick


def quick():
    return DNNRegressor((4,), epochs=1, random_state=0)


def visits(n=60):
    days = pd.date_range("2024-01-01", periods=n).astype(str)
    return pd.DataFrame(
        {
            "day": days,
            "id": [f"p{i:04}" for i in range(n)],
            "note": [f"patient {i} was seen by doctor {i % 7}" for i in range(n)],
            "town": ["Bonn", "Kiel", "Rome"] * (n // 3),
            "age": np.arange(n) % 80,
        }
    )


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas], ids=["pandas", "Polars"])
def test_columns_that_differ_in_nearly_every_row_are_named_once(make):
    with pytest.warns(ColumnWarning) as caught:
        quick().fit(make(visits()), np.arange(60.0))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    message = str(caught[0].message)
    assert "Columns 'day', 'id', 'note' of X hold text or categories that differ" in message
    assert "'town'" not in message
    assert "X.drop(columns=" in message
    assert "skrub.TableVectorizer()" in message


def test_identifiers_of_a_category_dtype_and_declared_ones_are_named():
    X = pd.DataFrame({"id": np.arange(40), "x": np.arange(40.0)})
    for frame, features in ((X.astype({"id": "category"}), "auto"), (X, ["id"])):
        with pytest.warns(ColumnWarning, match=r"^Column 'id' of X holds text or categories"):
            quick().set_params(categorical_features=features).fit(frame, np.arange(40.0))


def test_repeated_values_few_rows_and_numbers_are_no_trouble():
    towns = visits()[["town", "age"]]
    quick().fit(towns, np.arange(60.0))
    quick().fit(visits(12)[["id"]], np.arange(12.0))
    quick().fit(pd.DataFrame({"x": np.arange(60.0), "id": np.arange(60)}), np.arange(60.0))


def test_partial_fit_warns_in_the_first_call_only():
    X, y = visits()[["id", "age"]], np.arange(60) % 2
    model = DNNClassifier((4,))
    with pytest.warns(ColumnWarning):
        model.partial_fit(X, y, classes=[0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X, y).predict(X)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([1] * 60, True), ([1] * 19, False), ([2] * 30, False), ([1] * 31 + [29], True)],
)
def test_nearly_unique_means_that_most_rows_have_a_value_of_their_own(counts, expected):
    assert are_nearly_unique(counts) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([2**53, 2**60]), False),
        (np.array([2**53 + 1]), True),
        (np.array([2**64 - 1], np.uint64), True),
        (np.array([-(2**53) - 1]), True),
        (np.array([10**400], object), True),
        (np.array([1.5]), False),
        (np.array([], int), False),
    ],
)
def test_integers_that_differ_from_their_float(values, expected):
    assert are_inexact_as_floats(values) is expected


@pytest.mark.parametrize(
    "make",
    [
        lambda ids: pd.DataFrame({"id": ids, "x": np.linspace(0, 1, len(ids))}),
        lambda ids: pd.DataFrame({"id": pd.Series(ids, dtype="Int64"), "x": 1.0}),
        lambda ids: pl.DataFrame({"id": ids, "x": 1.0}),
        lambda ids: pd.DataFrame({"id": ids, "town": ["a", "b"] * (len(ids) // 2)}),
    ],
    ids=["pandas", "Int64", "Polars", "beside text"],
)
def test_integers_that_floats_round_are_reported_once(make):
    X = make(1_790_000_000_000_000_000 + np.arange(40))
    with pytest.warns(ColumnWarning, match=r"Column 'id' of X holds integers beyond 2\*\*53") as w:
        quick().fit(X, np.arange(40.0))
    assert len(w) == 1
    assert w[0].filename == __file__
    assert "Name them in categorical_features or drop them if they are identifiers" in str(
        w[0].message
    )


@pytest.mark.parametrize("family", ["DNN", "Keras"])
def test_skrub_turns_dates_and_text_into_numbers(family):
    skrub = pytest.importorskip("skrub")
    X = visits(120).drop(columns=["id", "age"])
    y = np.arange(120) / 20 + 4 * (np.arange(120) % 3)  # of the day and the town
    network = {
        "DNN": lambda: DNNRegressor((20,), epochs=150, learning_rate=0.01, random_state=0),
        "Keras": lambda: KerasRegressor(
            epochs=150, optimizer__learning_rate=0.01, random_state=0, verbose=0
        ),
    }[family]()
    text = skrub.StringEncoder(random_state=1)
    pipeline = make_pipeline(skrub.TableVectorizer(high_cardinality=text), network)
    scores = cross_val_score(pipeline, X, y, cv=KFold(3, shuffle=True, random_state=0))
    assert scores.min() > 0.5  # the mean of y scores 0


def test_large_integers_beside_fractions_in_a_list_keep_every_digit():
    ids = 2**53 + 1 + np.arange(80) % 4
    rows = [[int(i), 0.5] for i in ids]
    model = DNNClassifier((16,), epochs=60, random_state=0, categorical_features=[0])
    assert model.fit(rows, ids % 2).score(rows, ids % 2) == 1


def repeated_days(n=60):
    days = pd.date_range("2024-01-01", periods=n // 6).strftime("%d.%m.%Y")
    return pd.DataFrame({"day": np.resize(days, n), "version": np.resize(["1.2.3", "1.2.4"], n)})


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas], ids=["pandas", "Polars"])
def test_dates_as_text_are_named_however_often_they_repeat(make):
    with pytest.warns(ColumnWarning, match="Column 'day' of X holds dates as text") as caught:
        quick().fit(make(repeated_days()), np.arange(60.0))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "pd.to_datetime(X['day']).dt.month" in str(caught[0].message)


def test_dates_named_as_categories_are_no_trouble():
    quick().set_params(categorical_features=["day", "version"]).fit(
        repeated_days(), np.arange(60.0)
    )


def test_compare_names_dates_as_text():
    with pytest.warns(ColumnWarning, match="'day' of X holds dates as text, which compare") as w:
        compare(repeated_days(), np.arange(60.0), ["dummy"], cv=2)
    assert "categorical_features" not in str(w[0].message)
