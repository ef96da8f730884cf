"""Side by side: the network and its rivals, cross-validated on the same folds and tested."""

import difflib
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from scipy import stats
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
    cross_validate,
)
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_array, get_tags, indexable
from sklearn.utils.multiclass import type_of_target
from tqdm.auto import tqdm

from skdnn.classifier import DNNClassifier
from skdnn.display import (
    Column,
    ComparisonDisplay,
    html_table,
    score_cells,
    sd,
    text_table,
    time_cells,
)
from skdnn.regressor import DNNRegressor

# A difference is "worse" below this adjusted p-value.
ALPHA = 0.05
# Whole numbers with no more distinct values than this are taken for classes.
MAX_CLASSES = 30
# The most columns that one-hot encoding makes of one: rarer values share the last of them.
MAX_CATEGORIES = 32

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


# name -> (makes the classifier, makes the regressor). The forests get all cores, which the network
# and histogram gradient boosting take of themselves. Logistic regression's default 100 iterations
# stop short of the optimum on images; its last digits take three times as long there, and score
# no better.
_RIVALS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "DNN": (DNNClassifier, DNNRegressor),
    "RandomForest": (
        partial(RandomForestClassifier, n_jobs=-1),
        partial(RandomForestRegressor, n_jobs=-1),
    ),
    "ExtraTrees": (
        partial(ExtraTreesClassifier, n_jobs=-1),
        partial(ExtraTreesRegressor, n_jobs=-1),
    ),
    "HistGradientBoosting": (HistGradientBoostingClassifier, HistGradientBoostingRegressor),
    "Linear": (
        lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3)),
        lambda: make_pipeline(StandardScaler(), Ridge()),
    ),
    "Dummy": (DummyClassifier, DummyRegressor),
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
    X : array-like or sparse matrix of shape (n_samples, n_features) or (n_samples, ...)
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
    if isinstance(models, Mapping):
        models = _check_models(models)
        task = _find_task(task, models, y)
    else:
        task = _find_task(task, {}, y)
        models = default_models(task, X, names=models, random_state=random_state)
    scoring = _check_scoring(scoring, task)
    splitter = _splitter(cv, y, groups, task, random_state)
    folds = _Folds(splitter.split(X, y, groups), len(y))
    runs = _run_all(models, X, y, folds, scoring=scoring, n_jobs=n_jobs, verbose=verbose)
    return _side_by_side(task, runs, folds)


def default_models(
    task: str, X: Any = None, *, names: Sequence[str] | None = None, random_state: Any = 0
) -> dict[str, Any]:
    """Make the models that `compare` runs by default.

    Parameters
    ----------
    task : {"classification", "regression"}
        What they are to do.
    X : array-like, default=None
        The data, to see what must be done to it. Columns of a pandas DataFrame that are not
        numbers are one-hot encoded (at most 32 columns for each, rare values together), and the
        median replaces missing numbers. None is for plain numbers.
    names : list of str, default=None
        Which ones, of "DNN", "RandomForest", "ExtraTrees", "HistGradientBoosting", "Linear" (a
        ridge or logistic regression of standardised columns) and "Dummy" (the mean or the most
        frequent class). "random-forest" will do as well. None means all.
    random_state : int, RandomState instance or None, default=0
        The seed of each.

    Returns
    -------
    models : dict of str to estimator
        Not fitted.

    Raises
    ------
    ValueError
        If `task` or one of `names` is not known.

    Examples
    --------
    >>> from skdnn.comparison import default_models
    >>> default_models("regression", names=["dummy"])
    {'Dummy': DummyRegressor()}
    """
    if task not in _TASKS:
        raise _unknown("task", "default_models", task, _TASKS)
    if names is not None and (isinstance(names, str) or not names):
        raise ValueError(
            f"The 'models' parameter of compare must be a dict of estimators or a list of names, "
            f"at least one. Got {names!r} instead."
        )
    by_key = {_key(name): name for name in _RIVALS}
    for name in names or ():
        if not isinstance(name, str) or _key(name) not in by_key:
            raise _unknown("models", "compare", name, map(_short, _RIVALS))
    steps = _preparation(X)
    models = {}
    for name in _RIVALS if names is None else (by_key[_key(name)] for name in names):
        classifier, regressor = _RIVALS[name]
        model = (classifier if task == "classification" else regressor)()
        models[name] = _seeded(make_pipeline(*steps, model) if steps else model, random_state)
    return models


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

    @property
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

    @property
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


