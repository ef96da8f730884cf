"""Folds of training and held-out rows that `validation` describes."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.model_selection import check_cv

from skdnn._utils.sklearn_compat import safe_indexing
from skdnn._utils.text import counted


class Fold(NamedTuple):
    """Indices of the rows to train on and of the rows to hold out, each int."""

    training: np.ndarray
    held_out: np.ndarray


class RowsToSplit(NamedTuple):
    """The rows that a splitter divides.

    Parameters
    ----------
    X : object
        All samples, as the user passed them.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels or regression targets.
    groups : ndarray of shape (n_samples,) or None
        Group labels.
    used : ndarray of int
        Indices of the rows with a weight above 0, in ascending order.
    """

    X: Any
    y: np.ndarray
    groups: np.ndarray | None
    used: np.ndarray


def last_rows(rows: np.ndarray, fraction: float, owner: str) -> Fold:
    """Return a fold that holds out the last rows.

    Parameters
    ----------
    rows : ndarray of int
        Indices of the rows, in ascending order.
    fraction : float
        Fraction of the rows to hold out. At least one row is held out.
    owner : str
        The estimator's name, for errors.
    """
    if len(rows) < 2:
        raise ValueError(
            f"validation='time' of {owner} needs at least 2 rows to split, got n_samples = "
            f"{len(rows)}: pass more rows, or set validation=None."
        )
    n_held_out = min(int(np.ceil(fraction * len(rows))), len(rows) - 1)
    return Fold(rows[:-n_held_out], rows[-n_held_out:])


def folds_of_splitter(
    validation: Any, rows: RowsToSplit, owner: str, *, classifies: bool
) -> list[Fold]:
    """Return the folds of a splitter, of a number of folds, or of pairs of row indices.

    Parameters
    ----------
    validation : int, splitter or iterable
        The value of the parameter. A splitter divides the rows with a weight. Pairs (training,
        held-out) have indices of all rows, and rows without a weight are left out.
    rows : RowsToSplit
        The rows to divide.
    owner : str
        The estimator's name, for errors.
    classifies : bool
        Whether y holds class labels, which a number of folds stratifies.

    Raises
    ------
    ValueError
        If the splitter cannot split the rows, or if a fold is not valid.
    """
    used, has_all = rows.used, len(rows.used) == len(rows.y)
    splits = isinstance(validation, Integral) or hasattr(validation, "split")
    X, y, groups = rows.X, rows.y, rows.groups
    if splits and not has_all:
        X = safe_indexing(X.tocsr() if issparse(X) else X, used)
        y, groups = y[used], None if groups is None else groups[used]
    try:
        if splits:
            validation = check_cv(validation, y, classifier=classifies)
        pairs = list(validation.split(X, y, groups) if splits else validation)
    except (TypeError, ValueError) as error:
        advice = ""
        if groups is None and "groups" in str(error):
            advice = ": pass fit the group labels of the rows, fit(X, y, groups=...)"
        raise ValueError(
            f"validation={validation!r:.200} of {owner} cannot split the "
            f"{counted(len(y), 'row')}: {str(error).rstrip('.')}{advice}."
        ) from error
    if not pairs:
        raise ValueError(
            f"validation of {owner} has no pair (training, held-out) of row indices. A generator "
            "can be used once only: pass a list of its pairs, or a splitter."
        )
    found = [_checked(pair, i, len(y), owner) for i, pair in enumerate(pairs)]
    if splits:
        return [Fold(used[fold.training], used[fold.held_out]) for fold in found]
    if not has_all:
        found = [Fold(*(part[np.isin(part, used)] for part in fold)) for fold in found]
        for i, fold in enumerate(found):
            _check_sides(fold, i, owner, " with a weight")
    return found


def _checked(pair: Any, number: int, n_rows: int, owner: str) -> Fold:
    """Return a pair of row indices as a fold, or raise an error if the pair is not valid."""
    where = f"Fold {number} of validation of {owner}"
    try:
        training, held_out = (np.asarray(side) for side in pair)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where} must be a pair (training, held-out) of row indices. Got {pair!r:.100}."
        ) from None
    fold = Fold(*(_indices(side, n_rows, where) for side in (training, held_out)))
    _check_sides(fold, number, owner)
    both = np.intersect1d(*fold)
    if len(both):
        raise ValueError(
            f"{where} trains on rows that it holds out, such as row {both[0]}: the rows of both "
            "sides must differ."
        )
    return fold


def _check_sides(fold: Fold, number: int, owner: str, kind: str = "") -> None:
    for name, side in zip(("train on", "hold out"), fold, strict=True):
        if not len(side):
            raise ValueError(
                f"Fold {number} of validation of {owner} has no row{kind} to {name}: use fewer "
                "folds, or leave the fold out."
            )


def _indices(side: np.ndarray, n_rows: int, where: str) -> np.ndarray:
    if side.dtype.kind == "b" and side.shape == (n_rows,):
        return np.flatnonzero(side)
    if side.ndim != 1 or (side.dtype.kind not in "iu" and len(side)):
        raise ValueError(
            f"{where} must have one-dimensional arrays of row indices. Got an array of shape "
            f"{side.shape} and dtype {side.dtype}."
        )
    side = side.astype(np.int64)
    if len(side) and not 0 <= side.min() <= side.max() < n_rows:
        raise ValueError(
            f"{where} has row indices from {side.min()} to {side.max()}, but the data have "
            f"{counted(n_rows, 'row')}, 0 to {n_rows - 1}. In a search, pass a splitter instead of "
            "indices, because each fit has other rows."
        )
    return side


def check_classes_of_folds(
    folds: Sequence[Fold], y: np.ndarray, rows: np.ndarray, owner: str
) -> None:
    """Raise an error if a class of `rows` has no row to train on in a fold."""
    classes = np.unique(y[rows])
    for fold in folds:
        missing = np.setdiff1d(classes, y[fold.training])
        if len(missing):
            raise ValueError(
                f"validation of {owner} leaves no row of the class {missing[0].item()!r} to train "
                "on in a fold: hold out other or fewer rows, such as with "
                "StratifiedKFold(shuffle=True), StratifiedGroupKFold, or a smaller "
                "validation_fraction with 'time'."
            )


def folds_of_members(folds: Sequence[Fold], n_members: int) -> list[Fold]:
    """Return the fold of each ensemble member.

    With fewer members than folds, the last folds are used, because those of a `TimeSeriesSplit`
    have the most rows to train on. With more members than folds, the folds are used repeatedly.
    """
    last = folds[-n_members:]
    return [last[i % len(last)] for i in range(n_members)]


def weights_of_folds(
    weight: np.ndarray | None, folds: Sequence[Fold], n_rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sample weights of each ensemble member for training and for validation.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    folds : sequence of Fold
        The fold of each ensemble member. An index that a side has k times has k times the weight.
    n_rows : int
        Number of samples.

    Returns
    -------
    training, validation : ndarray of shape (n_samples, n_members)
        Sample weights for each member. 0 for rows that are not used. For each member, the mean of
        `training` over the rows that any member is trained on is 1.
    """
    base = np.ones(n_rows) if weight is None else weight
    training, validation = (
        np.stack([base * np.bincount(fold[side], minlength=n_rows) for fold in folds], axis=1)
        for side in (0, 1)
    )
    n_trained = np.sum(training.any(axis=1))
    totals = np.maximum(training.sum(axis=0), np.finfo(np.float64).tiny)
    return training * (n_trained / totals), validation
