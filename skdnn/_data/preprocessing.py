"""Conversion of samples of any shape to imputed and scaled rows, the input of the network."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils import gen_batches

from skdnn._data.scaling import DENSE_SCALINGS, SPARSE_SCALINGS, Scale, sparse_max_abs

# Number of values that are processed at a time. It limits the additional memory of scaling.
_CHUNK = 2**20
_LEAST_SAMPLE = 32  # rows
_ALIGNMENT = 64  # bytes


def as_rows(X: Any) -> tuple[Any, tuple[int, ...]]:
    """Flatten each sample to one row.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), DataFrame or sparse matrix
        Samples with any number of dimensions.

    Returns
    -------
    X : array-like of shape (n_samples, n_inputs)
        The rows, as a view if NumPy can create one. If X has at most two dimensions, the rows are
        X itself.
    shape : tuple of int
        Shape of one sample. Empty if X has fewer than two dimensions.
    """
    if not hasattr(X, "shape"):
        X = np.asarray(X)
    shape = tuple(X.shape[1:])
    if len(shape) > 1 and not issparse(X):
        X = np.asarray(X)
        X = X.reshape(X.shape[0], int(np.prod(shape)))
    return X, shape


class Inputs:
    """Preprocessing of the network's inputs by imputation and scaling.

    Imputation and scaling are fitted on the training rows.

    - Numeric columns: missing numbers (NaN) are imputed by the median of their column, and the
      column is scaled.
    - Columns with missing numbers in training: each adds an indicator column, which is 1 for a
      missing number and 0 otherwise.
    - Category codes: they are not changed.

    The order of the columns in the output is numbers, indicators, codes.

    Parameters
    ----------
    scaling : {"auto", "standard", "minmax", "pixelwise"} or None
        See `DNNClassifier`.
    shape : tuple of int
        Shape of one sample.
    codes : sequence of int, default=()
        Positions in X of the columns that hold category codes.

    Attributes
    ----------
    offset, scale : ndarray of shape (n_numbers,) or (1,), float64, or None
        Numbers are scaled to (x - offset) * scale. None if numbers are not scaled.
    fill : ndarray of shape (n_numbers,), float64
        Values that replace missing numbers.
    numbers : ndarray of shape (n_numbers,), int
        Positions in X of the numeric columns.
    signed : ndarray of shape (n_indicators,), int
        Positions in X of the columns with missing numbers in training.
    """

    def __init__(self, scaling: str | None, shape: tuple[int, ...], codes: Sequence[int] = ()):
        self.scaling = scaling
        self.shape = shape
        self.codes = np.array(codes, int)
        self.numbers = np.setdiff1d(np.arange(np.prod(shape, dtype=int)), self.codes)
        self.signed = np.empty(0, int)
        self.offset: np.ndarray | None = None
        self.scale: np.ndarray | None = None

    def fit(self, X: Any, rows: np.ndarray, weight: np.ndarray | None) -> "Inputs":
        """Fit imputation and scaling on some rows of X.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows that `as_rows` returned.
        rows : ndarray of shape (n_training,), int
            Indices of the training rows.
        weight : ndarray of shape (n_samples,) or None
            Sample weights.

        Returns
        -------
        self : Inputs
            The fitted preprocessing.
        """
        self._fit_imputation(X, rows, weight)
        if self.scaling is not None and len(self.numbers):
            find_scale = self._sparse_scale if issparse(X) else self._dense_scale
            self.offset, self.scale = find_scale(X, rows, weight)
        return self

    def _dense_scale(self, X: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> Scale:
        """Return the offset and the scale of an array, computed in batches of rows."""
        # The pixels of an image share one scale, because the scale of a pixel that is almost always
        # blank, such as at the border, would be very large.
        as_one = self.scaling == "auto" and len(self.shape) > 1
        if as_one and _uses_the_range_of_bytes(X, rows):
            return np.zeros(1), np.full(1, 1 / 255)
        make_scaler, scale_of = DENSE_SCALINGS[str(self.scaling)]
        scaler = make_scaler()
        least, greatest = np.inf, -np.inf
        for part in _slices(len(rows), X.shape[1]):
            chunk = rows[part]
            x = self._numbers_of(X[chunk], missing=len(self.signed) > 0)
            x = x.reshape(-1, 1) if as_one else x
            if self.scaling == "pixelwise":
                least, greatest = min(least, x.min()), max(greatest, x.max())
            if isinstance(scaler, MinMaxScaler):
                scaler.partial_fit(x)
                continue
            w = None if weight is None else weight[chunk].repeat(x.shape[0] // len(chunk))
            scaler.partial_fit(x, sample_weight=w)
        return scale_of(scaler, float(greatest) - float(least))

    def _sparse_scale(self, X: Any, rows: np.ndarray, weight: np.ndarray | None) -> Scale:
        """Return the offset and the scale of a CSR matrix, computed in batches of rows."""
        size = max(1, _CHUNK * X.shape[0] // max(1, X.nnz))
        parts = [rows[part] for part in gen_batches(len(rows), size)]
        find_scale: Callable[..., Scale] = SPARSE_SCALINGS.get(self.scaling, sparse_max_abs)
        return find_scale(X, parts, weight)

    def _fit_imputation(self, X: Any, rows: np.ndarray, weight: np.ndarray | None) -> None:
        """Find the columns with missing numbers, and compute the medians of all columns."""
        self.fill = np.zeros(len(self.numbers))
        if issparse(X) or not len(self.numbers):
            return  # sparse X has no missing numbers
        misses = np.zeros(len(self.numbers), bool)
        if may_miss(X):
            for part in _slices(len(rows), X.shape[1]):
                misses |= np.isnan(X[rows[part]][:, self.numbers]).any(axis=0)
        self.signed = self.numbers[misses]
        # A sample of the rows is enough for columns without missing numbers in training, because
        # their median is used only if numbers are missing in prediction.
        few = _evenly_spaced(rows, max(_LEAST_SAMPLE, _CHUNK // X.shape[1]))
        w = None if weight is None else weight[few]
        self.fill[~misses] = _medians(X[few][:, self.numbers[~misses]], w)
        many = _evenly_spaced(rows, _CHUNK)
        for position in np.flatnonzero(misses):
            x = X[many, self.numbers[position]]
            known = ~np.isnan(x)
            if known.any():
                w = None if weight is None else weight[many][known]
                self.fill[position] = _medians(x[known, np.newaxis], w)[0]

    @property
    def sorts(self) -> bool:
        """Whether the columns of the output differ from those of X in number or order."""
        return len(self.signed) + len(self.codes) > 0

    @property
    def keeps_zeros(self) -> bool:
        """Whether preprocessing preserves zeros, so that sparse rows stay sparse."""
        return not self.sorts and (self.offset is None or not self.offset.any())

    @property
    def width(self) -> int:
        """Number of columns of the output."""
        return len(self.numbers) + len(self.signed) + len(self.codes)

    @property
    def constants(self) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray]:
        """Offset and scale of all columns of the output, and the imputed values `fill`."""
        if not self.sorts or self.offset is None or self.scale is None:
            return self.offset, self.scale, self.fill
        n = len(self.numbers)
        rest = self.width - n
        offset = np.append(np.broadcast_to(self.offset, n), np.zeros(rest))
        return offset, np.append(np.broadcast_to(self.scale, n), np.ones(rest)), self.fill

    def apply(self, X: Any, dtype: npt.DTypeLike, missing: bool = False) -> Any:
        """Impute and scale rows.

        The wider of the dtype of X and `dtype` is used for the computations.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows.
        dtype : dtype
            Dtype of the result.
        missing : bool, default=False
            Whether X may contain NaN.

        Returns
        -------
        x : ndarray or CSR matrix of shape (n_samples, `width`)
            The preprocessed rows. A CSR matrix if X is a CSR matrix and preprocessing preserves
            zeros, otherwise an array.
        """
        work = np.result_type(X.dtype, dtype)
        if issparse(X) and self.keeps_zeros:
            x = X.astype(work, copy=True)
            if self.scale is not None:
                x.data *= self.scale[x.indices]
            return x.astype(dtype, copy=False)
        x = (X.toarray() if issparse(X) else X).astype(work, copy=False)
        if missing or self.sorts:
            x = self._arranged(x, missing)
        elif self.offset is not None and self.scale is not None:
            x = np.subtract(x, self.offset.astype(work), out=_aligned(x.shape, work))
            x *= self.scale.astype(work)
        return x.astype(dtype, copy=False)

    def _arranged(self, x: np.ndarray, missing: bool) -> np.ndarray:
        """Return scaled numbers, indicators of missing numbers, and codes, in this order."""
        n, n_indicators = len(self.numbers), len(self.signed)
        out = _aligned((len(x), self.width), x.dtype)
        out[:, n : n + n_indicators] = np.isnan(x[:, self.signed]) if missing else 0
        out[:, n + n_indicators :] = x[:, self.codes]
        numbers = out[:, :n]
        numbers[:] = self._numbers_of(x, missing)
        if self.offset is not None and self.scale is not None:
            numbers -= self.offset.astype(x.dtype)
            numbers *= self.scale.astype(x.dtype)
        return out

    def _numbers_of(self, x: np.ndarray, missing: bool) -> np.ndarray:
        """Return the numeric columns, with missing numbers imputed."""
        if len(self.codes):
            x = x[:, self.numbers]
        return np.where(np.isnan(x), self.fill.astype(x.dtype), x) if missing else x

    def fetch_from(self, X: Any, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that fetches preprocessed rows of X by their indices.

        Rows are preprocessed each time they are fetched if X is sparse or on disk, or if the dtype
        of X is `uint8` or equal to `dtype`. Any other X is preprocessed once, and the result is
        kept in memory.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows.
        dtype : str
            Dtype of the result.

        Returns
        -------
        fetch : callable
            Function that maps row indices, an ndarray of shape (n,), to an ndarray of shape
            (n, `width`).
        """
        if issparse(X):
            return lambda rows: self._prepared(X[rows], dtype, False)
        missing = may_miss(X)
        in_place = X.dtype in (np.uint8, dtype)
        if in_place and not missing and not self.sorts:
            return partial(self._fetch, X, np.dtype(dtype))
        if in_place or _is_mapped(X):
            return lambda rows: self._prepared(_take(X, rows), dtype, missing)
        prepared = np.empty((len(X), self.width), dtype)
        for part in _slices(len(X), X.shape[1]):
            prepared[part] = self.apply(X[part], dtype, missing)
        return partial(_take, prepared)

    def _prepared(self, rows: Any, dtype: str, missing: bool) -> np.ndarray:
        """Return preprocessed rows as a dense array that is aligned in memory for TensorFlow."""
        x = self.apply(rows, dtype, missing)
        if not issparse(x) and x.ctypes.data % _ALIGNMENT == 0:
            return np.asarray(x)
        out = _aligned(x.shape, dtype)
        if issparse(x):
            x.toarray(out=out)
        else:
            out[:] = x
        return out

    def _fetch(self, X: np.ndarray, dtype: np.dtype, rows: np.ndarray) -> np.ndarray:
        """Return scaled rows of an array without missing numbers and without category codes."""
        x = _take(X, rows)
        if self.offset is None or self.scale is None:
            return x.astype(dtype, copy=False)
        # Scaling is in place if possible to save time, because rows are fetched in every epoch.
        out = x if x.dtype == dtype else _aligned(x.shape, dtype)
        if self.offset.any():
            x = np.subtract(x, self.offset.astype(dtype), out=out)
        np.multiply(x, self.scale.astype(dtype), out=out)
        return out


