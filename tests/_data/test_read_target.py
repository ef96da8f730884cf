"""y of any library: exact, complete, and of the right kind."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from skdnn._data.read_target import check_are_labels, check_numeric, read_target

pytestmark = pytest.mark.quick

FIRST = 1_790_000_000_000_000_000
LABELS = [FIRST, FIRST + 1, FIRST + 2]


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        np.array(LABELS, object),
        pd.Series(LABELS, dtype="Int64"),
        pd.Series(LABELS, dtype="UInt64"),
        pd.Series(LABELS, dtype="int64[pyarrow]"),
        pd.Series(LABELS).astype("category"),
        pd.Series(LABELS, dtype=object),
        pl.Series(LABELS),
        pa.array(LABELS),
        pa.chunked_array([LABELS]),
        list(map(Decimal, LABELS)),
    ],
    ids=lambda y: f"{type(y).__module__}-{getattr(y, 'dtype', '')}",
)
def test_integers_keep_every_digit(y):
    read = read_target(y, "Owner")
    assert read.dtype.kind in "iu"
    assert read.tolist() == LABELS


def test_a_column_of_a_table_stays_a_column():
    for y in (pd.DataFrame({"y": LABELS}, dtype="Int64"), pl.DataFrame({"y": LABELS})):
        np.testing.assert_array_equal(read_target(y, "Owner"), np.array(LABELS)[:, np.newaxis])


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([True, False], np.array([True, False])),
        (np.array([True, False], object), np.array([True, False])),
        (np.array([1, 2.5], object), np.array([1, 2.5])),
        ([Decimal("0.5"), Decimal(2)], np.array([0.5, 2.0])),
        (["a", "b"], np.array(["a", "b"])),
        ([[0, 1], [1, 1]], np.array([[0, 1], [1, 1]])),
    ],
    ids=str,
)
def test_values_have_the_dtype_of_their_type(y, expected):
    read = read_target(y, "Owner")
    assert read.dtype == expected.dtype
    np.testing.assert_array_equal(read, expected)


MISSING = {
    "None in a list": ["a", None, "b"],
    "None": np.array([1, None, 2], object),
    "NaN": np.array([1, np.nan, 2]),
    "NaN beside text": np.array(["a", np.nan, "b"], object),
    "NA": pd.Series([1, pd.NA, 2], dtype="Int64"),
    "NA of objects": pd.Series([1, pd.NA, 2], dtype=object),
    "NA of text": pd.Series(["a", pd.NA, "b"], dtype="string"),
    "NA of booleans": pd.Series([True, pd.NA, False], dtype="boolean"),
    "category": pd.Series(["a", None, "b"]).astype("category"),
    "Polars": pl.Series(["a", None, "b"]),
    "PyArrow": pa.array([1, None, 2]),
    "NaT": np.array(["2026-01-01", "NaT", "2026-01-02"], "M8[D]"),
    "columns": np.array([[0, 1], [None, 1], [1, 0]], object),
    "table": pd.DataFrame({"a": [1.0, np.nan, 2], "b": [1, 2, 3]}),
    "masked": np.ma.masked_array([1, 2, 3], [False, True, False]),
}


@pytest.mark.parametrize("name", MISSING)
def test_missing_values_are_counted_and_located(name):
    with pytest.raises(
        ValueError,
        match=r"Input y contains NaN: the 'y' parameter of Owner .* Got 1 missing of 3 values "
        r"\(.*\), the first in row 1: drop these rows from X and y\.$",
    ):
        read_target(MISSING[name], "Owner")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (pl.LazyFrame({"y": [1]}), r"y of Owner is a LazyFrame.*pass y\.collect\(\)"),
        ("target", r"y of Owner must be an array.*Got str target"),
        (3, r"Got int 3"),
        (np.array(3), r"must hold a value for each row"),
        ([[1], [1, 2]], r"different shapes, \(1,\) and \(2,\).*MultiLabelBinarizer"),
    ],
    ids=["lazy", "name", "number", "scalar", "ragged"],
)
def test_other_objects_are_refused_with_the_line_to_write(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        read_target(y, "Owner")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["low", "high"], r"y of DNNRegressor holds text \(low\).*use DNNClassifier.*to_numeric"),
        (np.array([1, "a"], object), r"holds text \(a\)"),
        ([{"a": 1}], r"holds dict"),
        (pd.Series(pd.date_range("2026-01-01", periods=2)), r"dates or times.*np\.timedelta64"),
        ([1j, 2.0], r"Complex data not supported by DNNRegressor"),
        ([10**400], r"y of DNNRegressor holds an integer that is too large for a float.*divide y"),
    ],
    ids=["text", "mixed", "dict", "dates", "complex", "too large"],
)
def test_targets_of_regression_must_be_numbers(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_numeric(read_target(y, "DNNRegressor"), "DNNRegressor")


def test_numbers_as_text_are_numbers_for_a_regressor():
    y = check_numeric(read_target(["1.5", "2"], "DNNRegressor"), "DNNRegressor")
    np.testing.assert_array_equal(y, [1.5, 2.0])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.5, 1.0], r"Unknown label type: continuous.* such as 0\.5: use KerasRegressor"),
        ([1e300, 1.0], r"such as 1e\+300: use KerasRegressor"),
        ([np.inf, 1.0], r"contains infinity"),
        (["a", 1], r"must all be text, or all numbers or booleans\. Got int, str: convert them"),
        ([10**30, 1], r"Got int beyond 64 bits: convert them to text"),
        ([{"a": 1}], r"Got dict"),
    ],
    ids=["fractions", "huge", "infinite", "mixed", "beyond 64 bits", "dict"],
)
def test_labels_must_be_whole_numbers_or_text(y, message):
    with pytest.raises((TypeError, ValueError), match=message):
        check_are_labels(read_target(y, "KerasClassifier"), "KerasClassifier")
