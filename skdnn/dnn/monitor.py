"""What early stopping monitors: a measure of the training loop, or a scorer of scikit-learn."""

from collections.abc import Callable
from typing import Any, get_args

from sklearn.metrics import get_scorer, get_scorer_names

from skdnn import typing
from skdnn._utils.sklearn_compat import is_scorer
from skdnn._utils.text import unknown

# Takes a fitted estimator, X, y and maybe sample weights. Higher scores are better.
Scorer = Callable[..., Any]

_NAMES = get_args(typing.Monitor)
_OF_REGRESSORS = ("auto", "loss")
_OPTIONS = (
    "one of {}, the name of a scorer of scikit-learn (see sklearn.metrics.get_scorer_names()), or "
    "a scorer"
)
# Names of measures elsewhere, and the names of the same measures here.
_MEANT = {
    **dict.fromkeys(["val_loss", "validation_loss"], "loss"),
    **dict.fromkeys(["acc", "val_acc", "val_accuracy"], "accuracy"),
    **dict.fromkeys(["auc", "auroc", "rocauc"], "roc_auc"),
    **dict.fromkeys(["cross_entropy", "log_loss", "logloss"], "neg_log_loss"),
    **dict.fromkeys(["mse", "l2"], "neg_mean_squared_error"),
    **dict.fromkeys(["mae", "l1"], "neg_mean_absolute_error"),
    "mape": "neg_mean_absolute_percentage_error",
    "rmse": "neg_root_mean_squared_error",
}


def resolve_scorer(monitor: Any, owner: str, classifies: bool) -> Scorer | None:
    """Return the scorer that `monitor` stands for, or None for a measure of the training loop.

    Parameters
    ----------
    monitor : str or callable
        The value of the parameter, not "auto".
    owner : str
        The estimator's name, for errors.
    classifies : bool
        Whether the estimator is a classifier.

    Raises
    ------
    ValueError
        If the value is not the name of a measure or of a scorer, or is a metric.
    """
    known = _NAMES if classifies else _OF_REGRESSORS
    if not isinstance(monitor, str):
        _check_no_metric(monitor, owner)
        return monitor  # type: ignore[no-any-return]
    if monitor in known:
        return None
    if monitor in _NAMES:
        raise ValueError(
            f"monitor={monitor!r} is a measure of classifiers. Set monitor of {owner} to 'loss', "
            "or to a scorer for regression, such as 'r2' or 'neg_mean_absolute_error'."
        )
    if monitor in get_scorer_names():
        return get_scorer(monitor)  # type: ignore[no-any-return]
    options = _OPTIONS.format(", ".join(known))
    if monitor.lower() in _MEANT:
        raise ValueError(
            f"The 'monitor' parameter of {owner} must be {options}. Got {monitor!r} instead. Did "
            f"you mean {_MEANT[monitor.lower()]!r}?"
        )
    raise unknown("monitor", owner, monitor, [*known, *get_scorer_names()], options)


def _check_no_metric(monitor: Any, owner: str) -> None:
    """Raise an error if a callable is a metric of scikit-learn instead of a scorer."""
    module = str(getattr(monitor, "__module__", ""))
    if module.startswith("sklearn.metrics.") and not is_scorer(monitor):
        name = getattr(monitor, "__name__", repr(monitor))
        raise ValueError(
            f"monitor={name} of {owner} is a metric, which takes (y_true, y_pred): pass a scorer, "
            f"sklearn.metrics.make_scorer({name}), with greater_is_better=False if lower is better."
        )
