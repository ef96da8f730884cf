"""Labels that look like regression targets, or like one-hot rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from skdnn._data.doubtful_labels import has_one_hot_rows, line_for_classes, regression_hint


@pytest.mark.parametrize(
    ("classes", "n_rows", "doubtful"),
    [
        (np.arange(20) * 3.0, 20, False),  # few classes, whatever the number of rows
        (np.arange(21) * 3.0, 440, True),  # floats: more classes than the square root of the rows
        (np.arange(21) * 3.0, 442, False),
        (np.arange(100) * 3, 499, True),  # integers: fewer than five rows per class
        (np.arange(100) * 3, 500, False),
        (np.arange(100), 199, True),  # an encoding of classes: fewer than two rows per class
        (np.arange(100), 200, False),
        (np.arange(1.0, 101.0), 200, False),
        (np.arange(2, 102), 200, True),  # neither 0 nor 1 is the first
        (np.arange(100).astype(str), 100, False),
        (np.array([False, True]), 2, False),
        (np.array(["only"]), 1, False),
        (np.array([7]), 1, False),
    ],
)
def test_number_of_classes_against_rows(classes, n_rows, doubtful):
    hint = regression_hint(classes, n_rows, "DNNRegressor")
    if doubtful:
        n_classes = len(classes)
        assert f"{n_classes} different numbers in {n_rows} rows: use DNNRegressor." in hint
    else:
        assert hint is None


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([[1, 0], [0, 1]], True),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], True),
        ([[1, 0], [1, 1]], False),
        ([[1, 0], [0, 0]], False),
        ([[0, 1]], False),  # one row
        ([[1], [1]], False),  # one column
        ([0, 1], False),
    ],
)
def test_rows_with_exactly_one_1(y, expected):
    assert has_one_hot_rows(np.array(y)) is expected


def test_line_for_classes_returns_the_classes():
    code = np.array([2, 0, 1, 1])
    one_hot = np.eye(3, dtype=int)[code]
    names = np.array(["a", "b", "c"])
    table = pd.get_dummies(pd.Series(names[code]))
    for y, expected in (
        (one_hot, code),
        (one_hot.tolist(), code),
        (csr_array(one_hot), code),
        (table, names[code]),
    ):
        line = line_for_classes(y)
        np.testing.assert_array_equal(eval(line, {"y": y, "numpy": np}), expected)
