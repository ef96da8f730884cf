"""Data of a network: one array, or a dict, list or tuple of arrays.

Functions on *inputs* take X as a user passes it, where a list may be one input. Functions on
*arrays* take what encoders return: each list, tuple or dict is a structure.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._utils.sklearn_compat import safe_indexing
from skdnn.wrappers.scikeras_compat import keras

# ------------------------------------------------------------------------------------- inputs


def is_structured(X: Any) -> bool:
    """Return whether X is several inputs: a dict of arrays, or a tuple of arrays of rank 2 or more.

    A list is one input, because images may be passed as a list of arrays.
    """
    if isinstance(X, Mapping):
        return not issparse(X)  # SciPy has a sparse matrix that is a dict
    return isinstance(X, tuple) and len(X) > 0 and all(getattr(x, "ndim", 0) >= 2 for x in X)


def inputs_of(X: Any) -> list[Any]:
    """Return the inputs of X as a list, of length 1 where X is one input."""
    return list(X.values() if isinstance(X, Mapping) else X) if is_structured(X) else [X]


def map_inputs(function: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to each input of one or more structures that are alike."""
    first = structures[0]
    if not is_structured(first):
        return function(*structures)
    if isinstance(first, Mapping):
        return {key: function(*(s[key] for s in structures)) for key in first}
    return tuple(function(*parts) for parts in zip(*structures, strict=True))


def take_input_rows(X: Any, rows: np.ndarray) -> Any:
    """Take rows of X as a user passes it: list, array, DataFrame, sparse, or several inputs."""
    return map_inputs(lambda part: safe_indexing(part, rows), X)


# ------------------------------------------------------------------------------------- arrays


def arrays_of(data: Any) -> Iterator[Any]:
    """Yield the arrays of a structure, without the parts that are None."""
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list | tuple):
        for value in data:
            yield from arrays_of(value)
    elif data is not None:
        yield data


def map_arrays(function: Callable[[Any], Any], data: Any) -> Any:
    """Apply a function to each array of a structure; lists become tuples, None stays."""
    if isinstance(data, Mapping):
        return {key: map_arrays(function, value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return tuple(map_arrays(function, value) for value in data)
    return None if data is None else function(data)


def count_rows(data: Any) -> int:
    """Return the number of rows of the arrays in a structure."""
    return int(next(arrays_of(data)).shape[0])


def take_rows(data: Any, rows: np.ndarray | slice) -> Any:
    """Take rows of each array in a structure, which keeps its type."""
    if isinstance(data, Mapping):
        return {key: take_rows(value, rows) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)([take_rows(value, rows) for value in data])
    return None if data is None else data[rows]


def has_sparse(data: Any) -> bool:
    """Return whether an array of a structure is sparse."""
    return any(map(issparse, arrays_of(data)))


def to_dense(data: Any) -> Any:
    """Convert the sparse arrays of a structure to dense ones."""
    return map_arrays(lambda array: array.toarray() if issparse(array) else array, data)


def as_batch(data: Any) -> Any:
    """Convert rows to what layers take: dense arrays, with floats in Keras's float type."""
    return map_arrays(_as_batch, data)


def _as_batch(array: Any) -> np.ndarray:
    dense: np.ndarray = array.toarray() if issparse(array) else np.asarray(array)
    return dense.astype(keras.config.floatx(), copy=False) if dense.dtype.kind == "f" else dense


def as_model_input(X: Any) -> Any:
    """Convert rows of X to what a model can be called on: several inputs are a list or a dict."""
    batch = as_batch(X)
    return list(batch) if isinstance(batch, tuple) else batch
