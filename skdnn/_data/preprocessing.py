"""Conversion of rows to selected, imputed and scaled columns, the input of the network."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import issparse
from sklearn.utils import gen_batches

from skdnn._data.exact_integers import distances, origins
from skdnn._data.memory import ALIGNMENT, aligned, is_mapped
from skdnn._data.robust_scaling import LIMIT, Outlier, quantiles, spread_of
from skdnn._data.scaling import (
    Constants,
    Extent,
    check_range,
    dense_scale,
    exceeds_float32,
    extent_of,
)
from skdnn._data.sparse_scaling import sparse_scale

# Number of values that are processed at a time. It limits the additional memory of scaling.
_CHUNK = 2**20
_LEAST_SAMPLE = 32  # rows
_LEAST_QUARTILES = 1000  # rows


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
    scaling : {"auto", "standard", "minmax", "pixelwise", "robust"} or None
        See `DNNClassifier`.
    shape : tuple of int
        Shape of one sample.
    codes : sequence of int, default=()
        Positions in X of the columns that hold category codes.
    numbers : sequence of int or None, default=None
        Positions in X of the numeric columns that are used. None for all columns without codes.

    Attributes
    ----------
    offset, scale : ndarray of shape (n_numbers,) or (1,), float64, or None
        Numbers are scaled to (x - offset) * scale. None if numbers are not scaled.
    limit : ndarray of shape (n_numbers,), float64, or None
        Scaled numbers are clipped to [-limit, limit]. None if they are not clipped.
    origin : ndarray of shape (n_inputs,), int64 or uint64, or None
        Integers that are subtracted from X before anything else, because X has integers that are
        not exact as float64. None if there are no such integers.
    needs_float64 : bool
        Whether scaling in float32 would overflow.
    outliers : list of Outlier
        The most extreme value of each column that has values of a different order of magnitude.
    fill : ndarray of shape (n_numbers,), float64
        Values that replace missing numbers.
    numbers : ndarray of shape (n_numbers,), int
        Positions in X of the numeric columns.
    signed : ndarray of shape (n_indicators,), int
        Positions in X of the columns with missing numbers in training.
    """

    def __init__(
        self,
        scaling: str | None,
        shape: tuple[int, ...],
        codes: Sequence[int] = (),
        numbers: Sequence[int] | np.ndarray | None = None,
    ):
        self.scaling = scaling
        self.shape = shape
        self.codes = np.array(codes, int)
        if numbers is None:
            self.numbers = np.setdiff1d(np.arange(prod(shape)), self.codes)
        else:
            self.numbers = np.array(numbers, int)
        self.signed = np.empty(0, int)
        self.offset: np.ndarray | None = None
        self.scale: np.ndarray | None = None
        self.limit: np.ndarray | None = None
        self.origin: np.ndarray | None = None
        self.needs_float64 = False
        self.outliers: list[Outlier] = []

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
        if self.scaling is None or not len(self.numbers):
            return self
        if issparse(X):
            X = self._selected(X)
            size = max(1, _CHUNK * X.shape[0] // max(1, X.nnz))
            parts = [rows[part] for part in gen_batches(len(rows), size)]
            scale, self.limit, self.outliers = sparse_scale(self.scaling, X, parts, weight)
            self.offset, self.scale = scale
            self.outliers = [x._replace(position=self.numbers[x.position]) for x in self.outliers]
        else:
            self._fit_dense_scale(X, rows, weight)
        self.needs_float64 = exceeds_float32(self.offset, self.scale)
        return self

    def _fit_dense_scale(self, X: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> None:
        """Find the offset and the scale of an array, computed in batches of rows."""
        # The pixels of an image share one scale, because the scale of a pixel that is almost always
        # blank, such as at the border, would be very large.
        as_one = self.scaling == "auto" and len(self.shape) > 1
        if as_one and _uses_the_range_of_bytes(X, rows):
            self.offset, self.scale = np.zeros(1), np.full(1, 1 / 255)
            return
        parts = [rows[part] for part in _slices(len(rows), X.shape[1])]
        if not as_one:
            self.origin = origins(X, parts, self.codes)
        if self.origin is not None:
            self.fill -= self.origin[self.numbers].astype(np.float64)

        def batches() -> Iterable[tuple[np.ndarray, np.ndarray | None]]:
            for part in parts:
                x = self._numbers_of(self._exact(X[part]), missing=len(self.signed) > 0)
                x = x.reshape(-1, 1) if as_one else x
                yield x, None if weight is None else weight[part].repeat(len(x) // len(part))

        extent = extent_of(batches)
        check_range(extent, np.zeros(1, int) if as_one else self.numbers)
        self.offset, self.scale = dense_scale(str(self.scaling), batches, extent)
        if len(self.shape) == 1 or self.scaling == "robust":
            few = _evenly_spaced(rows, max(_LEAST_QUARTILES, _CHUNK // X.shape[1]))
            x = self._numbers_of(self._exact(X[few]), missing=len(self.signed) > 0)
            self._scale_robustly(x, None if weight is None else weight[few], extent)

    def _scale_robustly(self, x: np.ndarray, weight: np.ndarray | None, extent: Extent) -> None:
        """Find extreme values, and replace the offset and scale of the columns they spoil."""
        spread = spread_of(x, weight)
        self.outliers = spread.outliers(extent, self.numbers)
        chosen = spread.width > 0 if self.scaling == "robust" else spread.is_spoiled(extent)
        if self.scaling in ("auto", "robust") and chosen.any():
            assert self.offset is not None
            assert self.scale is not None
            self.offset = np.where(chosen, spread.center, self.offset)
            self.scale = np.where(chosen, 1 / np.where(chosen, spread.unit, 1), self.scale)
            self.limit = np.where(chosen, LIMIT, np.inf)

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
        self.fill[~misses] = quantiles(X[few][:, self.numbers[~misses]], w)[0]
        many = _evenly_spaced(rows, _CHUNK)
        for position in np.flatnonzero(misses):
            x = X[many, self.numbers[position]]
            known = ~np.isnan(x)
            if known.any():
                w = None if weight is None else weight[many][known]
                self.fill[position] = quantiles(x[known, np.newaxis], w)[0, 0]

    @property
    def selects(self) -> bool:
        """Whether some numeric columns of X are not used."""
        return len(self.numbers) + len(self.codes) < prod(self.shape)

    @property
    def sorts(self) -> bool:
        """Whether the columns of the output differ from those of X in number or order."""
        return len(self.signed) + len(self.codes) > 0 or self.selects

    @property
    def keeps_zeros(self) -> bool:
        """Whether preprocessing preserves zeros, so that sparse rows stay sparse."""
        is_mixed = len(self.signed) + len(self.codes) > 0
        return not is_mixed and (self.offset is None or not self.offset.any())

    @property
    def width(self) -> int:
        """Number of columns of the output."""
        return len(self.numbers) + len(self.signed) + len(self.codes)

    @property
    def constants(self) -> Constants:
        """The constants of all columns of the output."""
        offset, scale, limit, fill = self.offset, self.scale, self.limit, self.fill
        if self.origin is not None and offset is not None:
            origin = self.origin[self.numbers].astype(np.float64)
            offset, fill = offset + origin, fill + origin
        if not self.sorts or offset is None or scale is None:
            return Constants(offset, scale, limit, fill)
        n = len(self.numbers)
        rest = np.zeros(self.width - n)
        offset = np.append(np.broadcast_to(offset, n), rest)
        scale = np.append(np.broadcast_to(scale, n), rest + 1)
        limit = None if limit is None else np.append(limit, rest + np.inf)
        return Constants(offset, scale, limit, fill)

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
        work = np.result_type(X.dtype, dtype, np.float64 if self.needs_float64 else dtype)
        if issparse(X) and self.keeps_zeros:
            x = self._selected(X).astype(work, copy=True)
            if self.scale is not None:
                x.data *= self.scale[x.indices]
            if self.limit is not None:
                limit = self.limit[x.indices]
                x.data = np.clip(x.data, -limit, limit).astype(work)
            return x.astype(dtype, copy=False)
        x = self._exact(X.toarray() if issparse(X) else X).astype(work, copy=False)
        if missing or self.sorts:
            x = self._arranged(x, missing)
        elif self.offset is not None and self.scale is not None:
            x = self._scaled(x, out=aligned(x.shape, x.dtype))
        return x.astype(dtype, copy=False)

    def _selected(self, X: Any) -> Any:
        """Return the columns of a sparse matrix that are used."""
        return X[:, self.numbers] if X.shape[1] > len(self.numbers) else X

    def _exact(self, x: np.ndarray) -> np.ndarray:
        """Subtract the origin, if there is one."""
        return x if self.origin is None else distances(x, self.origin)

    def _scaled(self, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Return scaled and clipped numbers, written to `out`."""
        assert self.offset is not None
        assert self.scale is not None
        if self.offset.any():
            x = np.subtract(x, self.offset.astype(out.dtype), out=out)
        np.multiply(x, self.scale.astype(out.dtype), out=out)
        if self.limit is not None:
            limit = self.limit.astype(out.dtype)
            np.clip(out, -limit, limit, out=out)
        return out

    def _arranged(self, x: np.ndarray, missing: bool) -> np.ndarray:
        """Return scaled numbers, indicators of missing numbers, and codes, in this order."""
        n, n_indicators = len(self.numbers), len(self.signed)
        out = aligned((len(x), self.width), x.dtype)
        out[:, n : n + n_indicators] = np.isnan(x[:, self.signed]) if missing else 0
        out[:, n + n_indicators :] = x[:, self.codes]
        numbers = out[:, :n]
        numbers[:] = self._numbers_of(x, missing)
        if self.offset is not None and self.scale is not None:
            self._scaled(numbers, out=numbers)
        return out

    def _numbers_of(self, x: np.ndarray, missing: bool) -> np.ndarray:
        """Return the numeric columns, with missing numbers imputed."""
        if len(self.numbers) < x.shape[1]:
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
            # The columns are selected once, and not again for each batch.
            kept = self._selected(X) if self.keeps_zeros else X
            return lambda rows: self._prepared(kept[rows], dtype, False)
        missing = may_miss(X)
        in_place = X.dtype in (np.uint8, dtype) and not self.needs_float64
        if in_place and not missing and not self.sorts:
            return partial(self._fetch, X, np.dtype(dtype))
        if (in_place and not self.selects) or is_mapped(X):
            return lambda rows: self._prepared(_take(X, rows), dtype, missing)
        prepared = np.empty((len(X), self.width), dtype)
        for part in _slices(len(X), X.shape[1]):
            prepared[part] = self.apply(X[part], dtype, missing)
        return partial(_take, prepared)

    def _prepared(self, rows: Any, dtype: str, missing: bool) -> np.ndarray:
        """Return preprocessed rows as a dense array that is aligned in memory for TensorFlow."""
        x = self.apply(rows, dtype, missing)
        if not issparse(x) and x.ctypes.data % ALIGNMENT == 0:
            return np.asarray(x)
        out = aligned(x.shape, dtype)
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
        return self._scaled(x, out=x if x.dtype == dtype else aligned(x.shape, dtype))


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


def _take(X: np.ndarray, rows: np.ndarray) -> np.ndarray:
    out = aligned((len(rows), X.shape[1]), X.dtype)
    if X.flags.c_contiguous:
        # NumPy would use an additional buffer with mode "raise". `make_inputs` checks the indices.
        return np.take(X, rows, axis=0, out=out, mode="clip")
    out[:] = X[rows]  # `take` would copy all of X
    return out


def _uses_the_range_of_bytes(X: np.ndarray, rows: np.ndarray) -> bool:
    """Return whether X is `uint8` and has a value above 127.

    Smaller values, such as masks of 0 and 1 or 16 levels of grey, would be too small after division
    by 255.
    """
    parts = _slices(len(rows), X.shape[1])
    return X.dtype == np.uint8 and any(X[rows[part]].max() > 127 for part in parts)


def _slices(n_rows: int, n_inputs: int) -> Iterator[slice]:
    yield from gen_batches(n_rows, max(1, _CHUNK // n_inputs))
