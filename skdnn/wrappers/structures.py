"""Functions on the data of a network, which are one array or a dict, list or tuple of arrays.

Functions on *inputs* take X as passed by the user, in which a list is one input. Functions on
*arrays* take the data returned by encoders, in which each list, tuple or dict is a structure of
arrays. A structure may be nested, and a single array is a structure, too.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._utils.sklearn_compat import safe_indexing
from skdnn.wrappers.scikeras_compat import keras

# ------------------------------------------------------------------------------------- inputs


def is_structured(X: Any) -> bool:
    """Return whether X consists of several inputs.

    A dict of arrays is several inputs. A tuple of arrays is several inputs if each array has at
    least two dimensions. A list is one input, because images may be passed as a list of arrays.
    """
    if isinstance(X, Mapping):
        return not issparse(X)  # SciPy has a sparse matrix class that is a dict
    return isinstance(X, tuple) and len(X) > 0 and all(getattr(x, "ndim", 0) >= 2 for x in X)


def inputs_of(X: Any) -> list[Any]:
    """Return the inputs of X as a list, which has length 1 if X is one input."""
    return list(X.values() if isinstance(X, Mapping) else X) if is_structured(X) else [X]


def map_inputs(function: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to each input of one or more structures with the same keys or length."""
    first = structures[0]
    if not is_structured(first):
        return function(*structures)
    if isinstance(first, Mapping):
        return {key: function(*(s[key] for s in structures)) for key in first}
    return tuple(function(*parts) for parts in zip(*structures, strict=True))


def take_input_rows(X: Any, rows: np.ndarray) -> Any:
    """Return the given rows of X, as passed by the user.

    X may be a list, an array, a DataFrame, a sparse matrix, or several inputs.
    """
    return map_inputs(lambda part: safe_indexing(part, rows), X)


# ------------------------------------------------------------------------------------- arrays


def arrays_of(data: Any) -> Iterator[Any]:
    """Yield the arrays of a structure, and skip None."""
    if isinstance(data, Mapping):
        data = list(data.values())
    if isinstance(data, list | tuple):
        for value in data:
            yield from arrays_of(value)
    elif data is not None:
        yield data


def map_arrays(function: Callable[[Any], Any], data: Any) -> Any:
    """Apply a function to each array of a structure.

    Lists are converted to tuples. None is returned unchanged.
    """
    if isinstance(data, Mapping):
        return {key: map_arrays(function, value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return tuple(map_arrays(function, value) for value in data)
    return None if data is None else function(data)


def count_rows(data: Any) -> int:
    """Return the number of rows of the arrays in a structure."""
    return int(next(arrays_of(data)).shape[0])


def take_rows(data: Any, rows: np.ndarray | slice) -> Any:
    """Return a structure of the same type with the given rows of each array."""
    if isinstance(data, Mapping):
        return {key: take_rows(value, rows) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)([take_rows(value, rows) for value in data])
    return None if data is None else data[rows]


def has_sparse(data: Any) -> bool:
    """Return whether a structure contains a sparse matrix."""
    return any(map(issparse, arrays_of(data)))


def to_dense(data: Any) -> Any:
    """Convert the sparse matrices of a structure to dense arrays."""
    return map_arrays(lambda array: array.toarray() if issparse(array) else array, data)


def as_batch(data: Any) -> Any:
    """Convert the arrays of a structure to dense arrays, with floats in Keras's float type."""
    return map_arrays(_as_batch, data)


def has_text(data: Any) -> bool:
    """Return whether a structure contains an array of text."""
    return any(map(is_text, arrays_of(data)))


def is_text(array: Any) -> bool:
    """Return whether an array holds text, which is stored as objects."""
    return isinstance(array, np.ndarray) and array.dtype.kind == "O"


def _as_batch(array: Any) -> Any:
    if is_text(array):
        return keras.ops.convert_to_tensor(array, dtype="string")
    dense: np.ndarray = array.toarray() if issparse(array) else np.asarray(array)
    return dense.astype(keras.config.floatx(), copy=False) if dense.dtype.kind == "f" else dense


def as_model_input(X: Any) -> Any:
    """Convert rows of X to the input of a model call.

    Several inputs are converted to a list or a dict of dense arrays.
    """
    batch = as_batch(X)
    return list(batch) if isinstance(batch, tuple) else batch
