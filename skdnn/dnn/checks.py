"""Validation of the X, y, sample weights and validation data that users pass."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.multiclass import type_of_target

from skdnn._data.class_labels import check_same_classes, check_validation_labels
from skdnn._data.class_weight import ClassWeights
from skdnn._data.column_warnings import ColumnWarnings
from skdnn._data.containers import check_one_target
from skdnn._data.doubtful_labels import has_one_hot_rows, line_for_classes, regression_hint
from skdnn._data.flatten import as_rows
from skdnn._data.preprocessing import may_miss
from skdnn._data.read_samples import check_no_text, read_samples, validate
from skdnn._data.read_target import check_are_labels, check_numeric, read_target
from skdnn._data.splits import ValidationData
from skdnn._data.table import Columns
from skdnn._data.targets import Classes, Labels, Targets
from skdnn._utils.sample_weight import check_weights, within_float32
from skdnn._utils.sklearn_compat import check_y
from skdnn._utils.user_warning import warn_user
from skdnn.dnn.loss_and_targets import check_targets

if TYPE_CHECKING:
    from skdnn.dnn.fitted import FittedNetwork

# Options of scikit-learn's validation of X.
_ACCEPTED = {"accept_sparse": "csr", "ensure_all_finite": "allow-nan"}

_TEXT_IN_ARRAYS = (
    "pass a table, pd.DataFrame(X), whose text columns are categories, or name the column in "
    "categorical_features=[{0}]"
)


class CheckedData(NamedTuple):
    """Validated rows of X, with their y and weights.

    Parameters
    ----------
    X : ndarray, CSR matrix or DataFrame of shape (n_samples, n_inputs)
        Rows. A DataFrame if the columns are not yet encoded (see `Columns.reads`).
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels or regression targets.
    weight : ndarray of shape (n_samples,), float64, or None
        Sample weights. None if all are 1.
    shape : tuple of int
        Shape of one sample.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    shape: tuple[int, ...]

    def rows_with_weight(self) -> np.ndarray:
        """Return the indices of the rows with a weight above 0."""
        return np.arange(len(self.y)) if self.weight is None else np.flatnonzero(self.weight)


def check_data(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    columns: Columns,
    network: "FittedNetwork | None" = None,
) -> CheckedData:
    """Validate the arguments of `fit` or `partial_fit`.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator. If `network` is None, its attributes `n_features_in_` and
        `feature_names_in_` are set. Otherwise X is compared with these attributes.
    X, y, sample_weight : object
        The arguments that the user passed.
    columns : Columns
        Encoder of the categorical columns. Not yet fitted if `network` is None.
    network : FittedNetwork or None, default=None
        The network whose training continues.

    Returns
    -------
    CheckedData
        The validated data.

    Raises
    ------
    ValueError, TypeError
        If the data cannot be used for training.
    """
    reset, owner = network is None, type(estimator).__name__
    given = read_samples(X, owner)
    n_rows = given.shape[0] if getattr(given, "shape", ()) else None
    check_one_target(y, n_rows, owner, "y")
    y = read_target(y, owner)
    if is_classifier(estimator):
        check_are_labels(y, owner)
    else:
        y = check_numeric(y, owner)
    X, shape = as_rows(given)
    if network is not None:
        network.check_shape(shape)
    if len(getattr(y, "shape", ())) > 2:
        raise ValueError(
            f"Found array with dim {len(y.shape)} as y, while dim <= 2 is required by "
            f"{owner}: pass y.reshape(len(y), -1) for one output per value."
        )
    checks = {"multi_output": True, "y_numeric": not is_classifier(estimator)}
    if columns.reads(X):  # the values are checked when the columns are read
        X, y = validate(estimator, X, y, reset=reset, skip_check_array=True)
        y = check_y(y, estimator=estimator, **checks)
        check_consistent_length(X, y)
    else:
        _check_no_text(X, owner)
        X, y = validate(estimator, X, y, reset=reset, **_ACCEPTED, **checks)
        _check_numbers(X, owner)
        if reset:
            columns.see_numbers(given)
        if reset and not issparse(X):
            ColumnWarnings(owner).see_rounded(given, X.dtype).warn()
    y = check_targets(y, owner, is_classifier(estimator))
    return CheckedData(X, y, _check_weights(estimator, X, sample_weight), shape)


def check_rows(estimator: BaseEstimator, X: Any, network: "FittedNetwork") -> Any:
    """Validate X of a fitted estimator, and encode the categorical columns of X.

    Returns
    -------
    ndarray or CSR matrix of shape (n_samples, n_inputs)
        Numbers and category codes, the input of the fitted preprocessing.
    """
    X, shape = as_rows(read_samples(X, type(estimator).__name__))
    network.check_shape(shape)
    if network.columns.reads(X):
        validate(estimator, X, reset=False, skip_check_array=True)
        return check_matrix(network.columns.transform(X), estimator)
    _check_no_text(X, type(estimator).__name__)
    X = validate(estimator, X, reset=False, **_ACCEPTED)
    _check_numbers(X, type(estimator).__name__)
    return X


