"""Offset and scale of each column of X, and of y.

Statistics of a column that is nearly constant at a large offset are computed on its distance to its
minimum, because sums of the raw values lose digits. A column is constant only if its minimum is
its maximum.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from sklearn.preprocessing import StandardScaler

Scale = tuple[np.ndarray, np.ndarray]  # offset and scale of (x - offset) * scale
# Returns a new iterator over batches of rows with their weights.
Batches = Callable[[], Iterable[tuple[np.ndarray, np.ndarray | None]]]

# Fraction of the range of all values that is added to the standard deviation of each pixel. The
# added term limits the scale of pixels that are almost always blank, such as at image borders.
_DAMPING = 0.05
# A range up to this fraction of the values' magnitude is nearly constant. The magnitude of a
# constant column times this fraction is also its unit, if that is above 1.
_NEARLY = 1e-4
_GREAT, _SMALL = 1e15, 1e-15  # squares of greater or smaller numbers are not summed
_FLOAT32 = 1e30  # a safe bound of products in float32
_LEAST_SPREAD = 1e-300  # the inverse of a smaller spread might overflow


class Extent(NamedTuple):
    """Minimum and maximum of each column.

    Parameters
    ----------
    least, greatest : ndarray of shape (n_columns,), floating
        Minimum and maximum of each column.
    """

    least: np.ndarray
    greatest: np.ndarray

    @property
    def magnitude(self) -> np.ndarray:
        """The maximum absolute value of each column, float64."""
        size = np.maximum(np.abs(self.least), np.abs(self.greatest))
        return np.asarray(size, np.float64)

    @property
    def halves(self) -> np.ndarray:
        """Half of the range of each column, float64. The whole range might overflow."""
        return self.greatest.astype(np.float64) / 2 - self.least.astype(np.float64) / 2

    @property
    def is_constant(self) -> np.ndarray:
        """Whether each column is constant."""
        return np.asarray(self.least == self.greatest)

    @property
    def constant_unit(self) -> np.ndarray:
        """The distance to a constant that counts as 1, if the column varies in later rows."""
        return np.maximum(1, _NEARLY * self.magnitude)

    def at(self, columns: np.ndarray) -> "Extent":
        """Return the minimum and maximum of some columns."""
        return Extent(self.least[columns], self.greatest[columns])

    @property
    def loses_digits(self) -> np.ndarray:
        """Whether sums of the values, or of their squares, lose too many digits."""
        halves, magnitude = self.halves, self.magnitude
        nearly = halves <= _NEARLY / 2 * magnitude
        return np.asarray(nearly | (magnitude > _GREAT) | (halves < _SMALL))


def extent_of(batches: Batches) -> Extent:
    """Return the minimum and maximum of each column."""
    least: Any = np.inf
    greatest: Any = -np.inf
    for x, _ in batches():
        x = x if x.dtype.kind == "f" else x.astype(np.float64)
        dtype = x.dtype.newbyteorder("=")
        least = np.minimum(x.min(axis=0), least, dtype=dtype)
        greatest = np.maximum(x.max(axis=0), greatest, dtype=dtype)
    return Extent(least, greatest)


def check_range(extent: Extent, positions: np.ndarray) -> None:
    """Raise an error if a column at a position of X varies, but too little to be scaled."""
    tiny = np.flatnonzero(~extent.is_constant & (extent.halves < _LEAST_SPREAD))
    if len(tiny):
        i = tiny[0]
        raise ValueError(
            f"Column {positions[i]} of X varies only from {extent.least[i]:g} to "
            f"{extent.greatest[i]:g}, which float64 cannot scale: multiply it by a power of 10."
        )


def moments(batches: Batches, extent: Extent) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation of each column, which is 0 only for a constant."""
    near = extent.loses_digits
    low, half = extent.least[near].astype(np.float64) / 2, extent.halves[near]
    half = np.where(half > 0, half, 1)
    scaler = StandardScaler()
    for x, weight in batches():
        if near.any():
            x = x.astype(x.dtype if x.dtype.kind == "f" else np.float64)
            x[:, near] = (x[:, near].astype(np.float64) / 2 - low) / half  # from 0 to 1
        scaler.partial_fit(x, sample_weight=weight)
    mean, deviation = scaler.mean_, np.sqrt(scaler.var_)
    mean[near] = 2 * (low + mean[near] * half)
    deviation[near] *= 2 * half
    mean[extent.is_constant] = extent.least[extent.is_constant]
    deviation[extent.is_constant] = 0
    return mean, deviation


