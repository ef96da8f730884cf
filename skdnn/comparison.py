"""Side by side: the network and its rivals, cross-validated on the same folds and tested."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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

from skdnn._folds import Folds, Run, run_all
from skdnn._rivals import default_models
from skdnn._statistics import corrected_t_test, holm
from skdnn._text import Column, unknown
from skdnn.display import (
    ComparisonDisplay,
    html_table,
    score_cells,
    sd,
    text_table,
    time_cells,
)

# A difference is "worse" below this adjusted p-value.
ALPHA = 0.05
# Whole numbers with no more distinct values than this are taken for classes.
MAX_CLASSES = 30
_SCORERS = "a name of sklearn.metrics.get_scorer_names(), or a callable"

_TASKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "classification": (is_classifier, "accuracy"),
    "regression": (is_regressor, "r2"),
}

# (classes kept in proportion, groups kept together) -> how an integer `cv` is split
_SPLITTERS = {
    (False, False): KFold,
    (True, False): StratifiedKFold,
    (False, True): GroupKFold,
    (True, True): StratifiedGroupKFold,
}


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
    random_state: Any = 0,
    verbose: int = 0,
) -> "Comparison":
    r"""Cross-validate models side by side on the same folds.

    Each model goes through scikit-learn's `cross_validate`. The folds are made once and every
    model gets the same ones, so that scores differ because of the models, not because of the
    rows; whether the difference to the best model is more than the folds' noise is then tested
    (see Notes).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples, ...)
        The data. Samples of any rank: images (n_samples, 28, 28) go as they are to the models
        that take them, by their tag `input_tags.three_d_array`, as `DNNClassifier` does; the
        others get a view with flattened samples. Of a pandas DataFrame, the default models
        one-hot encode the columns that are not numbers and put the median where numbers are
        missing, both learned from the training rows of each fold.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target: classes, or numbers to predict.
    models : dict of str to estimator, list of str, or None, default=None
        The models under the names to show. They are cloned, never fitted themselves. A list
        chooses among the default models by name; None takes all of them: see `default_models`.
    cv : int, cross-validation generator or iterable of (train, test), default=5
        The folds. An integer is the number of folds of shuffled rows, seeded by `random_state`
        (data files are often sorted), with each class in proportion when classifying. The rest
        is as in scikit-learn.
    scoring : str, callable, list, tuple, dict or None, default=None
        What to measure, as `cross_validate` takes it; higher is better. Models are ranked and
        tested by the first. None stands for "accuracy" or "r2".
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" asks the given models what they are. For the default ones it looks at `y`: text,
        booleans and whole numbers of at most 30 distinct values are classes; everything else is
        a regression.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group are never split between training and test.
    n_jobs : int, default=None
        Number of folds run in parallel. Times are fair between models only when run one by one.
    random_state : int, RandomState instance or None, default=0
        Seeds the folds and the default models.
    verbose : int, default=0
        0 is silent, 1 shows a progress bar with the model being run.

    Returns
    -------
    comparison : Comparison
        Scores and times per model and fold, best model first. It prints as a table.

    Raises
    ------
    ValueError
        If a parameter is not one of those above, or if every model failed. A model that fails
        while others do not is a row of the result, with the reason.
    TypeError
        If a model is not an estimator.

    Notes
    -----
    Each model is tested against the best with the corrected resampled t-test [1]_. Training sets
    overlap, so the plain paired t-test takes noise for differences. With the differences
    :math:`d_1, \dots, d_k` over k folds, their mean :math:`\bar d` and sample variance
    :math:`s^2`,

    .. math:: t = \bar d \Big/ \sqrt{(1/k + n_{test} / n_{train}) \, s^2}

    is compared with Student's t of k - 1 degrees of freedom, two-sided; for folds of unequal
    sizes n are the means. The p-values are adjusted for the number of comparisons [2]_, and
    "worse" is said when p < 0.05. "Within noise" does not mean equal: more or larger folds may
    tell the two apart.

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
    columns = getattr(X, "columns", None)
    if columns is not None and len(set(columns)) < len(columns):
        twice = sorted({str(c) for c in columns if list(columns).count(c) > 1})
        raise ValueError(
            f"The 'X' parameter of compare must have column names that differ. Got {twice} more "
            "than once: rename them."
        )
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


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What `compare` found: plain data, best model first.

    Prints as a table; in a notebook it is one.

    Parameters
    ----------
    task : {"classification", "regression"}
        What the models were compared in.
    names : tuple of str, of length n_models
        The models, by decreasing mean of the first score; those that failed come last.
    scores : dict of str to ndarray of shape (n_models, n_folds), float64
        By name of the score. The first one ranks.
    fit_time : ndarray of shape (n_models, n_folds), float64
        Seconds for fitting. A process that fits its first network also starts TensorFlow.
    score_time : ndarray of shape (n_models, n_folds), float64
        Seconds for predicting the test rows and computing the scores.
    n_train, n_test : ndarray of shape (n_folds,), int64
        Number of rows in each fold.
    failures : dict of str to str
        Why a model failed, by its name. Where it failed its scores are NaN.

    See Also
    --------
    compare : Makes it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skdnn import compare
    >>> result = compare(*load_iris(return_X_y=True), ["linear", "dummy"], cv=3)
    >>> result.best
    'Linear'
    >>> result.scores["accuracy"].mean(axis=1).round(2)
    array([0.95, 0.32])
    """

    task: str
    names: tuple[str, ...]
    scores: dict[str, np.ndarray]
    fit_time: np.ndarray
    score_time: np.ndarray
    n_train: np.ndarray
    n_test: np.ndarray
    failures: dict[str, str]

    @property
    def best(self) -> str:
        """Name of the model with the highest mean of the first score."""
        return self.names[0]

    @property
    def scorer(self) -> str:
        """Name of the first score, which ranks."""
        return next(iter(self.scores))

    @cached_property
    def p_values(self) -> np.ndarray:
        """Adjusted p-values of the difference to the best; NaN where nothing was tested.

        Shape (n_models,), float64. The test is told in the notes of `compare`.
        """
        first = self.scores[self.scorer]
        p = np.full(len(self.names), np.nan)
        tested = [i for i, name in enumerate(self.names) if i and name not in self.failures]
        if len(self.n_train) > 1:
            ratio = self.n_test.mean() / self.n_train.mean()
            p[tested] = holm([corrected_t_test(first[0] - first[i], ratio) for i in tested])
        return p

    @cached_property
    def verdicts(self) -> tuple[str, ...]:
        """How each model stands to the best, in words."""
        return tuple(map(self._verdict, self.names, self.p_values))

    def _verdict(self, name: str, p: float) -> str:
        if name == self.best:
            return "best"
        if name in self.failures:
            return "failed"
        if np.isnan(p):
            return "not tested"
        word = "worse" if p < ALPHA else "within noise"
        return f"{word} ({_p_text(p)})"

    def to_dict(self) -> dict[str, Any]:
        """Everything as dicts, lists, str, float, int and None, ready for `json.dumps`.

        Returns
        -------
        told : dict
            Sizes of the folds, the test, and under "models" each model, best first, with its
            scores and seconds by fold. None stands where there is no number.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import compare
        >>> result = compare(*load_iris(return_X_y=True), ["linear", "dummy"], cv=3)
        >>> result.to_dict()["models"][0]["verdict"]
        'best'
        """
        return {
            "task": self.task,
            "ranked_by": self.scorer,
            "n_train": self.n_train.tolist(),
            "n_test": self.n_test.tolist(),
            "test": {
                "name": "corrected resampled t-test (Nadeau & Bengio 2003), two-sided",
                "adjustment": "Holm (1979)",
                "alpha": ALPHA,
            },
            "models": [self._model_dict(i) for i in range(len(self.names))],
        }

    def _model_dict(self, i: int) -> dict[str, Any]:
        name = self.names[i]
        return {
            "name": name,
            "verdict": self.verdicts[i],
            "p_value": _plain(self.p_values[i]),
            "failure": self.failures.get(name),
            "scores": {
                scorer: {
                    "mean": _plain(table[i].mean()),
                    "sd": _plain(sd(table)[i]),
                    "folds": [_plain(value) for value in table[i]],
                }
                for scorer, table in self.scores.items()
            },
            "fit_time": [_plain(value) for value in self.fit_time[i]],
            "score_time": [_plain(value) for value in self.score_time[i]],
        }

    def to_frame(self) -> Any:
        """One row per model as a pandas DataFrame.

        Returns
        -------
        frame : DataFrame of n_models rows
            Indexed by name. Mean and standard deviation of each score over the folds, median
            seconds per fold, adjusted p-value and verdict.

        Raises
        ------
        ImportError
            If pandas is not installed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import compare
        >>> result = compare(*load_iris(return_X_y=True), ["linear", "dummy"], cv=3)
        >>> result.to_frame()[["accuracy", "accuracy_sd", "verdict"]].round(2)
                accuracy  accuracy_sd            verdict
        model...
        Linear      0.95         0.01               best
        Dummy       0.32         0.00  worse (p < 0.001)
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                'Comparison.to_frame needs pandas: pip install "skdnn[plot]".'
            ) from error
        columns: dict[str, Any] = {}
        for scorer, table in self.scores.items():
            columns[scorer] = table.mean(axis=1)
            columns[f"{scorer}_sd"] = sd(table)
        columns |= {
            "fit_time": np.median(self.fit_time, axis=1),
            "score_time": np.median(self.score_time, axis=1),
            "p_value": self.p_values,
            "verdict": self.verdicts,
        }
        return pd.DataFrame(columns, index=pd.Index(self.names, name="model"))

    def plot(self, *, scorer: str | None = None, ax: Any = None) -> ComparisonDisplay:
        """Draw the scores of each fold and the time to fit.

        Parameters
        ----------
        scorer : str, default=None
            Which score. None takes the first.
        ax : two Axes, default=None
            Where to draw scores and times. None makes a figure.

        Returns
        -------
        display : ComparisonDisplay
            Holds the figure as `figure_`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import compare
        >>> result = compare(*load_iris(return_X_y=True), ["linear", "dummy"], cv=3)
        >>> result.plot()
        <...ComparisonDisplay object at ...>
        """
        return ComparisonDisplay.from_comparison(self, scorer=scorer, ax=ax)

    def __str__(self) -> str:
        return text_table(self._columns(), self._notes())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(self._columns(), self._notes())

    def _columns(self) -> list[Column]:
        return [
            Column("model", list(self.names), left=True),
            *(Column(scorer, score_cells(table)) for scorer, table in self.scores.items()),
            Column("fit s", time_cells(self.fit_time)),
            Column("predict s", time_cells(self.score_time)),
            Column("vs best", list(self.verdicts), left=True),
        ]

    def _notes(self) -> Iterator[str]:
        """Yield what a reader must know to read the table."""
        train, test = round(self.n_train.mean()), round(self.n_test.mean())
        k = len(self.n_train)
        folds = f"{k} folds" if k > 1 else "1 fold"
        yield f"{folds} of {train:,} rows to train on and {test:,} to test. Scores: mean ± sd."
        yield "Seconds: median per fold; predict s includes computing the scores."
        yield (
            f"vs best: two-sided corrected resampled t-test on {self.scorer} (Nadeau & Bengio "
            f"2003), Holm-adjusted; worse: p < {ALPHA}."
            if k > 1
            else "vs best: a test needs two folds or more."
        )
        for name, reason in self.failures.items():
            yield f"{name} failed: {reason}"


