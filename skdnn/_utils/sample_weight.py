"""Checks of sample weights, and sample weights that float32 can hold."""

from typing import Any

import numpy as np

from skdnn._utils.sklearn_compat import check_sample_weight

_GREAT = 1e30  # sums of greater weights might overflow in float32


def check_weights(sample_weight: Any, X: Any, owner: str, *, signed: bool = False) -> np.ndarray:
    """Return sample weights of any magnitude, or raise an error.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or float
        Sample weights.
    X : array-like of shape (n_samples, ...)
        Samples.
    owner : str
        The estimator's name, for errors.
    signed : bool, default=False
        Whether weights may be negative, as in scores.

    Returns
    -------
    ndarray of shape (n_samples,), float64
        The weights, with at least one above 0.
    """
    try:
        numbers = np.asarray(sample_weight).astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"The sample_weight of {owner} must hold one number for each row. Got values that "
            f"float64 cannot hold: {error}."
        ) from error
    if numbers.size and not numbers.any():
        raise ValueError(
            "Sample weights must contain at least one non-zero number, but only zeros were passed "
            f"in sample_weight of {owner}: give at least one row a weight above 0."
        )
    weight: np.ndarray = check_sample_weight(numbers, X, dtype=np.float64)
    if not signed and np.any(weight < 0):
        raise ValueError(
            f"The sample_weight of {owner} must not be negative. Got weights from "
            f"{weight.min():g} to {weight.max():g}: leave rows out with a weight of 0."
        )
    return weight


def within_float32(weight: np.ndarray) -> np.ndarray:
    """Return weights that float32 can hold, divided by their maximum if it is extreme.

    Only the ratios of weights matter, because weights are divided by their mean.
    """
    greatest = np.abs(weight).max()
    return weight if 1 / _GREAT < greatest < _GREAT else weight / greatest
