"""Types of the fitted attributes of DNN estimators, and of methods that scikit-learn generates."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.utils import Bunch

from skdnn._utils.annotations import KerasSequential, Request


class DNNTypeHints:
    """What a type checker and an editor know of a DNN estimator. Empty at run time."""

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

        def get_params(self, deep: bool = True) -> dict[str, Any]: ...

        def set_fit_request(
            self,
            *,
            sample_weight: Request = ...,
            X_val: Request = ...,
            y_val: Request = ...,
            sample_weight_val: Request = ...,
            groups: Request = ...,
        ) -> Self: ...

        def set_score_request(self, *, sample_weight: Request = ...) -> Self: ...
