"""Splits into training and held-out rows, folds, and validation data passed to `fit`."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import column_or_1d

from skdnn._data.read_target import read_target


class ValidationData(NamedTuple):
    """The validation data and groups that the user passed to `fit`, not yet checked."""

    X: Any = None
    y: Any = None
    sample_weight: Any = None
    groups: Any = None

    def check(self, owner: str) -> None:
        """Raise an error if X_val or y_val is missing but needed by another argument."""
        for name, other, missing in (
            ("X_val", "y_val", self.X is not None and self.y is None),
            ("y_val", "X_val", self.y is not None and self.X is None),
            ("sample_weight_val", "X_val", self.sample_weight is not None and self.X is None),
        ):
            if missing:
                raise ValueError(
                    f"{owner}.fit was given {name}, but not {other}: pass X_val and y_val together."
                )


def check_indices(rows: np.ndarray, first: int, stop: int, what: str) -> None:
    """Raise an error if a row index is outside of `first` to `stop` - 1.

    Rows are later fetched without a check, and an index out of bounds would fetch another row.
    """
    if len(rows) and not first <= rows.min() <= rows.max() < stop:
        raise IndexError(
            f"The indices of the {what} rows must be between {first} and {stop - 1}, because the "
            f"data have {stop - first} such rows. Got {rows.min()} to {rows.max()}."
        )


def hold_out(
    rows: np.ndarray,
    labels: np.ndarray | None,
    fraction: float,
    seed: int,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random into training rows and held-out rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,), int
        Indices of the rows.
    labels : ndarray of shape (n_rows,) or None
        Class labels by which the split is stratified if there are enough rows. The row of a class
        with a single row is a training row.
    fraction : float
        Fraction of the rows to hold out. At least one row is held out.
    seed : int
        Seed of the split.
    groups : ndarray of shape (n_rows,), default=None
        Group labels. If given, no group is split, `fraction` is the fraction of the groups, and the
        split is not stratified.

    Returns
    -------
    training, held_out : ndarray of int
        Indices of the training rows and of the held-out rows.
    """
    if groups is not None:
        return _hold_out_groups(rows, groups, fraction, seed)
    if len(rows) < 2:
        raise ValueError(
            f"validation_fraction={fraction} needs at least 2 rows to split, got n_samples = "
            f"{len(rows)}: pass more rows, or set early_stopping=False and "
            "validation_fraction=None."
        )
    alone = np.zeros(len(rows), bool)
    if labels is not None:
        _, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
        alone = counts[labels] == 1
    if np.sum(~alone) < 2:
        alone[:] = False
    pool = rows[~alone]
    n_held_out = min(int(np.ceil(fraction * len(rows))), len(pool) - 1)
    strata = None if labels is None else labels[~alone]
    if strata is not None and min(n_held_out, len(pool) - n_held_out) < len(np.unique(strata)):
        strata = None
    training, held_out = train_test_split(
        pool, test_size=n_held_out, stratify=strata, random_state=seed
    )
    return np.sort(np.concatenate([training, rows[alone]])), np.sort(held_out)


def count_groups(groups: np.ndarray) -> int:
    """Return the number of groups, and raise an error if there are fewer than two."""
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError(
            "The groups must be at least 2 to hold out one for validation. Got a single group: "
            "pass other groups or none, or X_val and y_val, or set early_stopping=False and "
            "validation_fraction=None."
        )
    return n_groups


