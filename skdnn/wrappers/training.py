"""Training of a compiled Keras model, in the compiled loop of skdnn or with Keras's `fit`."""

import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from skdnn._utils.overrides import overrides
from skdnn.wrappers.divergence import RequireFiniteLoss, advice_on_divergence, check_finite
from skdnn.wrappers.keras_batches import Batches, StartEpochs, order_of_rows
from skdnn.wrappers.retracing_advice import no_retracing_advice
from skdnn.wrappers.scikeras_compat import keras, metric_name
from skdnn.wrappers.seeding import torch_generator_restored
from skdnn.wrappers.structures import (
    arrays_of,
    as_batch,
    count_rows,
    has_sparse,
    has_text,
    map_arrays,
    take_rows,
    to_dense,
)

if TYPE_CHECKING:
    from skdnn._training.keras_fit import RowSource

_LOG = logging.getLogger(__name__)
History = dict[str, list[float]]

# Arguments of `fit` that Keras supports for arrays only, and not for batches.
_ONLY_FOR_ARRAYS = {"steps_per_epoch", "class_weight"}
# Arguments of `fit` that select rows and batches.
_OF_ROWS = {
    "batch_size",
    "shuffle",
    "validation_batch_size",
    "validation_data",
    "validation_split",
}
# Arguments of `fit` that the compiled loop supports, and argument values that have no effect.
_SUPPORTED = {"epochs", "initial_epoch", "callbacks", "verbose", *_OF_ROWS} - {"shuffle"}
_WITHOUT_EFFECT = {"shuffle": (True, False), "validation_freq": (1,)}


def fit(
    model: keras.Model,
    X: Any,
    y: Any,
    sample_weight: np.ndarray | None,
    *,
    epochs: int,
    initial_epoch: int,
    seed: int | None,
    fit_args: dict[str, Any],
) -> History:
    """Train a model in the compiled loop of skdnn if possible, and otherwise with Keras's `fit`.

    The compiled loop is used if the loop supports the backend, the model, the data and all
    arguments. With verbose=2 a printed line states whether the compiled loop or Keras's `fit` is
    used, and why Keras's `fit` is used.

    Parameters
    ----------
    model : keras.Model
        The compiled model, which is trained in place.
    X, y : array, sparse matrix, or structure of arrays
        Encoded samples and targets.
    sample_weight : ndarray of shape (n_samples,) or None
        Sample weights.
    epochs, initial_epoch : int
        The epochs are numbered from `initial_epoch` to `epochs` - 1, as in Keras.
    seed : int or None
        Seed of the order of the rows in each epoch. None uses the global generators.
    fit_args : dict
        All other arguments of Keras's `fit`, including callbacks.

    Returns
    -------
    history : dict of list of float
        Values per epoch, by Keras's names of the loss and the metrics.

    Raises
    ------
    ValueError
        If the loss or the network weights are no longer finite.
    """
    args = {**fit_args, "epochs": epochs, "initial_epoch": initial_epoch}
    history = _fit(model, X, y, sample_weight, seed, args)
    check_finite(model, history, initial_epoch)
    return history


def _fit(
    model: keras.Model,
    X: Any,
    y: Any,
    sample_weight: np.ndarray | None,
    seed: int | None,
    args: dict[str, Any],
) -> History:
    data = (X, y) if sample_weight is None else (X, y, sample_weight)
    rows = _rows_of(data, seed, args)
    try:
        return _fit_compiled(model, rows, args)
    except _NeedsKerasFitError as reason:
        _LOG.debug("Training with Keras's fit: %s", reason, exc_info=True)
        if args.get("verbose") == 2:
            sys.stdout.write(f"Training with Keras's fit: {reason}.\n")
    args["callbacks"] = [RequireFiniteLoss(), *(args.get("callbacks") or [])]
    with no_retracing_advice(), torch_generator_restored(seed):
        if not _needs_own_batches(model, rows, args):
            X = to_dense(X) if rows.has_sparse else X
            fitted = model.fit(x=X, y=y, sample_weight=sample_weight, **args)
            return dict(fitted.history)
        return _fit_in_batches(model, rows, args)


class _NeedsKerasFitError(Exception):
    """Error whose message is the reason why the compiled loop cannot train a model."""


@dataclass(frozen=True)
class _Rows:
    """Training rows, held-out rows, and the settings that divide these rows into batches.

    Parameters
    ----------
    data : tuple of (X, y) or (X, y, weight)
        Training rows.
    held_out : tuple, generator, data set or None
        Held-out rows or validation data.
    batch_size, validation_batch_size : int
        Number of rows per batch.
    shuffle : bool or str
        The argument `shuffle` of Keras's `fit`.
    seed : int or None
        Seed of the order of the rows, as passed to `fit`.
    """

    data: tuple[Any, ...]
    held_out: Any
    batch_size: int
    validation_batch_size: int
    shuffle: Any
    seed: int | None

    @property
    def has_sparse(self) -> bool:
        """Whether the rows include sparse matrices, which must be converted to dense arrays."""
        held_out = self.held_out if isinstance(self.held_out, tuple | list) else None
        return has_sparse([self.data, held_out])

    @cached_property
    def order_seed(self) -> int | None:
        """Seed of the order of the rows, or None if the rows are not shuffled.

        If the rows are shuffled without a given seed, a random seed is generated.
        """
        if not self.shuffle:
            return None
        return int(np.random.randint(2**31)) if self.seed is None else self.seed


