"""Samples of any shape as rows."""

from typing import Any

import numpy as np
from scipy.sparse import issparse


def as_rows(X: Any) -> tuple[Any, tuple[int, ...]]:
    """Flatten each sample to one row.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), DataFrame or sparse matrix
        Samples with any number of dimensions.

    Returns
    -------
    X : array-like of shape (n_samples, n_inputs)
        The rows, as a view if NumPy can create one. If X has at most two dimensions, the rows are
        X itself.
    shape : tuple of int
        Shape of one sample. Empty if X has fewer than two dimensions.
    """
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    shape = tuple(X.shape[1:])
    if len(shape) > 1 and not issparse(X):
        X = np.asarray(X)
        X = X.reshape(X.shape[0], int(np.prod(shape)))
    return X, shape
