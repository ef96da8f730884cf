"""Reads X of any library, and refuses X in a form that no network takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from skdnn._data.containers import as_object_array, check_container
from skdnn._data.frames import TIMES, advice_for, is_missing, open_table


def read_samples(X: Any, owner: str) -> Any:
    """Return X as an array, sparse matrix or table, or raise an error that names the way out.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), DataFrame or sparse matrix
        The samples as the user passed them.
    owner : str
        The name of the estimator, for errors.

    Returns
    -------
    X : object with the attribute `shape`
        Arrays, sparse matrices and tables are returned unchanged. A list becomes an array, with
        the dtype object if it holds text beside other values.
    """
    if type(X) is np.ndarray and X.ndim > 1 and X.dtype.kind in "biuf":
        return X
    check_container(X, owner, "X")
    if issparse(X):
        return X
    if isinstance(X, Mapping):
        raise TypeError(
            f"The X of {owner} is a dict with the keys {list(X)[:5]}, but must be one array or "
            "table: pass pd.DataFrame(X)."
        )
    _check_is_table(X, owner)
    if isinstance(X, Sequence):
        X = _array_of(X, owner)
    if isinstance(X, np.ndarray):
        _check_array(X, owner)
    elif not hasattr(X, "shape") and not hasattr(X, "__array__"):
        raise TypeError(
            f"The X of {owner} must be an array, a list, a DataFrame or a sparse matrix. Got "
            f"{type(X).__name__}: pass an array of shape (n_samples, n_features)."
        )
    return X


def validate(estimator: BaseEstimator, *data: Any, **options: Any) -> Any:
    """Validate data with scikit-learn, and say what to write if the columns are not those of fit.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator, whose `feature_names_in_` are set or compared.
    *data, **options : object
        The other arguments of `sklearn.utils.validation.validate_data`.
    """
    try:
        return validate_data(estimator, *data, **options)
    except ValueError as error:
        text = str(error)
        if not text.startswith("The feature names should match"):
            raise
        advice = (
            "Pass a table with all columns of fit, in their order."
            if "missing" in text
            else "Pass X[model.feature_names_in_], the columns of fit in their order."
        )
    raise ValueError(f"{text.rstrip()}\n{advice}")


def _check_is_table(X: Any, owner: str) -> None:
    """Raise an error if X is a single column of a table, or has two columns of one name."""
    names = open_table(X).names if hasattr(X, "columns") else None
    if names is not None and len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise ValueError(
            f"The X of {owner} has several columns named {twice!r}: rename them, such as with "
            "X.set_axis(range(X.shape[1]), axis=1)."
        )
    is_column = hasattr(X, "to_frame") and not hasattr(X, "columns")
    if is_column and len(getattr(X, "shape", ())) == 1:
        raise ValueError(
            f"The X of {owner} is a Series of {X.shape[0]} values, but must be a table: pass "
            "X.to_frame() if it is one column, or X.to_frame().T if it is one row."
        )


def _array_of(X: Sequence[Any], owner: str) -> np.ndarray:
    if len(X) and all(isinstance(row, Mapping) for row in X):
        raise TypeError(
            f"The X of {owner} is a list of dicts, but must be a table: pass pd.DataFrame(X)."
        )
    return as_object_array(X, owner, "X")


def _check_array(X: np.ndarray, owner: str) -> None:
    """Raise an error if an array is masked, has fields, or holds complex numbers or arrays."""
    if np.ma.isMaskedArray(X) and np.ma.getmaskarray(X).any():
        raise ValueError(
            f"The X of {owner} is a masked array, whose mask would be ignored: pass "
            "X.astype(float).filled(np.nan), with SimpleImputer in a pipeline if the estimator "
            "takes no missing values."
        )
    if X.dtype.names is not None:
        raise TypeError(
            f"The X of {owner} is a structured array with the fields {X.dtype.names}, but must be "
            "an array of one type or a table: pass pd.DataFrame(X)."
        )
    if X.dtype.kind == "c":
        raise ValueError(
            f"Complex data not supported by {owner}: pass the real and the imaginary part as "
            "columns, np.hstack([X.real, X.imag])."
        )
    if X.dtype.kind in "mM":
        raise TypeError(
            f"The X of {owner} must hold numbers. Got {X.dtype}, which are dates or times: turn "
            "them into days since a start, such as (X - X.min()) / np.timedelta64(1, 'D')."
        )
    if X.dtype == object and X.size and all(isinstance(v, np.ndarray | list) for v in X.flat):
        shapes = sorted({np.shape(v) for v in X.flat})
        raise ValueError(
            f"The X of {owner} is an array of arrays of the shapes {str(shapes[:3])[1:-1]}: bring "
            "the samples to one shape, such as with keras.ops.image.resize, and pass np.stack(X)."
        )
    if X.ndim == 1 and X.dtype.kind in "biufO":
        raise ValueError(
            f"Expected 2D array as the X of {owner}, got 1D array of {len(X)} values. Reshape your "
            "data with X.reshape(-1, 1) if it is one feature, or with X.reshape(1, -1) if it is "
            "one sample."
        )


def check_no_text(X: Any, owner: str, advice: str) -> None:
    """Raise an error if an array or a table has a column that is not of numbers or booleans.

    Parameters
    ----------
    X : ndarray or table
        The return value of `read_samples`.
    owner : str
        The name of the estimator, for errors.
    advice : str
        What to write instead. {0} is replaced by the name or the position of the column.
    """
    table = open_table(X)
    for i, dtype in enumerate(table.dtypes):
        if table.is_time(i):
            raise TypeError(_times(table.name(i), str(dtype), owner))
        if table.is_nested(i):
            raise TypeError(
                f"{table.name(i)} of X holds several values in each row ({dtype}), but {owner} "
                f"takes columns of numbers: {advice_for(str(dtype), table.key(i))}."
            )
        if not isinstance(dtype, np.dtype) or dtype.kind in "OUS":
            _check_values(np.asarray(table.columns(i)), table.name(i), table.key(i), owner, advice)


def _times(name: str, kind: str, owner: str) -> str:
    return (
        f"{name} of X holds dates or times ({kind}), but {owner} takes columns of numbers: convert "
        "it first, such as to days since a start date, or to columns of the year and the month."
    )


def _check_values(values: np.ndarray, name: str, key: Any, owner: str, advice: str) -> None:
    if values.dtype.kind not in "OUS":
        return
    for value in values.ravel():
        if is_missing(value):
            continue
        try:
            float(value)
        except OverflowError as error:
            raise ValueError(
                f"{name} of X holds an integer that is too large for {owner} ({error}): take the "
                "logarithm, or drop the column."
            ) from error
        except (TypeError, ValueError) as error:
            if isinstance(value, str | bytes):
                raise ValueError(
                    f"{name} of X holds text ({value!s:.40}), but {owner} takes columns of "
                    f"numbers: {advice.format(repr(key))}."
                ) from error
            kind = type(value).__name__
            if kind.lower().startswith(TIMES):
                raise TypeError(_times(name, kind, owner)) from error
            raise TypeError(
                f"{name} of X holds {kind}, but {owner} takes columns of numbers ({error}): "
                f"{advice_for(kind, key)}."
            ) from error
