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


def folds_of_groups(
    groups: np.ndarray, rng: np.random.Generator, n_folds: int = N_FOLDS
) -> np.ndarray:
    """Deal rows out to folds, those of one group to the same: see `folds`."""
    names, group = np.unique(groups, return_inverse=True)
    return rng.permutation(np.arange(len(names)) % n_folds)[group]


def member_weights(
    weight: np.ndarray | None, fold: np.ndarray, n_members: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weigh rows for members, of which each sees all folds but one, and is judged on that.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,) or None
        Weights of the rows.
    fold : ndarray of shape (n_samples,), int
        The fold of each row; -1 where it is in none.
    n_members : int
        Number of members.

    Returns
    -------
    training, validation : ndarray of shape (n_samples, n_members)
        The mean of `training`, over the rows in a fold and all members, is 1.
    """
    own = fold[:, np.newaxis] == np.arange(n_members)
    base = np.where(fold < 0, 0.0, 1.0 if weight is None else weight)[:, np.newaxis]
    training, validation = base * ~own, base * own
    return training * (np.sum(fold >= 0) * n_members / training.sum()), validation


def temperature(
    losses: Callable[[np.ndarray], np.ndarray], logits: np.ndarray, weight: np.ndarray
) -> float:
    """Find the number by which logits are best divided (Guo et al. 2017, section 4.2).

    Parameters
    ----------
    losses : callable
        Gives the loss of each row from logits.
    logits : ndarray of shape (n_samples, n_outputs)
        What the network puts out before its last activation, for rows that it was not trained on.
    weight : ndarray of shape (n_samples,)
        Their weights.

    Returns
    -------
    float
        Between 0.05 and 20.
    """
    bounds = (np.log(0.05), np.log(20))
    found = minimize_scalar(
        lambda t: weight @ losses(logits / np.exp(t)), bounds=bounds, method="bounded"
    )
    return float(np.exp(found.x))


def greedy_shares(
    losses: Callable[[np.ndarray], np.ndarray],
    outputs: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """Choose how much each of several predictions counts in their average.

    Each counts once; then in each round the one is added, again if need be, that makes the loss of
    the average least (Caruana et al. 2004, "Ensemble Selection from Libraries of Models", section
    2.1). They are so many in all, a power of two of at least 14 more than there are predictions,
    that shares are exact in float32.

    Parameters
    ----------
    losses : callable
        Gives the loss of each row from an average.
    outputs : ndarray of shape (n_predictions, n_samples, n_outputs)
        The predictions, for rows that they were not trained on.
    weight : ndarray of shape (n_samples,)
        Weights of the rows.

    Returns
    -------
    shares : ndarray of shape (n_predictions,)
        They add up to 1.
    """
    total, counts = outputs.sum(axis=0), np.ones(len(outputs))
    n_total = 2 ** int(len(outputs) + 13).bit_length()
    for number in range(len(outputs) + 1, n_total + 1):
        found = [weight @ losses((total + output) / number) for output in outputs]
        best = int(np.argmin(found))
        total += outputs[best]
        counts[best] += 1
    return counts / n_total


def noise(
    errors: np.ndarray, predicted: np.ndarray, weight: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Return the variance of targets that the members' disagreement does not explain.

    Parameters
    ----------
    errors : ndarray of shape (n_members, n_samples, n_outputs)
        Of each member's predictions.
    predicted : ndarray of shape (n_members, n_samples, n_outputs)
        These, in the same units.
    weight : ndarray of shape (n_members, n_samples)
        Above 0 where a member was not trained on a row.
    shares : ndarray of shape (n_members,)
        How much each member counts; they add up to 1.

    Returns
    -------
    variance : ndarray of shape (n_outputs,)
        The mean square of these errors less the mean variance between members, 0 at the least.
    """
    weight = weight * shares[:, np.newaxis]
    squares = np.tensordot(weight, errors**2, 2) / weight.sum()
    mean = np.tensordot(shares, predicted, axes=1)
    variance = np.tensordot(shares, (predicted - mean) ** 2, axes=1)
    between = np.average(variance, axis=0, weights=weight.sum(axis=0))
    return np.maximum(squares - between, 0)
