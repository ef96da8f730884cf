"""The function `compare`, which cross-validates models on the same folds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import indexable

from skdnn._data.column_warnings import ColumnWarnings
from skdnn._utils.annotations import BaselineName
from skdnn._utils.arguments import explains_unknown_arguments
from skdnn.comparison.baselines import default_models
from skdnn.comparison.checks import (
    check_groups,
    check_models,
    check_n_jobs,
    check_samples,
    check_scoring,
    check_target,
    contains_network,
    find_task,
    splitter,
)
from skdnn.comparison.cross_validation import Folds, Run, run_all
from skdnn.comparison.result import Comparison
from skdnn.typing import Auto, Task


@explains_unknown_arguments
def compare(
    X: Any,
    y: Any,
    models: Mapping[str, Any] | Sequence[BaselineName | str] | None = None,
    cv: Any = 5,
    scoring: Any = None,
    *,
    task: Task | Auto = "auto",
    groups: Any = None,
    n_jobs: int | None = None,
    random_state: int | np.random.RandomState | None = 0,
    verbose: int = 0,
) -> Comparison:
    """Cross-validate several models on the same folds.

    Each model is evaluated by scikit-learn's `cross_validate`. The folds are created once and are
    the same for all models, so that differences between scores are due to the models and not to
    the rows. The difference of each model to the best model is tested for statistical significance
    (see Notes).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples, ...)
        Samples with any number of dimensions. Images, of shape (n_samples, 28, 28), are passed
        unchanged to models whose tag `input_tags.three_d_array` is set, such as `DNNClassifier`.
        Other models get a view with flattened samples. For a pandas DataFrame, non-numeric columns
        are one-hot encoded and missing numbers imputed by the median for all default models, the
        network too. Both steps are fitted on the training rows of each fold. Estimators of your own
        get the DataFrame as it is.
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
    folds overlap. Over k folds, the differences have the mean d and the sample variance v. Then
    t = d / sqrt((1 / k + n_test / n_train) * v) follows Student's t distribution with k - 1 degrees
    of freedom. The test is two-sided. For folds of unequal sizes, n_test and n_train are the mean
    sizes. The p-values are adjusted for the number of comparisons [2]_. The verdict is "worse" if
    p < 0.05, and "within noise" otherwise. "Within noise" does not mean equal: more or larger folds
    may show a difference.

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
    check_n_jobs(n_jobs)
    check_groups(cv, groups)
    X, y = check_samples(X), check_target(y)
    X, y, groups = indexable(X, y, groups)
    ColumnWarnings("compare").see_table(X).warn()
    if isinstance(models, Mapping):
        models = check_models(models)
        task = find_task(task, models, y)
    else:
        task = find_task(task, {}, y)
        models = default_models(task, X, names=models, random_state=random_state)
    scoring = check_scoring(scoring, task)
    split = splitter(cv, y, groups, task, random_state).split
    folds = Folds(split(X, y, groups), len(y))
    runs = run_all(models, X, y, folds, scoring=scoring, n_jobs=n_jobs, verbose=verbose)
    networks = {name for name, model in models.items() if contains_network(model)}
    frequent = _frequent_class(y) if task == "classification" and y.ndim == 1 else None
    return _side_by_side(task, runs, folds, networks, frequent)


def _pos_label(failure: str) -> str:
    """Return what to do about a score that takes the class 1 for the one of interest."""
    if "pos_label=1 is not a valid label" not in failure:
        return ""
    return (
        " Name the class of interest in a scorer, such as scoring=make_scorer(f1_score, "
        "pos_label='yes'), or pass y == 'yes'."
    )


def _reasons(runs: list[Run]) -> str:
    """Return a line for each reason of a failure, with the names of the models."""
    names: dict[str, list[str]] = {}
    for run in runs:
        names.setdefault(f"{run.failure}{_pos_label(str(run.failure))}", []).append(run.name)
    return "".join(f"\n  {', '.join(models)}: {reason}" for reason, models in names.items())


def _frequent_class(y: np.ndarray) -> tuple[str, float]:
    """Return the most frequent label, as it is written in Python, and its fraction of the rows."""
    ((label, n_rows),) = Counter(y.tolist()).most_common(1)
    return repr(label), n_rows / len(y)


def _side_by_side(
    task: Task,
    runs: list[Run],
    folds: Folds,
    networks: set[str],
    frequent: tuple[str, float] | None,
) -> Comparison:
    """Return the runs as a `Comparison`, best model first."""
    alive = [run for run in runs if run.failure is None]
    if not alive:
        raise ValueError(f"compare: every model failed.{_reasons(runs)}")
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
        networks=tuple(run.name for run in ordered if run.name in networks),
        frequent_class=frequent,
    )
