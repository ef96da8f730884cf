"""One array, or a dict, tuple or list of arrays: one for each input of a network."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from skdnn.wrappers.scikeras_compat import keras


def is_structured(X: Any) -> bool:
    """Whether X is several inputs: a dict of arrays, or a tuple of arrays of rank 2 and above.

    A list is one input, because images may come as a list of arrays.
    """
    if isinstance(X, Mapping):
        return not issparse(X)  # scipy has a sparse matrix that is a dict
    return isinstance(X, tuple) and len(X) > 0 and all(getattr(x, "ndim", 0) >= 2 for x in X)


def inputs_of(X: Any) -> list[Any]:
    """Return the inputs that X is made of: itself, where it is one."""
    return list(X.values() if isinstance(X, Mapping) else X) if is_structured(X) else [X]


def map_inputs(function: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to each input of X; to X itself where it is one input."""
    first = structures[0]
    if not is_structured(first):
        return function(*structures)
    if isinstance(first, Mapping):
        return {key: function(*(s[key] for s in structures)) for key in first}
    return tuple(function(*parts) for parts in zip(*structures, strict=True))


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Take rows of X as a user gives it: list, array, DataFrame, sparse, or several inputs."""
    if is_structured(X):
        return map_inputs(lambda part: take_rows(part, rows), X)
    return _safe_indexing(X, rows)


def take(data: Any, rows: Any) -> Any:
    """Take some rows of an array, or of each array in a structure of them."""
    if isinstance(data, Mapping):
        return {key: take(value, rows) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)([take(value, rows) for value in data])
    return None if data is None else data[rows]


def count(data: Any) -> int:
    """Return the number of rows of an array, or of the arrays in a structure of them."""
    return int(next(_arrays(data)).shape[0])


def _arrays(data: Any) -> Iterator[Any]:
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list | tuple):
        for value in data:
            yield from _arrays(value)
    elif data is not None:
        yield data


def _map(function: Any, data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _map(function, value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return tuple(_map(function, value) for value in data)
    return None if data is None else function(data)


def _batch(array: Any) -> Any:
    """Turn the rows of a batch into what a layer takes: dense, and floats as Keras has them."""
    array = array.toarray() if issparse(array) else np.asarray(array)
    return array.astype(keras.config.floatx(), copy=False) if array.dtype.kind == "f" else array


def as_input(X: Any) -> Any:
    """Turn some rows of X into what a network can be called on."""
    batch = _map(_batch, X)
    return list(batch) if isinstance(batch, tuple) else batch
