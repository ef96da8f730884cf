"""Networks trained side by side: which rows each never sees, and what those rows then tell."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar


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


def greedy_ensemble_weights(
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
