"""Arrays of any rank -> rows of numbers on a scale that networks like."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from mmap import mmap
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs import min_max_axis

# Values looked at together: bounds the memory that scaling takes beside the data.
_CHUNK = 2**20
_LEAST_SAMPLE = 32
_ALIGNMENT = 64  # bytes
# Share of the range of all values that is added to each pixel's standard deviation: else those at
# the rim of images, nearly always blank, would be blown up.
_DAMPING = 0.05


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
    """What is done to rows on their way into the network, learned from training rows.

    Missing numbers (NaN) become the median of their column, a column of zeros and ones tells
    where numbers were missing, if any were in training, and numbers are scaled. Codes of
    categories go through as they are.

    Parameters
    ----------
    scaling : {"auto", "standard", "minmax", "pixelwise"} or None
        See `DNNClassifier`.
    shape : tuple of int
        Shape of one sample.
    codes : sequence of int, default=()
        Positions of columns that hold codes of categories.

    Attributes
    ----------
    offset, scale : ndarray of shape (n_numbers,) or (1,), float64, or None
        The network is given (x - offset) * scale; None where it is given x.
    fill : ndarray of shape (n_numbers,), float64
        What missing numbers become.
    signed : ndarray of shape (n_signs,), int
        Positions of the columns with missing numbers in training.
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
        """Learn from some rows of X, shape (n_samples, n_inputs), an array or a CSR matrix."""
        self._learn_fill(X, rows, weight)
        if self.scaling is None or not len(self.numbers):
            return self
        if issparse(X):
            self._learn_scale_of_sparse(X, rows, weight)
            return self
        # The pixels of an image share one scale: apart, those at its rim, nearly always blank,
        # would be blown up.
        as_one = self.scaling == "auto" and len(self.shape) > 1
        least, greatest = np.inf, -np.inf
        if as_one and _uses_the_range_of_bytes(X, rows):
            self.offset, self.scale = np.zeros(1), np.full(1, 1 / 255)
            return self
        scaler = MinMaxScaler() if self.scaling == "minmax" else StandardScaler()
        for part in _slices(len(rows), X.shape[1]):
            chunk = rows[part]
            x = self._numbers_of(X[chunk], missing=len(self.signed) > 0)
            x = x.reshape(-1, 1) if as_one else x
            if self.scaling == "pixelwise":
                least, greatest = min(least, x.min()), max(greatest, x.max())
            if self.scaling == "minmax":
                scaler.partial_fit(x)
                continue
            w = None if weight is None else weight[chunk].repeat(x.shape[0] // len(chunk))
            scaler.partial_fit(x, sample_weight=w)
        if self.scaling == "minmax":
            self.offset, self.scale = scaler.data_min_, scaler.scale_
        elif self.scaling == "pixelwise":
            spread = np.sqrt(scaler.var_) + _DAMPING * (float(greatest) - float(least))
            self.offset, self.scale = scaler.mean_, 1 / np.where(spread > 0, spread, 1)
        else:
            self.offset, self.scale = scaler.mean_, 1 / scaler.scale_
        return self

    def _learn_fill(self, X: Any, rows: np.ndarray, weight: np.ndarray | None) -> None:
        """Find the columns with missing numbers, and the medians of all."""
        self.fill = np.zeros(len(self.numbers))
        if issparse(X) or not len(self.numbers):
            return  # nothing is missing there, and most of it is zero
        gaps = np.zeros(len(self.numbers), bool)
        if may_miss(X):
            for part in _slices(len(rows), X.shape[1]):
                gaps |= np.isnan(X[rows[part]][:, self.numbers]).any(axis=0)
        self.signed = self.numbers[gaps]
        # Those without a gap need one only if numbers are missing later: a sample will do.
        few = _spread(rows, max(_LEAST_SAMPLE, _CHUNK // X.shape[1]))
        w = None if weight is None else weight[few]
        self.fill[~gaps] = _medians(X[few][:, self.numbers[~gaps]], w)
        many = _spread(rows, _CHUNK)
        for position in np.flatnonzero(gaps):
            x = X[many, self.numbers[position]]
            known = ~np.isnan(x)
            if known.any():
                w = None if weight is None else weight[many][known]
                self.fill[position] = _medians(x[known, np.newaxis], w)[0]

    def _learn_scale_of_sparse(self, X: Any, rows: np.ndarray, weight: np.ndarray | None) -> None:
        size = max(1, _CHUNK * X.shape[0] // max(1, X.nnz))
        parts = [rows[part] for part in gen_batches(len(rows), size)]
        scaler: Any
        if self.scaling == "minmax":
            # Of the rows of least and greatest values: scikit-learn's own takes no sparse ones.
            ranges = np.array([min_max_axis(X[part], axis=0) for part in parts])
            scaler = MinMaxScaler().fit([ranges[:, 0].min(axis=0), ranges[:, 1].max(axis=0)])
            self.offset, self.scale = scaler.data_min_, scaler.scale_
        elif self.scaling == "standard":
            scaler = StandardScaler(with_mean=False)
            for part in parts:
                scaler.partial_fit(X[part], sample_weight=None if weight is None else weight[part])
            self.offset, self.scale = scaler.mean_, 1 / scaler.scale_
        else:  # zeros stay zeros
            scaler = MaxAbsScaler()
            for part in parts:
                scaler.partial_fit(X[part])
            self.offset, self.scale = np.zeros(X.shape[1]), 1 / scaler.scale_

    @property
    def sorts(self) -> bool:
        """Whether the network is given other columns than come, or in another order."""
        return len(self.signed) + len(self.codes) > 0

    @property
    def keeps_zeros(self) -> bool:
        """Whether zeros stay zeros, so that what is sparse stays sparse."""
        return not self.sorts and (self.offset is None or not self.offset.any())

    @property
    def width(self) -> int:
        """Number of values in a row that the network is given."""
        return len(self.numbers) + len(self.signed) + len(self.codes)

    @property
    def constants(self) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray]:
        """Offset and scale of the columns that the network is given, and `fill`."""
        if not self.sorts or self.offset is None or self.scale is None:
            return self.offset, self.scale, self.fill
        n = len(self.numbers)
        rest = self.width - n
        offset = np.append(np.broadcast_to(self.offset, n), np.zeros(rest))
        return offset, np.append(np.broadcast_to(self.scale, n), np.ones(rest)), self.fill

    def apply(self, X: Any, dtype: npt.DTypeLike, missing: bool = False) -> Any:
        """Prepare rows; in float64, for what is not in `dtype` or narrower anyway.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows. They come back as a CSR matrix if zeros stay zeros, else as an array.
        dtype : dtype
            Of the result.
        missing : bool, default=False
            Whether any number may be NaN.
        """
        work = np.result_type(X.dtype, dtype)
        if issparse(X) and self.keeps_zeros:
            x = X.astype(work, copy=True)
            if self.scale is not None:
                x.data *= self.scale[x.indices]
            return x.astype(dtype, copy=False)
        x = (X.toarray() if issparse(X) else X).astype(work, copy=False)
        if missing or self.sorts:
            x = self._sorted(x, missing)
        elif self.offset is not None and self.scale is not None:
            x = np.subtract(x, self.offset.astype(work), out=_aligned(x.shape, work))
            x *= self.scale.astype(work)
        return x.astype(dtype, copy=False)

    def _sorted(self, x: np.ndarray, missing: bool) -> np.ndarray:
        """Return scaled numbers, signs of missing ones, and codes, side by side."""
        n, n_signs = len(self.numbers), len(self.signed)
        out = _aligned((len(x), self.width), x.dtype)
        out[:, n : n + n_signs] = np.isnan(x[:, self.signed]) if missing else 0
        out[:, n + n_signs :] = x[:, self.codes]
        numbers = out[:, :n]
        numbers[:] = self._numbers_of(x, missing)
        if self.offset is not None and self.scale is not None:
            numbers -= self.offset.astype(x.dtype)
            numbers *= self.scale.astype(x.dtype)
        return out

    def _numbers_of(self, x: np.ndarray, missing: bool) -> np.ndarray:
        """Return the numbers, with missing ones filled in."""
        if len(self.codes):
            x = x[:, self.numbers]
        return np.where(np.isnan(x), self.fill.astype(x.dtype), x) if missing else x

    def fetch_from(self, X: Any, dtype: str) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function that gives rows of X, prepared and in `dtype`, by their numbers.

        What is `uint8` or `dtype` already is read where it is, and prepared as it is read; so is
        what is sparse or on disk. All else is prepared once, in one pass.
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

    def _prepared(self, x: Any, dtype: str, missing: bool) -> np.ndarray:
        x = self.apply(x, dtype, missing)
        if issparse(x):
            return x.toarray(out=_aligned(x.shape, dtype))
        if x.ctypes.data % _ALIGNMENT:
            x, out = _aligned(x.shape, dtype), x
            x[:] = out
        return x

    def _fetch(self, X: np.ndarray, dtype: np.dtype, rows: np.ndarray) -> np.ndarray:
        x = _take(X, rows)
        if self.offset is None or self.scale is None:
            return x.astype(dtype, copy=False)
        # In place where it can be: rows are fetched in every epoch.
        out = x if x.dtype == dtype else _aligned(x.shape, dtype)
        if self.offset.any():
            x = np.subtract(x, self.offset.astype(dtype), out=out)
        return np.multiply(x, self.scale.astype(dtype), out=out)


def may_miss(X: Any) -> bool:
    """Whether any value may be NaN; more quickly than to look which."""
    if X.dtype.kind != "f":
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return not np.isfinite(X.sum(dtype=np.result_type(X.dtype, np.float32)))


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    """Return rows evenly spaced among those given, all of them if they are no more than `most`."""
    return rows[:: -(-len(rows) // most)]


def _medians(x: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
    """Return the median of each column; with weights as if rows came so often."""
    if weight is None:
        return np.median(x, axis=0)
    order = np.argsort(x, axis=0)
    below = np.cumsum(weight[order], axis=0)
    # Between two values that share the middle, up to the rounding of sums.
    middle = [(below < below[-1] * share).sum(axis=0) for share in (0.5 - 1e-9, 0.5 + 1e-9)]
    both = np.take_along_axis(np.take_along_axis(x, order, axis=0), np.array(middle), axis=0)
    return both.mean(axis=0)


def _is_mapped(X: np.ndarray | None) -> bool:
    """Whether an array is a view of a file."""
    while isinstance(X, np.ndarray):
        if isinstance(X, np.memmap):
            return True
        X = X.base
    return isinstance(X, mmap)


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
