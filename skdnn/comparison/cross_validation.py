"""Cross-validating many models on the same folds, where one that fails is not the others' loss."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from tqdm import tqdm


class Folds:
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
        """Return the number of splits."""
        return len(self)

    def split(self, X: Any = None, y: Any = None, groups: Any = None) -> Iterator[tuple]:
        """Yield each split."""
        # joblib asks for a split when it has a worker for it. With one worker that is when the
        # split before is done; with more, those that are queued count as done.
        for split in self.splits:
            yield split
            self.tick()


@dataclass
class Run:
    """What became of one model."""

    name: str
    scores: dict[str, np.ndarray]
    fit_time: np.ndarray
    score_time: np.ndarray
    failure: str | None = None


def run_all(
    models: Mapping[str, Any], X: Any, y: np.ndarray, folds: Folds, *, verbose: int, **options: Any
) -> list[Run]:
    """Cross-validate each model; one that fails has the reason in its run."""
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
    folds: Folds,
    caught: list[warnings.WarningMessage],
    *,
    scoring: Any,
    n_jobs: int | None,
) -> Run:
    """Cross-validate one model; what goes wrong with it is its own and not the others' loss."""
    try:
        found = cross_validate(
            model, _view(X, model), y, cv=folds, scoring=scoring, n_jobs=n_jobs, error_score=np.nan
        )
    except Exception as error:
        nothing = np.full(len(folds), np.nan)
        return Run(name, {}, nothing, nothing, _reason(f"{type(error).__name__}: {error}"))
    scores = {key[5:]: values for key, values in found.items() if key.startswith("test_")}
    run = Run(name, scores, found["fit_time"], found["score_time"])
    first, values = next(iter(scores.items()))
    bad = np.sum(~np.isfinite(values))
    if bad:
        reports = [str(w.message) for w in caught if not _told(w)]
        reason = _reason(reports[0]) if reports else f"{first} is not a finite number"
        run.failure = f"{bad} of {len(folds)} folds: {reason}"
    return run


def _remarks(run: Run, caught: list[warnings.WarningMessage]) -> Iterator[tuple]:
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


def _view(X: Any, model: Any) -> Any:
    """Flatten samples of higher rank, without a copy, for a model that takes only rows."""
    if getattr(X, "ndim", 2) <= 2 or _takes_images(model):
        return X
    return X.reshape(len(X), -1)


def _takes_images(model: Any) -> bool:
    if isinstance(model, Pipeline):
        return _takes_images(model[0])
    if isinstance(model, GridSearchCV | RandomizedSearchCV):
        return _takes_images(model.estimator)
    return get_tags(model).input_tags.three_d_array
