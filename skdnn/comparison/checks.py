"""Checks of the arguments of `compare`."""

from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import Any, cast

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
)
from sklearn.utils import check_array
from sklearn.utils.multiclass import type_of_target

from skdnn._data.read_samples import read_samples
from skdnn._data.read_target import read_target
from skdnn._network.summary import NetworkTableMixin
from skdnn._utils.text import unknown
from skdnn.typing import Task

# A target of integers with at most this many distinct values is treated as classes.
MAX_CLASSES = 30
_SCORERS = "a name of sklearn.metrics.get_scorer_names(), or a callable"

_TASKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "classification": (is_classifier, "accuracy"),
    "regression": (is_regressor, "r2"),
}

# (stratified by class, grouped) -> splitter for an integer `cv`
_SPLITTERS = {
    (False, False): KFold,
    (True, False): StratifiedKFold,
    (False, True): GroupKFold,
    (True, True): StratifiedGroupKFold,
}


def check_samples(X: Any) -> Any:
    """Return X, lists as an array, or raise an error if X has not several rows of values."""
    X = read_samples(X, "compare")
    if X.shape[0] < 2:
        raise ValueError(
            f"The 'X' parameter of compare must have two rows or more. Got {X.shape[0]}."
        )
    if not np.prod(X.shape[1:]):
        raise ValueError(f"The 'X' parameter of compare must have a column. Got shape {X.shape}.")
    return X


def check_target(y: Any) -> np.ndarray:
    """Return y as an array, with a single column flattened to one dimension.

    Missing values raise an error.
    """
    if y is None:
        raise ValueError("The 'y' parameter of compare must be the target values. Got None.")
    y = read_target(y, "compare")
    checked: np.ndarray = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    return checked.ravel() if checked.ndim == 2 and checked.shape[1] == 1 else checked


def check_models(models: Mapping[str, Any]) -> dict[str, Any]:
    """Return the models by name, or raise an error if one of them is not an estimator."""
    if len({str(name) for name in models}) < len(models):
        raise ValueError("The 'models' parameter of compare must have a name of its own for each.")
    if not models:
        raise ValueError("The 'models' parameter of compare must name a model. Got an empty dict.")
    for name, model in models.items():
        if isinstance(model, type) or not hasattr(model, "fit"):
            hint = f": write {model.__name__}()" if isinstance(model, type) else ""
            raise TypeError(
                f"models[{name!r}] of compare must be an estimator with a fit method. "
                f"Got {model!r} instead{hint}."
            )
    return {str(name): model for name, model in models.items()}


def contains_network(model: Any) -> bool:
    """Return whether a model is or contains a network of skdnn, such as a pipeline or a search.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> from skdnn import DNNRegressor
    >>> from skdnn.comparison.checks import contains_network
    >>> [contains_network(make_pipeline(model)) for model in (DNNRegressor(), Ridge())]
    [True, False]
    """
    inside = model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    return any(isinstance(one, NetworkTableMixin) for one in (model, *inside))


def check_scoring(scoring: Any, task: str) -> Any:
    """Return `scoring` in a form with which `cross_validate` reports each score by name."""
    if scoring is None:
        scoring = _TASKS[task][1]
    if isinstance(scoring, str):
        scoring = [scoring]
    if callable(scoring):
        _check_is_scorer(scoring)
        return scoring
    if not isinstance(scoring, Mapping | list | tuple | set) or not scoring:
        raise TypeError(
            f"The 'scoring' parameter of compare must be {_SCORERS}, or several of these in a list "
            f"or a dict. Got {scoring!r} instead."
        )
    known = get_scorer_names()
    is_dict = isinstance(scoring, Mapping)
    for scorer in scoring.values() if isinstance(scoring, Mapping) else scoring:
        if isinstance(scorer, str) and scorer not in known:
            raise unknown("scoring", "compare", scorer, known, _SCORERS)
        if not isinstance(scorer, str) and not (is_dict and callable(scorer)):
            hint = ": write a dict, such as {'name': scorer}" if callable(scorer) else ""
            raise TypeError(
                f"The 'scoring' parameter of compare must hold {_SCORERS}. Got {scorer!r}{hint}."
            )
        if callable(scorer):
            _check_is_scorer(scorer)
    return scoring if is_dict else list(dict.fromkeys(scoring))


def _check_is_scorer(scorer: Callable[..., Any]) -> None:
    """Raise an error for a metric, which takes y_true and y_pred, in the place of a scorer."""
    name = getattr(scorer, "__name__", "")
    if str(getattr(scorer, "__module__", "")).startswith("sklearn.metrics.") and name:
        raise TypeError(
            f"The 'scoring' parameter of compare must be a scorer, which is called with a model, X "
            f"and y. Got the metric {name}: write the name of its scorer, or "
            f"sklearn.metrics.make_scorer({name})."
        )


def find_task(task: str, models: Mapping[str, Any], y: np.ndarray) -> Task:
    """Return the given task, or if it is "auto", the task of the models or of the target."""
    if task != "auto" and task not in _TASKS:
        raise unknown("task", "compare", task, ["auto", *_TASKS])
    kinds = {
        kind: [name for name, model in models.items() if is_of_kind(model)]
        for kind, (is_of_kind, _) in _TASKS.items()
    }
    if all(kinds.values()):
        listed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
        raise ValueError(
            f"The 'models' parameter of compare mixes classifiers and regressors ({listed}): "
            f"compare them separately."
        )
    of_models = next((kind for kind, names in kinds.items() if names), None)
    if of_models and task not in ("auto", of_models):
        raise ValueError(
            f"The 'task' parameter of compare must agree with the models. Got task={task!r} and "
            f"models for {of_models}: {', '.join(kinds[of_models])}."
        )
    found = of_models or (_task_of(y) if task == "auto" else task)
    _check_fits(y, found)
    return cast(Task, found)


