"""Training histories of estimators, with their means over folds and their best epochs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

History = Mapping[str, Sequence[float]]  # one value per epoch, by the name of the loss or metric


def named_estimators(
    estimator: Any, name: str | Sequence[str] | None
) -> tuple[dict[str, Any], bool]:
    """Return the estimators by name, and whether they are the folds of a cross-validation.

    Parameters
    ----------
    estimator : estimator, iterable or dict of estimators, or result of `cross_validate`
        The argument of `TrainingHistoryDisplay.from_estimator`.
    name : str, list of str or None
        Names of the estimators. None creates names from the classes of the estimators.

    Returns
    -------
    named : dict of str to estimator
        The estimators by name.
    is_folds : bool
        Whether the estimators are the folds of one model.
    """
    if isinstance(estimator, Mapping) and "fit_time" in estimator:
        if "estimator" not in estimator:
            raise ValueError(
                "This result of cross_validate has no estimators: call cross_validate with "
                "return_estimator=True."
            )
        folds = enumerate(estimator["estimator"], start=1)
        return {f"fold {number}": fold for number, fold in folds}, True
    if isinstance(estimator, Mapping):
        named = dict(estimator)
    elif isinstance(estimator, Iterable) and not hasattr(estimator, "fit"):
        estimators = list(estimator)
        named = dict(zip(_names(estimators, name), estimators, strict=True))
    else:
        named = {type(estimator).__name__ if name is None else str(name): estimator}
    if not named:
        raise ValueError("There is nothing to draw: no estimator was given.")
    return named, False


def _names(estimators: list[Any], given: str | Sequence[str] | None) -> list[str]:
    """Return names for a list of estimators, with numbers if classes repeat."""
    if given is None:
        classes = [type(x).__name__ for x in estimators]
        count = Counter(classes)
        return [
            f"{one} {classes[: place + 1].count(one)}" if count[one] > 1 else one
            for place, one in enumerate(classes)
        ]
    names = [given] if isinstance(given, str) else list(given)
    if len(names) != len(estimators) or len(set(names)) != len(names):
        raise ValueError(
            f"The 'name' parameter must be {len(estimators)} different names, one for each "
            f"estimator. Got {given!r} instead."
        )
    return names


def mean_name(name: str | Sequence[str] | None, n_folds: int) -> str:
    """Return the name of the mean history over folds in the legend."""
    mean = f"mean of {n_folds} folds"
    return mean if name is None else f"{name}, {mean}"


def mean_history(histories: list[History]) -> History:
    """Return the mean history over folds, for the epochs that all folds have.

    Epochs after the end of the shortest fold are omitted, because the mean would change abruptly
    there.
    """
    common = set.intersection(*(set(history) for history in histories))
    means: dict[str, Sequence[float]] = {}
    for key in common:
        n_epochs = min(len(history[key]) for history in histories)
        means[key] = np.mean([history[key][:n_epochs] for history in histories], axis=0).tolist()
    return means


def best_epoch(estimator: Any) -> int | None:
    """Return the best epoch of an estimator.

    This is `best_epoch_`, or the epoch with the lowest validation loss if the estimator has no
    such attribute. `best_epoch_` is 0 if no epoch was better than the state from which training
    resumed.
    """
    stored: int | None = getattr(estimator, "best_epoch_", None)
    return least_epoch(estimator.history_) if stored is None else stored


def least_epoch(history: History) -> int | None:
    """Return the epoch with the lowest validation loss, counted from 1.

    None if the history has no finite validation loss.
    """
    values = np.asarray(history.get("val_loss", ()), dtype=float)
    finite = np.isfinite(values)
    return int(np.argmin(np.where(finite, values, np.inf))) + 1 if finite.any() else None


def training_label(estimators: Iterable[Any]) -> str:
    """Return the label of training values, with what only the training loss has.

    This is dropout, and smoothed labels, in at least one of the estimators. The validation loss is
    computed without dropout and with the original labels.
    """
    resolved = [getattr(estimator, "resolved_params_", {}) for estimator in estimators]
    only = [
        words
        for name, words in (("label_smoothing", "smoothed labels"), ("dropout", "dropout"))
        if any(np.any(np.asarray(values.get(name, 0.0)) != 0) for values in resolved)
    ]
    return f"training ({', '.join(only)})" if only else "training"


def isolated(values: np.ndarray) -> list[int]:
    """Return the positions of finite values without finite neighbours.

    Such values need a marker, because no line connects them to another value.
    """
    finite = np.pad(np.isfinite(values), 1)
    return [int(i) for i in np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:])]
