"""Networks trained side by side: which rows each never sees, and what those rows then tell."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar

N_FOLDS = 8


def folds(y: np.ndarray, rng: np.random.Generator, n_folds: int = N_FOLDS) -> np.ndarray:
    """Deal rows out to folds that are alike in y.

    Sorted by y, each run of `n_folds` rows goes to all folds, in random order.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class numbers or quantities.
    rng : numpy.random.Generator
        Deals.
    n_folds : int, default=8
        Number of folds.

    Returns
    -------
    fold : ndarray of shape (n_samples,), int
        The fold of each row.
    """
    shuffled = rng.permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    n_runs = -(-len(y) // n_folds)
    runs = rng.permuted(np.tile(np.arange(n_folds), (n_runs, 1)), axis=1)
    fold = np.empty(len(y), int)
    fold[order] = runs.ravel()[: len(y)]
    return fold


def temperature(loss: Callable[[np.ndarray], float], logits: np.ndarray) -> float:
    """Find the number by which logits are best divided (Guo et al. 2017, section 4.2).

    Parameters
    ----------
    loss : callable
        The mean loss of logits; not of rows that the network was trained on.
    logits : ndarray of shape (n_samples, n_outputs)
        What the network puts out before its last activation.

    Returns
    -------
    float
        Between 0.05 and 20.
    """
    bounds = (np.log(0.05), np.log(20))
    found = minimize_scalar(lambda t: loss(logits / np.exp(t)), bounds=bounds, method="bounded")
    return float(np.exp(found.x))
