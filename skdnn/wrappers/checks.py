"""Checks of samples, targets and sample weights."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, check_consistent_length

from skdnn._data.categories import exact_integers
from skdnn._data.class_weight import class_weighted
from skdnn._data.column_warnings import ColumnWarnings
from skdnn._data.containers import check_one_target
from skdnn._data.read_samples import check_no_text, read_samples, validate
from skdnn._data.read_target import check_are_labels, check_numeric, read_target
from skdnn._utils.sample_weight import check_weights, within_float32
from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.structures import (
    arrays_of,
    inputs_of,
    is_structured,
    map_inputs,
    take_input_rows,
)
from skdnn.wrappers.target_encoders import (
    ClassifierLabelEncoder,
    Identity,
    RegressorTargetEncoder,
    encode,
)
from skdnn.wrappers.text_layers import as_text, keeps_text

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper

_TEXT = (
    "encode it before the network, such as in make_pipeline(make_column_transformer("
    "(OneHotEncoder(), [{0}]), remainder='passthrough'), ...)"
)


def check_data(
    estimator: "BaseWrapper", X: Any, y: Any, *, reset: bool, numeric: bool
) -> tuple[Any, Any]:
    """Check samples and targets, either of which may be None.

    Parameters
    ----------
    estimator : BaseWrapper
        The wrapper, which stores shapes and dtypes if `reset` is True.
    X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays, or None
        Samples with any number of dimensions.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
        Targets.
    reset : bool
        Whether to store the shapes and dtypes in the estimator. Otherwise the data are compared
        with the stored shapes and dtypes.
    numeric : bool
        Whether y must be numeric.

    Returns
    -------
    X, y : ndarray, sparse matrix, dict or tuple of ndarrays, or None
        The data as arrays.
    """
    if reset and y is None and estimator.__sklearn_tags__().target_tags.required:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    both = X is not None and y is not None
    if X is None and (reset or y is None):
        raise TypeError(
            f"The X of {type(estimator).__name__} is None: pass an array of shape "
            "(n_samples, n_features)."
        )
    if X is not None:
        X = check_samples(estimator, X, reset=reset, same_dtype=both)
    if y is not None:
        n_rows = None if X is None else inputs_of(X)[0].shape[0]
        check_one_target(y, n_rows, type(estimator).__name__, "y", _several_outputs(estimator))
        y = check_targets(estimator, y, reset=reset, numeric=numeric, same_dtype=both)
    if both:
        check_consistent_length(*inputs_of(X), y)
    return X, y


def _several_outputs(estimator: "BaseWrapper") -> str:
    """Return how the network gets several targets, which are the columns of y."""
    encoder = _target_encoder_of(estimator)
    if type(encoder) in (Identity, RegressorTargetEncoder):
        return ": each output of the network gets one column, in this order"
    if isinstance(encoder, ClassifierLabelEncoder):
        return (
            " and override target_encoder in a subclass, to split the columns for the outputs: see "
            "'Several outputs' in the guide to Keras networks"
        )
    return ": target_encoder makes the targets of the outputs from it"


def _target_encoder_of(estimator: "BaseWrapper") -> Any:
    """Return the unfitted target encoder, or None if it needs attributes that are set later."""
    return getattr(estimator, "target_encoder", None)


def check_samples(estimator: "BaseWrapper", X: Any, *, reset: bool, same_dtype: bool) -> Any:
    """Check samples, and store or compare the shape and dtype of the samples.

    Parameters
    ----------
    estimator : BaseWrapper
        The wrapper, whose attributes `X_shape_`, `X_dtype_`, `n_features_in_` and
        `feature_names_in_` are set or compared.
    X : array-like of shape (n_samples, ...), sparse matrix, or dict or tuple of arrays
        Samples with any number of dimensions.
    reset : bool
        Whether to store the shapes and dtypes. Otherwise the samples are compared with the stored
        shapes and dtypes.
    same_dtype : bool
        Whether to raise an error if the dtype cannot be cast safely to the dtype of X in `fit`.

    Returns
    -------
    ndarray, CSR matrix, or dict or tuple of ndarray
        The samples with their dtype unchanged. Objects and strings are converted to Keras's float
        type, except text that the network takes.
    """
    owner = type(estimator).__name__
    are_text = map_inputs(lambda part: keeps_text(estimator, part, reset=reset), X)
    given = X = map_inputs(partial(_read, owner), X, are_text)
    if is_structured(X):
        if not reset:
            _check_inputs_match(estimator, X)
        X = map_inputs(_check_input, X, are_text)
    else:
        if not reset:
            _check_rank(estimator, X)
        X = validate(
            estimator,
            X,
            reset=reset,
            accept_sparse="csr",
            allow_nd=True,
            dtype=object if are_text else _dtype_to_cast_to(X),
        )
    if reset:
        if not is_structured(X) and not issparse(X) and not are_text:
            ColumnWarnings(owner).see_rounded(given, X.dtype).warn()
        estimator.X_shape_ = map_inputs(lambda x: x.shape, X)
        estimator.X_dtype_ = map_inputs(lambda x: x.dtype, X)
    else:
        _compare(estimator, X, same_dtype)
    return X


def _read(owner: str, part: Any, is_text: bool) -> Any:
    if is_text:
        return part if hasattr(part, "columns") else as_text(part)
    part = read_samples(part, owner)
    if not issparse(part):
        check_no_text(part, owner, _TEXT)
    return part


def _check_input(part: Any, is_text: bool) -> np.ndarray:
    dtype = object if is_text else _dtype_to_cast_to(part)
    return np.asarray(check_array(part, allow_nd=True, dtype=dtype, input_name="X"))


def _dtype_to_cast_to(X: Any) -> str | None:
    """Return the dtype to which objects or strings are cast, or None if X has numbers."""
    if issparse(X):
        return None
    values = np.asarray(X)
    if values.dtype.kind not in "OUS":
        # scikit-learn would convert the nullable integers of a table to floats.
        return values.dtype.name if hasattr(X, "columns") and values.dtype.kind in "iu" else None
    exact = exact_integers(values.ravel()) if values.dtype == object else values
    # Integers keep every digit, because an embedding looks them up.
    return exact.dtype.name if exact.dtype.kind in "iu" else str(keras.config.floatx())


def _check_inputs_match(estimator: "BaseWrapper", X: Any) -> None:
    known = estimator.X_shape_
    received = sorted(X) if isinstance(X, Mapping) else len(X)
    if isinstance(known, dict):
        expected: Any = sorted(known)
    else:
        expected = len(known) if known and isinstance(known[0], tuple) else 1
    if received != expected:
        raise ValueError(
            f"X has the inputs {received}, but {type(estimator).__name__} was fitted on "
            f"{expected}: pass the same inputs as in fit."
        )


def _check_rank(estimator: "BaseWrapper", X: Any) -> None:
    known = estimator.X_shape_
    owner = type(estimator).__name__
    if isinstance(known, dict) or isinstance(known[0], tuple):
        raise ValueError(
            f"X is one input, but {owner} was fitted on several: pass a "
            f"{type(known).__name__} of arrays as in fit."
        )
    rank = len(X.shape) if hasattr(X, "shape") else np.asarray(X).ndim
    if rank >= 2 and rank != len(known):
        raise ValueError(
            f"X has {rank} dimensions, but this {owner} is expecting {len(known)} dimensions in X."
        )


def _compare(estimator: "BaseWrapper", X: Any, same_dtype: bool) -> None:
    owner = type(estimator).__name__

    def compare(x: Any, shape: tuple[int, ...], dtype: Any) -> None:
        if x.shape[1:] != shape[1:]:
            raise ValueError(
                f"X has shape {x.shape[1:]}, but this {owner} is expecting X of shape {shape[1:]}"
            )
        if same_dtype and not np.can_cast(x.dtype, dtype):
            raise ValueError(_unsafe_cast("X", x.dtype, owner, dtype))

    map_inputs(compare, X, estimator.X_shape_, estimator.X_dtype_)


def check_targets(
    estimator: "BaseWrapper", y: Any, *, reset: bool, numeric: bool, same_dtype: bool
) -> np.ndarray:
    """Check targets, and store or compare the number of dimensions and the dtype of y.

    Parameters
    ----------
    estimator : BaseWrapper
        The wrapper, whose attributes `y_dtype_` and `y_ndim_` are set or compared. The attribute
        `target_type_` is set if `reset` is True.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Targets. If `numeric` is True, y may have more than two dimensions.
    reset : bool
        Whether to store the number of dimensions and the dtype of y. Otherwise y is compared with
        the stored number of dimensions and dtype.
    numeric : bool
        Whether y must be numeric.
    same_dtype : bool
        Whether to raise an error if the dtype cannot be cast safely to the dtype of y in `fit`.

    Returns
    -------
    ndarray
        The targets with their dtype unchanged. If `numeric` is True, objects and strings are
        converted to float64.
    """
    owner = type(estimator).__name__
    y = read_target(y, owner)
    if numeric:
        y = check_numeric(y, owner)
    elif reset and isinstance(_target_encoder_of(estimator), ClassifierLabelEncoder):
        check_are_labels(y, owner)
    targets: np.ndarray = check_array(
        y, ensure_2d=False, allow_nd=numeric, dtype=None, input_name="y"
    )
    if reset:
        estimator.target_type_ = estimator._type_of_target(targets)
        estimator.y_dtype_, estimator.y_ndim_ = targets.dtype, targets.ndim
        return targets
    texts = targets.dtype.kind in "OUS" and estimator.y_dtype_.kind in "OUS"
    if same_dtype and not texts and not np.can_cast(targets.dtype, estimator.y_dtype_):
        raise ValueError(_unsafe_cast("y", targets.dtype, owner, estimator.y_dtype_))
    if estimator.y_ndim_ != targets.ndim:
        raise ValueError(
            f"y has {targets.ndim} dimensions, but this {owner} is expecting {estimator.y_ndim_} "
            "dimensions in y."
        )
    return targets


def _unsafe_cast(name: str, received: Any, owner: str, expected: Any) -> str:
    return (
        f"Got {name} with dtype {received}, but this {owner} expected {expected} and casting from "
        f"{received} to {expected} is not safe! Cast it yourself, or call fit again."
    )


def drop_rows_without_weight(
    X: Any, y: Any, sample_weight: Any, owner: str, *, signed: bool = False
) -> tuple[Any, Any, np.ndarray | None]:
    """Check sample weights, and drop the rows of weight 0.

    Parameters
    ----------
    X, y : array-like, sparse matrix, or dict or tuple of arrays
        Samples and targets.
    sample_weight : array-like of shape (n_samples,) or None
        Sample weights, of which at least one must not be 0. With None all rows are kept.
    owner : str
        Name of the estimator, for error messages.
    signed : bool, default=False
        Whether weights may be negative, as in scores.

    Returns
    -------
    X, y
        The rows of nonzero weight.
    sample_weight : ndarray of shape (n_samples,), float64, or None
        The nonzero sample weights.
    """
    if sample_weight is None:
        return X, y, None
    weight = check_weights(sample_weight, inputs_of(X)[0], owner, signed=signed)
    rows = np.flatnonzero(weight)
    if len(rows) == len(weight):
        return X, y, weight
    return take_input_rows(X, rows), take_input_rows(y, rows), weight[rows]


def with_class_weights(
    estimator: Any, sample_weight: Any, y: Any, *, continues: bool, classes: Any = None
) -> Any:
    """Return sample weights multiplied by the class weights of a `KerasClassifier`.

    Parameters
    ----------
    estimator : KerasClassifier
        The classifier, whose `class_weight` may name labels that y lacks.
    sample_weight, y : object
        The arguments of `fit` or `partial_fit`.
    continues : bool
        Whether the network is trained further, if there is one, and so keeps its labels.
    classes : ndarray of shape (n_classes,) or None, default=None
        The argument of `partial_fit`.
    """
    if classes is None and continues:
        classes = getattr(estimator, "classes_", None)
    owner = type(estimator).__name__
    return class_weighted(sample_weight, y, estimator.class_weight, owner, classes)


def as_loss_weights(weight: np.ndarray) -> np.ndarray:
    """Divide sample weights by their mean, because Keras divides the loss by the number of rows."""
    weight = within_float32(weight).astype(keras.config.floatx())
    return np.asarray(weight / weight.mean())


def encode_data(estimator: "BaseWrapper", X: Any, y: Any) -> tuple[Any, Any]:
    """Return samples and targets as the network gets them, from the fitted encoders.

    Parameters
    ----------
    estimator : BaseWrapper
        A wrapper with fitted encoders.
    X, y : array, sparse matrix, or structure of arrays
        Checked samples and targets.

    Raises
    ------
    ValueError
        If numbers exceed the range of Keras's float type.
    """
    y = encode(estimator.target_encoder_, y)
    X = encode(estimator.feature_encoder_, X)
    for name, data in (("X", X), ("y", y)):
        _check_range(data, name, type(estimator).__name__)
    return X, y


def _check_range(data: Any, name: str, owner: str) -> None:
    limits = np.finfo(keras.config.floatx())
    for array in arrays_of(data):
        values = array.data if issparse(array) else array
        dtype = getattr(values, "dtype", None)
        if not isinstance(dtype, np.dtype) or dtype.kind != "f" or dtype.itemsize <= 4:
            continue
        largest = max(values.max(initial=0), -values.min(initial=0))
        if largest > limits.max:
            raise ValueError(
                f"The {name} of {owner} holds numbers up to {largest:.3g}, but the network "
                f"computes in {limits.dtype}, which ends at {limits.max:.3g}: scale them, such as "
                f"{name} / np.abs({name}).max(axis=0)."
            )
