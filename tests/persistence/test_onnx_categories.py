"""Codes of categories in ONNX, against the codes that `predict` uses."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from skdnn._data.categories import Categories
from skdnn._data.table import Columns
from skdnn._network.onnx_graph import OnnxGraph, Tensor, UniqueNames, build_model
from skdnn.persistence.onnx_categories import encode_categories

pytestmark = pytest.mark.quick

NAN = np.nan
BIG = 2**53
# Categories in training, and values in prediction: known, unknown and missing ones.
COLUMNS = {
    "text": (["Kiel", "Bonn", "Köln"], ["Bonn", "bonn", "Köln", "", "nan"]),
    "text_missing": (["Kiel", None, "Bonn"], ["Bonn", "Rom", None, NAN, "Kiel"]),
    "text_empty": (["", None, "Bonn"], ["", "Bonn", "Rom"]),
    "text_nan": (["nan", None, "None"], ["nan", "None", "Bonn"]),
    "bool": ([True, False], [False, True]),
    "one_bool": ([True], [False, True]),
    "int": ([3, 1, 7], [7, 3, 2, -1]),
    "large_int": ([BIG, BIG + 1, -BIG - 1], [BIG + 1, BIG, BIG + 2, -BIG - 1]),
    "int_as_float": ([3, 1, 7], [7.0, 3.5, NAN, 1e300, -1e300, 3.0]),
    "int_missing": ([3, None, 7], [7.0, 3.5, NAN, 2.0]),
    "float": ([0.1, 1.5, 2.0], [0.1, 0.1 + 1e-12, 1.5, 1.0, NAN, -0.0]),
    "float_missing": ([0.1, NAN, 0.0], [0.1, 0.2, NAN, -0.0]),
    "near": ([1e9 + 0.5, 1e9 + 0.25, 1e9], [1e9, 1e9 + 0.25, 1e9 + 0.5, 1e9 + 0.125]),
    "float_as_int": ([0.5, 2.0], [2, 0, 1]),
    "never_known": ([NAN, NAN], [NAN, 1.0]),
}


def codes_in_onnx(categories, kind, values, run_onnx):
    graph = OnnxGraph("float32", UniqueNames(["X"]))
    codes = encode_categories(graph, "X", kind, categories, "Column 'x'")
    model = build_model(
        graph, [Tensor("X", kind, (1,))], [Tensor(codes, "int64", (1,))], "categories"
    )
    return run_onnx(model, values)[codes]


def check(trained, values, run_onnx, kind=None):
    columns = Columns([0], "Owner")
    columns.fit_transform(pd.DataFrame({"x": trained}), np.arange(len(trained)))
    X = pd.DataFrame({"x": values})
    kind = kind or columns.kinds_of(X)[0]
    got = codes_in_onnx(columns.encoders[0], kind, X.to_numpy(), run_onnx)
    np.testing.assert_array_equal(got, columns.transform(X))
    return columns


@pytest.mark.parametrize("name", COLUMNS)
def test_the_codes_are_those_of_predict(name, run_onnx):
    trained, values = COLUMNS[name]
    check(pd.Series(trained), pd.Series(values), run_onnx)


def test_unsigned_integers_beyond_int64(run_onnx):
    trained = np.array([2**63 + 1, 2**64 - 1, 5], np.uint64)
    values = np.array([2**64 - 1, 5, 2**63, 2**63 + 1, 2**64 - 2], np.uint64)
    check(trained, values, run_onnx)


def test_floats_in_single_precision_are_compared_exactly(run_onnx):
    trained = np.array([0.1, 0.5], np.float32)
    values = np.array([0.1, np.nextafter(np.float32(0.1), 1), 0.5, NAN], np.float32)
    check(trained, values, run_onnx)


def test_decimal_numbers(run_onnx):
    trained = pd.Series([Decimal("1.5"), Decimal("2.5")])
    check(trained, np.array([2.5, 1.5, 1.0]), run_onnx)


@pytest.mark.parametrize("kind", ["int8", "int32", "uint8", "uint32", "int64"])
def test_integers_of_each_size(kind, run_onnx):
    check(np.array([3, 1, 7], kind), np.array([7, 1, 0, 3], kind), run_onnx, kind)


def test_text_where_numbers_were_and_the_other_way_round():
    for key, kind, message in [("a", "int64", "text in fit.* numbers"), (1, "text", "numbers in")]:
        with pytest.raises(ValueError, match=message):
            encode_categories(OnnxGraph("float32"), "X", kind, Categories({key: 1}, False), "x")


def test_integers_that_no_float_holds_are_refused():
    categories = Categories({BIG + 1: 1, 2**70 + 1: 2}, has_missing=False)
    with pytest.raises(ValueError, match=r"Column 'x' has the category 9007.*\.astype\(str\)"):
        encode_categories(OnnxGraph("float32"), "X", "float64", categories, "Column 'x'")


def test_text_that_is_not_valid_unicode_is_refused():
    categories = Categories({"\udcff": 1}, has_missing=False)
    with pytest.raises(ValueError, match=r"the category '\\udcff', which is not valid Unicode"):
        encode_categories(OnnxGraph("float32"), "X", "text", categories, "x")
