"""What `skdnn train` says of its data, and the score of a model on held-out rows."""

from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score

from skdnn._utils.text import Column, align, counted
from skdnn.cli.datasets import sample
from skdnn.cli.score_texts import SCORES, number
from skdnn.comparison.checks import MAX_CLASSES, find_task

Scores = dict[str, tuple[float, float]]  # name -> score of the model, score of the dummy


def task_and_reason(task: str, y: np.ndarray) -> tuple[str, str]:
    """Return the task, and a sentence on the task with its reason.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
        The task that the user chose. "auto" decides by the values of y.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The target.
    """
    found = find_task(task, {}, y)
    n_values = len(np.unique(y if y.dtype.kind in "biuf" else y.astype(str)))
    what: str = found
    if found == "classification":
        what += f" of {n_values} classes" if y.ndim == 1 else f" of {y.shape[1]} labels"
    if task != "auto":
        return found, f"{what}, as --task says"
    if y.dtype.kind == "b":
        return found, f"{what}, because the target is true or false"
    if y.dtype.kind not in "iuf":
        return found, f"{what}, because the target has text"
    if found == "classification":
        numbers = f"{n_values} distinct whole numbers"
        return found, f"{what}, because the target has {numbers} (else: --task regression)"
    if np.array_equal(y, np.round(y)):
        return found, f"{what}, because the target has more than {MAX_CLASSES} distinct numbers"
    return found, f"{what}, because the target has numbers with fractions"


def rows_to_hold_out(
    y: np.ndarray, share: float | None, seed: int, task: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of held-out rows, stratified by y, and of all other rows.

    Every class has a row that is not held out, because no model predicts a class without one.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The target.
    share : float or None
        Fraction of the rows to hold out. None holds out no row.
    seed : int
        Seed of the choice.
    task : {"classification", "regression"}
        The task.
    """
    rows = np.arange(len(y))
    if share is None:
        return rows[:0], rows
    may_be_held = rows
    if task == "classification" and y.ndim == 1:
        labels = y if y.dtype.kind in "biuf" else y.astype(str)
        shuffled = np.random.default_rng(seed).permutation(len(y))
        first_of_each = shuffled[np.unique(labels[shuffled], return_index=True)[1]]
        may_be_held = np.setdiff1d(rows, first_of_each)
    n_held = max(1 if task == "classification" else 2, round(share * len(y)))
    if n_held > min(len(may_be_held), len(y) - 2):
        raise ValueError(
            f"--valid {share:g} of {len(y)} rows leaves too few rows to train on: hold out fewer."
        )
    held = may_be_held[sample(y[may_be_held], n_held, seed)]
    return held, np.setdiff1d(rows, held)


def scores(model: Any, trained: Any, held: Any) -> Scores:
    """Return each score of a model on held-out rows, beside that of a dummy.

    Parameters
    ----------
    model : estimator
        The fitted model.
    trained, held : object
        The rows on which the model was trained, and the held-out rows. Each has the attributes
        `X`, `y`, `weight` and `task`.
    """
    dummy = DummyClassifier() if trained.task == "classification" else DummyRegressor()
    dummy.fit(np.zeros((len(trained.y), 1)), trained.y, trained.weight)
    both = [_scores(m, X, held) for m, X in ((model, held.X), (dummy, np.zeros((len(held.y), 1))))]
    return {name: (both[0][name], both[1][name]) for name in both[0]}


def _scores(model: Any, X: Any, held: Any) -> dict[str, float]:
    weight = {"sample_weight": held.weight}
    predicted = model.predict(X)
    if held.task == "regression":
        return {
            "r2": float(r2_score(held.y, predicted, **weight)),
            "mae": float(mean_absolute_error(held.y, predicted, **weight)),
        }
    accuracy = {"accuracy": float(accuracy_score(held.y, predicted, **weight))}
    if held.y.ndim > 1:
        return accuracy
    loss = log_loss(held.y, model.predict_proba(X), labels=model.classes_, **weight)
    return accuracy | {"log_loss": float(loss)}


def as_table(found: Scores, n_rows: int) -> str:
    """Return scores on held-out rows as a table with a row for the model and for the dummy."""
    columns = [Column(counted(n_rows, "held-out row"), ["this model", "dummy"], left=True)]
    columns += [Column(SCORES[name], list(map(number, both))) for name, both in found.items()]
    return "\n".join(["", *align(columns), ""])
