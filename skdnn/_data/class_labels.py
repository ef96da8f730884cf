"""Compare the class labels of several calls of `partial_fit`."""

from typing import Any

import numpy as np


def check_same_classes(classes: np.ndarray, known: Any, owner: str) -> None:
    """Raise an error if the `classes` of `partial_fit` differ from the classes of the first call.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The sorted labels of this call, without duplicates.
    known : ndarray of shape (n_classes,) or None
        The sorted labels of the first call. None if the first call had no list of labels.
    owner : str
        Name of the estimator, for error messages.
    """
    if not np.array_equal(classes, known):
        raise ValueError(
            f"The classes of {owner}.partial_fit must be those of the first call, "
            f"{np.asarray(known).tolist()}. Got {classes.tolist()}."
        )
