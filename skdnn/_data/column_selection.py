"""Selection of the numeric columns that are related to y, for tables with many columns.

Two scores rank the columns: a test of the relation between y and each column by itself, and the
gains of the column in a few boosted trees, which also find columns that are related to y only
together. The scores are computed on the training rows only.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from scipy.stats import f as f_distribution
from sklearn.utils.sparsefuncs import mean_variance_axis

from skdnn._utils.sklearn_compat import tree_gains

# Maximum number of values of X from which the scores are computed, and the minimum number of rows
# to which this maximum limits the rows.
_MOST_VALUES, _FEWEST_ROWS = 2**25, 2000
_CHUNK = 2**22  # number of values that are tested at a time
_MOST_BINS, _ROWS_PER_BIN = 8, 20
_MOST_TARGETS = 8  # columns of y; more are replaced by random combinations
_N_TREES = 48  # of all columns of y together
_MOST_IN_TREES = 5000  # columns, those with the strongest relation to y by themselves
_LEVEL = 0.05  # expected fraction of unrelated columns among those that pass the test
_BY_TREES = 32  # columns with the highest gains, which are kept without a test
# All columns are kept if the first fraction passes the test, or if the second is related to y, too
# weakly to pass.
_MANY, _MANY_WEAK = 0.25, 0.08


class Tests(NamedTuple):
    """The tests of each column by itself.

    Parameters
    ----------
    p_values : ndarray of shape (n_numbers,)
        The p-value for any relation to y.
    seem_unrelated : ndarray of shape (n_numbers,)
        The fraction of the targets for which the p-value of a trend is above 1/2. On average, it is
        1/2 for unrelated columns.
    explained : ndarray of shape (n_numbers,)
        The fraction of the variance of y that the column explains.
    """

    p_values: np.ndarray
    seem_unrelated: np.ndarray
    explained: np.ndarray


class Ranking(NamedTuple):
    """The numeric columns of X, ordered by their relation to y.

    Parameters
    ----------
    order : ndarray of shape (n_numbers,), int
        Indices of the columns, best first.
    n_related : int
        Number of leading columns that "auto" keeps.
    """

    order: np.ndarray
    n_related: int


def rank_columns(
    X: Any,
    y: np.ndarray,
    rows: np.ndarray,
    weight: np.ndarray | None,
    numbers: np.ndarray,
    *,
    classifies: bool,
    seed: int,
) -> Ranking:
    """Order the numeric columns of X by their relation to y.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_inputs)
        Numbers, NaN for missing numbers, and category codes.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels or regression targets.
    rows : ndarray of int
        Indices of the training rows.
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    numbers : ndarray of shape (n_numbers,), int
        Positions of the numeric columns.
    classifies : bool
        Whether y holds class labels.
    seed : int
        Seed of the sample of the rows and of the trees.
    """
    rng = np.random.default_rng(seed)
    most = max(_FEWEST_ROWS, _MOST_VALUES // X.shape[1])
    if len(rows) > most:
        rows = np.sort(rng.choice(rows, most, replace=False))
    x = X[rows] if len(numbers) == X.shape[1] else X[rows][:, numbers]
    w = np.ones(len(rows)) if weight is None else weight[rows].astype(np.float64)
    target = _targets(y[rows], w, rng, classifies=classifies)
    if not target.any():  # a constant y
        return Ranking(np.arange(len(numbers)), len(numbers))
    tests = (_test_sparse if issparse(x) else _test_dense)(x, target, w)
    by_test = np.lexsort((-tests.explained, tests.p_values))
    tried = np.sort(by_test[:_MOST_IN_TREES])
    own = x[:, tried].toarray() if issparse(x) else x[:, tried]
    gains = np.zeros(len(numbers))
    own_weight = None if weight is None else w
    gains[tried] = _gains(own, y[rows], target, own_weight, rng, classifies=classifies)
    return _combine(tests, by_test, gains)


def _combine(tests: "Tests", by_test: np.ndarray, gains: np.ndarray) -> Ranking:
    """Return the ranking of the columns by the better of their two ranks."""
    n = len(gains)
    by_gain = np.argsort(-gains, kind="stable")
    rank_by_test, rank_by_gain = np.empty(n, int), np.empty(n, int)
    rank_by_test[by_test] = rank_by_gain[by_gain] = np.arange(n)
    rank_by_gain[gains == 0] = n
    passes = np.zeros(n, bool)
    passes[by_test[: _n_significant(tests.p_values[by_test])]] = True
    kept = passes | (rank_by_gain < _BY_TREES)
    best = np.minimum(rank_by_test, rank_by_gain)
    order = np.lexsort((rank_by_test + rank_by_gain, best, ~kept))
    # The fraction of related columns, as Storey (2002) estimates it in "A Direct Approach to False
    # Discovery Rates", minus the standard error of the estimate.
    related = 1 - 2 * tests.seem_unrelated.mean() - 1 / np.sqrt(n)
    are_many = passes.mean() >= _MANY or related - passes.mean() >= _MANY_WEAK
    return Ranking(order, n if are_many else max(int(kept.sum()), min(n, _BY_TREES)))


def _n_significant(ascending: np.ndarray) -> int:
    """Return how many p-values pass the procedure of Benjamini and Hochberg (1995)."""
    n = len(ascending)
    passes = np.flatnonzero(ascending <= _LEVEL * np.arange(1, n + 1) / n)
    return int(passes[-1]) + 1 if len(passes) else 0


def _targets(
    y: np.ndarray, weight: np.ndarray, rng: np.random.Generator, *, classifies: bool
) -> np.ndarray:
    """Return y as columns of mean 0 and variance 1: one per class, or per regression target."""
    if classifies and y.ndim == 1:
        classes, codes = np.unique(y, return_inverse=True)
        columns = np.eye(len(classes))[codes]
        columns = columns[:, 1:] if len(classes) == 2 else columns
    else:
        columns = y.reshape(len(y), -1).astype(np.float64)
        columns = columns / np.maximum(np.abs(columns).max(axis=0), 1e-300)
    columns = columns - np.average(columns, axis=0, weights=weight)
    deviation = np.sqrt(np.average(columns**2, axis=0, weights=weight))
    columns = columns / np.where(deviation > 0, deviation, 1)
    if columns.shape[1] > _MOST_TARGETS:
        columns = columns @ rng.normal(size=(columns.shape[1], _MOST_TARGETS))
        columns /= np.maximum(np.sqrt(np.average(columns**2, axis=0, weights=weight)), 1e-300)
    return columns


def _gains(
    x: np.ndarray,
    y: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None,
    rng: np.random.Generator,
    *,
    classifies: bool,
) -> np.ndarray:
    """Return the gains of the columns in boosted trees."""
    if weight is not None:
        # Sampled rows take the place of weights, with which scikit-learn bins columns slowly.
        chosen = rng.choice(len(x), len(x), p=weight / weight.sum())
        x, y, target = x[chosen], y[chosen], target[chosen]
    seed = int(rng.integers(2**31))
    if classifies and y.ndim == 1 and target.shape[1] < _MOST_TARGETS:
        return tree_gains(x, y, _N_TREES, seed, classifies=True)
    n_trees = max(4, _N_TREES // target.shape[1])
    gains = [tree_gains(x, column, n_trees, seed, classifies=False) for column in target.T]
    return np.asarray(np.sum(gains, axis=0))


# ------------------------------------------------------------------------- one column by itself


def _test_dense(x: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Tests:
    size = max(1, _CHUNK // len(x))
    parts = [_test_part(x[:, i : i + size], target, weight) for i in range(0, x.shape[1], size)]
    return Tests(*map(np.concatenate, zip(*parts, strict=True)))


def _test_part(x: np.ndarray, target: np.ndarray, weight: np.ndarray) -> Tests:
    """Test the means of y in bins of each column: their differences, and their trend.

    Missing numbers are a bin of their own, below all others.
    """
    n_bins = int(np.clip(len(x) // _ROWS_PER_BIN, 2, _MOST_BINS))
    missing = np.isnan(x)
    x = np.where(missing, -np.inf, x) if missing.any() else x
    edges = np.quantile(x, np.arange(1, n_bins) / n_bins, axis=0, method="lower")
    edges = [*edges, np.full(x.shape[1], -np.inf)] if missing.any() else [*edges]
    sides = np.column_stack([weight, weight[:, np.newaxis] * target]).T
    total = sides.sum(axis=1)[:, np.newaxis, np.newaxis]
    above = np.array([sides @ (x > edge) for edge in np.sort(edges, axis=0)]).transpose(1, 0, 2)
    shape = len(sides), 1, x.shape[1]
    ends = [np.broadcast_to(total, shape), above, np.zeros(shape)]
    sums = -np.diff(np.concatenate(ends, axis=1), axis=1)
    return _tests_of_bins(sums[0], sums[1:], _effective_number(weight))


def _effective_number(weight: np.ndarray) -> float:
    """Return the number of rows of equal weight that are worth as much (Kish 1965)."""
    return float(weight.sum() ** 2 / np.sum(weight**2))


def _tests_of_bins(counts: np.ndarray, sums: np.ndarray, n_rows: float) -> Tests:
    """Return the tests, from the sums of weights and of targets in the bins of each column."""
    total = counts.sum(axis=0)
    filled = counts > 1e-9 * total
    safe = np.where(filled, counts, 1)
    between = np.sum(np.where(filled, sums**2 / safe, 0), axis=1) / total
    n_groups = filled.sum(axis=0)
    explained = np.clip(between, 0, 1 - 1e-12)
    level = np.cumsum(filled, axis=0) * 1.0
    mean = np.sum(counts * level, axis=0) / total
    centred = level - mean
    spread = np.sum(counts * centred**2, axis=0) / total
    covariance = np.sum(sums * centred, axis=1) / total
    trend = np.clip(covariance**2 / np.where(spread > 0, spread, 1), 0, 1 - 1e-12)
    of_trend = np.where(n_groups > 1, _f_test(trend, 1, n_rows - 2), 1)
    p = np.minimum(of_trend, _f_test(explained, n_groups - 1, n_rows - n_groups))
    p_values = np.minimum(1, 2 * len(sums) * p.min(axis=0))
    return Tests(p_values, np.mean(of_trend > 0.5, axis=0), explained.max(axis=0))


def _f_test(explained: np.ndarray, n_between: Any, n_within: Any) -> np.ndarray:
    n_between, n_within = np.maximum(n_between, 1), np.maximum(n_within, 1)
    ratio = explained / n_between / ((1 - explained) / n_within)
    found: np.ndarray = f_distribution.sf(ratio, n_between, n_within)
    return found


def _test_sparse(x: Any, target: np.ndarray, weight: np.ndarray) -> Tests:
    """Return the same for a sparse matrix, by the correlation of each column with y."""
    x = x.astype(np.float64)
    _, variance = mean_variance_axis(x, axis=0, weights=weight)
    products = x.T @ (weight[:, np.newaxis] * target) / weight.sum()
    squares = products.T**2 / np.where(variance > 0, variance, np.inf)
    explained = np.clip(squares, 0, 1 - 1e-12)
    p = np.where(variance > 0, _f_test(explained, 1, _effective_number(weight) - 2), 1)
    p_values = np.minimum(1, target.shape[1] * p.min(axis=0))
    return Tests(p_values, np.mean(p > 0.5, axis=0), explained.max(axis=0))
