"""Categories of one column, compared exactly."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from skdnn._data.categories import count_categories, exact_integers, exactly_comparable, union
from skdnn._data.table import Columns

pytestmark = pytest.mark.quick

FIRST = 1_790_000_000_000_000_000
SHOPS = [FIRST + i % 4 for i in range(8)]  # floats of this size are 256 apart
HUGE = [10**30 + i % 4 for i in range(8)]
UNSIGNED = [2**64 - 4 + i % 4 for i in range(8)]

FRAMES = {
    "category": lambda: pd.DataFrame({"id": pd.Series(SHOPS).astype("category")}),
    "Int64": lambda: pd.DataFrame({"id": pd.Series(SHOPS, dtype="Int64")}),
    "uint64": lambda: pd.DataFrame({"id": pd.Series(UNSIGNED, dtype="uint64")}),
    "object": lambda: pd.DataFrame({"id": pd.Series(SHOPS, dtype=object)}),
    "integers beyond 64 bits": lambda: pd.DataFrame({"id": pd.Series(HUGE, dtype=object)}),
    "decimal": lambda: pd.DataFrame({"id": pd.Series(list(map(Decimal, SHOPS)), dtype=object)}),
    "pandas on Arrow": lambda: pd.DataFrame({"id": pd.Series(SHOPS, dtype="int64[pyarrow]")}),
    "Polars": lambda: pl.DataFrame({"id": SHOPS}),
    "Polars decimal": lambda: pl.DataFrame({"id": list(map(Decimal, SHOPS))}),
    "PyArrow": lambda: pa.table({"id": SHOPS}),
    "array": lambda: np.array(SHOPS)[:, np.newaxis],
    "unsigned array": lambda: np.array(UNSIGNED, "uint64")[:, np.newaxis],
    "object array": lambda: np.array(SHOPS, object)[:, np.newaxis],
    "list": lambda: [[shop, "a"] for shop in SHOPS],
}


@pytest.mark.parametrize("name", FRAMES)
def test_large_integers_stay_apart_as_categories(name):
    X = FRAMES[name]()
    X = np.array(X, object) if isinstance(X, list) else X
    columns = (
        Columns([0], "Owner") if name.endswith(("array", "list")) else Columns(["id"], "Owner")
    )
    codes = columns.fit_transform(X[:, :1] if name == "list" else X, np.arange(8))
    np.testing.assert_array_equal(codes[:, 0], [1, 2, 3, 4] * 2)
    assert columns.sizes == (4,)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"id": pd.Series([None, *SHOPS[1:]], dtype="Int64")}),
        pd.DataFrame({"id": pd.Series([None, *SHOPS[1:]], dtype=object).astype("category")}),
        pl.DataFrame({"id": [None, *SHOPS[1:]]}),
        pl.DataFrame({"id": pl.Series([None, *UNSIGNED[1:]], dtype=pl.UInt64)}),
        pa.table({"id": [None, *SHOPS[1:]]}),
    ],
    ids=lambda X: type(X).__module__,
)
def test_large_integers_stay_apart_beside_missing_values(X):
    columns = Columns(["id"], "Owner")
    codes = columns.fit_transform(X, np.arange(8))
    np.testing.assert_array_equal(codes[:, 0], [5, 2, 3, 4, 1, 2, 3, 4])


def test_a_neighbour_of_a_large_category_is_unknown():
    columns = Columns(["id"], "Owner")
    columns.fit_transform(pd.DataFrame({"id": SHOPS}), np.arange(8))
    again = pd.DataFrame({"id": pd.Series([FIRST + 4, FIRST + 3, -FIRST, None], dtype=object)})
    np.testing.assert_array_equal(columns.transform(again)[:, 0], [0, 4, 0, 0])


def test_integers_and_floats_and_decimals_that_are_equal_are_one_category():
    columns = Columns([0], "Owner")
    columns.fit_transform(np.array([[1], [2], [3]]), np.arange(3))
    for same in (np.array([[3.0], [1.0]]), np.array([[Decimal(3)], [True]], object)):
        np.testing.assert_array_equal(columns.transform(same)[:, 0], [3, 1])


def test_decimal_fractions_are_the_floats_they_are_written_as():
    counts = count_categories(np.array([Decimal("0.1"), Decimal("0.5"), Decimal("0.1")], object))
    assert counts == {0.1: 2, 0.5: 1}
    exact = [Decimal("0.1"), Decimal("0.1000000000000000000000000001")]
    assert len(count_categories(np.array(exact, object))) == 2


@pytest.mark.parametrize(
    ("values", "kind"), [([1, 2**62], "i"), ([1, 2**64 - 1], "u"), ([-1, 2**64 - 1], "O")]
)
def test_exact_integers_have_the_dtype_that_holds_them(values, kind):
    exact = exact_integers(np.array(values, object))
    assert exact.dtype.kind == kind
    assert exact.tolist() == values


def test_the_union_of_signed_and_unsigned_labels_keeps_every_digit():
    both = union(np.array([FIRST, FIRST + 1]), np.array([FIRST + 2, FIRST], np.uint64))
    assert both.tolist() == [FIRST, FIRST + 1, FIRST + 2]
    assert union(np.array(["a"]), np.array(["b"])).tolist() == ["a", "b"]


def test_signed_and_unsigned_labels_are_compared_exactly():
    classes = np.array([2**63 - 2, 2**63 - 1], np.uint64)
    known, y = exactly_comparable(classes, np.array([2**63 - 1], np.int64))
    assert np.searchsorted(known, y).tolist() == [1]