def corrected_t_test(differences: Any, ratio: float) -> float:
    """Test whether two models' scores over the same folds differ.

    Parameters
    ----------
    differences : array-like of shape (n_folds,)
        Score of one model minus score of the other, at least two folds.
    ratio : float
        Number of test rows divided by number of training rows.

    Returns
    -------
    p : float
        Two-sided p-value of the corrected resampled t-test.

    References
    ----------
    C. Nadeau and Y. Bengio (2003), "Inference for the generalization error", Machine Learning
    52:239-281, section 4.2: the corrected resampled t-test statistic.

    Examples
    --------
    >>> from skdnn.comparison import corrected_t_test
    >>> round(corrected_t_test([0.02, 0.01, 0.03, 0.02, 0.02], ratio=0.25), 4)
    0.0135
    """
    differences = np.asarray(differences, dtype=np.float64)
    k = len(differences)
    if not differences.any():
        return 1.0
    with np.errstate(divide="ignore"):  # the same difference in every fold: t is infinite, p is 0
        t = differences.mean() / np.sqrt((1 / k + ratio) * differences.var(ddof=1))
    return float(2 * stats.t.sf(abs(t), df=k - 1))


def holm(p_values: Any) -> np.ndarray:
    """Adjust p-values for their number, step down.

    Parameters
    ----------
    p_values : array-like of shape (n_tests,)
        Of as many tests.

    Returns
    -------
    adjusted : ndarray of shape (n_tests,), float64
        In the order given.

    References
    ----------
    S. Holm (1979), "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6:65-70.

    Examples
    --------
    >>> from skdnn.comparison import holm
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


class _Folds:
    """A splitter that repeats saved splits, and tells when the next one is asked for."""

    def __init__(self, splits: Iterable[tuple[Any, Any]], n_rows: int):
        rows = np.arange(n_rows)  # splits may be masks
        self.splits = [(rows[train], rows[test]) for train, test in splits]
        if not self.splits:
            raise ValueError("The 'cv' parameter of compare must make at least one fold. Got none.")
        self.tick: Callable[[], Any] = lambda: None

    def __len__(self) -> int:
        return len(self.splits)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return len(self)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple]:
        # joblib asks for a split when it has a worker for it. With one worker that is when the
        # split before is done; with more, those that are queued count as done.
        for split in self.splits:
            yield split
            self.tick()


@dataclass
class _Run:
    """What became of one model."""

    name: str
    scores: dict[str, np.ndarray]
    fit_time: np.ndarray
    score_time: np.ndarray
    failure: str | None = None


def _run_all(
    models: Mapping[str, Any], X: Any, y: np.ndarray, folds: _Folds, *, verbose: int, **options: Any
) -> list[_Run]:
    runs = []
    remarks: dict[tuple[type[Warning], str], None] = {}  # a set that keeps its order
    total = len(models) * len(folds)
    with tqdm(total=total, unit="fold", leave=False, disable=not verbose) as bar:
        folds.tick = bar.update
        for done, (name, model) in enumerate(models.items()):
            bar.set_description(name)
            bar.update(done * len(folds) - bar.n)  # the model before may have broken off
            with warnings.catch_warnings(record=True) as caught:
                runs.append(_run(name, model, X, y, folds, caught, **options))
            remarks |= dict.fromkeys(_remarks(runs[-1], caught))
    for category, text in remarks:  # once for all folds, and not through the progress bar
        warnings.warn(text, category, stacklevel=3)
    return runs


def _run(
    name: str,
    model: Any,
    X: Any,
    y: np.ndarray,
    folds: _Folds,
    caught: list[warnings.WarningMessage],
    *,
    scoring: Any,
    n_jobs: int | None,
) -> _Run:
    """Cross-validate one model; what goes wrong with it is its own and not the others' loss."""
    try:
        found = cross_validate(
            model, _view(X, model), y, cv=folds, scoring=scoring, n_jobs=n_jobs, error_score=np.nan
        )
    except Exception as error:
        nothing = np.full(len(folds), np.nan)
        return _Run(name, {}, nothing, nothing, _reason(f"{type(error).__name__}: {error}"))
    scores = {key[5:]: values for key, values in found.items() if key.startswith("test_")}
    run = _Run(name, scores, found["fit_time"], found["score_time"])
    first, values = next(iter(scores.items()))
    bad = np.sum(~np.isfinite(values))
    if bad:
        reports = [str(w.message) for w in caught if not _told(w)]
        reason = _reason(reports[0]) if reports else f"{first} is not a finite number"
        run.failure = f"{bad} of {len(folds)} folds: {reason}"
    return run


