"""Checks and encodes the validation data that are passed to the `fit` of a wrapper."""

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_array, check_consistent_length

from skdnn._data.class_labels import check_validation_labels
from skdnn._data.containers import check_one_target
from skdnn._data.read_target import read_target
from skdnn._utils.sample_weight import check_weights, within_float32
from skdnn.wrappers.checks import check_samples
from skdnn.wrappers.structures import inputs_of
from skdnn.wrappers.target_encoders import ClassifierLabelEncoder, encode

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


def check_validation_data(estimator: "BaseWrapper", data: Any) -> Any:
    """Check and encode validation data in the same way as training data.

    Parameters
    ----------
    estimator : BaseWrapper
        A wrapper with fitted encoders.
    data : (X, y), (X, y, sample_weight), or any other validation data that Keras supports
        Validation data. Data other than a tuple or list are returned unchanged.
    """
    if not isinstance(data, tuple | list):
        return data
    owner = type(estimator).__name__
    try:
        X, y, *weights = data
        X = check_samples(estimator, X, reset=False, same_dtype=False)
        n_rows, more = inputs_of(X)[0].shape[0], ", in the form of y: target_encoder encodes both"
        check_one_target(y, n_rows, owner, "y_val", more)
        y = read_target(y, owner, "y_val")
        y = check_array(y, ensure_2d=False, allow_nd=True, dtype=None, input_name="y_val")
        check_consistent_length(*inputs_of(X), y)
        y = encode(estimator.target_encoder_, _checked_labels(estimator, y))
        weights = [
            within_float32(check_weights(weight, inputs_of(X)[0], owner))
            for weight in weights
            if weight is not None
        ]
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"The validation_data (X_val, y_val, sample_weight_val) do not fit: {error}"
        ) from error
    return (encode(estimator.feature_encoder_, X), y, *weights)


def _checked_labels(estimator: "BaseWrapper", y: np.ndarray) -> np.ndarray:
    """Return y_val in the shape of y, after a check of its labels if y has class labels."""
    classes = getattr(estimator, "classes_", None)
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        return y  # targets of a regression, or of an encoder of the user's own
    if estimator.target_type_ == "multilabel-indicator":
        if type(estimator.target_encoder_) is ClassifierLabelEncoder:
            check_validation_labels(y, classes, len(classes))
        return y
    flat = y.reshape(-1) if y.ndim == 2 and y.shape[1] == 1 else y
    check_validation_labels(flat, classes, None)
    return flat