def standard(mean: np.ndarray, deviation: np.ndarray, extent: Extent) -> Scale:
    """Return the offset and the scale to mean 0 and variance 1."""
    return mean, _inverse(np.where(deviation > 0, deviation, extent.constant_unit))


def _inverse(spread: np.ndarray) -> np.ndarray:
    return np.asarray(1 / np.maximum(spread, _LEAST_SPREAD))


def min_max(extent: Extent) -> Scale:
    """Return the offset and the scale to the range [0, 1]."""
    least, greatest = extent
    with np.errstate(over="ignore"):
        span = greatest - least
    fits = (span > _SMALL) & (span < np.finfo(span.dtype).max)
    exact = _inverse(np.where(extent.is_constant, extent.constant_unit, extent.halves))
    exact *= np.where(extent.is_constant, 1, 0.5)
    return least, np.where(fits, 1 / np.where(fits, span, 1), exact)


def dense_scale(scaling: str, batches: Batches, extent: Extent) -> Scale:
    """Return the offset and the scale of each column of an array.

    Parameters
    ----------
    scaling : {"auto", "standard", "minmax", "pixelwise", "robust"}
        See `DNNClassifier`. Columns are scaled to (x - offset) * scale. "robust" is "standard" here
        (see `skdnn._data.robust_scaling`).
    batches : callable
        Returns a new iterator over (x, weight): rows of shape (n_rows, n_columns) without missing
        values, and their sample weights or None.
    extent : Extent
        Minimum and maximum of each column.
    """
    if scaling == "minmax":
        return min_max(extent)
    mean, deviation = moments(batches, extent)
    if scaling == "pixelwise":
        deviation = deviation + _DAMPING * (
            float(extent.greatest.max()) - float(extent.least.min())
        )
    return standard(mean, deviation, extent)


def exceeds_float32(offset: Any, scale: Any) -> bool:
    """Return whether scaling by these constants might overflow in float32."""
    size = np.array([np.abs(offset).max(), scale.max(), 1 / scale.min()], np.float64)
    return bool(size.max() > _FLOAT32)


class Constants(NamedTuple):
    """The constants of the preprocessing, for the layers of a Keras model.

    Parameters
    ----------
    offset, scale, limit : ndarray of shape (n_outputs,) or (1,), float64, or None
        Columns become (x - offset) * scale, clipped to [-limit, limit].
    fill : ndarray of shape (n_numbers,), float64
        Values that replace missing numbers.
    """

    offset: np.ndarray | None = None
    scale: np.ndarray | None = None
    limit: np.ndarray | None = None
    fill: np.ndarray | None = None


# ------------------------------------------------------------------------------------------ targets


class TargetScale(NamedTuple):
    """Mean and standard deviation of each column of y.

    Parameters
    ----------
    mean, unit : ndarray of shape (n_outputs,), float64
        The mean and the standard deviation. The unit of a constant column is 1, or the absolute
        value of the constant if that is smaller.
    """

    mean: np.ndarray
    unit: np.ndarray

    def standardise(self, y: np.ndarray) -> np.ndarray:
        """Return (y - mean) / unit in the shape of y, float64."""
        columns = y.reshape(len(y), -1).astype(np.float64, copy=False)
        return np.reshape((columns - self.mean) / self.unit, y.shape)

    def restore(self, y: np.ndarray) -> np.ndarray:
        """Return the y that `standardise` converts to the given array, float64."""
        columns = y.reshape(len(y), -1) * self.unit + self.mean
        return np.reshape(columns, y.shape)


def fit_target_scale(y: np.ndarray, weight: np.ndarray | None) -> TargetScale:
    """Compute the mean and the standard deviation of each column of y.

    Parameters
    ----------
    y : ndarray of shape (n_samples, ...)
        Numeric targets.
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    """
    columns = y.reshape(len(y), -1)

    def batches() -> Iterable[tuple[np.ndarray, np.ndarray | None]]:
        return [(columns, weight)]

    extent = extent_of(batches)
    mean, deviation = moments(batches, extent)
    size = np.where(extent.magnitude > 0, extent.magnitude, 1)
    return TargetScale(mean, np.where(deviation > 0, deviation, np.minimum(1, size)))
