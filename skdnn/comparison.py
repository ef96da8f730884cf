"""Side by side: the network and its rivals, cross-validated on the same folds and tested."""

import difflib
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import make_column_transformer
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    check_cv,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_array, get_tags, indexable
from sklearn.utils.multiclass import type_of_target

if TYPE_CHECKING:
    from skdnn.display import ComparisonDisplay

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


@dataclass(frozen=True)
class _Rival:
    """A model of the default line-up: where its two classes live, and what they are given."""

    classifier: str
    regressor: str
    options: Mapping[str, Any] = field(default_factory=dict)
    classifier_options: Mapping[str, Any] = field(default_factory=dict)
    scaled: bool = False

    def make(self, task: str, random_state: Any) -> Any:
        classify = task == "classification"
        module, name = (self.classifier if classify else self.regressor).rsplit(".", 1)
        options = {**self.options, **(self.classifier_options if classify else {})}
        model = getattr(import_module(module), name)(**options, random_state=random_state)
        return make_pipeline(StandardScaler(), model) if self.scaled else model


_RIVALS = {
    "DNN": _Rival("skdnn.classifier.DNNClassifier", "skdnn.regressor.DNNRegressor"),
    # All cores, which the network and histogram gradient boosting take of themselves.
    "RandomForest": _Rival(
        "sklearn.ensemble.RandomForestClassifier",
        "sklearn.ensemble.RandomForestRegressor",
        {"n_jobs": -1},
    ),
    "ExtraTrees": _Rival(
        "sklearn.ensemble.ExtraTreesClassifier",
        "sklearn.ensemble.ExtraTreesRegressor",
        {"n_jobs": -1},
    ),
    "HistGradientBoosting": _Rival(
        "sklearn.ensemble.HistGradientBoostingClassifier",
        "sklearn.ensemble.HistGradientBoostingRegressor",
    ),
    # The default 100 iterations stop short of images; the last digits of the optimum take three
    # times as long there, and score no better.
    "Linear": _Rival(
        "sklearn.linear_model.LogisticRegression",
        "sklearn.linear_model.Ridge",
        classifier_options={"max_iter": 1000, "tol": 1e-3},
        scaled=True,
    ),
    "Dummy": _Rival("sklearn.dummy.DummyClassifier", "sklearn.dummy.DummyRegressor"),
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
    """Cross-validate models side by side on the same folds.

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
    :math:`d_1, \\dots, d_k` over k folds, their mean :math:`\\bar d` and sample variance
    :math:`s^2`,

    .. math:: t = \\bar d \\Big/ \\sqrt{(1/k + n_{test} / n_{train}) \\, s^2}

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
    array([[0.96, 0.94, 0.94],
           [0.33, 0.33, 0.33]])
    >>> result.verdicts
    ('best', 'worse (p < 0.001)')
    """
    X, y, groups = indexable(X, y, groups)
    y = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    y = y.ravel() if y.ndim == 2 and y.shape[1] == 1 else y
    if isinstance(models, Mapping):
        task = _find_task(task, models, y)
    else:
        task = _find_task(task, {}, y)
        models = default_models(task, X, names=models, random_state=random_state)
    _check_models(models)
    scoring = _check_scoring(scoring, task)
    folds = _make_folds(cv, X, y, groups, task, random_state)
    runs = _run_all(models, X, y, folds, scoring, n_jobs, verbose)
    return _compile(task, runs, folds)


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
    if isinstance(names, str):
        raise ValueError(
            f"The 'models' parameter must be a list of names or a dict. Got the string {names!r} "
            f"instead: write [{names!r}]."
        )
    by_key = {_key(name): name for name in _RIVALS}
    chosen = []
    for name in _RIVALS if names is None else names:
        if not isinstance(name, str) or _key(name) not in by_key:
            raise _unknown("models", "compare", name, map(short_name, _RIVALS))
        chosen.append(by_key[_key(name)])
    steps = _preparation(X)
    models = {name: _RIVALS[name].make(task, random_state) for name in chosen}
    return {name: make_pipeline(*steps, m) if steps else m for name, m in models.items()}


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
        Seconds for fitting.
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
    array([0.96, 0.33])
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
                    "sd": _plain(_sd(table[i])),
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
            Indexed by name. Mean and standard deviation of each score over the folds, mean
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
        model
        Linear     0.96         0.02               best
        Dummy      0.33         0.00  worse (p < 0.001)
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
            columns[f"{scorer}_sd"] = [_sd(row) for row in table]
        columns |= {
            "fit_time": self.fit_time.mean(axis=1),
            "score_time": self.score_time.mean(axis=1),
            "p_value": self.p_values,
            "verdict": self.verdicts,
        }
        return pd.DataFrame(columns, index=pd.Index(self.names, name="model"))

    def plot(self, *, scorer: str | None = None, ax: Any = None) -> "ComparisonDisplay":
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
        from skdnn.display import ComparisonDisplay

        return ComparisonDisplay.from_comparison(self, scorer=scorer, ax=ax)

    def __str__(self) -> str:
        columns = []
        for header, cells in self._columns():
            width = max(map(len, [header, *cells]))
            pad = str.ljust if header in _LEFT else str.rjust
            columns.append([pad(header, width), "─" * width, *(pad(c, width) for c in cells)])
        lines = ["  ".join(line).rstrip() for line in zip(*columns, strict=True)]
        notes = (textwrap.fill(note, 80, break_on_hyphens=False) for note in self._notes())
        return "\n".join([*lines, "", *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        columns = [(h, _LEFT.get(h, "right"), cells) for h, cells in self._columns()]
        head = "".join(_html_cell("th", align, header) for header, align, _ in columns)
        body = "".join(
            "<tr>" + "".join(_html_cell("td", a, cells[i]) for _, a, cells in columns) + "</tr>"
            for i in range(len(self.names))
        )
        notes = "<br>".join(map(escape, self._notes()))
        # No colours: the notebook's own, light or dark, are kept.
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<p><small>{notes}</small></p>"
        )

    def _columns(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the table's headers and cells."""
        yield "model", list(self.names)
        for scorer, table in self.scores.items():
            yield scorer, _score_cells(table)
        yield "fit s", _time_cells(self.fit_time)
        yield "predict s", _time_cells(self.score_time)
        yield "vs best", list(self.verdicts)

    def _notes(self) -> Iterator[str]:
        """Yield what a reader must know to read the table."""
        train, test = round(self.n_train.mean()), round(self.n_test.mean())
        k = len(self.n_train)
        folds = f"{k} folds" if k > 1 else "1 fold"
        yield f"{folds} of {train:,} rows to train on and {test:,} to test. Scores: mean ± sd."
        yield "Seconds: mean per fold; predict s includes computing the scores."
        yield (
            f"vs best: two-sided corrected resampled t-test on {self.scorer} (Nadeau & Bengio "
            f"2003), p Holm-adjusted; worse: p < {ALPHA}."
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
    0.0405
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


def short_name(name: str) -> str:
    """Spell a model's name as on a command line: RandomForest is random-forest.

    Examples
    --------
    >>> from skdnn.comparison import short_name
    >>> short_name("HistGradientBoosting")
    'hist-gradient-boosting'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
