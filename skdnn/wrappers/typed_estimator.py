"""`TypedEstimator`: scikit-learn's base class with types for wrappers."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from skdnn._utils.annotations import KerasModel, Request


class TypedEstimator(BaseEstimator):
    """Base class with the types of fitted attributes, and of methods of scikit-learn."""

    X_dtype_: Any
    X_shape_: Any
    feature_encoder_: Any
    feature_names_in_: np.ndarray
    history_: dict[str, list[float]]
    model_: KerasModel
    n_features_in_: int
    n_outputs_: int
    n_outputs_expected_: int
    target_encoder_: Any
    target_type_: str
    y_dtype_: Any
    y_ndim_: int

    if TYPE_CHECKING:

        def set_fit_request(self, *, sample_weight: Request = ...) -> Self:
            """Choose the metadata that meta-estimators pass."""

        def set_score_request(self, *, sample_weight: Request = ...) -> Self:
            """Choose the metadata that meta-estimators pass."""
