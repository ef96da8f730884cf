"""Prediction with a Keras model, by calls of the model or with Keras's `predict`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skdnn._utils.overrides import overrides
from skdnn.wrappers.keras_batches import Batches
from skdnn.wrappers.retracing_advice import no_retracing_advice
from skdnn.wrappers.scikeras_compat import as_array, keras
from skdnn.wrappers.structures import (
    arrays_of,
    as_model_input,
    count_rows,
    has_sparse,
    has_text,
    map_arrays,
    take_rows,
)

# Number of input values per prediction batch if the user sets no batch size. The number bounds the
# memory of the layers.
_VALUES_PER_PREDICTION = 2**18


def predict(
    model: keras.Model, X: Any, predict_args: dict[str, Any], *, may_print: bool = True
) -> Any:
    """Return the outputs of a model as an array or structure of arrays with a row per sample.

    Each call of Keras's `predict` has an overhead of about 40 ms. The model is therefore called
    directly on each batch if nothing is printed and no callbacks or user-defined prediction methods
    are involved, because the result is then the same.

    Parameters
    ----------
    model : keras.Model
        The Keras model.
    X : array, sparse matrix, or structure of arrays
        Encoded samples.
    predict_args : dict
        Arguments of Keras's `predict`.
    may_print : bool, default=True
        Whether Keras's `predict` may be called, which prints and calls callbacks.
    """
    n_rows = count_rows(X)
    size = rows_per_batch(X, predict_args)
    if may_print and not _can_call_instead(model, predict_args):
        args = dict(predict_args)
        if has_sparse(X) or has_text(X):
            args.pop("batch_size", None)
            X = Batches((X,), size, 0)
        with no_retracing_advice():
            return model.predict(x=X, **args)
    batches = (take_rows(X, slice(start, start + size)) for start in range(0, n_rows, size))
    return _concatenated([_call(model, as_model_input(batch)) for batch in batches])


def rows_per_batch(X: Any, args: dict[str, Any]) -> int:
    """Return the number of rows to predict at a time, which bounds the memory of the layers."""
    n_values = sum(int(np.prod(array.shape[1:])) for array in arrays_of(X))
    return int(args.get("batch_size") or max(32, _VALUES_PER_PREDICTION // max(1, n_values)))


def has_own_prediction(model: keras.Model) -> bool:
    """Return whether the class of a model overrides how Keras predicts."""
    return overrides(model, keras.Model, "predict", "predict_step", "make_predict_function")


def _can_call_instead(model: keras.Model, args: dict[str, Any]) -> bool:
    if args.get("callbacks") or not args.keys() <= {"batch_size", "verbose", "callbacks"}:
        return False
    return args.get("verbose", "auto") == 0 and not has_own_prediction(model)


def _call(model: keras.Model, batch: Any) -> Any:
    if keras.backend.backend() == "tensorflow":
        if overrides(model, keras.Model, "predict_step"):
            return map_arrays(as_array, model.predict_step((batch,)))
        return map_arrays(as_array, model(batch, training=False))
    return model.predict_on_batch(batch)


def _concatenated(parts: list[Any]) -> Any:
    first = parts[0]
    if isinstance(first, Mapping):
        return {key: _concatenated([part[key] for part in parts]) for key in first}
    if isinstance(first, list | tuple):
        return [_concatenated([part[i] for part in parts]) for i in range(len(first))]
    return np.concatenate(parts)
