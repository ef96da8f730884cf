"""Data in chunks, for data larger than memory because one chunk is loaded at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from math import prod
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils.multiclass import type_of_target

from skdnn._data.categories import union
from skdnn._data.read_target import read_target

# Maximum number of rows and of values, and minimum number of rows, of the sample on which
# preprocessing is fitted.
_SAMPLE = 100_000
_SAMPLE_VALUES = 2**24
_LEAST_SAMPLE = 1_000


class Chunk(NamedTuple):
    """Some rows of X, with the corresponding y and sample weights."""

    X: Any
    y: Any
    sample_weight: Any = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0] if hasattr(self.X, "shape") else len(self.X))

    def take(self, rows: np.ndarray) -> "Chunk":
        """Return a chunk with the rows of the given indices."""
        return Chunk(*(None if part is None else _take(part, rows) for part in self))


class Chunks:
    """An iterable of chunks that validates each chunk.

    Parameters
    ----------
    source : iterable or callable
        Iterable of tuples (X, y) or (X, y, sample_weight), or a function that returns a new
        iterable of such tuples.
    owner : str
        The estimator's name, for errors.

    Attributes
    ----------
    n_chunks : int
        Number of chunks. 0 before the first complete iteration.
    """

    def __init__(self, source: Iterable[Any] | Callable[[], Iterable[Any]], owner: str):
        self.source = source
        self.owner = owner
        self.n_chunks = 0

    def __iter__(self) -> Iterator[Chunk]:
        n_chunks = 0
        for chunk in self.source() if callable(self.source) else self.source:
            if not isinstance(chunk, tuple) or len(chunk) not in (2, 3):
                raise TypeError(
                    f"Chunks for {self.owner} must be tuples (X, y) or (X, y, sample_weight). Got "
                    f"{type(chunk).__name__}."
                )
            n_chunks += 1
            yield Chunk(*chunk)
        if not n_chunks:
            raise ValueError(
                f"{self.owner} was given no chunk. An iterator can be iterated only once: pass a "
                "list, or a function that returns a new iterator each time."
            )
        if n_chunks != (self.n_chunks or n_chunks):
            raise ValueError(
                f"{self.owner} was given {self.n_chunks} chunks the first time, and then "
                f"{n_chunks}: pass the same number of chunks each time."
            )
        self.n_chunks = n_chunks

    def check_repeatable(self) -> None:
        """Raise an error if the source is an iterator, because `fit` iterates once per epoch."""
        if hasattr(self.source, "__next__"):
            raise TypeError(
                f"{self.owner}.fit iterates the chunks once for each epoch, but an iterator such "
                "as a generator is then used up: pass the function that makes it, or an object "
                "with __iter__."
            )

    def check_weights(self, sample_weight: Any) -> None:
        """Raise an error if sample weights were passed separately from the chunks."""
        if sample_weight is not None:
            raise ValueError(
                f"{self.owner} was given X in chunks, and sample_weight separately: pass chunks "
                "(X, y, sample_weight)."
            )

    def sample(self, rng: np.random.Generator, is_classifier: bool) -> tuple[Chunk, Any]:
        """Return a uniform random sample of the rows of all chunks, and all class labels.

        Each row is assigned a random number. The sample consists of the rows with the smallest
        numbers.

        Parameters
        ----------
        rng : numpy.random.Generator
            Random number generator.
        is_classifier : bool
            Whether y holds class labels.

        Returns
        -------
        sample : Chunk
            The sample. The maximum number of rows is 2**24 divided by the number of values in one
            row, clipped to [1,000, 100,000]. If there are fewer rows, the sample is all rows.
        labels : ndarray or None
            The sorted class labels. None if y holds regression targets or is multilabel.
        """
        sample, keys, labels = None, np.empty(0), None
        for chunk in self:
            y: Any = read_target(chunk.y, self.owner) if is_classifier else None
            if is_classifier and type_of_target(y) != "multilabel-indicator":
                own = np.unique(y)
                labels = own if labels is None else union(labels, own)
            n_values = prod(getattr(chunk.X, "shape", np.shape(chunk.X))[1:])
            most = max(_LEAST_SAMPLE, min(_SAMPLE, _SAMPLE_VALUES // max(1, n_values)))
            keys = np.concatenate([keys, rng.random(chunk.n_rows)])
            kept = np.sort(np.argsort(keys)[:most])
            n_before = 0 if sample is None else sample.n_rows
            new = chunk.take(kept[kept >= n_before] - n_before)
            if sample is None:
                sample = new
            elif new.n_rows:
                sample = _joined(sample.take(kept[kept < n_before]), new)
            keys = keys[kept]
        assert sample is not None  # without any chunk, the iteration has raised an error
        return sample, labels


def as_chunks(X: Any, y: Any, owner: str) -> Chunks | None:
    """Return `Chunks` if X is an iterable of chunks, or None if X is an array or table."""
    if y is not None or hasattr(X, "shape") or hasattr(X, "__array__"):
        return None
    if isinstance(X, Sequence) and not (len(X) and isinstance(X[0], tuple) and len(X[0]) in (2, 3)):
        return None
    return Chunks(X, owner) if callable(X) or isinstance(X, Iterable) else None


def _take(data: Any, rows: np.ndarray) -> Any:
    """Return the rows of an array, a sparse matrix, a table or a list with the given indices."""
    if hasattr(data, "iloc"):  # pandas
        return data.iloc[rows]
    if type(data).__module__.partition(".")[0] == "pyarrow":
        return data.take(rows)
    return data[rows] if hasattr(data, "shape") else [data[row] for row in rows]


def _joined(first: Chunk, second: Chunk) -> Chunk:
    if (first.sample_weight is None) != (second.sample_weight is None):
        raise ValueError("Either all chunks must have a sample_weight, or none of them.")
    pairs = zip(first, second, strict=True)
    return Chunk(*(None if a is None else _stack([a, b]) for a, b in pairs))


def _stack(parts: list[Any]) -> Any:
    """Concatenate arrays, sparse matrices or tables of the same library."""
    if issparse(parts[0]):
        return vstack(parts, format="csr")
    package = type(parts[0]).__module__.partition(".")[0]
    if package == "pandas":
        return _stack_of_pandas(parts)
    # The dtype of a column may differ between chunks: integers, floats or nulls.
    if package == "polars":
        relaxed = {"how": "vertical_relaxed"} if hasattr(parts[0], "columns") else {}
        return import_module(package).concat(parts, **relaxed)
    if package == "pyarrow" and hasattr(parts[0], "columns"):
        return import_module(package).concat_tables(parts, promote_options="permissive")
    return np.concatenate(parts)


def _stack_of_pandas(parts: list[Any]) -> Any:
    pandas: Any = import_module("pandas")
    if hasattr(parts[0], "columns"):
        names = [name for name in parts[0].columns if name in parts[1].columns]
        for name in names:
            one, other = (part[name].dtype for part in parts)
            # If their categories differed, the concatenated columns would not be categorical.
            if one != other and {one.name, other.name} == {"category"}:
                kind = pandas.CategoricalDtype(one.categories.union(other.categories, sort=False))
                parts = [part.astype({name: kind}) for part in parts]
    return pandas.concat(parts)
