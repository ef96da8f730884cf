"""Prediction with the fitted network of a wrapper, in NumPy if possible and otherwise in Keras."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._network.plain_layers import PlainNetwork
from skdnn.wrappers import keras_prediction
from skdnn.wrappers.fitted_model import FittedModel
from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.structures import as_batch, take_rows

# Arguments of Keras's `predict` that prediction in NumPy supports.
_SUPPORTED = {"batch_size", "verbose", "callbacks"}


def predict(fitted: FittedModel, X: Any, args: dict[str, Any]) -> Any:
    """Return the outputs of a fitted network as an array or structure of arrays.

    Prediction in NumPy needs no TensorFlow. It works in a forked process, and a single row takes a
    small fraction of the time.

    Parameters
    ----------
    fitted : FittedModel
        The fitted network.
    X : array, sparse matrix, or structure of arrays
        Encoded samples.
    args : dict
        Arguments of Keras's `predict`.
    """
    if not args.get("callbacks") and args.keys() <= _SUPPORTED:
        found = fitted.in_numpy()
        if found is not None and _is_array(X) and found[0].takes(X.shape[1:], X.dtype):
            return _predict_in_numpy(*found, X, args)
    with fitted.reading() as (model, is_live):
        return keras_prediction.predict(model, X, args, may_print=is_live)


def _is_array(X: Any) -> bool:
    return isinstance(X, np.ndarray) or issparse(X)


def _predict_in_numpy(
    network: PlainNetwork, weights: list[np.ndarray], X: Any, args: dict[str, Any]
) -> np.ndarray:
    size, n_rows = keras_prediction.rows_per_batch(X, args), X.shape[0]
    starts = range(0, n_rows, size)
    is_silent = args.get("verbose", "auto") == 0
    batches: Iterable[int] = starts if is_silent else _with_progress_bar(starts, n_rows, args)
    parts = [
        network.forward(weights, as_batch(take_rows(X, slice(start, start + size))))
        for start in batches
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _with_progress_bar(batches: range, n_rows: int, args: dict[str, Any]) -> Iterator[int]:
    """Yield the starts of batches, and print the progress bar of Keras's `predict`."""
    verbose = args.get("verbose", "auto")
    step = args.get("batch_size") or 32  # Keras's batches, which its bar counts
    bar = keras.utils.Progbar(-(-n_rows // step), verbose=1 if verbose == "auto" else verbose)
    for start in batches:
        yield start
        stop = min(start + batches.step, n_rows)
        bar.update(-(-stop // step), finalize=stop == n_rows)
