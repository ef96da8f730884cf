"""`TypedEstimator`: scikit-learn's base class with types for DNN estimators."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from skdnn._utils.annotations import KerasSequential, Request
from skdnn._utils.sklearn_compat import CallbackSupportMixin


class TypedEstimator(CallbackSupportMixin, BaseEstimator):
    """Base class with the types of fitted attributes, and of methods of scikit-learn."""

    best_epoch_: int
    best_score_: float
    callbacks_: list[Any]
    feature_names_in_: np.ndarray
    history_: dict[str, list[float]]
    model_: KerasSequential
    n_features_in_: int
    n_iter_: int
    resolved_params_: Bunch
    validation_scores_: np.ndarray

    if TYPE_CHECKING:

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """Return the parameters."""

        def set_fit_request(
            self,
            *,
            sample_weight: Request = ...,
            X_val: Request = ...,
            y_val: Request = ...,
            sample_weight_val: Request = ...,
            groups: Request = ...,
        ) -> Self:
            """Choose the metadata that meta-estimators pass."""

        def set_score_request(self, *, sample_weight: Request = ...) -> Self:
            """Choose the metadata that meta-estimators pass."""
