"""The function `compare`, which cross-validates models on the same folds."""

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any

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
from sklearn.utils import check_array, indexable
from sklearn.utils.multiclass import type_of_target

from skdnn._utils.arguments import explains_unknown_arguments
from skdnn._utils.text import unknown
from skdnn.comparison.baselines import default_models
from skdnn.comparison.cross_validation import Folds, Run, run_all
from skdnn.comparison.result import Comparison

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


@explains_unknown_arguments
def compare(
    X: Any,
    y: Any,
    models: Mapping[str, Any] | Sequence[str] | None = None,
    cv: Any = 5,
    scoring: Any = None,
    *,
    task: str = "auto",
    groups: Any = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
    verbose: int = 0,
) -> Comparison:
    r"""Cross-validate several models on the same folds.

    Each model is evaluated by scikit-learn's `cross_validate`. The folds are created once and are
    the same for all models, so that differences between scores are due to the models and not to
    the rows. The difference of each model to the best model is tested for statistical significance
    (see Notes).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples, ...)
        Samples with any number of dimensions. Images, of shape (n_samples, 28, 28), are passed
        unchanged to models whose tag `input_tags.three_d_array` is set, such as `DNNClassifier`.
        Other models get a view with flattened samples. For a pandas DataFrame, the default models
        one-hot encode non-numeric columns and impute missing numbers by the median. Both steps are
        fitted on the training rows of each fold.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Target values, which are class labels, or numbers for regression.
    models : dict of str to estimator, list of str, or None, default=None
        The models to compare, by the names to display. The models are cloned and remain unfitted. A
        list selects default models by name, and None selects all default models. See
        `default_models`.
    cv : int, cross-validation generator or iterable of (train, test), default=5
        Cross-validation strategy. An integer is the number of folds of shuffled rows, seeded by
        `random_state` and stratified by class for classification. Rows are shuffled because files
        are often sorted. All other values have the same meaning as in scikit-learn.
    scoring : str, callable, list, tuple, dict or None, default=None
        Scores to compute, as for `cross_validate`. Higher scores are better. Models are ranked and
        tested by the first score. None means "accuracy" for classification and "r2" for
        regression.
    task : {"auto", "classification", "regression"}, default="auto"
        Type of the problem. "auto" uses the type of the given models. For the default models,
        "auto" is classification if `y` holds text, booleans, or integers of at most 30 distinct
        values, and regression otherwise.
    groups : array-like of shape (n_samples,), default=None
        Group labels of the rows. No group is split between training and test rows.
    n_jobs : int, default=None
        Number of folds that are run in parallel. The times of the models are comparable only if
        folds are run one at a time.
    random_state : int, RandomState instance or None, default=0
        Seed of the folds and of the default models.
    verbose : int, default=0
        Verbosity: 0 is silent, 1 shows a progress bar with the name of the current model.

    Returns
    -------
    comparison : Comparison
        Scores and times per model and fold, best model first. The comparison prints as a table.

    Raises
    ------
    ValueError
        If a parameter is invalid, or if every model failed. If only some models fail, the result
        lists the failed models with the reasons of the failures.
    TypeError
        If a model is not an estimator.

    Notes
    -----
    Each model is tested against the best model with the corrected resampled t-test [1]_. The plain
    paired t-test underestimates the variance of the differences, because the training sets of the
    folds overlap. With the differences :math:`d_1, \dots, d_k` over k folds, their mean
    :math:`\bar d` and sample variance :math:`s^2`,

    .. math:: t = \bar d \Big/ \sqrt{(1/k + n_{test} / n_{train}) \, s^2}

    follows Student's t distribution with k - 1 degrees of freedom. The test is two-sided. For folds
    of unequal sizes, :math:`n_{test}` and :math:`n_{train}` are the mean sizes. The p-values are
    adjusted for the number of comparisons [2]_. The verdict is "worse" if p < 0.05, and "within
    noise" otherwise. "Within noise" does not mean equal: more or larger folds may show a
    difference.

    References
    ----------
    .. [1] C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine
       Learning 52:239-281.
    .. [2] S. Holm (1979), "A simple sequentially rejective multiple test procedure",
       Scandinavian Journal of Statistics 6:65-70.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skdnn import compare
    >>> from skdnn.comparison import default_models
    >>> X, y = load_iris(return_X_y=True)
    >>> compare(X, y, ["Linear", "Dummy"]).names
    ('Linear', 'Dummy')
    >>> baselines = default_models("classification", names=["Dummy"])
    >>> result = compare(X, y, {"bayes": GaussianNB(), **baselines}, cv=3)
    >>> result.scores["accuracy"].round(2)
    array([[0.96, 0.94, 0.98],
           [0.32, 0.32, 0.32]])
    >>> result.verdicts
    ('best', 'worse (p < 0.001)')
    """
    X = np.asarray(X) if isinstance(X, list | tuple) else X
    y = _check_target(y)
    X, y, groups = indexable(X, y, groups)
    _check_column_names(getattr(X, "columns", None))
    if isinstance(models, Mapping):
        models = _check_models(models)
        task = _find_task(task, models, y)
    else:
        task = _find_task(task, {}, y)
        models = default_models(task, X, names=models, random_state=random_state)
    scoring = _check_scoring(scoring, task)
    splitter = _splitter(cv, y, groups, task, random_state)
    folds = Folds(splitter.split(X, y, groups), len(y))
    runs = run_all(models, X, y, folds, scoring=scoring, n_jobs=n_jobs, verbose=verbose)
    return _side_by_side(task, runs, folds)


