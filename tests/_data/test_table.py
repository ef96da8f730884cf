"""Tables of any library to one matrix of floats."""

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.preprocessing import OrdinalEncoder

from skdnn._data.table import Columns

pytestmark = pytest.mark.quick

NAN = np.nan
VALUES = {
    "age": [20.0, None, 40.0, 50.0],
    "rank": [3, 1, 2, 3],
    "town": ["Kiel", "Bonn", None, "Kiel"],
    "owner": [True, False, True, True],
}
CODES = [[20, 3, 2, 2], [NAN, 1, 1, 1], [40, 2, 3, 2], [50, 3, 2, 2]]
EVERYTHING = np.arange(4)


def pandas_frame(values=VALUES):
    return pd.DataFrame(values)


def nullable_frame(values=VALUES):
    return pd.DataFrame(values).convert_dtypes()


def arrow_frame(values=VALUES):
    return pd.DataFrame(values).convert_dtypes(dtype_backend="pyarrow")


def object_frame(values=VALUES):
    return pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in values.items()})


FRAMES = [
    pandas_frame,
    nullable_frame,
    arrow_frame,
    pl.DataFrame,
    pa.table,
    lambda values: pa.table(values).to_batches()[0],
]


def learn(X, rows=EVERYTHING, categorical_features="auto"):
    columns = Columns(categorical_features, "Owner")
    return columns, columns.fit_transform(X, rows)


@pytest.mark.parametrize("make", FRAMES)
def test_numbers_stay_and_text_and_booleans_become_codes(make):
    columns, matrix = learn(make(VALUES))
    np.testing.assert_array_equal(matrix, CODES)
    np.testing.assert_array_equal(columns.transform(make(VALUES)), CODES)
    assert columns.codes == [2, 3]
    assert columns.sizes == (3, 2)


@pytest.mark.parametrize("make", FRAMES)
def test_one_library_after_another(make):
    columns, _ = learn(pandas_frame())
    np.testing.assert_array_equal(columns.transform(make(VALUES)), CODES)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(pd.Categorical(["b", None, "a", "b"])),
        pd.Series(["b", None, "a", "b"], dtype="string[pyarrow]"),
        pd.Series(["b", pd.NA, "a", "b"], dtype="string"),
        pd.Series(["b", NAN, "a", "b"], dtype=object),
        pd.Series(["b", pd.NA, "a", "b"], dtype=object),
        pd.Series(pa.array(["b", None, "a", "b"]).dictionary_encode().to_pandas()),
        pl.Series(["b", None, "a", "b"], dtype=pl.Categorical),
        pl.Series(["b", None, "a", "b"], dtype=pl.Enum(["b", "a"])),
        pa.chunked_array([pa.array(["b", None, "a", "b"]).dictionary_encode()]),
    ],
    ids=lambda column: f"{type(column).__module__.split('.')[0]}-{getattr(column, 'dtype', '')}",
)
def test_missing_categories_of_every_type(column):
    make = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.table}
    X = make[type(column).__module__.split(".")[0]]({"letter": column})
    columns, matrix = learn(X)
    np.testing.assert_array_equal(matrix.ravel(), [2, 3, 1, 2])
    later = columns.transform(pd.DataFrame({"letter": ["c", None, pd.NA, NAN]}, dtype=object))
    np.testing.assert_array_equal(later.ravel(), [0, 3, 3, 3])


def test_missing_categories_that_were_never_missing_in_training_are_unknown():
    columns, _ = learn(pd.DataFrame({"letter": ["a", "b", "a", "b"]}))
    for missing in (None, NAN, pd.NA):
        X = pd.DataFrame({"letter": ["a", missing]}, dtype=object)
        np.testing.assert_array_equal(columns.transform(X).ravel(), [1, 0])
    nothing = pd.DataFrame({"letter": [NAN, NAN]})
    np.testing.assert_array_equal(columns.transform(nothing).ravel(), [0, 0])


@pytest.mark.parametrize("missing", [None, NAN, pd.NA])
@pytest.mark.parametrize("dtype", ["Int64", "Float32", "object", "int64[pyarrow]"])
def test_missing_numbers_of_every_type(missing, dtype):
    X = pd.DataFrame({"n": pd.Series([1, missing, 3, 4], dtype=dtype), "t": list("abab")})
    np.testing.assert_array_equal(learn(X)[1][:, 0], [1, NAN, 3, 4])


def test_categories_are_fitted_on_the_given_rows_only():
    columns, matrix = learn(pd.DataFrame({"letter": list("abcd")}), rows=np.array([0, 2]))
    np.testing.assert_array_equal(matrix.ravel(), [1, 0, 2, 0])
    assert columns.sizes == (2,)


def test_codes_are_those_of_scikit_learn():
    letters = np.random.default_rng(0).choice(list("dcba"), 50).reshape(-1, 1)
    _, matrix = learn(pd.DataFrame(letters), rows=np.arange(50))
    np.testing.assert_array_equal(matrix, OrdinalEncoder().fit_transform(letters) + 1)


@pytest.mark.parametrize(
    "given", [[0, 2], np.array([True, False, True]), np.array([0, 2]), ["a", "c"], (2, 0)], ids=str
)
def test_columns_may_be_declared(given):
    X = pd.DataFrame({"a": [7, 9, 7, 8], "b": [1, 2, 3, 4], "c": [0.5, NAN, 0.5, 2]})
    columns, matrix = learn(X, categorical_features=given)
    np.testing.assert_array_equal(matrix, [[1, 1, 1], [3, 2, 3], [1, 3, 1], [2, 4, 2]])
    assert columns.codes == [0, 2]


