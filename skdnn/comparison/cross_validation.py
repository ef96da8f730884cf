"""Cross-validation of several models on the same folds, which continues if a model fails."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skdnn._data.column_warnings import ColumnWarning
from skdnn._utils.user_warning import warn_user
from skdnn.comparison.progress_bar import ProgressBar

Split = tuple[np.ndarray, np.ndarray]  # indices of the training and the test rows


class Folds:
    """A splitter that yields saved splits, and calls `on_next` when the next split is requested."""

    def __init__(self, splits: Iterable[tuple[Any, Any]], n_rows: int):
        self.splits = _as_indices(splits, n_rows)
        self.on_next: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return len(self.splits)

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Return the number of splits."""
        return len(self)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[Split]:
        """Yield the training and test row indices of each split."""
        # joblib requests a split when a worker is free.
        for split in self.splits:
            yield split
            self.on_next()


def _as_indices(splits: Iterable[tuple[Any, Any]], n_rows: int) -> list[Split]:
    rows = np.arange(n_rows)  # splits may be boolean masks
    pairs = list(splits)
    if not pairs:
        raise ValueError("The 'cv' parameter of compare must make at least one fold. Got none.")
    try:
        found = [(rows[_index(train)], rows[_index(test)]) for train, test in pairs]
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"The 'cv' parameter of compare must be pairs (train, test) of indices of the {n_rows} "
            f"rows. {str(error).capitalize()}."
        ) from error
    if not all(len(train) and len(test) for train, test in found):
        raise ValueError(
            "The 'cv' parameter of compare must give each fold rows to train on and to test. Got "
            "a fold without."
        )
    return found


def _index(part: Any) -> np.ndarray:
    indices = np.asarray(part)
    return indices if indices.size else indices.astype(int)  # an empty list is one of floats


@dataclass
class Run:
    """Scores and times of one model, and the reason if the model failed."""

    name: str
    scores: dict[str, np.ndarray]
    fit_time: np.ndarray
    score_time: np.ndarray
    failure: str | None = None


def run_all(
    models: Mapping[str, Any], X: Any, y: np.ndarray, folds: Folds, *, verbose: int, **options: Any
) -> list[Run]:
    """Cross-validate each model. If a model fails, its `Run` contains the reason.

    Parameters
    ----------
    models : mapping of str to estimator
        The models by name.
    X : array-like of shape (n_samples, ...)
        Samples.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Target values.
    folds : Folds
        The splits, which are the same for all models.
    verbose : int
        1 shows a progress bar.
    **options : object
        `scoring` and `n_jobs` of `cross_validate`.

    Returns
    -------
    runs : list of Run
        One run per model, in the order of `models`.
    """
    runs = []
    found: dict[tuple[type[Warning], str], None] = {}  # an ordered set
    workers = effective_n_jobs(options["n_jobs"])
    with ProgressBar(len(models), len(folds), workers, shown=bool(verbose)) as bar:
        folds.on_next = bar.fold_requested
        for name, model in models.items():
            bar.model_begins(name)
            with warnings.catch_warnings(record=True) as caught:
                # These report a failure. As errors, they would lose the other folds.
                warnings.simplefilter("always", FitFailedWarning)
                warnings.filterwarnings("always", "Scoring failed")
                # `compare` has warned about all columns once, and not once per model and fold.
                warnings.simplefilter("ignore", ColumnWarning)
                runs.append(_run(name, model, X, y, folds, caught, **options))
            found |= dict.fromkeys(_warnings_of(runs[-1], caught))
    for category, text in found:  # once for all folds, after the progress bar is closed
        warn_user(text, category)
    return runs


def _run(
    name: str,
    model: Any,
    X: Any,
    y: np.ndarray,
    folds: Folds,
    caught: list[warnings.WarningMessage],
    *,
    scoring: Any,
    n_jobs: int | None,
) -> Run:
    """Cross-validate one model, and return any exception as the reason of the failure."""
    try:
        found = cross_validate(
            model,
            _view(X, model),
            y,
            cv=folds,
            scoring=scoring,
            n_jobs=n_jobs,
            pre_dispatch="n_jobs",  # a request for a split then means that a fold is done
            error_score=np.nan,
        )
    except Exception as error:
        nothing = np.full(len(folds), np.nan)
        return Run(name, {}, nothing, nothing, _reason(f"{type(error).__name__}: {error}"))
    scores = {key[5:]: values for key, values in found.items() if key.startswith("test_")}
    run = Run(name, scores, found["fit_time"], found["score_time"])
    first, values = next(iter(scores.items()))
    bad = np.sum(~np.isfinite(values))
    if bad:
        reports = [str(w.message) for w in caught if _is_of_failure(w)]
        reason = _reason(reports[0]) if reports else f"{first} is not a finite number"
        run.failure = f"{bad} of {len(folds)} folds: {reason}"
    return run


def _warnings_of(
    run: Run, caught: list[warnings.WarningMessage]
) -> Iterator[tuple[type[Warning], str]]:
    """Yield the category and text of each warning of a run, except reports of the failure."""
    for warning in caught:
        if not _is_of_failure(warning):
            yield warning.category, f"{run.name}: {warning.message}"
        elif run.failure is None:  # not the first score, by which models are ranked
            yield UserWarning, f"{run.name}: a score failed: {_reason(str(warning.message))}"


def _is_of_failure(warning: warnings.WarningMessage) -> bool:
    """Whether a warning of scikit-learn reports a failed fit or a failed score."""
    is_fit = issubclass(warning.category, FitFailedWarning)
    return is_fit or str(warning.message).startswith("Scoring failed")


def _reason(report: str) -> str:
    """Return the line that names the exception, from a report that may contain tracebacks."""
    lines = report.rsplit("Traceback (most recent call last):", 1)[-1].splitlines()
    return next((line for line in lines if line and not line[0].isspace()), "no reason given")


def _view(X: Any, model: Any) -> Any:
    """Return X with flattened samples, without a copy, if the model requires a table."""
    if getattr(X, "ndim", 2) <= 2 or _takes_images(model):
        return X
    return X.reshape(len(X), -1)


def _takes_images(model: Any) -> bool:
    if isinstance(model, Pipeline):
        return _takes_images(model[0])
    if isinstance(model, GridSearchCV | RandomizedSearchCV):
        return _takes_images(model.estimator)
    return bool(get_tags(model).input_tags.three_d_array)
