"""The class `Comparison`, which holds the scores and times of every model on every fold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skdnn._utils.annotations import Axes, DataFrame
from skdnn._utils.pickle_version import checked_version, with_version
from skdnn._utils.text import Column
from skdnn.comparison.display import (
    NETWORK_MARK,
    ComparisonDisplay,
    html_table,
    score_cells,
    sd,
    text_table,
    time_cells,
)
from skdnn.comparison.significance import corrected_t_test, holm
from skdnn.typing import Task

# A model is "worse" if the adjusted p-value of its difference to the best model is below ALPHA.
ALPHA = 0.05
# From this share of one class on, the accuracy may say little. Then the table has a hint.
FREQUENT = 0.8


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Scores and times of the models that `compare` has evaluated, best model first.

    A comparison prints as a text table, and as an HTML table in a notebook.

    Parameters
    ----------
    task : {"classification", "regression"}
        Type of the problem.
    names : tuple of str, of length n_models
        Names of the models, by decreasing mean of the first score over the folds. Models that
        failed come last.
    scores : dict of str to ndarray of shape (n_models, n_folds), float64
        Scores by name. Models are ranked by the first score.
    fit_time : ndarray of shape (n_models, n_folds), float64
        Seconds to fit each model on each fold. The first fit of a network in a process includes
        the start of TensorFlow.
    score_time : ndarray of shape (n_models, n_folds), float64
        Seconds to predict the test rows and to compute the scores of each model on each fold.
    n_train, n_test : ndarray of shape (n_folds,), int64
        Numbers of training and test rows of each fold.
    failures : dict of str to str
        Reasons of the failures, by the names of the models that failed. The scores of a fold that
        failed are NaN.
    networks : tuple of str, default=()
        Names of the models that are or contain a network of skdnn. Tables and plots mark these.
    frequent_class : tuple of str and float, default=None
        The most frequent class and its fraction of the rows. None for other targets.

    See Also
    --------
    compare : Cross-validates models and returns a `Comparison`.

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

    task: Task
    names: tuple[str, ...]
    scores: dict[str, np.ndarray]
    fit_time: np.ndarray
    score_time: np.ndarray
    n_train: np.ndarray
    n_test: np.ndarray
    failures: dict[str, str]
    networks: tuple[str, ...] = ()
    frequent_class: tuple[str, float] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return with_version(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(checked_version(state, type(self).__name__))

    @property
    def best(self) -> str:
        """Name of the model with the highest mean of the first score over the folds."""
        return self.names[0]

    @property
    def scorer(self) -> str:
        """Name of the first score, by which models are ranked."""
        return next(iter(self.scores))

    @cached_property
    def p_values(self) -> np.ndarray:
        """Adjusted p-value of the difference of each model to the best model.

        An array of shape (n_models,), float64, with NaN for untested models. The notes of
        `compare` describe the test.
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
        """Result of the test of each model against the best model, in words."""
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
        """Return the comparison as a dict that `json.dumps` can serialise.

        Returns
        -------
        result : dict
            The sizes of the folds, a description of the significance test, and the models. The list
            under "models" has the scores and seconds per fold of each model, best model first. NaN
            and infinite numbers are replaced by None.

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
            "is_network": name in self.networks,
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

    def to_frame(self) -> DataFrame:
        """Return the comparison as a pandas DataFrame with one row per model.

        Returns
        -------
        frame : DataFrame of n_models rows
            Mean and standard deviation of each score over the folds, median seconds per fold,
            adjusted p-value and verdict. The index holds the names of the models.

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
                'Comparison.to_frame needs pandas, of the extra plot: pip install ".[plot]" in a '
                "checkout of skdnn."
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

    def plot(
        self, *, scorer: str | None = None, ax: Sequence[Axes] | None = None
    ) -> ComparisonDisplay:
        """Plot the scores of each fold and the fit times.

        Parameters
        ----------
        scorer : str, default=None
            Name of the score to plot. None is the first score.
        ax : two Axes, default=None
            Axes for the scores and the times. None creates a new figure.

        Returns
        -------
        display : ComparisonDisplay
            The display, plotted. The attribute `figure_` is the figure.

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
        columns = [Column("model", list(self.names), left=True), *self._columns()[1:]]
        return html_table(columns, self._notes(), best=self.best, networks=self.networks)

    def _columns(self) -> list[Column]:
        marks = dict.fromkeys(self.networks, f" {NETWORK_MARK}")
        # A narrow terminal shows the columns of the smallest ranks.
        return [
            Column("model", [name + marks.get(name, "") for name in self.names], left=True),
            *(
                Column(scorer, score_cells(table), rank=1 + i if i else 0)
                for i, (scorer, table) in enumerate(self.scores.items())
            ),
            Column("fit s", time_cells(self.fit_time), rank=len(self.scores) + 1),
            Column("predict s", time_cells(self.score_time), rank=len(self.scores) + 2),
            Column("vs best", list(self.verdicts), left=True, rank=1),
        ]

    def _notes(self) -> Iterator[str]:
        """Yield the notes under the table about folds, seconds, the test and failures."""
        train, test = round(self.n_train.mean()), round(self.n_test.mean())
        k = len(self.n_train)
        folds = f"{k} folds" if k > 1 else "1 fold"
        yield f"{folds} of {train:,} rows to train on and {test:,} to test. Scores: mean ± sd."
        yield "Seconds: median per fold; predict s includes computing the scores."
        if self.networks:
            yield f"{NETWORK_MARK} network of skdnn."
        yield (
            f"vs best: two-sided corrected resampled t-test on {self.scorer} (Nadeau & Bengio "
            f"2003), Holm-adjusted; worse: p < {ALPHA}."
            if k > 1
            else "vs best: a test needs two folds or more."
        )
        if self.frequent_class is not None and self._tells_little(self.frequent_class[1]):
            label, share = self.frequent_class
            yield (
                f"{share:.0%} of the rows are of class {label}, so that the accuracy says little: "
                'rank by another score, such as scoring="roc_auc".'
            )
        for name, reason in self.failures.items():
            yield f"{name} failed: {reason}"

    def _tells_little(self, share: float) -> bool:
        """Return whether the best accuracy is hardly above that of always the same class."""
        best = self.scores[self.scorer][0].mean()
        is_close = 1 - best > (1 - share) / 2
        return self.scorer == "accuracy" and share >= FREQUENT and bool(is_close)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _p_text(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    digits = 3 if p < 0.1 else 2
    # A p-value that is rounded to ALPHA would contradict its verdict.
    while float(f"{p:.{digits}f}") == ALPHA != p and digits < 9:
        digits += 1
    return f"p = {p:.{digits}f}"
