"""Functions that compute the offset and scale of each column by scalers of scikit-learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.utils.sparsefuncs import min_max_axis

Scale = tuple[np.ndarray, np.ndarray]  # offset and scale of (x - offset) * scale
# Fraction of the range of all values that is added to the standard deviation of each pixel. The
# added term limits the scale of pixels that are almost always blank, such as at image borders.
_DAMPING = 0.05


def _sparse_min_max(X: Any, parts: list[np.ndarray], weight: np.ndarray | None) -> Scale:
    # The scaler is fitted on the minima and maxima, because MinMaxScaler rejects sparse rows.
    ranges = np.array([min_max_axis(X[part], axis=0) for part in parts])
    scaler = MinMaxScaler().fit([ranges[:, 0].min(axis=0), ranges[:, 1].max(axis=0)])
    return scaler.data_min_, scaler.scale_


def _sparse_standard(X: Any, parts: list[np.ndarray], weight: np.ndarray | None) -> Scale:
    scaler = StandardScaler(with_mean=False)
    for part in parts:
        scaler.partial_fit(X[part], sample_weight=None if weight is None else weight[part])
    return scaler.mean_, 1 / scaler.scale_


def sparse_max_abs(X: Any, parts: list[np.ndarray], weight: np.ndarray | None) -> Scale:
    """Return the offset 0 and the scale 1 / (maximum absolute value) of each column."""
    scaler = MaxAbsScaler()
    for part in parts:
        scaler.partial_fit(X[part])
    return np.zeros(X.shape[1]), 1 / scaler.scale_


# Functions that scale a sparse matrix. `sparse_max_abs` is used for all other values of `scaling`.
SPARSE_SCALINGS: dict[str | None, Callable[..., Scale]] = {
    "minmax": _sparse_min_max,
    "standard": _sparse_standard,
}


def _min_max(scaler: Any, value_range: float) -> Scale:
    return scaler.data_min_, scaler.scale_


def _standard(scaler: Any, value_range: float) -> Scale:
    return scaler.mean_, 1 / scaler.scale_


def _pixelwise(scaler: Any, value_range: float) -> Scale:
    spread = np.sqrt(scaler.var_) + _DAMPING * value_range
    return scaler.mean_, 1 / np.where(spread > 0, spread, 1)


# For an array, the class of the scaler, and a function that computes the offset and the scale from
# the fitted scaler and the range of all values. The range is valid only for "pixelwise".
DENSE_SCALINGS: dict[str, tuple[Callable[[], Any], Callable[[Any, float], Scale]]] = {
    "auto": (StandardScaler, _standard),
    "standard": (StandardScaler, _standard),
    "minmax": (MinMaxScaler, _min_max),
    "pixelwise": (StandardScaler, _pixelwise),
}


# ------------------------------------------------------------------------------------------ targets


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Mean and standard deviation of each column of y.

    Parameters
    ----------
    mean, unit : ndarray of shape (n_outputs,), float64
        The mean, and the standard deviation or 1 for a constant column.
    """

    mean: np.ndarray
    unit: np.ndarray

    def standardise(self, y: np.ndarray) -> np.ndarray:
        """Return (y - mean) / unit in the shape of y, float64."""
        columns = y.reshape(len(y), -1).astype(np.float64, copy=False)
        return ((columns - self.mean) / self.unit).reshape(y.shape)

    def restore(self, y: np.ndarray) -> np.ndarray:
        """Return the y that `standardise` converts to the given array, float64."""
        columns = y.reshape(len(y), -1) * self.unit + self.mean
        return columns.reshape(y.shape)


def fit_target_scale(y: np.ndarray, weight: np.ndarray | None) -> TargetScale:
    """Compute the mean and the standard deviation of each column of y.

    Parameters
    ----------
    y : ndarray of shape (n_samples, ...)
        Numeric targets.
    weight : ndarray of shape (n_samples,) or None
        Sample weights.
    """
    scaler = StandardScaler().fit(y.reshape(len(y), -1), sample_weight=weight)
    return TargetScale(scaler.mean_, scaler.scale_)