def _remarks(run: _Run, caught: list[warnings.WarningMessage]) -> Iterator[tuple]:
    """Yield category and text of what a user should hear of a run, besides its failure."""
    for warning in caught:
        if _told(warning):
            yield warning.category, f"{run.name}: {warning.message}"
        elif run.failure is None:  # a score that does not rank
            yield UserWarning, f"{run.name}: a score failed: {_reason(str(warning.message))}"


def _told(warning: warnings.WarningMessage) -> bool:
    """Whether a warning is passed on: failures are not, they are told in the result."""
    failed = issubclass(warning.category, FitFailedWarning)
    return not failed and not str(warning.message).startswith("Scoring failed")


def _reason(report: str) -> str:
    """Pick the line of the exception out of a report that may hold tracebacks."""
    lines = report.rsplit("Traceback (most recent call last):", 1)[-1].splitlines()
    return next((line for line in lines if line and not line[0].isspace()), "no reason given")


def _side_by_side(task: str, runs: list[_Run], folds: _Folds) -> Comparison:
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
            listed = "sklearn.metrics.get_scorer_names() lists all."
            raise _unknown("scoring", "compare", scorer, known, listed)
    return scoring


def _find_task(task: str, models: Mapping[str, Any], y: np.ndarray) -> str:
    if task != "auto":
        if task not in _TASKS:
            raise _unknown("task", "compare", task, ["auto", *_TASKS])
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


def _view(X: Any, model: Any) -> Any:
    """Flatten samples of higher rank, without a copy, for a model that takes only rows."""
    if getattr(X, "ndim", 2) <= 2 or _takes_images(model):
        return X
    return X.reshape(len(X), -1)


def _takes_images(model: Any) -> bool:
    if isinstance(model, Pipeline):
        return _takes_images(model[0])
    if isinstance(model, BaseSearchCV):
        return _takes_images(model.estimator)
    return get_tags(model).input_tags.three_d_array


def _preparation(X: Any) -> list[Any]:
    """Make the steps that turn X into numbers without gaps; none where it is so already."""
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    if hasattr(X, "iloc"):
        # By position: names may be numbers, or come twice.
        text = [dtype.kind not in "iuf" for dtype in X.dtypes]
        encode = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
        )
        if any(text):
            return [make_column_transformer((encode, text), remainder=fill)]
        return [fill] if X.isna().to_numpy().any() else []
    numbers = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"
    return [fill] if numbers and np.isnan(X).any() else []


def _unknown(
    parameter: str, owner: str, value: Any, known: Iterable[str], listed: str = ""
) -> ValueError:
    """Make the error for a name that is not known, with the nearest that are."""
    names = list(known)
    near = difflib.get_close_matches(str(value).lower(), names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    listed = listed or f"Known: {', '.join(names)}."
    return ValueError(f"The {parameter!r} parameter of {owner} has no {value!r}.{hint} {listed}")


def _seeded(model: Any, random_state: Any) -> Any:
    keys = [key for key in model.get_params() if re.fullmatch(r"(.+__)?random_state", key)]
    return model.set_params(**dict.fromkeys(keys, random_state))


def _key(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def _short(name: str) -> str:
    """Spell a model's name as on a command line: RandomForest is random-forest."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _p_text(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