def _rows_of(data: tuple[Any, ...], seed: int | None, args: dict[str, Any]) -> _Rows:
    held_out = args.get("validation_data")
    fraction = args.get("validation_split") or 0
    if fraction and held_out is None:
        data, held_out = _split(data, fraction)
    batch_size = int(args.get("batch_size") or 32)  # an int of NumPy could overflow
    return _Rows(
        data=data,
        held_out=held_out,
        batch_size=batch_size,
        validation_batch_size=int(args.get("validation_batch_size") or batch_size),
        shuffle=args.get("shuffle", True),
        seed=seed,
    )


def _split(data: tuple[Any, ...], fraction: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split data into training rows and held-out rows, which are the last rows as in Keras."""
    n_rows = count_rows(data)
    n_kept = int(np.floor(n_rows * (1 - fraction)))
    if not 0 < n_kept < n_rows:
        raise ValueError(
            f"validation_split={fraction!r} leaves {n_kept} of {n_rows} rows to train on and "
            f"{n_rows - n_kept} to validate with: both need at least one."
        )
    return take_rows(data, slice(n_kept)), take_rows(data, slice(n_kept, None))


def _fit_compiled(model: keras.Model, rows: _Rows, args: dict[str, Any]) -> History:
    if keras.backend.backend() != "tensorflow":
        raise _NeedsKerasFitError(f"Keras runs on its {keras.backend.backend()} backend")
    from skdnn._training import keras_fit
    from skdnn._training.keras_program import UnsupportedModelError

    _check_is_supported(rows, args)
    n_rows = count_rows(rows.data)
    verbose = args.get("verbose", "auto")
    data, held_out = _both_weighted(rows.data, rows.held_out)
    try:
        return keras_fit.fit(
            model,
            _source(data),
            None if held_out is None else _source(held_out),
            batch_size=min(rows.batch_size, n_rows),
            validation_batch_size=rows.validation_batch_size,
            epochs=args["epochs"],
            initial_epoch=args["initial_epoch"],
            order=partial(order_of_rows, n_rows, rows.order_seed),
            callbacks=args.get("callbacks") or [],
            verbose=1 if verbose == "auto" else verbose,
            advice=partial(advice_on_divergence, model),
        )
    except UnsupportedModelError as reason:
        raise _NeedsKerasFitError(str(reason)) from reason


def _check_is_supported(rows: _Rows, args: dict[str, Any]) -> None:
    """Raise an error if the compiled loop does not support the arguments or the data."""
    for name, value in args.items():
        has_no_effect = value is None or value in _WITHOUT_EFFECT.get(name, ())
        if name not in _SUPPORTED and not has_no_effect:
            raise _NeedsKerasFitError(f"{name} is set")
    if not all(_is_array_of_numbers(array) for array in arrays_of([rows.data, rows.held_out])):
        raise _NeedsKerasFitError("X, y or validation_data are not arrays of numbers")


def _is_array_of_numbers(value: Any) -> bool:
    return issparse(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf")


def _both_weighted(data: tuple[Any, ...], held_out: Any) -> tuple[tuple[Any, ...], Any]:
    """Add sample weights of 1 to training or held-out rows if only the other rows have weights."""
    if held_out is None:
        return data, None
    held_out = tuple(held_out)
    weights = [*data[2:], *held_out[2:]]
    if len(weights) != 1:
        return data, held_out

    def weighted(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(rows) == 3:
            return rows
        n_rows = count_rows(rows)
        return (*rows, map_arrays(lambda weight: np.ones(n_rows, weight.dtype), weights[0]))

    return weighted(data), weighted(held_out)


def _source(data: tuple[Any, ...]) -> "RowSource":
    from skdnn._training.keras_fit import RowSource

    return RowSource(lambda rows: as_batch(take_rows(data, rows)), count_rows(data))


def _needs_own_batches(model: keras.Model, rows: _Rows, args: dict[str, Any]) -> bool:
    """Return whether to pass batches instead of arrays to Keras's `fit`."""
    is_shuffled_by_seed = rows.seed is not None and rows.shuffle is True
    if not is_shuffled_by_seed and not rows.has_sparse and not has_text(rows.data):
        return False
    return not overrides(model, keras.Model, "fit") and not _ONLY_FOR_ARRAYS & args.keys()


def _fit_in_batches(model: keras.Model, rows: _Rows, args: dict[str, Any]) -> History:
    args = {name: value for name, value in args.items() if name not in _OF_ROWS}
    held_out = rows.held_out
    if isinstance(held_out, tuple | list):
        held_out = Batches(tuple(held_out), rows.validation_batch_size, 0)
    size = min(rows.batch_size, count_rows(rows.data))
    batches = Batches(rows.data, size, args["initial_epoch"], rows.order_seed)
    args["callbacks"] = [StartEpochs(batches), *args["callbacks"]]
    return dict(model.fit(batches, validation_data=held_out, shuffle=False, **args).history)


def extend_history(before: Mapping[str, list[float]], new: History) -> History:
    """Return a history extended by new epochs, with the full name of each metric.

    Every list has one value per epoch. It is NaN for epochs without the metric.

    Parameters
    ----------
    before, new : dict of list of float
        Values of the loss and the metrics in the previous epochs and in the new epochs, by name.
        The keys of `new` are Keras's names.
    """
    named = {_full_name(name): values for name, values in new.items()}
    n_before, n_new = (len(values.get("loss", ())) for values in (before, named))
    return {
        name: [*before.get(name, [np.nan] * n_before), *named.get(name, [np.nan] * n_new)]
        for name in {**before, **named}
    }


def _full_name(name: str) -> str:
    if name != "loss" and not name.startswith("val_"):
        with suppress(ValueError):  # a user-defined metric keeps its name
            return str(metric_name(name))
    return name
