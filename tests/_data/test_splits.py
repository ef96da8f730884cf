"""Which rows are held out."""

import numpy as np
import pytest

from skdnn._data.splits import ValidationData, hold_out


def test_sorted_classes_are_held_out_in_proportion():
    labels = np.repeat(["a", "b", "c"], [60, 30, 10])
    training, held_out = hold_out(np.arange(100), labels, 0.1, seed=0)
    assert sorted(np.unique(labels[held_out], return_counts=True)[1]) == [1, 3, 6]
    assert sorted([*training, *held_out]) == list(range(100))


def test_sorted_regression_targets_are_held_out_at_random():
    _, held_out = hold_out(np.arange(1000), None, 0.2, seed=0)
    assert len(held_out) == 200
    assert 400 < held_out.mean() < 600


def test_a_class_of_one_row_is_trained_on():
    labels = np.array([0] * 10 + [1] * 10 + [2])
    training, held_out = hold_out(np.arange(21), labels, 0.3, seed=0)
    assert 20 in training
    assert len(held_out) == 7


def test_fewer_held_out_rows_than_classes():
    labels = np.arange(20) % 10
    training, held_out = hold_out(np.arange(20), labels, 0.1, seed=0)
    assert (len(training), len(held_out)) == (18, 2)


@pytest.mark.parametrize("n_rows", [2, 3, 5])
@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_both_sides_have_rows(n_rows, fraction):
    labels = np.arange(n_rows)
    assert all(map(len, hold_out(np.arange(n_rows), labels, fraction, seed=0)))


def test_one_row_cannot_be_split():
    with pytest.raises(ValueError, match="needs at least 2 rows to split, got n_samples = 1"):
        hold_out(np.arange(1), None, 0.5, seed=0)


def test_groups_stay_together():
    groups = np.repeat(list("abcdefghij"), 10)
    training, held_out = hold_out(np.arange(100), None, 0.25, 0, groups)
    assert sorted([*training, *held_out]) == list(range(100))
    assert not set(groups[training]) & set(groups[held_out])
    assert len(set(groups[held_out])) == 3


@pytest.mark.parametrize("fraction", [0.01, 0.5, 0.99])
def test_both_sides_have_groups(fraction):
    sides = hold_out(np.arange(4), None, fraction, 0, np.array([1, 1, 2, 2]))
    assert [len(side) for side in sides] == [2, 2]


def test_row_numbers_of_groups_are_those_given():
    rows = np.arange(100, 120)
    training, held_out = hold_out(rows, None, 0.3, 0, np.arange(20) % 5)
    assert sorted([*training, *held_out]) == list(rows)


def test_validation_data_without_targets_are_rejected():
    ValidationData(X=1, y=2).check("Owner")
    ValidationData(groups=1).check("Owner")
    with pytest.raises(ValueError, match="fit was given X_val, but not y_val"):
        ValidationData(X=1).check("Owner")
