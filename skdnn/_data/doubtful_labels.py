"""Labels that may mean something else than a classifier takes them for."""

from typing import Any

import numpy as np

# With at most this many classes, numbers are taken for classes whatever the number of rows.
_FEW_CLASSES = 20
# Fewer rows per class than this, on average, are typical of numeric targets that are integers.
_FEW_ROWS = 5


def regression_hint(classes: np.ndarray, n_rows: int, regressor: str) -> str | None:
    """Return a hint if class labels look like the targets of a regression, or None.

    Up to 20 classes never do. Consecutive integers from 0 or 1 on are encoded classes, and look
    like regression only if there are more classes than half of the rows, as in scikit-learn. Other
    integers look like it if there are fewer than five rows per class, and floats if there are more
    classes than the square root of the number of rows.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The sorted labels.
    n_rows : int
        Number of rows of y.
    regressor : str
        Name of the estimator that the hint recommends.
    """
    n_classes = len(classes)
    if classes.dtype.kind not in "iuf" or n_classes <= _FEW_CLASSES:
        return None
    first = classes[0]
    if first in (0, 1) and np.array_equal(classes, np.arange(first, first + n_classes)):
        most = n_rows / 2
    else:
        most = np.sqrt(n_rows) if classes.dtype.kind == "f" else n_rows / _FEW_ROWS
    if n_classes <= most:
        return None
    return (
        f"y looks like regression, because it has {n_classes} different numbers in {n_rows} rows: "
        f"use {regressor}. If the numbers are classes, pass them as text, y.astype(str)."
    )


def has_one_hot_rows(y: np.ndarray) -> bool:
    """Return whether each row of an indicator matrix has exactly one 1.

    A single row is not enough to tell.
    """
    return y.ndim == 2 and min(y.shape) > 1 and bool(np.all(np.count_nonzero(y, axis=1) == 1))


def line_for_classes(y: Any) -> str:
    """Return the line that converts one-hot rows to classes, for the container that holds y."""
    if hasattr(y, "idxmax"):
        return "y.idxmax(axis=1)"
    if hasattr(y, "toarray"):
        return "y.toarray().argmax(axis=1)"
    return "y.argmax(axis=1)" if hasattr(y, "argmax") else "numpy.argmax(y, axis=1)"