@pytest.mark.parametrize("dtype", [object, str])
def test_an_array_of_text_with_declared_columns(dtype):
    X = np.array([["b", 1.5], ["a", 2.5], ["b", 3.5], ["a", 1.0]], dtype)
    columns, matrix = learn(X, categorical_features=[0])
    np.testing.assert_array_equal(matrix, [[2, 1.5], [1, 2.5], [2, 3.5], [1, 1]])
    assert columns.reads(X)


def test_categories_that_are_intervals():
    X = pd.DataFrame({"part": pd.cut([1, 2, 8, 9], 2)})
    columns, matrix = learn(X)
    np.testing.assert_array_equal(matrix.ravel(), [1, 1, 2, 2])
    np.testing.assert_array_equal(columns.transform(X), matrix)


def test_object_columns_have_the_type_of_their_values():
    columns, matrix = learn(object_frame({"flag": [True, None, False, True], "n": [1, 2, None, 4]}))
    np.testing.assert_array_equal(matrix, [[2, 1], [3, 2], [1, NAN], [2, 4]])
    assert columns.codes == [0]


@pytest.mark.parametrize("make", FRAMES)
def test_the_kind_of_each_column_is_known(make):
    values = {**VALUES, "id": [7, 8, 9, 7], "age": [20, None, 30, 40]}
    columns, _ = learn(make(values))
    assert columns.kinds == ("float64", "int64", "text", "bool", "int64")


def test_the_kinds_of_object_columns_and_of_missing_values():
    X = pd.DataFrame({"a": [1, 2.5, None], "b": [True, None, False], "c": [1, None, 3], "d": "x"})
    X["e"] = pd.array([2**60, None, 5], "Int64")
    X["f"] = np.array([1, 2, 3], np.int8)
    columns, _ = learn(X.astype({"a": object, "c": object}), np.arange(3))
    assert columns.kinds == ("float64", "float64", "float64", "text", "int64", "int8")


def test_narrow_numbers_stay_narrow():
    X = pd.DataFrame({"a": np.arange(4, dtype="float32"), "b": list("abcd")})
    assert learn(X)[1].dtype == np.float32
    assert learn(pandas_frame())[1].dtype == np.float64


def test_plain_numbers_are_left_to_scikit_learn():
    columns = Columns("auto", "Owner")
    assert not columns.reads(np.zeros((3, 2)))
    assert not columns.reads(pd.DataFrame({"a": [1.0, 2], "b": [1, 2]}))
    assert not columns.reads(sparse.csr_array((3, 2)))


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"when": pd.date_range("2026-01-01", periods=4)}),
        pd.DataFrame({"when": pd.date_range("2026-01-01", periods=4, tz="UTC")}),
        pd.DataFrame({"when": pd.period_range("2026-01", periods=4, freq="M")}),
        pd.DataFrame({"when": pd.to_timedelta([1, 2, 3, 4], unit="D")}),
        pd.DataFrame({"when": [pd.NaT] * 4}),
        pd.DataFrame({"when": ["a", pd.NaT, "b", "c"]}, dtype=object),
        pd.DataFrame({"when": [datetime.date(2026, 1, 1)] * 4}),
        pl.DataFrame({"when": [datetime.date(2026, 1, 1)] * 4}),
        pl.DataFrame({"when": [datetime.time(3)] * 4}),
        pa.table({"when": [datetime.datetime(2026, 1, 1)] * 4}),
    ],
    ids=str,
)
def test_dates_and_times_are_rejected_with_advice(X):
    with pytest.raises(
        TypeError, match=r"Column 'when' of X holds dates or times \(.*such as days"
    ):
        learn(X)


@pytest.mark.parametrize("kind", [object, "category"])
def test_numbers_and_text_in_one_column_are_refused(kind):
    X = pd.DataFrame({"mixed": pd.Series([1, "a", 2.5, None], dtype=object).astype(kind)})
    with pytest.raises(
        TypeError, match=r"Column 'mixed' of X holds float and int and str, .*\.astype\(str\)"
    ):
        learn(X)


def test_text_in_a_numeric_column_is_an_error():
    columns, _ = learn(pandas_frame())
    X = pandas_frame().assign(age=list("abcd"))
    with pytest.raises(ValueError, match=r"Column 'age' of X holds text, where Owner expects num"):
        columns.transform(X)
    with pytest.raises(ValueError, match="name it in categorical_features"):
        learn(pandas_frame(), categorical_features=None)


def test_categories_of_another_type_than_in_training_are_an_error():
    columns, _ = learn(pandas_frame())
    with pytest.raises(ValueError, match=r"Column 'town' of X holds numbers, .* text when Owner"):
        columns.transform(pandas_frame().assign(town=[1, 2, 3, 4]))
    with pytest.raises(ValueError, match=r"Column 'owner' of X holds text, .* numbers when Owner"):
        columns.transform(pandas_frame().assign(owner=list("abcd")))


@pytest.mark.parametrize(
    "given", [["nowhere"], [4], [-1], [True, False], [0.5], [[0]], [None]], ids=str
)
def test_categorical_features_that_match_no_column_are_an_error(given):
    with pytest.raises(ValueError, match=r"'categorical_features' parameter of Owner .*0 to 3"):
        learn(pandas_frame(), categorical_features=given)


def test_sparse_matrices_have_no_categories():
    with pytest.raises(TypeError, match=r"Sparse X of Owner holds numbers only.*\[0\]"):
        Columns([0], "Owner").reads(sparse.csr_array((3, 2)))


def test_scikit_learn_may_be_set_to_pandas():
    with config_context(transform_output="pandas"):
        np.testing.assert_array_equal(learn(pandas_frame())[1], CODES)


def test_fitted_columns_can_be_pickled():
    columns, matrix = learn(pandas_frame())
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(columns)).transform(pandas_frame()), matrix
    )
