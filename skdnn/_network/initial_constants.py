"""What layers for the numbers of a table start from, read off its scaled training rows."""

from collections.abc import Sequence

import numpy as np

_OPEN = 1e30  # no bound; weights have to be finite
_NARROW = 0.01  # width of a bin of a scaled column
_GLANCE = 1000  # rows that show whether a column has few values


def bins(x: np.ndarray, n_bins: int) -> list[np.ndarray]:
    """Lay out the bins of a piecewise-linear embedding between quantiles.

    Where values repeat, several quantiles are the same. Of a column with few different values,
    each is an edge; and of another, each very frequent value and its neighbours are, so that what
    holds for this value alone (0 may stand for "none") is a bin's to learn, and the quantiles of
    the other values.

    The first bin is open below and the last above, unless they are so narrow that a value beyond
    would be far off: the column itself goes on beside them.

    Columns with fewer edges have fewer bins; the rest of their places is always 0, so that the
    shapes do not depend on the rows, and folds share a compiled program.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns), floating
        Scaled rows without missing values.
    n_bins : int
        The most bins of a column.

    Returns
    -------
    edge, slope, least, greatest : ndarray of shape (n_columns, n_bins), float64
        A bin adds (x - edge) * slope, no less than `least` and no more than `greatest`.
    """
    edge, slope, least, greatest = np.zeros((4, x.shape[1], n_bins))
    for column, values in enumerate(x.T):
        edges = _edges(values, n_bins)
        n, widths = len(edges) - 1, np.diff(edges)
        if n == 0:  # constant
            continue
        edge[column, :n] = edges[:-1]
        slope[column, :n] = 1 / np.maximum(widths, 1 / _OPEN)
        greatest[column, :n] = 1
        if widths[0] > _NARROW:
            least[column, 0] = -_OPEN
        if widths[-1] > _NARROW:
            greatest[column, n - 1] = _OPEN
    return [edge, slope, least, greatest]


def _edges(x: np.ndarray, n_bins: int) -> np.ndarray:
    """Place the edges of at most `n_bins` bins."""
    quantiles = np.unique(np.quantile(x, np.linspace(0, 1, n_bins + 1)))
    are_all = len(quantiles) == n_bins + 1
    if are_all and len(np.unique(x[:_GLANCE])) > n_bins + 1:
        return quantiles
    values, counts = np.unique(x, return_counts=True)
    if len(values) <= n_bins + 1:
        return values
    if are_all:
        return quantiles
    order = np.argsort(-counts, kind="stable")[: n_bins // 4]
    frequent = order[counts[order] >= 2 * len(x) / n_bins]
    near = np.unique(np.clip(np.add.outer(frequent, [-1, 0, 1]), 0, len(values) - 1))
    others = x[~np.isin(x, values[frequent])]
    places = np.linspace(0, 1, n_bins + 1 - len(near))
    return np.union1d(values[near], np.quantile(others, places))


def frequencies(
    n_columns: int, n_frequencies: int, rng: np.random.Generator, scale: float = 0.5
) -> list[np.ndarray]:
    """Draw the frequencies of a periodic embedding from a normal distribution.

    Parameters
    ----------
    n_columns, n_frequencies : int
        The shape.
    rng : numpy.random.Generator
        Draws them.
    scale : float, default=0.5
        Standard deviation: the smaller, the smoother the function is to begin with.
    """
    return [scale * rng.standard_normal((n_columns, n_frequencies))]


def one_hot(sizes: Sequence[int], width: int) -> list[np.ndarray]:
    """Lay out which category of which column each value of a one-hot encoding stands for.

    Parameters
    ----------
    sizes : sequence of int
        Number of categories of each column; their codes begin with 1.
    width : int
        Number of values; those that are too many stand for no code.

    Returns
    -------
    column : ndarray of shape (n_columns, width), float64
        Of 1 where a value stands for a code of the column, else 0.
    code : ndarray of shape (width,), float64
    """
    n_values = sum(sizes)
    column, code = np.zeros((len(sizes), width)), np.full(width, -1.0)
    column[np.arange(len(sizes)).repeat(sizes), np.arange(n_values)] = 1
    code[:n_values] = np.concatenate([np.arange(1, size + 1) for size in sizes])
    return [column, code]


def robust_scale(x: np.ndarray) -> list[np.ndarray]:
    """Find the constants of a smooth clipping: medians, and what makes columns alike in spread.

    That is one by the distance of the quartiles; where it is 0, two by that of the extremes; and 0
    for a column that is constant, or next to it (Holzmüller et al. 2024, "Better by Default",
    section 3).

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns), floating
        Scaled rows without missing values.

    Returns
    -------
    center, factor : ndarray of shape (n_columns,), float64
    """
    least, low, center, high, greatest = np.quantile(x.astype(float), np.linspace(0, 1, 5), axis=0)
    spread = np.where(high > low, high - low, (greatest - least) / 2)
    factor = np.divide(1, spread, out=np.zeros(len(spread)), where=spread > 1 / _OPEN)
    return [center, factor]
