"""Offset and scale of each column of a sparse matrix."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler
from sklearn.utils.sparsefuncs import min_max_axis

from skdnn._data.robust_scaling import LIMIT, Outlier, Spread, quantiles
from skdnn._data.scaling import Extent, Scale, min_max, moments, standard

_TINY = 1e-30  # the inverse of a smaller number is not for float32


def sparse_scale(
    scaling: str | None, X: Any, parts: Sequence[np.ndarray], weight: np.ndarray | None
) -> tuple[Scale, np.ndarray | None, list[Outlier]]:
    """Return the offset and the scale of each column of a sparse matrix.

    Parameters
    ----------
    scaling : {"auto", "standard", "minmax", "pixelwise", "robust"}
        See `DNNClassifier`.
    X : CSR matrix of shape (n_samples, n_inputs)
        Rows.
    parts : list of ndarray of int
        The training rows in several parts, which limit the memory.
    weight : ndarray of shape (n_samples,) or None
        Sample weights.

    Returns
    -------
    scale : (offset, scale)
        Columns are scaled to (x - offset) * scale.
    limit : ndarray of shape (n_inputs,) or None
        Scaled values are clipped to [-limit, limit]. None if they are not clipped.
    outliers : list of Outlier
        Extreme values to warn of.
    """
    ranges = np.array([min_max_axis(X[part], axis=0) for part in parts])
    ranges = ranges if ranges.dtype.kind == "f" else ranges.astype(np.float64)
    extent = Extent(ranges[:, 0].min(axis=0), ranges[:, 1].max(axis=0))
    if scaling == "minmax":
        return min_max(extent), None, []
    if scaling == "standard":
        return _standard(X, parts, weight, extent), None, []
    return _robust_max_abs(X, parts, weight, extent, is_robust=scaling == "robust")


def _standard(
    X: Any, parts: Sequence[np.ndarray], weight: np.ndarray | None, extent: Extent
) -> Scale:
    """Return means and inverse standard deviations."""
    scaler = StandardScaler(with_mean=False)
    for part in parts:
        scaler.partial_fit(X[part], sample_weight=_of(weight, part))
    mean, deviation = scaler.mean_, np.sqrt(np.maximum(scaler.var_, 0))
    near = np.flatnonzero(extent.loses_digits & ~extent.is_constant)
    if len(near):

        def batches() -> Iterable[tuple[np.ndarray, np.ndarray | None]]:
            return ((X[part][:, near].toarray(), _of(weight, part)) for part in parts)

        mean[near], deviation[near] = moments(batches, extent.at(near))
    return standard(mean, deviation, extent)


def _robust_max_abs(
    X: Any,
    parts: Sequence[np.ndarray],
    weight: np.ndarray | None,
    extent: Extent,
    *,
    is_robust: bool,
) -> tuple[Scale, np.ndarray | None, list[Outlier]]:
    """Return the offset 0 and the inverse of the greatest absolute value of each column.

    In a column with extreme values, a multiple of the median of the nonzero absolute values takes
    the place of the greatest one. The minimum of a nearly constant column is its offset.
    """
    size = np.maximum(np.abs(extent.least), np.abs(extent.greatest))
    size = np.where(size > 0, size, 1)
    size = size if size.min() > _TINY else np.maximum(size, _TINY**8, dtype=np.float64)
    offset, scale = np.zeros(X.shape[1]), 1 / size
    near = extent.loses_digits & ~extent.is_constant & (extent.least * extent.greatest > 0)
    near &= extent.halves < extent.magnitude / 4
    offset[near] = extent.least[near]
    scale[near] = 0.5 / extent.halves[near]
    spread = _nonzero_spread(X, parts, weight, extent, skipped=near)
    chosen = spread.width > 0 if is_robust else spread.is_spoiled(extent)
    if not chosen.any():
        return (offset, scale), None, []
    scale[chosen] = 1 / (LIMIT * spread.width[chosen])
    limit = np.where(chosen, 1.0, np.inf)
    return (offset, scale), limit, spread.outliers(extent, np.arange(X.shape[1]))


def _nonzero_spread(
    X: Any,
    parts: Sequence[np.ndarray],
    weight: np.ndarray | None,
    extent: Extent,
    skipped: np.ndarray,
) -> Spread:
    """Return the median absolute value of the nonzero values of each column, around 0."""
    width = np.zeros(X.shape[1])
    rows = np.concatenate(list(parts))
    columns = X[rows].tocsc()
    for i in np.flatnonzero(~skipped & (extent.magnitude > 0)):
        part = slice(columns.indptr[i], columns.indptr[i + 1])
        values = np.abs(columns.data[part]).astype(np.float64)
        known = values > 0
        own = None if weight is None else weight[rows[columns.indices[part]]][known]
        width[i] = quantiles(values[known, np.newaxis], own)[0, 0]
    return Spread(np.zeros(len(width)), width, width)


def _of(weight: np.ndarray | None, part: np.ndarray) -> np.ndarray | None:
    return None if weight is None else weight[part]