def _side_by_side(task: str, runs: list[Run], folds: Folds) -> Comparison:
    """Return the runs as a `Comparison`, best model first."""
    alive = [run for run in runs if run.failure is None]
    if not alive:
        reasons = "".join(f"\n  {run.name}: {run.failure}" for run in runs)
        raise ValueError(f"compare: every model failed.{reasons}")
    scorers = list(alive[0].scores)
    alive.sort(key=lambda run: run.scores[scorers[0]].mean(), reverse=True)
    ordered = alive + [run for run in runs if run.failure is not None]
    missing = np.full(len(folds), np.nan)
    n_train, n_test = (
        np.array([len(part) for part in side]) for side in zip(*folds.splits, strict=True)
    )
    return Comparison(
        task=task,
        names=tuple(run.name for run in ordered),
        scores={s: np.array([run.scores.get(s, missing) for run in ordered]) for s in scorers},
        fit_time=np.array([run.fit_time for run in ordered]),
        score_time=np.array([run.score_time for run in ordered]),
        n_train=n_train,
        n_test=n_test,
        failures={run.name: run.failure for run in ordered if run.failure is not None},
    )


def _check_column_names(columns: Sequence[Any] | None) -> None:
    if columns is not None and len(set(columns)) < len(columns):
        twice = sorted({str(c) for c in columns if list(columns).count(c) > 1})
        raise ValueError(
            f"The 'X' parameter of compare must have unique column names. Got {twice} more than "
            "once: rename these columns."
        )


def _check_target(y: Any) -> np.ndarray:
    """Return y as an array, with a single column flattened to one dimension.

    Missing values raise an error.
    """
    if y is None:
        raise ValueError("The 'y' parameter of compare must be the target values. Got None.")
    values = np.asarray(y, dtype=object)
    missing = np.asarray(y.isna()) if hasattr(y, "isna") else (values != values) | (values == None)  # noqa: E711
    if n := np.sum(missing):
        raise ValueError(
            f"The 'y' parameter of compare must have a value in every row. Got {n} missing of "
            f"{len(values)} values: drop those rows from X and y."
        )
    checked: np.ndarray = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    return checked.ravel() if checked.ndim == 2 and checked.shape[1] == 1 else checked


def _check_models(models: Mapping[str, Any]) -> dict[str, Any]:
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


def _check_scoring(scoring: Any, task: str) -> Any:
    """Return `scoring` in a form with which `cross_validate` reports each score by name."""
    if scoring is None:
        scoring = _TASKS[task][1]
    if isinstance(scoring, str):
        scoring = [scoring]
    if callable(scoring):
        return scoring
    known = get_scorer_names()
    for scorer in scoring.values() if isinstance(scoring, Mapping) else scoring:
        if isinstance(scorer, str) and scorer not in known:
            raise unknown("scoring", "compare", scorer, known, _SCORERS)
    return scoring


def _find_task(task: str, models: Mapping[str, Any], y: np.ndarray) -> str:
    """Return the given task, or if it is "auto", the task of the models or of the target."""
    if task != "auto":
        if task not in _TASKS:
            raise unknown("task", "compare", task, ["auto", *_TASKS])
        return task
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
    return next((kind for kind, names in kinds.items() if names), _task_of(y))


def _task_of(y: np.ndarray) -> str:
    if y.dtype.kind not in "iuf":
        return "classification"
    values = np.unique(y)
    few_and_whole = len(values) <= MAX_CLASSES and np.array_equal(values, np.round(values))
    return "classification" if few_and_whole else "regression"


def _splitter(
    cv: Any, y: np.ndarray, groups: Any, task: str, random_state: int | np.random.RandomState | None
) -> Any:
    """Return the cross-validation splitter. The splitter shuffles rows if `cv` is an integer."""
    classify = task == "classification"
    cv = 5 if cv is None else cv
    if not isinstance(cv, Integral):
        return check_cv(cv, y, classifier=classify)
    stratified = classify and type_of_target(y) in ("binary", "multiclass")
    splitter = _SPLITTERS[stratified, groups is not None]
    return splitter(int(cv), shuffle=True, random_state=random_state)
