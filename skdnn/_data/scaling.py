"""Offset and scale of the values of `scaling`, by scikit-learn's scalers."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.utils.sparsefuncs import min_max_axis

Scale = tuple[np.ndarray, np.ndarray]  # offset and scale of (x - offset) * scale
# Fraction of the range of all values that is added to each pixel's standard deviation. It limits
# the scale of pixels that are almost always blank, such as those at the border of images.
_DAMPING = 0.05


def _sparse_min_max(X: Any, parts: list[np.ndarray], weight: np.ndarray | None) -> Scale:
    # MinMaxScaler does not accept sparse rows: it is fitted on the rows of minima and maxima.
    ranges = np.array([min_max_axis(X[part], axis=0) for part in parts])
    scaler = MinMaxScaler().fit([ranges[:, 0].min(axis=0), ranges[:, 1].max(axis=0)])
    return scaler.data_min_, scaler.scale_


def _sparse_standard(X: Any, parts: list[np.ndarray], weight: np.ndarray | None) -> Scale:
    scaler = StandardScaler(with_mean=False)
    for part in parts:
        scaler.partial_fit(X[part], sample_weight=None if weight is None else weight[part])
    return scaler.mean_, 1 / scaler.scale_


def sparse_max_abs(X: Any, parts: list[np.ndarray], weight: np.ndarray | None) -> Scale:
    """Scale each column of a CSR matrix by its maximum absolute value: zeros stay zeros."""
    scaler = MaxAbsScaler()
    for part in parts:
        scaler.partial_fit(X[part])
    return np.zeros(X.shape[1]), 1 / scaler.scale_


# How a sparse matrix is scaled; otherwise by the maximum absolute value of each column.
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


# For an array: the scaler that is fitted, and the offset and scale that follow from it and from
# the range of all values, which is known for "pixelwise" only.
DENSE_SCALINGS: dict[str, tuple[Callable[[], Any], Callable[[Any, float], Scale]]] = {
    "auto": (StandardScaler, _standard),
    "standard": (StandardScaler, _standard),
    "minmax": (MinMaxScaler, _min_max),
    "pixelwise": (StandardScaler, _pixelwise),
}