def _hold_out_groups(
    rows: np.ndarray, groups: np.ndarray, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    n_groups = count_groups(groups)
    n_held_out = min(int(np.ceil(fraction * n_groups)), n_groups - 1)
    splitter = GroupShuffleSplit(1, test_size=n_held_out, random_state=seed)
    training, held_out = next(splitter.split(rows, groups=groups))
    return rows[training], rows[held_out]


N_FOLDS = 8  # number of folds for the validation of ensemble members


def folds(y: np.ndarray, rng: np.random.Generator, n_folds: int = N_FOLDS) -> np.ndarray:
    """Assign rows to folds with similar distributions of y.

    The rows are sorted by y. Each run of `n_folds` consecutive rows is assigned to the folds in
    random order, one row to each fold.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Class indices or regression targets.
    rng : numpy.random.Generator
        Random number generator.
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
    """Assign rows to folds so that all rows of a group are in the same fold.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        Group labels.
    rng : numpy.random.Generator
        Random number generator.
    n_folds : int, default=8
        Number of folds.

    Returns
    -------
    fold : ndarray of shape (n_samples,), int
        The fold of each row.
    """
    names, group = np.unique(groups, return_inverse=True)
    fold_of_group: np.ndarray = rng.permutation(np.arange(len(names)) % n_folds)
    return np.asarray(fold_of_group[group])


def member_weights(
    weight: np.ndarray | None, fold: np.ndarray, n_members: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sample weights of each ensemble member for training and for validation.

    Ensemble member i is validated on fold i and trained on all other folds.

    Parameters
    ----------
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    fold : ndarray of shape (n_samples,), int
        The fold of each row. -1 for rows without a fold.
    n_members : int
        Number of ensemble members.

    Returns
    -------
    training, validation : ndarray of shape (n_samples, n_members)
        Sample weights for each member. 0 for rows that are not used. The mean of `training` over
        the rows with a fold and over all members is 1.
    """
    own = fold[:, np.newaxis] == np.arange(n_members)
    base = np.where(fold < 0, 0.0, 1.0 if weight is None else weight)[:, np.newaxis]
    training, validation = base * ~own, base * own
    return training * (np.sum(fold >= 0) * n_members / training.sum()), validation


def alternate_folds(rows: np.ndarray, is_in_fold: np.ndarray) -> np.ndarray:
    """Order the rows of several folds so that a row of each fold follows in turn.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,), int
        Row indices.
    is_in_fold : ndarray of shape (n_rows, n_folds), bool
        Whether a row is in a fold. At most one element of each row is True.

    Returns
    -------
    rows : ndarray of shape (n_longest * n_folds,), int
        Row indices. Element i is of fold i % n_folds. Folds that are shorter than the longest are
        filled up with rows of the longest fold.
    """
    folds = [rows[is_in] for is_in in is_in_fold.T]
    longest = max(folds, key=len)
    filled = [np.concatenate([fold, longest[: len(longest) - len(fold)]]) for fold in folds]
    return np.stack(filled, axis=1).ravel()


def check_groups(groups: Any, y: np.ndarray) -> np.ndarray | None:
    """Validate the group labels, and raise an error unless each row of y has one group label."""
    if groups is None:
        return None
    check_consistent_length(y, groups)
    checked: np.ndarray = column_or_1d(read_target(groups, "fit", "groups"))
    return checked


def assign_folds(
    y: np.ndarray, rows: np.ndarray, groups: np.ndarray | None, seed: int, *, classifies: bool
) -> np.ndarray:
    """Assign the training rows to folds with similar distributions of y.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels or regression targets. If there are several columns, the first column is used.
    rows : ndarray of shape (n_training,), int
        Indices of the rows to assign.
    groups : ndarray of shape (n_samples,) or None
        Group labels. If given, all rows of a group are assigned to the same fold, and y is ignored.
    seed : int
        Seed of the assignment.
    classifies : bool
        Whether y holds class labels.

    Returns
    -------
    fold : ndarray of shape (n_samples,), int
        The fold of each row. -1 for rows that are not in `rows`.
    """
    fold = np.full(len(y), -1)
    rng = np.random.default_rng(seed)
    if groups is not None:
        count_groups(groups[rows])
        fold[rows] = folds_of_groups(groups[rows], rng)
        return fold
    key = y[rows].reshape(len(rows), -1)[:, 0]
    if classifies:
        key = np.unique(key, return_inverse=True)[1]
    fold[rows] = folds(key, rng)
    return fold