def _task_of(y: np.ndarray) -> str:
    if y.dtype.kind not in "iuf":
        return "classification"
    values = np.unique(y)
    few_and_whole = len(values) <= MAX_CLASSES and np.array_equal(values, np.round(values))
    return "classification" if few_and_whole else "regression"


def _check_fits(y: np.ndarray, task: str) -> None:
    """Raise an error if no model for the task can be trained on y."""
    if y.dtype.kind in "mM":
        raise ValueError(
            "The 'y' parameter of compare must be numbers or class labels. Got dates or times: "
            "subtract a start and divide by a unit, such as "
            "(y - y.min()) / np.timedelta64(1, 'D')."
        )
    if task == "regression" and y.dtype.kind not in "biuf":
        raise ValueError(
            "The 'y' parameter of compare must be numbers for regression. Got text or other "
            "objects: convert y to numbers, or set task='classification'."
        )
    if task == "classification" and y.dtype.kind == "f" and (y != np.round(y)).any():
        raise ValueError(
            "The 'y' parameter of compare must be class labels for classification. Got numbers "
            "with fractions: set task='regression'."
        )
    if task == "classification" and y.ndim == 1 and (y == y[0]).all():
        raise ValueError(
            f"The 'y' parameter of compare must have two classes or more. Got only {y[0]!s:.40}."
        )


def splitter(
    cv: Any, y: np.ndarray, groups: Any, task: str, random_state: int | np.random.RandomState | None
) -> Any:
    """Return the cross-validation splitter. The splitter shuffles rows if `cv` is an integer."""
    classify = task == "classification"
    cv = 5 if cv is None else cv
    if not isinstance(cv, Integral) or isinstance(cv, bool | np.bool_):
        return check_cv(_as_splits(cv), y, classifier=classify)
    stratified = classify and type_of_target(y) in ("binary", "multiclass")
    _check_folds(int(cv), y, stratified and groups is None)
    kind = _SPLITTERS[stratified, groups is not None]
    return kind(int(cv), shuffle=True, random_state=random_state)


def _as_splits(cv: Any) -> Any:
    """Return a splitter unchanged, or the pairs of an iterable of pairs as a list."""
    if hasattr(cv, "split") and not isinstance(cv, str | type):
        return cv
    pairs = list(cv) if isinstance(cv, Iterable) and not isinstance(cv, str) else [cv]
    if any(not isinstance(pair, tuple | list | np.ndarray) or len(pair) != 2 for pair in pairs):
        hint = f": write {cv.__name__}()" if isinstance(cv, type) else ""
        raise TypeError(
            "The 'cv' parameter of compare must be a number of folds, a splitter of scikit-learn, "
            f"or a pair (train, test) of row indices for each fold. Got {cv!r} instead{hint}."
        )
    return pairs


def _check_folds(cv: int, y: np.ndarray, stratified: bool) -> None:
    """Raise an error if there are fewer rows than folds, in all or in a class."""
    if cv < 2:
        raise ValueError(f"The 'cv' parameter of compare must be at least 2 folds. Got {cv}.")
    if cv > len(y) and not stratified:
        raise ValueError(
            f"The 'cv' parameter of compare must be at most {len(y)}, the number of rows. "
            f"Got {cv}: write cv={len(y)} or less."
        )
    classes, counts = np.unique(y, return_counts=True)
    least = int(counts.min())
    if cv <= least or not stratified:
        return
    name = str(classes[counts.argmin()])
    rows = "1 row" if least == 1 else f"{least} rows"
    fewer = f"write cv={least} or less, or " if least > 1 else ""
    if y.dtype.kind in "iuf":
        fewer += "write task='regression' if these are numbers, or "
    raise ValueError(
        f"The 'cv' parameter of compare must not exceed the rows of the smallest class of y. Got "
        f"{cv} folds and {rows} of class {name!r:.60} ({len(classes):,} classes in {len(y):,} "
        f"rows): {fewer}drop the rows of such classes, or join them into one class."
    )


def check_groups(cv: Any, groups: Any) -> None:
    """Raise an error if a splitter needs groups and there are none, or if groups are missing."""
    needs_groups = "Group" in type(cv).__name__ and hasattr(cv, "split")
    values = () if groups is None else np.asarray(groups, dtype=object).ravel()
    missing = [row for row, value in enumerate(values) if value is None or value != value]
    if missing:
        raise ValueError(
            "The 'groups' parameter of compare must hold the group of each row. Got "
            f"{len(missing)} missing of {len(values)} values, the first in row {missing[0]}."
        )
    if groups is None and needs_groups:
        raise ValueError(
            f"The 'groups' parameter of compare must hold the group of each row, because cv is "
            f"{type(cv).__name__}. Got None."
        )


def check_n_jobs(n_jobs: Any) -> None:
    """Raise an error if `n_jobs` is neither None nor an integer other than 0."""
    is_integer = isinstance(n_jobs, Integral) and not isinstance(n_jobs, bool | np.bool_)
    if n_jobs is not None and (not is_integer or n_jobs == 0):
        raise ValueError(
            "The 'n_jobs' parameter of compare must be None, a number of processes, or -1 for all "
            f"cores. Got {n_jobs!r} instead."
        )
