"""Class labels compared with the classes of a fit."""

import numpy as np
import pytest

from skdnn._data.class_labels import check_known_labels, check_validation_labels

BIG = 2**53


@pytest.mark.parametrize(
    ("y", "classes", "unknown"),
    [
        ([1, 2, 0], [1, 2, 3], r"\[0\]"),
        (["a", "z"], ["a", "b"], r"\['z'\]"),
        ([0, 1], ["a", "b"], r"\[0, 1\]"),
        (["1", "2"], [1, 2], r"\['1', '2'\]"),
        ([BIG + 1], [BIG, BIG + 2], rf"\[{BIG + 1}\]"),
        ([0.5], [0, 1], r"\[0.5\]"),
    ],
)
def test_error_names_the_labels_that_are_unknown(y, classes, unknown):
    message = f"y_val has labels that y does not have: {unknown}. Those of y are"
    with pytest.raises(ValueError, match=message):
        check_known_labels(np.array(y), np.array(classes), "y_val")


@pytest.mark.parametrize(
    ("y", "classes"),
    [([1.0, 2.0], [1, 2, 3]), ([True], [0, 1]), (["b"], ["a", "b"]), ([], [0, 1])],
)
def test_known_labels_of_any_dtype(y, classes):
    check_known_labels(np.array(y), np.array(classes), "y")
    check_validation_labels(np.array(y), np.array(classes), None)


@pytest.mark.parametrize(
    ("y", "n_columns", "message"),
    [
        (np.eye(3), None, r"y_val has the shape \(3, 3\), but y has one column of labels"),
        (np.arange(3), 3, r"y_val has the shape \(3,\), but y has 3 columns"),
        (np.eye(3), 2, r"y_val has the shape \(3, 3\), but y has 2 columns"),
        (2 * np.eye(3), 3, r"y_val has values other than 0 and 1: \[0.0, 2.0\]"),
    ],
)
def test_error_for_another_form_than_that_of_y(y, n_columns, message):
    with pytest.raises(ValueError, match=message):
        check_validation_labels(y, np.arange(3), n_columns)
