"""The loss and the encoding of y that the parameters of an estimator determine."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from skdnn._data.class_weight import ClassWeights
from skdnn._data.targets import (
    Classes,
    Labels,
    NumericTargets,
    OwnUnits,
    Positive,
    Quantile,
    Quantiles,
    Targets,
    check_labels,
    classification_targets,
)

if TYPE_CHECKING:
    from skdnn._training.losses import LossSpec

# Losses that need no Keras loss, from their name in scikit-learn or Keras to their internal name.
_CLASSIFICATION_LOSSES = {"auto": "auto", "log_loss": "auto"}
_REGRESSION_LOSSES = {
    "auto": "mean_squared_error",
    "squared_error": "mean_squared_error",
    "mean_squared_error": "mean_squared_error",
    "mse": "mean_squared_error",
    "absolute_error": "mean_absolute_error",
    "mean_absolute_error": "mean_absolute_error",
    "mae": "mean_absolute_error",
    "huber": "huber",
    "log_cosh": "log_cosh",
    "poisson": "poisson",
    "gamma": "gamma",
    "quantile": "quantile",
}


def check_targets(y: Any, owner: str, classifies: bool) -> np.ndarray:
    """Validate y, and return class labels, or regression targets as float64."""
    if classifies:
        return check_labels(y, owner)
    if issparse(y):
        raise TypeError(f"{owner} takes a dense y. Got a sparse matrix: use y.toarray().")
    numbers: np.ndarray = y.astype(np.float64)
    return numbers


def resolve_loss(params: Mapping[str, Any], owner: str, classifies: bool) -> "str | LossSpec":
    """Return the internal name of a loss, or the specification of a Keras loss.

    Parameters
    ----------
    params : mapping of str to object
        Parameters of the estimator. Only "loss", and "quantile" of a regressor, are used.
    owner : str
        The estimator's name, for errors.
    classifies : bool
        Whether the estimator is a classifier.
    """
    known = _CLASSIFICATION_LOSSES if classifies else _REGRESSION_LOSSES
    given = params["loss"]
    loss: str | LossSpec
    if isinstance(given, str) and given in known:
        loss = known[given]
    else:
        from skdnn._training.losses import resolve_loss as resolve_keras_loss

        loss = resolve_keras_loss(given, known, owner)
    if loss == "quantile":
        quantile_levels(params["quantile"], owner)
    elif params.get("quantile") is not None:
        raise ValueError(
            f"The 'quantile' parameter of {owner} has no meaning for "
            f"loss={given!r}: leave it at None, or set loss='quantile'. Got "
            f"quantile={params['quantile']!r}."
        )
    return loss


def describe_loss(loss: "str | LossSpec", params: Mapping[str, Any], owner: str) -> str:
    """Return a text that identifies a loss and is the same in every process."""
    text = loss if isinstance(loss, str) else loss.text
    if loss != "quantile":
        return text
    return f"{text} {quantile_levels(params['quantile'], owner).tolist()}"


def quantile_levels(quantile: Any, owner: str) -> np.ndarray:
    """Return the quantile levels, shape () for one level or (n_levels,) for ascending levels."""
    given = 0.5 if quantile is None else quantile
    try:
        levels = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        levels = np.empty(0)
    inside = np.all((levels > 0) & (levels < 1))
    if levels.ndim > 1 or not levels.size or not inside or np.any(np.diff(levels.ravel()) <= 0):
        raise ValueError(
            f"The 'quantile' parameter of {owner} must be a float in the range "
            f"(0, 1), or several of them in ascending order, none twice. Got {given!r} instead."
        )
    return levels


def make_targets(
    y: np.ndarray,
    rows: np.ndarray,
    weight: np.ndarray | None,
    loss: "str | LossSpec",
    params: Mapping[str, Any],
    owner: str,
    classifies: bool,
    classes: Any = None,
) -> Targets:
    """Choose the encoding of y, and fit the encoding on the training rows.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels or regression targets of all rows.
    rows : ndarray of shape (n_training,), int
        Indices of the training rows.
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    loss : str or LossSpec
        The return value of `resolve_loss`.
    params : mapping of str to object
        Parameters of the estimator.
    owner : str
        The estimator's name, for errors.
    classifies : bool
        Whether the estimator is a classifier.
    classes : array-like of shape (n_classes,), default=None
        All class labels. None means the labels in y.
    """
    if classifies:
        return _label_targets(y, classes, loss, owner)
    y, weight = y[rows], None if weight is None else weight[rows]
    if not isinstance(loss, str):
        return OwnUnits(y, weight)
    if loss in ("poisson", "gamma"):
        return Positive(y, weight, loss)
    if loss == "quantile":
        levels = quantile_levels(params["quantile"], owner)
        return Quantiles(y, weight, levels) if levels.ndim else Quantile(y, weight, levels)
    return NumericTargets(y, weight, loss)


def _label_targets(
    y: np.ndarray, classes: Any, loss: "str | LossSpec", owner: str
) -> Classes | Labels:
    targets = classification_targets(y, classes, owner)
    if not isinstance(loss, str):
        if isinstance(targets, Labels) and loss.is_categorical:
            raise ValueError(
                f"The loss {loss.name} is for one class in each row, but y is a multilabel "
                "indicator matrix. Of one-hot rows bring the classes, y.argmax(axis=1); for "
                "any number of labels leave loss at 'auto'."
            )
        targets.chance_loss = np.inf  # unknown
    return targets


def fit_class_weights(
    class_weight: Any,
    targets: Targets,
    y: np.ndarray,
    rows: np.ndarray,
    weight: np.ndarray | None,
    owner: str,
) -> ClassWeights | None:
    """Fit class weights on the training rows. Return None if there are no class weights."""
    if class_weight is None or not isinstance(targets, Classes | Labels):
        return None
    return ClassWeights(class_weight, targets.classes, owner).fit(y, rows, weight)
