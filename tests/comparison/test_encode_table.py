from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from skdnn import compare
from skdnn._data.column_warnings import ColumnWarning
from skdnn.comparison.encode_table import TableEncoder, needs_encoding

pytestmark = pytest.mark.quick

LARGE = 1_790_000_000_000_000_000


@pytest.fixture
def table():
    return {
        "size": [1.5, None, 2.5, 4.0] * 15,
        "town": ["north", "south", None] * 20,
        "lift": [True, False] * 30,
    }


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame])
def test_encodes_as_scikit_learn_does(table, library):
    frame = pd.DataFrame(table)
    frame[["town", "lift"]] = frame[["town", "lift"]].astype(object).where(frame.notna(), np.nan)
    encode = OneHotEncoder(sparse_output=False)
    median = SimpleImputer(strategy="median")
    expected = make_column_transformer((encode, ["town", "lift"]), (median, ["size"]))
    found = TableEncoder().fit_transform(library(table))
    np.testing.assert_array_equal(found, expected.fit_transform(frame))


@pytest.mark.parametrize(
    "shops",
    [
        pd.Series(LARGE + np.arange(60) % 4),
        pd.Series(LARGE + np.arange(60) % 4, dtype="uint64"),
        pd.Series(LARGE + np.arange(60) % 4, dtype="Int64"),
        pd.Series(LARGE + np.arange(60) % 4, dtype="category"),
        pd.Series([10**25 + i % 4 for i in range(60)], dtype=object),
        pl.Series(LARGE + np.arange(60) % 4),
    ],
    ids=lambda shops: str(shops.dtype),
)
def test_identifiers_keep_every_digit(shops):
    library = pl.DataFrame if isinstance(shops, pl.Series) else pd.DataFrame
    X = library({"shop": shops, "x": np.random.default_rng(0).normal(size=60)})
    y = np.arange(60) % 4
    assert compare(X, y, ["linear"], cv=3).scores["accuracy"].tolist() == [[1, 1, 1]]


def test_large_numbers_that_differ_in_every_row_stay_numbers():
    times = LARGE + 7 * np.arange(60)
    encoder = TableEncoder().fit(pd.DataFrame({"time": times, "town": ["a", "b"] * 30}))
    assert encoder.is_text_ == [False, True]


@pytest.mark.parametrize(
    ("column", "is_text"),
    [
        ([Decimal("1.5"), None, Decimal("2")], False),
        ([1, 2.5, None], False),
        (["a", 1, None], True),
        ([True, None, False], True),
        (pd.array(["a", None, "b"], dtype="string"), True),
        (pd.array([1, None, 2], dtype="Int64"), False),
        (pd.to_datetime(["2024-01-01", None, "2024-01-03"]), True),
        ([None, None, None], True),
    ],
)
def test_columns_of_all_types_become_numbers(column, is_text):
    frame = pd.DataFrame({"a": pd.Series(column), "b": [1.0, 2.0, 3.0]})
    encoder = TableEncoder().fit(frame)
    assert encoder.is_text_ == [is_text, False]
    encoded = encoder.transform(frame)
    assert np.isfinite(encoded).all()
    assert len(encoder.get_feature_names_out()) == encoded.shape[1]


@pytest.mark.parametrize(
    ("X", "expected"),
    [
        (np.zeros((3, 2)), False),
        (np.zeros((3, 2), int), False),
        (np.zeros((3, 4, 4)), False),
        (np.array([[1.0, np.nan]]), True),
        (np.array([["a", "b"]]), True),
        (np.array([["a", 1]], dtype=object), True),
        (pd.DataFrame({"a": [1, 2]}), False),
        (pl.DataFrame({"a": [1, None]}), True),
    ],
)
def test_only_text_and_missing_values_need_it(X, expected):
    assert needs_encoding(X) is expected


def test_decimal_numbers_are_no_text():
    X = pd.DataFrame({"price": [Decimal(i) / 7 for i in range(60)]})
    found = compare(X, np.arange(60.0), ["linear"], cv=3)
    assert found.scores["r2"].min() > 0.99


def test_dates_are_warned_about():
    X = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=60)})
    with pytest.warns(ColumnWarning, match="Column 'day' of X holds"):
        compare(X, np.arange(60.0), ["dummy"], cv=3)
