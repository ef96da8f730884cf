"""Refuses X and y in a form that no estimator reads, with the line that makes them readable."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._data.exact_integers import LARGEST_EXACT


def check_container(data: Any, owner: str, name: str) -> None:
    """Raise an error if X or y is an object that holds no values yet, or has no order.

    Parameters
    ----------
    data : object
        The argument as the user passed it.
    owner : str
        The name of the estimator or function, for errors.
    name : str
        The name of the argument, "X" or "y".
    """
    if type(data).__name__ == "LazyFrame":
        raise TypeError(
            f"The {name} of {owner} is a LazyFrame, whose values are not computed yet: pass "
            f"{name}.collect()."
        )
    if isinstance(data, str | bytes | set | frozenset) or (
        np.isscalar(data) and not isinstance(data, np.ndarray)
    ):
        raise TypeError(
            f"The {name} of {owner} must be an array, a list or a table with a row for each "
            f"sample. Got {type(data).__name__} {data!s:.40}: pass the values themselves."
        )


def check_one_target(y: Any, n_rows: int | None, owner: str, name: str, more: str = "") -> None:
    """Raise an error if y is a dict, or a list with an array for each target.

    Parameters
    ----------
    y : object
        The argument as the user passed it.
    n_rows : int or None
        The number of rows of X. A list of so many items is one array. If None, every list is.
    owner : str
        The name of the estimator or function, for errors.
    name : str
        The name of the argument, "y" or "y_val".
    more : str, default=""
        What to do after the arrays are stacked.
    """
    if isinstance(y, Mapping) and not issparse(y):
        what, values = f"dict with the keys {list(y)[:5]}", f"[*{name}.values()]"
    elif n_rows is not None and _holds_columns(y, n_rows):
        what, values = f"{type(y).__name__} of {len(y)} arrays with {n_rows} rows each", name
    else:
        return
    raise TypeError(
        f"The {name} of {owner} is a {what}, but must be one array with a row for each sample. If "
        f"each array is a target, pass np.column_stack({values}){more}."
    )


def _holds_columns(y: Any, n_rows: int) -> bool:
    if not isinstance(y, list | tuple) or len(y) in (0, 1, n_rows):
        return False
    return all(_length(part) == n_rows for part in y)


def _length(part: Any) -> int | None:
    return len(part) if isinstance(part, list | tuple) else next(iter(np.shape(part)), None)


def as_object_array(data: Any, owner: str, name: str) -> np.ndarray:
    """Return a list as an array that keeps the type of each value, or raise an error if ragged.

    NumPy would turn numbers beside text into text, and large integers beside negative ones into
    floats. The array has the dtype object only where NumPy would change values like this.
    """
    try:
        values = np.asarray(data)
    except ValueError as error:
        raise ValueError(_ragged(data, owner, name)) from error
    if values.dtype.kind in "US" and not _all_are(data, str | bytes):
        return np.array(data, dtype=object)
    if values.dtype.kind == "f" and _rounds_integers(values, data):
        return np.array(data, dtype=object)
    return values


def _rounds_integers(values: np.ndarray, data: Any) -> bool:
    """Return whether a list of floats held integers that are not exact as floats."""
    if values.ndim == 1 and _all_are(data, int | np.integer):
        return True
    if values.ndim != 2 or not (np.abs(values) > LARGEST_EXACT).any():
        return False
    return any(isinstance(x, int | np.integer) and int(float(x)) != x for row in data for x in row)


def _all_are(data: Any, kind: Any) -> bool:
    """Return whether all values of a list, which may be nested, are of a type."""
    if isinstance(data, list | tuple):
        return all(_all_are(value, kind) for value in data)
    return isinstance(data, kind) or (isinstance(data, np.ndarray) and data.dtype.kind in "US")


def _ragged(data: Any, owner: str, name: str) -> str:
    shapes = []
    for row in data:
        shape = np.shape(row) if not isinstance(row, list | tuple) else _shape_of(row)
        if shape not in shapes:
            shapes.append(shape)
    listed = " and ".join(map(str, shapes[:2]))
    if name == "X":
        return (
            f"The samples in X of {owner} have different shapes, {listed}: bring them to one "
            "shape, images such as with keras.ops.image.resize(image, (32, 32)), and pass "
            "np.stack(X)."
        )
    return (
        f"The rows in y of {owner} have different shapes, {listed}: pass one value for each row, "
        "or for lists of labels sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)."
    )


def _shape_of(row: Any) -> tuple[int, ...]:
    try:
        return np.shape(row)
    except ValueError:
        return (len(row),)
