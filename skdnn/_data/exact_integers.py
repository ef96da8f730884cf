"""Integers of 64 bits that are not exact as float64."""

from collections.abc import Sequence

import numpy as np

LARGEST_EXACT = 2**53  # all integers up to this number are exact as float64


def origins(X: np.ndarray, parts: Sequence[np.ndarray], skipped: np.ndarray) -> np.ndarray | None:
    """Return an integer for each column, whose distances to the values are exact as float64.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
        The values, which may be on disk.
    parts : list of ndarray of int
        Indices of rows, in batches that fit into memory.
    skipped : ndarray of int
        Positions of columns that get the integer 0, because they are not numbers.

    Returns
    -------
    ndarray of shape (n_columns,), int64 or uint64, or None
        The minimum of each column with large integers, and 0 for all other columns. None if no
        column has large integers that are close to each other.
    """
    if X.dtype.kind not in "iu" or X.dtype.itemsize < 8:
        return None
    least = np.min([X[part].min(axis=0) for part in parts], axis=0)
    greatest = np.max([X[part].max(axis=0) for part in parts], axis=0)
    low, high = least.astype(np.float64), greatest.astype(np.float64)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    is_large = (magnitude >= LARGEST_EXACT) & (high - low < LARGEST_EXACT)
    is_large[skipped] = False
    return np.where(is_large, least, 0).astype(least.dtype) if is_large.any() else None


def distances(x: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Return x - origin as float64, exact where x and origin are close integers."""
    rough: np.ndarray = x.astype(np.float64) - origin.astype(np.float64)
    if x.dtype.kind not in "iu":
        return rough
    # A difference of two integers modulo 2**64 is exact if it is small.
    exact = x.astype(np.int64) - origin.astype(np.int64)
    return np.where(np.abs(rough) < LARGEST_EXACT, exact, rough)