def may_miss(X: Any) -> bool:
    """Return whether X may contain NaN.

    The sum of X is tested, because this is faster than a test of each value.
    """
    if X.dtype.kind != "f":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return not np.isfinite(X.sum(dtype=np.result_type(X.dtype, np.float32)))


def _evenly_spaced(rows: np.ndarray, most: int) -> np.ndarray:
    """Return at most `most` evenly spaced elements of an array of row indices."""
    return rows[:: -(-len(rows) // most)]


def _medians(x: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the weighted median of each column.

    A row of weight k has the same effect as k rows of weight 1.
    """
    medians: np.ndarray
    if weight is None:
        medians = np.median(x, axis=0)
        return medians
    order = np.argsort(x, axis=0)
    below = np.cumsum(weight[order], axis=0)
    # The median is the mean of the values just below and just above half of the total weight. The
    # two values differ only if a cumulative weight equals half of the total weight, up to rounding.
    middle = [(below < below[-1] * half).sum(axis=0) for half in (0.5 - 1e-9, 0.5 + 1e-9)]
    both = np.take_along_axis(np.take_along_axis(x, order, axis=0), np.array(middle), axis=0)
    medians = both.mean(axis=0)
    return medians


def _is_mapped(X: np.ndarray | None) -> bool:
    """Return whether an array is a view of a memory-mapped file."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return isinstance(X, mmap)


def _take(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    out = _aligned((len(rows), X.shape[1]), X.dtype)
    if X.flags.c_contiguous:
        # NumPy would use an additional buffer with mode "raise". `make_inputs` checks the indices.
        return np.take(X, rows, axis=0, out=out, mode="clip")
    out[:] = X[rows]  # `take` would copy all of X
    return out


def _aligned(shape: tuple[int, ...], dtype: npt.DTypeLike) -> np.ndarray:
    """Return an aligned, uninitialised array, which TensorFlow uses without a copy."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def _uses_the_range_of_bytes(X: np.ndarray, rows: np.ndarray) -> bool:
    """Return whether X is `uint8` and has a value above 127.

    Smaller values, such as masks of 0 and 1 or 16 levels of grey, would be too small after division
    by 255.
    """
    parts = _slices(len(rows), X.shape[1])
    return X.dtype == np.uint8 and any(X[rows[part]].max() > 127 for part in parts)


def _slices(n_rows: int, n_inputs: int) -> Iterator[slice]:
    yield from gen_batches(n_rows, max(1, _CHUNK // n_inputs))