def _side_by_side(task: str, runs: list[Run], folds: Folds) -> Comparison:
    """Put the runs in order, best first."""
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


def _check_target(y: Any) -> np.ndarray:
    if y is None:
        raise ValueError("The 'y' parameter of compare is the target, one value a row. Got None.")
    values = np.asarray(y, dtype=object)
    missing = np.asarray(y.isna()) if hasattr(y, "isna") else (values != values) | (values == None)  # noqa: E711
    if n := np.sum(missing):
        raise ValueError(
            f"The 'y' parameter of compare must have a value in every row. Got {n} missing of "
            f"{len(values)}: drop those rows from X and y."
        )
    y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    return y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y


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
    """Return the scoring for `cross_validate`, so that every score comes under its name."""
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
    if task != "auto":
        if task not in _TASKS:
            raise unknown("task", "compare", task, ["auto", *_TASKS])
        return task
    kinds = {
        kind: [n for n, m in models.items() if is_it(m)] for kind, (is_it, _) in _TASKS.items()
    }
    if all(kinds.values()):
        told = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in kinds.items())
        raise ValueError(
            f"The 'models' parameter of compare mixes classifiers and regressors ({told}): "
            f"compare one kind at a time."
        )
    return next((kind for kind, names in kinds.items() if names), _task_of(y))


def _task_of(y: np.ndarray) -> str:
    if y.dtype.kind not in "iuf":
        return "classification"
    values = np.unique(y)
    few_and_whole = len(values) <= MAX_CLASSES and np.array_equal(values, np.round(values))
    return "classification" if few_and_whole else "regression"


def _splitter(cv: Any, y: np.ndarray, groups: Any, task: str, random_state: Any) -> Any:
    classify = task == "classification"
    cv = 5 if cv is None else cv
    if not isinstance(cv, Integral):
        return check_cv(cv, y, classifier=classify)
    by_class = classify and type_of_target(y) in ("binary", "multiclass")
    kind = _SPLITTERS[by_class, groups is not None]
    return kind(int(cv), shuffle=True, random_state=random_state)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _p_text(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
