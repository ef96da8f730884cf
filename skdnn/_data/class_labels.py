"""Read the classes of `partial_fit`, and compare class labels with the classes of a fit."""

from typing import Any

import numpy as np

from skdnn._data.read_target import read_target


def read_classes(classes: Any, owner: str) -> np.ndarray:
    """Return the sorted labels in the argument `classes` of a wrapper's `partial_fit`.

    Parameters
    ----------
    classes : array-like of shape (n_classes,)
        The labels as the user passed them.
    owner : str
        Name of the estimator, for error messages.
    """
    if isinstance(classes, list | tuple | np.ndarray):
        lists = [labels for labels in classes if np.ndim(labels) > 0]
        if any(np.size(labels) != 1 for labels in lists):
            raise ValueError(
                f"The classes of {owner}.partial_fit must be one list of labels. Got {len(lists)} "
                "lists: if y has several columns, leave classes out, and give the labels to your "
                "target_encoder."
            )
    return np.unique(read_target(classes, owner, "classes"))


def check_known_labels(y: Any, classes: np.ndarray, name: str) -> None:
    """Raise an error if there are labels that are not among the classes.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels.
    classes : ndarray of shape (n_classes,)
        The classes.
    name : {"y", "y_val"}
        What the labels are, for the error message.
    """
    # Sets of Python's objects, because NumPy would compare numbers with text as text, and large
    # integers as floats.
    unknown = set(np.unique(y).tolist()) - set(classes.tolist())
    if not unknown:
        return
    labels = sorted(unknown, key=lambda label: (str(type(label)), label))
    if name == "y":
        raise ValueError(
            f"y has labels that were not among the classes when training began: {labels}. The "
            f"classes are {classes.tolist()}: call fit with warm_start=False, or pass all classes "
            "to the first partial_fit."
        )
    raise ValueError(
        f"{name} has labels that y does not have: {labels}. Those of y are {classes.tolist()}."
    )


def check_validation_labels(y: np.ndarray, classes: np.ndarray, n_columns: int | None) -> None:
    """Raise an error if y_val does not have the shape of y, or has labels that y does not have.

    Parameters
    ----------
    y : ndarray of shape (n_val,) or (n_val, n_columns)
        The labels to validate on, y_val.
    classes : ndarray of shape (n_classes,)
        The classes of y. They are not used for an indicator matrix.
    n_columns : int or None
        Number of columns of y if y is an indicator matrix. None if y has one column of labels.
    """
    if y.shape[1:] != (() if n_columns is None else (n_columns,)):
        expected = "one column of labels" if n_columns is None else f"{n_columns} columns"
        raise ValueError(
            f"y_val has the shape {y.shape}, but y has {expected}: pass y_val in the form of y."
        )
    if n_columns is None:
        check_known_labels(y, classes, "y_val")
    elif not np.isin(y, (0, 1)).all():
        raise ValueError(
            "y is a multilabel indicator matrix, but y_val has values other than 0 and 1: "
            f"{np.unique(y).tolist()}."
        )


def check_same_classes(classes: np.ndarray, known: Any, owner: str) -> None:
    """Raise an error if the `classes` of `partial_fit` differ from the classes of the first call.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The sorted labels of this call, without duplicates.
    known : ndarray of shape (n_classes,) or None
        The labels of the first call, in any order. None if the first call had no list of labels.
    owner : str
        Name of the estimator, for error messages.
    """
    if set(classes.tolist()) != set(np.ravel(known).tolist()):
        raise ValueError(
            f"The classes of {owner}.partial_fit must be those of the first call, "
            f"{np.asarray(known).tolist()}. Got {classes.tolist()}."
        )
