"""Arrays of any rank -> rows of numbers on a scale that networks like."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils import gen_batches

# Values looked at together: bounds the memory that scaling takes beside the data.
_CHUNK = 2**20
_ALIGNMENT = 64  # bytes


def as_rows(X: Any) -> tuple[Any, tuple[int, ...]]:
    """Flatten each sample.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), DataFrame or sparse matrix
        Of any rank; what is not of a rank above 2 is given back untouched.

    Returns
    -------
    X : array-like of shape (n_samples, n_inputs)
        A view wherever NumPy can make one.
    shape : tuple of int
        Shape of one sample; empty where X has a rank below 2.
    """
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    shape = tuple(X.shape[1:])
    if len(shape) > 1 and not issparse(X):
        X = np.asarray(X)
        X = X.reshape(X.shape[0], int(np.prod(shape)))
    return X, shape


class Inputs:
    """The scale of the inputs, learned from training rows.

    Parameters
    ----------
    scaling : {"auto", "standard", "minmax"} or None
        See `DNNClassifier`.
    shape : tuple of int
        Shape of one sample.

    Attributes
    ----------
    offset, scale : ndarray of shape (n_inputs,) or (1,), float64, or None
        The network is given (x - offset) * scale; None where it is given x.
    """

    def __init__(self, scaling: str | None, shape: tuple[int, ...]):
        self.scaling = scaling
        self.shape = shape
        self.offset: np.ndarray | None = None
        self.scale: np.ndarray | None = None

    def fit(self, X: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> "Inputs":
        """Learn the scale from some rows of X, shape (n_samples, n_inputs)."""
        if self.scaling is None:
            return self
        # The pixels of an image share one scale: apart, those at its rim, nearly always blank,
        # would be blown up.
        as_one = self.scaling == "auto" and len(self.shape) > 1
        if as_one and _uses_the_range_of_bytes(X, rows):
            self.offset, self.scale = np.zeros(1), np.full(1, 1 / 255)
            return self
        scaler = MinMaxScaler() if self.scaling == "minmax" else StandardScaler()
        for part in _slices(len(rows), X.shape[1]):
            chunk = rows[part]
            x = X[chunk].reshape(-1, 1) if as_one else X[chunk]
            if self.scaling == "minmax":
                scaler.partial_fit(x)
                continue
            w = None if weight is None else weight[chunk].repeat(x.shape[0] // len(chunk))
            scaler.partial_fit(x, sample_weight=w)
        if self.scaling == "minmax":
            self.offset, self.scale = scaler.data_min_, scaler.scale_
        else:
            self.offset, self.scale = scaler.mean_, 1 / scaler.scale_
        return self

    def apply(self, X: np.ndarray, dtype: npt.DTypeLike) -> np.ndarray:
        """Scale rows; in float64, for what is not in `dtype` or narrower anyway."""
        work = np.result_type(X.dtype, dtype)
        x = X.astype(work, copy=False)
        if self.offset is not None and self.scale is not None:
            x = np.subtract(x, self.offset.astype(work), out=_aligned(x.shape, work))
            x *= self.scale.astype(work)
        return x.astype(dtype, copy=False)

    def fetch_from(self, X: np.ndarray, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that gives rows of X, scaled and in `dtype`, by their numbers.

        What is `uint8` or `dtype` already is read where it is, and scaled as it is read. All else
        is scaled once, in one pass.
        """
        if X.dtype in (np.uint8, dtype):
            return partial(self._fetch, X, np.dtype(dtype))
        scaled = np.empty(X.shape, dtype)
        for part in _slices(len(X), X.shape[1]):
            scaled[part] = self.apply(X[part], dtype)
        return partial(_take, scaled)

    def _fetch(self, X: np.ndarray, dtype: np.dtype, rows: np.ndarray) -> np.ndarray:
        x = _take(X, rows)
        if self.offset is None or self.scale is None:
            return x.astype(dtype, copy=False)
        # In place where it can be: rows are fetched in every epoch.
        out = x if x.dtype == dtype else _aligned(x.shape, dtype)
        if self.offset.any():
            x = np.subtract(x, self.offset.astype(dtype), out=out)
        return np.multiply(x, self.scale.astype(dtype), out=out)


def _take(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    out = _aligned((len(rows), X.shape[1]), X.dtype)
    if X.flags.c_contiguous:
        # With "raise", NumPy would fill a buffer first.
        return np.take(X, rows, axis=0, out=out, mode="clip")
    out[:] = X[rows]  # `take` would copy X whole
    return out


def _aligned(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """Make an array that TensorFlow takes as it is: others it copies."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _uses_the_range_of_bytes(X: np.ndarray, rows: np.ndarray) -> bool:
    # Masks of 0 and 1, or 16 levels of grey, would be next to nothing after division by 255.
    parts = _slices(len(rows), X.shape[1])
    return X.dtype == np.uint8 and any(X[rows[part]].max() > 127 for part in parts)


def _slices(n_rows: int, n_inputs: int) -> Iterator[slice]:
    return gen_batches(n_rows, max(1, _CHUNK // n_inputs))
