"""The arguments and the result of a fit."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from skdnn._data.splits import ValidationData
from skdnn._data.targets import Classes, Labels
from skdnn._network.spec import State
from skdnn.dnn.fitted import Continuation, FittedNetwork

FEATURES = ("n_features_in_", "feature_names_in_")
FITTED_ATTRIBUTES = (
    "_continuation",
    "_network",
    "best_epoch_",
    "best_score_",
    "callbacks_",
    "classes_",
    "history_",
    "n_iter_",
    "resolved_params_",
    "validation_scores_",
    *FEATURES,
)


@dataclass(frozen=True, eq=False)
class Request:
    """The arguments of one call of `fit` or `partial_fit`.

    Parameters
    ----------
    X, y, sample_weight : object
        The arguments that the user passed.
    validation : ValidationData
        Validation data and groups.
    classes : array-like or None, default=None
        All class labels. None means the labels in y.
    is_whole : bool, default=True
        Whether the call receives all training rows. If False, the rows are a part of all rows, and
        the network is trained for one epoch.
    verbose : bool, default=False
        Whether to print a line for each epoch.
    begin : float, default=time.perf_counter()
        When the call began, from which `time_limit` counts.
    """

    X: Any
    y: Any
    sample_weight: Any = None
    validation: ValidationData = field(default_factory=ValidationData)
    classes: Any = None
    is_whole: bool = True
    verbose: bool = False
    begin: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, eq=False)
class FitResult:
    """The result of a fit, from which the attributes of the fitted estimator are set.

    Parameters
    ----------
    network : FittedNetwork
        The trained network.
    continuation : Continuation
        The data that further training needs in addition to the network.
    resolved_params : Bunch
        The preset, and the value of each parameter that may be "auto".
    features : dict
        `n_features_in_` and `feature_names_in_`, as scikit-learn sets them.
    history : dict of list of float, default={}
        Losses and metrics, with one value per epoch.
    n_iter : int, default=0
        Number of epochs trained.
    callbacks : list, default=[]
        The Keras callbacks of this fit.
    best_epoch, best_score, validation_scores
        Values of the estimator's attributes `best_epoch_`, `best_score_` and
        `validation_scores_`. None without early stopping.
    """

    network: FittedNetwork
    continuation: Continuation
    resolved_params: Bunch
    features: Mapping[str, Any]
    history: dict[str, list[float]] = field(default_factory=dict)
    n_iter: int = 0
    callbacks: list[Any] = field(default_factory=list)
    best_epoch: int | None = None
    best_score: float | None = None
    validation_scores: np.ndarray | None = None

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the fitted estimator."""
        found: dict[str, Any] = {
            "_network": self.network,
            "_continuation": self.continuation,
            "resolved_params_": self.resolved_params,
            "history_": self.history,
            "n_iter_": self.n_iter,
            "callbacks_": self.callbacks,
            **self.features,
        }
        if isinstance(self.network.targets, Classes | Labels):
            found["classes_"] = self.network.targets.classes
        best = {
            "best_epoch_": self.best_epoch,
            "best_score_": self.best_score,
            "validation_scores_": self.validation_scores,
        }
        return found | {name: value for name, value in best.items() if value is not None}

    @classmethod
    def of(cls, estimator: BaseEstimator) -> "FitResult | None":
        """Return the result of the last fit of an estimator, or None if there was no fit.

        Raises an error if training cannot go on from there.
        """
        fitted = vars(estimator)
        if "_network" not in fitted:
            return None
        if fitted["_continuation"] is None:  # loaded from a file for predictions only
            owner = type(estimator).__name__
            raise ValueError(
                f"This {owner} was loaded from a file without the state of the optimizer, so that "
                "partial_fit and warm_start cannot go on. Save the estimator with "
                "skdnn.save(estimator, path, profile='resume'), or train anew: fit with "
                "warm_start=False."
            )
        return cls(
            fitted["_network"],
            fitted["_continuation"],
            fitted["resolved_params_"],
            {name: fitted[name] for name in FEATURES if name in fitted},
            fitted["history_"],
            fitted["n_iter_"],
            best_epoch=fitted.get("best_epoch_"),
        )

    @property
    def start_epoch(self) -> int:
        """The best epoch, or without early stopping the last one, from which training continues."""
        return self.n_iter if self.best_epoch is None else self.best_epoch

    def after(self, state: State, history: dict[str, list[float]]) -> "FitResult":
        """Return a copy with a new state, and with the history of further epochs appended."""
        n_epochs = len(next(iter(history.values()), ()))
        # Every list has one value per epoch. It is NaN for epochs that lack the metric.
        before, now = [np.nan] * self.n_iter, [np.nan] * n_epochs
        both = {
            name: self.history.get(name, before) + history.get(name, now)
            for name in {**self.history, **history}
        }
        return replace(
            self,
            network=replace(self.network, state=state),
            history=both,
            n_iter=self.n_iter + n_epochs,
            best_epoch=None,
            best_score=None,
            validation_scores=None,
        )