def check_classes(y: Any, classes: Any, known: Targets | None, owner: str) -> None:
    """Validate the `classes` of `partial_fit`.

    Parameters
    ----------
    y : array-like
        The class labels that the user passed.
    classes : array-like or None
        The labels of this and all later calls, as the user passed them.
    known : Targets or None
        The targets of earlier calls. None in the first call.
    owner : str
        The estimator's name, for errors.
    """
    y = read_target(y, owner)
    if known is None and classes is None and type_of_target(y) != "multilabel-indicator":
        raise ValueError(
            f"classes must be passed on the first call to {owner}.partial_fit: all labels that "
            "will ever come."
        )
    if isinstance(known, Classes) and classes is not None:
        labels = np.unique(read_target(classes, owner, "classes"))
        check_same_classes(labels, known.classes, owner)


def warn_of_doubtful_labels(y: np.ndarray, given: Any) -> None:
    """Warn if the labels of a classifier look like one-hot rows or like regression targets.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_labels)
        Validated labels.
    given : object
        The y that the user passed.
    """
    if y.ndim == 1:
        warn_if_regression(np.unique(y), len(y))
    elif has_one_hot_rows(y):
        warn_user(
            "Each row of y has exactly one 1. y was understood as a multilabel indicator matrix, "
            "in which each label is predicted separately, so that a row may get several labels or "
            "none. If y is one-hot encoded, with one class for each row, pass "
            f"{line_for_classes(given)}."
        )


def warn_if_regression(classes: np.ndarray, n_rows: int) -> None:
    """Warn if there are too many numeric classes for the number of rows."""
    hint = regression_hint(classes, n_rows, "DNNRegressor")
    if hint:
        warn_user(hint)


def check_matrix(matrix: np.ndarray, estimator: BaseEstimator) -> np.ndarray:
    """Return the matrix of an encoded table, or raise an error if a value is infinite."""
    checked: np.ndarray = check_array(
        matrix, ensure_all_finite="allow-nan", estimator=estimator, input_name="X"
    )
    return checked


def check_validation_data(
    estimator: BaseEstimator,
    validation: ValidationData,
    network: "FittedNetwork",
    class_weights: ClassWeights | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
    """Validate X_val, y_val and sample_weight_val.

    Returns
    -------
    X, y, weight : ndarray, ndarray, ndarray or None
        The validation data, with weights of mean 1. A single None if no validation data was passed
        to `fit`.
    """
    if validation.X is None:
        return None
    columns, targets = network.columns, network.targets
    try:
        X, y, weight, _ = check_data(
            estimator,
            validation.X,
            validation.y,
            validation.sample_weight,
            columns=columns,
            network=network,
        )
        if columns.reads(X):
            X = check_matrix(columns.transform(X), estimator)
        if isinstance(targets, Classes | Labels):
            n_columns = targets.n_outputs if isinstance(targets, Labels) else None
            check_validation_labels(y, targets.classes, n_columns)
        targets.encode(y, network.spec.dtype)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"The data to validate on (X_val, y_val, sample_weight_val) do not fit: {error}"
        ) from error
    if class_weights is not None:
        weight = class_weights.of(y) * (1 if weight is None else weight)
        if not weight.any():
            raise ValueError("class_weight leaves no row of X_val with any weight.")
    return X, y, None if weight is None else weight / weight.mean()


def _check_weights(estimator: BaseEstimator, X: Any, sample_weight: Any) -> np.ndarray | None:
    if sample_weight is None:
        return None
    return within_float32(check_weights(sample_weight, X, type(estimator).__name__))


def _check_no_text(X: Any, owner: str) -> None:
    if issparse(X):
        return
    check_no_text(X, owner, _TEXT_IN_ARRAYS)
    if isinstance(X, np.ndarray) and X.dtype.kind in "US":
        raise ValueError(f"The X of {owner} holds numbers as text ({X.dtype}): X.astype(float).")


def _check_numbers(X: Any, owner: str) -> None:
    if X.dtype.kind not in "biuf":
        raise TypeError(
            f"The X of {owner} must hold numbers. Got {X.dtype}: turn dates into "
            "numbers, such as days since a start, and name categories in categorical_features."
        )
    if issparse(X) and may_miss(X.data) and np.isnan(X.data).any():
        raise ValueError(
            f"Sparse X of {owner} must hold no missing values. Input X contains "
            "NaN: fill them in with SimpleImputer, or bring X as an array."
        )
