"""Location and scale of columns with extreme values, and the search for such values."""

from typing import Any, NamedTuple

import numpy as np

from skdnn._data.scaling import Extent

# A value further from the median than this number of interquartile ranges spoils a mean and a
# standard deviation, so that "auto" scales its column robustly. A warning names the column from
# the second number on.
_FAR = 1e3
_EXTREME = 1e6
# Robustly scaled values are clipped to [-LIMIT, LIMIT].
LIMIT = 3.0
_NORMAL = 1.349  # interquartile range of the standard normal distribution
_QUARTILES = (0.25, 0.5, 0.75)
_MOST_NAMED = 5  # columns in one warning
_VALUES = 2**18  # are converted to float64 at a time


class Outlier(NamedTuple):
    """The most extreme value of a column.

    Parameters
    ----------
    position : int
        Position of the column in X.
    value : float
        The value.
    distance : float
        Distance to the median, in interquartile ranges.
    """

    position: int
    value: float
    distance: float


class Spread(NamedTuple):
    """Robust statistics of each column.

    Parameters
    ----------
    center : ndarray of shape (n_columns,)
        Medians.
    width : ndarray of shape (n_columns,)
        Interquartile ranges. If more than half of the values are equal, the median distance of the
        other values to them. 0 for a constant column.
    unit : ndarray of shape (n_columns,)
        The standard deviation of normally distributed values of this spread.
    """

    center: np.ndarray
    width: np.ndarray
    unit: np.ndarray

    def distance(self, extent: Extent) -> np.ndarray:
        """Return the largest distance to the median in units of `width`, 0 where this is 0."""
        below, above = self.center / 2 - extent.least / 2, extent.greatest / 2 - self.center / 2
        far = np.maximum(below, above).astype(np.float64)
        with np.errstate(over="ignore"):
            return np.divide(far, self.width / 2, out=np.zeros(len(far)), where=self.width > 0)

    def is_spoiled(self, extent: Extent) -> np.ndarray:
        """Return for each column whether extreme values spoil its mean and standard deviation."""
        return np.asarray(self.distance(extent) > _FAR)

    def outliers(self, extent: Extent, positions: np.ndarray) -> list[Outlier]:
        """Return the values that are so extreme that a warning names them, one for a column.

        The columns have the given positions in X.
        """
        distance = self.distance(extent)
        return [
            Outlier(
                int(positions[i]),
                float(_furthest(self.center[i], extent, int(i))),
                float(distance[i]),
            )
            for i in np.flatnonzero(distance > _EXTREME)
        ]


def _furthest(center: Any, extent: Extent, i: int) -> Any:
    least, greatest = extent.least[i], extent.greatest[i]
    return least if center / 2 - least / 2 > greatest / 2 - center / 2 else greatest


def outlier_message(
    outliers: list[Outlier], names: Any, owner: str, *, are_clipped: bool
) -> str | None:
    """Return a warning of extreme values, or None if there are none.

    Parameters
    ----------
    outliers : list of Outlier
        The values.
    names : array-like of str or None
        Names of the columns of X.
    owner : str
        The estimator's name.
    are_clipped : bool
        Whether the values are clipped.
    """
    if not outliers:
        return None
    found = [_described(outlier, names) for outlier in outliers[:_MOST_NAMED]]
    rest = len(outliers) - len(found)
    more = f", and {rest} more columns" if rest > 0 else ""
    done = (
        f"{owner} clips such values."
        if are_clipped
        else "Beside them, all other values of the column look the same: scaling='robust' clips "
        "such values."
    )
    return (
        f"X of {owner} holds values of another order of magnitude than the rest of their column: "
        f"{', '.join(found)}{more}. {done} If a value stands for a missing one, write NaN instead."
    )


def _described(outlier: Outlier, names: Any) -> str:
    position, value, distance = outlier
    name = str(position) if names is None else repr(str(names[position]))
    return f"{value:.6g} in column {name} ({distance:.1g} interquartile ranges from the median)"


def spread_of(x: np.ndarray, weight: np.ndarray | None) -> Spread:
    """Return robust statistics of each column.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns)
        Rows without missing values.
    weight : ndarray of shape (n_samples,) or None
        Sample weights. A row of weight k has the same effect as k rows of weight 1.
    """
    size = max(1, _VALUES // len(x))  # columns of one block
    blocks = [_spread_of(x[:, i : i + size], weight) for i in range(0, x.shape[1], size)]
    return Spread(*(np.concatenate(statistics) for statistics in zip(*blocks, strict=True)))


def _spread_of(x: np.ndarray, weight: np.ndarray | None) -> Spread:
    x = x.astype(np.float64, copy=False)
    low, center, high = quantiles(x, weight, _QUARTILES)
    width = 2 * (high / 2 - low / 2)
    unit = width / _NORMAL
    for i in np.flatnonzero(width == 0):
        gaps = np.abs(x[:, i] - center[i])
        apart = gaps > 0
        if apart.any():
            own = None if weight is None else weight[apart]
            width[i] = quantiles(gaps[apart, np.newaxis], own)[0, 0]
            unit[i] = 2 * width[i]
    return Spread(center, width, unit)


def quantiles(
    x: np.ndarray, weight: np.ndarray | None, levels: tuple[float, ...] = (0.5,)
) -> np.ndarray:
    """Return the weighted quantiles of each column, shape (n_levels, n_columns).

    A row of weight k has the same effect as k rows of weight 1.
    """
    if weight is None:
        if levels == (0.5,):
            return np.asarray(np.median(x, axis=0))[np.newaxis]
        return np.asarray(np.quantile(x, levels, axis=0, method="averaged_inverted_cdf"))
    order = np.argsort(x, axis=0)
    below = np.cumsum(weight[order], axis=0)
    ordered = np.take_along_axis(x, order, axis=0)

    def at(level: float) -> np.ndarray:
        places = (below < below[-1] * level).sum(axis=0)
        places = places.clip(max=len(x) - 1)[np.newaxis]
        return np.asarray(np.take_along_axis(ordered, places, axis=0)[0])

    # A quantile is the mean of the values just below and just above its share of the total weight.
    # The two values differ only if a cumulative weight equals this share, up to rounding.
    pairs = [(at(level - 1e-9) + at(level + 1e-9)) / 2 for level in levels]
    return np.array(pairs)
