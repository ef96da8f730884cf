"""Folds and temperature of networks side by side."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import log_loss

from skdnn._members import folds, temperature


@pytest.mark.parametrize("n", [7, 8, 9, 100])
def test_every_row_is_in_one_fold_and_folds_are_of_one_size(n):
    fold = folds(np.zeros(n), np.random.default_rng(0))
    sizes = np.bincount(fold, minlength=8)
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


def test_classes_are_spread_over_the_folds():
    y = np.repeat([0, 1, 2], [80, 17, 3])
    fold = folds(y, np.random.default_rng(0))
    for label, n in enumerate([80, 17, 3]):
        counts = np.bincount(fold[y == label], minlength=8)
        assert counts.max() - counts.min() <= 2
        assert counts.sum() == n


def test_quantities_are_spread_over_the_folds():
    y = np.random.default_rng(1).exponential(size=800)
    fold = folds(y, np.random.default_rng(0))
    means = [y[fold == f].mean() for f in range(8)]
    alone = np.std(
        [y[part].mean() for part in np.split(np.random.default_rng(2).permutation(800), 8)]
    )
    assert np.std(means) < alone / 3


def test_folds_are_drawn():
    y = np.zeros(64)
    first, again, other = (folds(y, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("factor", [0.2, 1.0, 4.0])
def test_temperature_undoes_overconfidence(factor):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(20_000, 3))
    probabilities = np.exp(log_softmax(logits, axis=1))
    y = (probabilities.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)

    def loss(z):
        return log_loss(y, np.exp(log_softmax(z, axis=1)))

    assert temperature(loss, logits * factor) == pytest.approx(factor, rel=0.05)
