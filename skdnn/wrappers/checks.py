"""Samples and targets of the wrappers: checked, and remembered by shape and dtype."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.structures import is_structured, map_inputs


def check_samples(estimator: Any, X: Any, *, reset: bool, same_dtype: bool) -> Any:
    """Check samples, and remember their shape and dtype or compare with what is remembered.

    Parameters
    ----------
    estimator : BaseWrapper
        Has `X_shape_`, `X_dtype_`, `n_features_in_` and `feature_names_in_` set or compared.
    X : array-like of shape (n_samples, ...), sparse matrix, or several of them
        Samples of any rank.
    reset : bool
        Whether to set what is learned; else to compare.
    same_dtype : bool
        Whether a dtype that cannot be cast safely to that of `fit` is an error.

    Returns
    -------
    ndarray, CSR matrix, or dict or tuple of ndarray
        In the dtype that came; objects and strings as numbers of Keras's float type.
    """
    if is_structured(X):
        if not reset:
            _check_same_inputs(estimator, X)
        X = map_inputs(_check_input, X)
    else:
        if not reset:
            _check_rank(estimator, X)
        X = validate_data(
            estimator,
            X,
            reset=reset,
            accept_sparse="csr",
            allow_nd=True,
            dtype=_number_type(X),
        )
    if reset:
        estimator.X_shape_ = map_inputs(lambda x: x.shape, X)
        estimator.X_dtype_ = map_inputs(lambda x: x.dtype, X)
    else:
        _compare(estimator, X, same_dtype)
    return X


def _check_input(part: Any) -> np.ndarray:
    return check_array(part, allow_nd=True, dtype=_number_type(part), input_name="X")


def _number_type(X: Any) -> Any:
    """Return the dtype to cast to: Keras's float type for objects and strings, else none."""
    if issparse(X):
        return None
    if hasattr(X, "dtypes") and hasattr(X, "columns"):  # a DataFrame may be of many dtypes
        X = np.asarray(X)
    kind = X.dtype.kind if isinstance(X, np.ndarray) else np.asarray(X).dtype.kind
    return keras.config.floatx() if kind in "OUS" else None


def _check_same_inputs(estimator: Any, X: Any) -> None:
    known = estimator.X_shape_
    came = sorted(X) if isinstance(X, Mapping) else len(X)
    if isinstance(known, dict):
        expected: Any = sorted(known)
    else:
        expected = len(known) if known and isinstance(known[0], tuple) else 1
    if came != expected:
        raise ValueError(
            f"X has the inputs {came}, but {type(estimator).__name__} was fitted on {expected}: "
            "bring the same inputs as in fit."
        )


def _check_rank(estimator: Any, X: Any) -> None:
    known = estimator.X_shape_
    owner = type(estimator).__name__
    if isinstance(known, dict) or isinstance(known[0], tuple):
        raise ValueError(
            f"X is one input, but {owner} was fitted on several: bring a "
            f"{type(known).__name__} of arrays as in fit."
        )
    rank = len(X.shape) if hasattr(X, "shape") else np.asarray(X).ndim
    if rank >= 2 and rank != len(known):
        raise ValueError(
            f"X has {rank} dimensions, but this {owner} is expecting {len(known)} dimensions in X."
        )


def _compare(estimator: Any, X: Any, same_dtype: bool) -> None:
    owner = type(estimator).__name__

    def compare(x: Any, shape: tuple[int, ...], dtype: Any) -> None:
        if x.shape[1:] != shape[1:]:
            raise ValueError(
                f"X has shape {x.shape[1:]}, but this {owner} is expecting X of shape {shape[1:]}"
            )
        if same_dtype and not np.can_cast(x.dtype, dtype):
            raise ValueError(_unsafe("X", x.dtype, owner, dtype))

    map_inputs(compare, X, estimator.X_shape_, estimator.X_dtype_)


def check_targets(
    estimator: Any, y: Any, *, reset: bool, numeric: bool, same_dtype: bool
) -> np.ndarray:
    """Check targets, and remember their rank and dtype or compare with what is remembered.

    Parameters
    ----------
    estimator : BaseWrapper
        Has `target_type_`, `y_dtype_` and `y_ndim_` set or compared.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets; of a regressor also of a higher rank.
    reset : bool
        Whether to set what is learned; else to compare.
    numeric : bool
        Whether y must hold numbers.
    same_dtype : bool
        Whether a dtype that cannot be cast safely to that of `fit` is an error.
    """
    cast = _number_type(y) if numeric else None
    y = check_array(y, ensure_2d=False, allow_nd=numeric, dtype=cast, input_name="y")
    if reset:
        estimator.target_type_ = estimator._type_of_target(y)
        estimator.y_dtype_, estimator.y_ndim_ = y.dtype, y.ndim
        return y
    owner = type(estimator).__name__
    texts = y.dtype.kind in "OUS" and estimator.y_dtype_.kind in "OUS"
    if same_dtype and not texts and not np.can_cast(y.dtype, estimator.y_dtype_):
        raise ValueError(_unsafe("y", y.dtype, owner, estimator.y_dtype_))
    if estimator.y_ndim_ != y.ndim:
        raise ValueError(
            f"y has {y.ndim} dimensions, but this {owner} is expecting {estimator.y_ndim_} "
            "dimensions in y."
        )
    return y


def _unsafe(name: str, came: Any, owner: str, expected: Any) -> str:
    return (
        f"Got {name} with dtype {came}, but this {owner} expected {expected} and casting from "
        f"{came} to {expected} is not safe! Cast it yourself, or start anew with fit."
    )
