"""Reads y of any library as an array that keeps every digit, and refuses y that is not complete."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._data.categories import exact_integers
from skdnn._data.containers import as_object_array, check_container, check_one_target
from skdnn._data.frames import is_missing, open_table, split_missing

_LARGEST_LABEL = 2**63


def read_target(y: Any, owner: str, name: str = "y") -> Any:
    """Return y as an array without missing values. Integers of any dtype keep every digit.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or sparse matrix
        The target as the user passed it.
    owner : str
        The name of the estimator or function, for errors.
    name : str, default="y"
        The name of the argument, for errors.

    Returns
    -------
    y : ndarray or sparse matrix
        Numbers, booleans, dates or text, or an object array of mixed types. A sparse matrix is
        returned unchanged.

    Raises
    ------
    ValueError, TypeError
        If y has missing values, or is not one value or one row of values for each sample.
    """
    check_container(y, owner, name)
    check_one_target(y, None, owner, name)
    if y is None or issparse(y):
        return y
    if np.ma.isMaskedArray(y):
        _refuse_missing(np.ma.getmaskarray(y), "masked", owner, name)
        y = y.data
    values, missing = _values_of(y, owner, name)
    _refuse_missing(missing, "None, NaN or NA", owner, name)
    if values.ndim == 0:
        raise TypeError(
            f"The {name} of {owner} must hold a value for each row of X. Got {y!r}: pass the "
            "values, such as data['target']."
        )
    return _of_one_type(values) if values.dtype == object else values


def _values_of(y: Any, owner: str, name: str) -> tuple[np.ndarray, Any]:
    """Return the values of y that are not missing, and the mask of the missing values."""
    if hasattr(y, "columns") or hasattr(y, "column_names"):
        table = open_table(y)
        parts = [split_missing(table.columns(i), table.dtypes[i]) for i in range(len(table.dtypes))]
        missing = np.logical_or.reduce([mask for _, mask in parts])
        if missing.any() or not parts:
            return np.empty(0), missing
        columns = [known for known, _ in parts]
        kinds = {"text" if known.dtype.kind in "OUS" else "number" for known in columns}
        columns = [known.astype(object) for known in columns] if len(kinds) > 1 else columns
        return np.column_stack(columns), missing
    if not isinstance(y, np.ndarray | list | tuple):
        return split_missing(y, getattr(y, "dtype", None))
    values = as_object_array(y, owner, name) if isinstance(y, list | tuple) else y
    if values.dtype == object:
        missing = np.array([is_missing(value) for value in values.ravel()], bool)
        return values, missing.reshape(values.shape)
    if values.dtype.kind in "fcmM":
        return values, np.isnan(values) if values.dtype.kind in "fc" else np.isnat(values)
    return values, np.zeros(values.shape, bool)


def _refuse_missing(missing: Any, kind: str, owner: str, name: str) -> None:
    if missing.any():
        rows = np.flatnonzero(missing.reshape(len(missing), -1).any(axis=1))
        raise ValueError(
            f"Input {name} contains NaN: the {name!r} parameter of {owner} must have a value in "
            f"every row. Got {len(rows)} missing of {len(missing)} values ({kind}), the first in "
            f"row {rows[0]}: drop these rows from X and {name}."
        )


def _of_one_type(values: np.ndarray) -> np.ndarray:
    """Return an object array of numbers in a numeric dtype, or any other array unchanged."""
    flat = values.ravel()
    kinds = {type(value) for value in flat}
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return values.astype(bool)
    if Decimal in kinds:
        flat = np.array([_without_decimal(value) for value in flat], object)
    exact = exact_integers(flat)
    if (
        exact.dtype == object
        and all(isinstance(value, int | float | np.number | np.bool_) for value in flat)
        and not _are_integers(flat)
    ):
        with suppress(OverflowError):  # of an integer that is too large, which stays an object
            exact = flat.astype(np.float64)
    return exact.reshape(values.shape)


def _are_integers(values: np.ndarray) -> bool:
    return all(isinstance(value, int | np.integer) for value in values)


def _without_decimal(value: Any) -> Any:
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)


def check_numeric(y: Any, owner: str) -> Any:
    """Return the y of a regressor as numbers, or raise an error if y is text, dates or objects.

    Parameters
    ----------
    y : ndarray, sparse matrix or None
        The return value of `read_target`.
    owner : str
        The name of the regressor, for errors.
    """
    if y is None or issparse(y):
        return y
    if y.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported by {owner}: predict the real and the imaginary part of y, "
            "np.column_stack([y.real, y.imag])."
        )
    if y.dtype.kind in "mM":
        raise TypeError(
            f"The y of {owner} holds dates or times ({y.dtype}), but regression needs numbers: "
            "subtract a start date and divide by a unit, such as "
            "(y - y.min()) / np.timedelta64(1, 'D')."
        )
    if y.dtype.kind in "biuf":
        return y
    try:
        return y.astype(np.float64)
    except OverflowError as error:
        raise ValueError(
            f"The y of {owner} holds an integer that is too large for a float ({error}): divide y, "
            "or take its logarithm."
        ) from error
    except (TypeError, ValueError) as error:
        value = next(value for value in y.ravel() if not _is_number(value))
        classifier = owner.replace("Regressor", "Classifier")
        what = "text" if isinstance(value, str | bytes) else type(value).__name__
        raise ValueError(
            f"The y of {owner} holds {what} ({value!s:.40}), but regression needs numbers: use "
            f"{classifier} for classes, or convert y to numbers, such as with "
            "pd.to_numeric(y, errors='coerce')."
        ) from error


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def check_are_labels(y: Any, owner: str) -> None:
    """Raise an error if y holds fractions, infinite values or mixed types, which are no labels.

    Parameters
    ----------
    y : ndarray, sparse matrix or None
        The return value of `read_target`.
    owner : str
        The name of the classifier, for errors.
    """
    if y is None or issparse(y):
        return
    if y.dtype.kind == "c":
        raise ValueError(f"Complex data not supported by {owner}: y must hold class labels.")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise ValueError(
                f"Input y contains infinity, which is no label of {owner}: drop these rows from X "
                "and y."
            )
        bad = (np.abs(y) >= _LARGEST_LABEL) | (y != np.floor(y))
        if bad.any():
            regressor = owner.replace("Classifier", "Regressor")
            raise ValueError(
                f"Unknown label type: continuous. The y of {owner} must hold classes, but holds "
                f"numbers such as {y[bad][0]:.6g}: use {regressor} to predict numbers, or convert "
                "labels to text with y.astype(str)."
            )
    if y.dtype == object:
        kinds = {type(value) for value in y.ravel()}
        if not all(issubclass(kind, str) for kind in kinds):
            names = ", ".join(sorted(kind.__name__ for kind in kinds))
            size = " beyond 64 bits" if kinds == {int} else ""
            raise TypeError(
                f"The labels in y of {owner} must all be text, or all numbers or booleans. Got "
                f"{names}{size}: convert them to text with [str(label) for label in y]."
            )
