"""Data in chunks, larger than memory: gone over once an epoch, with no more held than one chunk."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from math import prod
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse, vstack
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _num_samples

# What is learned before training is learned from this many rows, or values in them.
_SAMPLE = 100_000
_SAMPLE_VALUES = 2**24
_LEAST_SAMPLE = 1_000


class Chunk(NamedTuple):
    """Some rows."""

    X: Any
    y: Any
    sample_weight: Any = None

    @property
    def n_rows(self) -> int:
        return int(_num_samples(self.X))

    def take(self, rows: np.ndarray) -> "Chunk":
        """Return some of them."""
        return Chunk(*(None if part is None else _safe_indexing(part, rows) for part in self))


class Chunks:
    """Rows that come in chunks.

    Parameters
    ----------
    source : iterable or callable
        Of tuples (X, y) or (X, y, sample_weight); or a function that returns such an iterable anew.
    owner : str
        The estimator's name, for errors.
    """

    def __init__(self, source: Iterable | Callable[[], Iterable], owner: str):
        self.source = source
        self.owner = owner
        self.n_chunks = 0  # until they were gone over

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
                f"{self.owner} was given no chunk. An iterator can be gone over only once: pass a "
                "list, or a function that returns a new one each time."
            )
        if n_chunks != (self.n_chunks or n_chunks):
            raise ValueError(
                f"{self.owner} was given {self.n_chunks} chunks the first time, and then "
                f"{n_chunks}: bring as many each time."
            )
        self.n_chunks = n_chunks

    def check_lasts(self) -> None:
        """Refuse what can be gone over only once: `fit` does so once more than there are epochs."""
        if hasattr(self.source, "__next__"):
            raise TypeError(
                f"{self.owner}.fit goes over the chunks once for each epoch, and an iterator such "
                "as a generator is then used up: pass the function that makes it, or an object "
                "with __iter__."
            )

    def check_weights(self, sample_weight: Any) -> None:
        """Refuse weights that do not come with the rows."""
        if sample_weight is not None:
            raise ValueError(
                f"{self.owner} was given X in chunks, and sample_weight apart from them: pass "
                "chunks (X, y, sample_weight)."
            )

    def look(self, rng: np.random.Generator, is_classifier: bool) -> tuple[Chunk, Any]:
        """Draw rows evenly from all chunks, and find all labels.

        Each row gets a random number, and those with the least are kept.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws.
        is_classifier : bool
            Whether y has labels.

        Returns
        -------
        sample : Chunk
            100,000 rows; fewer where they have many values, or there are fewer.
        labels : ndarray or None
            None for quantities, and for several labels a row.
        """
        sample, keys, labels = None, np.empty(0), None
        for chunk in self:
            if is_classifier and type_of_target(chunk.y) != "multilabel-indicator":
                own = np.unique(np.asarray(chunk.y))
                labels = own if labels is None else np.union1d(labels, own)
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
        assert sample is not None  # without any chunk, going over them has raised
        return sample, labels

    def train(
        self, estimator: Any, given: Any, n_epochs: int, report: Any
    ) -> tuple[Any, dict[str, list[float]]]:
        """Train an estimator that has begun, epoch by epoch, on one chunk after the other.

        Parameters
        ----------
        estimator : BaseDNN
            In the end it is as it was.
        given : ValidationData
            What to validate on.
        n_epochs : int
            The most that there are.
        report : ReportList
            Is told, and may stop.

        Returns
        -------
        state : State
            Where training stopped.
        history : dict of list of float
            Means over the rows of all chunks; of the rows to validate on, as they are at the end.
        """
        history: dict[str, list[float]] = {}
        n_chunks = self.n_chunks or sum(1 for _ in self)
        before = estimator._state, estimator.history_, estimator.n_iter_
        training = _Training(estimator)
        for epoch in range(1, n_epochs + 1):
            report.epoch_begins(epoch, n_chunks)
            told, n_rows = [], []
            for number, chunk in enumerate(self, start=1):
                last = given if number == n_chunks else type(given)()
                estimator.history_, estimator.n_iter_ = {}, 0
                estimator._train(*chunk, resume=True, part=last)
                told.append({name: values[-1] for name, values in estimator.history_.items()})
                n_rows.append(chunk.n_rows)
                report.steps_done(1)
            logs = {
                name: value
                if name.startswith("val_")
                else float(np.average([part[name] for part in told], weights=n_rows))
                for name, value in told[-1].items()
            }
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            if report.epoch_ends(logs, training):
                break
        state = estimator._state
        estimator._state, estimator.history_, estimator.n_iter_ = before
        return state, history


class _Training:
    """What early stopping asks for between two epochs."""

    def __init__(self, estimator: Any):
        self.estimator = estimator

    def read(self) -> Any:
        return self.estimator._state


def as_chunks(X: Any, y: Any, owner: str) -> Chunks | None:
    """Return `Chunks` where X is such, and None where it is data."""
    if y is not None or hasattr(X, "shape") or hasattr(X, "__array__"):
        return None
    if isinstance(X, Sequence) and not (len(X) and isinstance(X[0], tuple) and len(X[0]) in (2, 3)):
        return None
    return Chunks(X, owner) if callable(X) or isinstance(X, Iterable) else None


def _joined(first: Chunk, second: Chunk) -> Chunk:
    if (first.sample_weight is None) != (second.sample_weight is None):
        raise ValueError("Either all chunks have a sample_weight, or none has.")
    pairs = zip(first, second, strict=True)
    return Chunk(*(None if a is None else _stack([a, b]) for a, b in pairs))


def _stack(parts: list[Any]) -> Any:
    if issparse(parts[0]):
        return vstack(parts, format="csr")
    package = type(parts[0]).__module__.partition(".")[0]
    if package == "pandas":
        return _stack_of_pandas(parts)
    # A column may be of integers, floats or nothing in one chunk or another.
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
            # Of other categories than the chunk before: put together, they would be what they name.
            if one != other and {one.name, other.name} == {"category"}:
                kind = pandas.CategoricalDtype(one.categories.union(other.categories, sort=False))
                parts = [part.astype({name: kind}) for part in parts]
    return pandas.concat(parts)
