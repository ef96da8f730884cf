"""What a user calls y, and what the network is given."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skdnn._data.targets import NumericTargets, check_labels, classification_targets


@pytest.mark.parametrize(
    "y", [["b", "a", "c", "a"], [30, -1, 7, 30], [True, False, True, True], [2.0, 1.0, 2.0, 5.0]]
)
def test_any_labels_are_decoded(y):
    y = check_labels(y, "Owner")
    targets = classification_targets(y, None, "Owner")
    codes = targets.encode(y, "float32")
    assert codes.dtype == np.int32
    assert sorted(set(codes)) == list(range(targets.n_outputs))
    np.testing.assert_array_equal(targets.decode(np.eye(targets.n_outputs)[codes]), y)


def test_classes_may_be_more_than_those_in_y():
    targets = classification_targets(np.array([1, 1]), [0, 1, 2], "Owner")
    np.testing.assert_array_equal(targets.encode(np.array([1, 2]), "float32"), [1, 2])


def test_unknown_labels_are_named():
    targets = classification_targets(np.array(["a", "b"]), None, "Owner")
    with pytest.raises(ValueError, match=r"not among the classes.*\['z'\].*\['a', 'b'\]"):
        targets.encode(np.array(["a", "z"]), "float32")


def test_one_class_is_refused():
    with pytest.raises(ValueError, match=r"at least 2 classes in y.*only one class: 'a'"):
        classification_targets(np.array(["a", "a"]), None, "Owner")


def test_sparse_indicator_is_made_dense():
    y = check_labels(csr_matrix([[0, 1], [1, 1]]), "Owner")
    np.testing.assert_array_equal(y, [[0, 1], [1, 1]])


@pytest.mark.parametrize("values", [(-1, 1), (1, 2)])
def test_indicator_of_other_numbers_is_refused(values):
    y = np.array(values)[[[0, 1], [1, 0], [1, 1]]]
    with pytest.raises(ValueError, match="must hold zeros and ones"):
        check_labels(y, "Owner")


def test_several_columns_of_classes_are_rejected_with_advice():
    with pytest.raises(ValueError, match="MultiOutputClassifier"):
        check_labels([[1, 2], [3, 1]], "Owner")


def test_continuous_targets_are_rejected_as_classes():
    with pytest.raises(ValueError, match="Unknown label type"):
        check_labels([0.5, 1.5], "Owner")


@pytest.mark.parametrize("shape", [(20,), (20, 1), (20, 3)])
def test_regression_targets_are_standardised_and_decoded(shape):
    y = np.random.default_rng(0).normal(5e5, 3, size=shape)
    targets = NumericTargets(y, None)
    encoded = targets.encode(y, "float64")
    np.testing.assert_allclose(encoded.mean(axis=0), 0, atol=1e-8)
    np.testing.assert_allclose(encoded.std(axis=0), 1)
    np.testing.assert_allclose(targets.decode(encoded), y)
    assert targets.decode(encoded).shape == shape


def test_a_constant_target_is_decoded():
    targets = NumericTargets(np.full(5, 0.1), None)
    np.testing.assert_allclose(targets.decode(targets.encode(np.full(5, 0.1), "float32")), 0.1)


def test_weights_decide_mean_and_spread():
    y, weight = np.array([1.0, 2.0, 9.0]), np.array([2.0, 1.0, 0.0])
    weighted, repeated = NumericTargets(y, weight), NumericTargets(np.array([1.0, 1.0, 2.0]), None)
    assert weighted.mean == pytest.approx(repeated.mean)
    assert weighted.unit == pytest.approx(repeated.unit)


def test_another_number_of_outputs_is_refused():
    with pytest.raises(ValueError, match=r"One row of y has shape \(2,\), but \(\) when"):
        NumericTargets(np.arange(3.0), None).encode(np.ones((3, 2)), "float32")
