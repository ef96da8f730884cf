"""One fit and test of one system on one fold, in a process of the system's own."""

import time
import warnings
from typing import Any

import numpy as np

from benchmarks import speed
from benchmarks.contenders import System, is_plain
from benchmarks.tables import Table

N_BINS = 15
# What float32 tells from 1: no system gains or loses by the dtype of its probabilities.
CLIP = float(np.finfo(np.float32).eps)
_warm: set[str] = set()


def measure(
    name: str, contender: System, table: Table, fold: int, seed: int
) -> dict[str, float | str]:
    """Fit and test one system on one fold; this runs in a process of the system's own."""
    warnings.simplefilter("ignore")
    warm_up(name, contender, fold)
    load_before = speed.machine()["load before"]
    train, test = (select(table, rows, contender) for rows in table.folds[fold])
    classes, y = table.y, train[1]
    if table.task == "classification":
        # Some want classes from 0 on without gaps; a fold may lack one that the table has.
        classes, y = np.unique(y, return_inverse=True)
    model, seconds, fed = fit(contender, table.task, train[0], y, seed)
    begin = time.perf_counter()
    predicted = model.predict(test[0])
    record = {"fit_seconds": seconds, "predict_seconds": time.perf_counter() - begin}
    record |= {"load": load_before, **fed}
    if table.task == "regression":
        figures = regression_figures(test[1], np.asarray(predicted))
    else:
        proba = np.zeros((len(test[1]), int(table.y.max()) + 1))
        proba[:, classes] = model.predict_proba(test[0])
        figures = classification_figures(test[1], classes[np.asarray(predicted)], proba)
    for figure, value in figures.items():
        if not np.isfinite(value):
            raise ValueError(f"{figure} is not a finite number")
    return record | figures


def warm_up(name: str, system: System, fold: int) -> None:
    """Import and start what takes its time once a process; compile nothing beforehand."""
    if name not in _warm:
        X = np.random.default_rng(0).normal(size=(60, 3))
        fit(system, "classification", X, np.arange(60) % 2, 0)
        _warm.add(name)
    if system.mine and fold == 0:
        from skdnn import clear_program_cache

        clear_program_cache()


def select(table: Table, rows: np.ndarray, system: System) -> tuple[Any, np.ndarray]:
    """Return some rows; images as columns for whoever takes nothing else."""
    X = table.X.iloc[rows] if hasattr(table.X, "iloc") else table.X[rows]
    if X.ndim > 2 and not system.mine:
        X = X.reshape(len(X), -1)
    return X, table.y[rows]


def fit(
    system: System, task: str, X: Any, y: np.ndarray, seed: int
) -> tuple[Any, float, dict[str, str]]:
    """Fit with what comes before it; the first way of feeding it that it accepts counts.

    Returns
    -------
    model : estimator
    seconds : float
        Of the fit that succeeded.
    fed : dict
        Which way it was, and why one before it was refused.
    """
    from sklearn.pipeline import make_pipeline

    kind = {"classification": "Classifier", "regression": "Regressor"}[task]
    feeds = system.feeds[:1] if is_plain(X) else system.feeds
    fed: dict[str, str] = {}
    for feed in feeds:
        model = make_pipeline(*feed(X), system.make(kind, seed, **system.params))
        begin = time.perf_counter()
        try:
            model.fit(X, y)
        except (ValueError, TypeError) as error:
            if feed is feeds[-1]:
                raise
            fed["refused"] = str(error).splitlines()[0]
        else:
            return model, time.perf_counter() - begin, {"fed": feed.__name__} | fed
    raise AssertionError("a system has at least one way of feeding it")


def classification_figures(
    y: np.ndarray, predicted: np.ndarray, proba: np.ndarray
) -> dict[str, float]:
    """Return accuracy, log-loss and expected calibration error."""
    clipped = np.clip(proba, CLIP, 1 - CLIP)
    clipped /= clipped.sum(axis=1, keepdims=True)
    return {
        "score": float(np.mean(predicted == y)),
        "log_loss": float(-np.mean(np.log(clipped[np.arange(len(y)), y]))),
        "ece": calibration_error(y, proba),
    }


def calibration_error(y: np.ndarray, proba: np.ndarray) -> float:
    r"""Return the expected calibration error, with 15 bins of equal width.

    Of the n rows, :math:`B_m` are those whose highest probability, the confidence, is in bin m:

    .. math:: \sum_m \frac{|B_m|}{n} \left| acc(B_m) - conf(B_m) \right|

    Parameters
    ----------
    y : ndarray of shape (n_samples,), int
        The columns of `proba` that are right.
    proba : ndarray of shape (n_samples, n_classes), float

    Returns
    -------
    error : float
        Between 0 and 1.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017), "On Calibration of Modern Neural
    Networks", equation 3. Bins are open below and closed above, as there.
    """
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == y
    bins = np.clip(np.ceil(confidence * N_BINS).astype(int) - 1, 0, N_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(y))


def regression_figures(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return R2 and the root of the mean squared error, in units of y."""
    squared = np.mean((y - predicted.ravel()) ** 2)
    return {"score": float(1 - squared / y.var()), "rmse": float(np.sqrt(squared))}
