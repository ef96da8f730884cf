"""Training and prediction of a compiled Keras model: in the compiled loop, or by Keras itself."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn.wrappers.scikeras_compat import as_array, keras
from skdnn.wrappers.seeding import seed_epoch, seeded_training
from skdnn.wrappers.structures import _arrays, _batch, _map, as_input, count, take

# Values that predicting sends through the network together, where the user does not say how many
# rows: bounds the memory of its layers.
_PREDICTION_VALUES = 2**18
# What a user may give `fit` that needs the rows as arrays, because Keras cannot do it in batches.
_NEEDS_ARRAYS = {"steps_per_epoch", "class_weight"}
# What is read into a job.
_OF_A_JOB = {
    "batch_size",
    "shuffle",
    "validation_batch_size",
    "validation_data",
    "validation_split",
}
# What the compiled loop understands, and where it need not, what says nothing.
_UNDERSTOOD = {"epochs", "initial_epoch", "callbacks", "verbose", *_OF_A_JOB} - {"shuffle"}
_SAYING_NOTHING = {"shuffle": (True, False), "validation_freq": (1,)}


def is_overridden(model: Any, *names: str) -> bool:
    """Whether a model has a method of its own in place of Keras's."""
    return any(
        name in vars(model) or getattr(type(model), name) is not getattr(keras.Model, name)
        for name in names
    )


class Batches(keras.utils.PyDataset):
    """Batches in an order of its own, drawn from a seed and not from a global generator.

    Sparse rows become dense one batch at a time.

    Parameters
    ----------
    data : tuple of (X, y) or (X, y, weight)
        Arrays, sparse matrices, or structures of them.
    batch_size : int
        Rows of a batch; the last has what is left.
    epoch : int
        The first epoch. Each has its own order, whatever was trained before.
    seed : int or None, default=None
        None keeps the rows in their order.
    """

    def __init__(self, data: tuple[Any, ...], batch_size: int, epoch: int, seed: int | None):
        super().__init__()
        self.data = data
        self.batch_size = batch_size
        self.epoch = epoch
        self.seed = seed
        self._reorder()

    def _reorder(self) -> None:
        self.rows = _order(count(self.data), self.seed, self.epoch)

    def __len__(self) -> int:
        return -(-len(self.rows) // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        rows = self.rows[index * self.batch_size : (index + 1) * self.batch_size]
        return _map(_batch, take(self.data, rows))

    def on_epoch_begin(self) -> None:
        """Seed what draws from a global generator."""
        seed_epoch(self.seed, self.epoch)

    def begin(self, epoch: int) -> None:
        """Draw the order of an epoch."""
        self.epoch = epoch
        self._reorder()


class _Beginning(keras.callbacks.Callback):
    """Tells batches which epoch begins: Keras goes through them before the first, too."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.batches.begin(epoch)


def fit(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: np.ndarray | None,
    *,
    epochs: int,
    initial_epoch: int,
    seed: int | None,
    fit_args: dict[str, Any],
) -> dict[str, list[float]]:
    """Train, in the compiled loop where it means the same, else with Keras's `fit`.

    With verbose=2 it says which of them.

    Parameters
    ----------
    model : keras.Model
        Compiled; it is trained in place.
    X, y : array, sparse matrix, or structure of arrays
        What the model takes and what it learns.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights of the rows.
    epochs, initial_epoch : int
        As in Keras: epochs are numbered from `initial_epoch` to `epochs` - 1.
    seed : int or None
        Decides the order of the rows in each epoch; None leaves it to Keras.
    fit_args : dict
        All other arguments of Keras's `fit`, callbacks among them.

    Returns
    -------
    history : dict of list of float
        Per epoch, by the names that Keras gives.
    """
    args = {**fit_args, "epochs": epochs, "initial_epoch": initial_epoch}
    data = (X, y) if sample_weight is None else (X, y, sample_weight)
    job = _Job(data, seed, args)
    try:
        return _fit_compiled(model, job, args)
    except _NotHereError as reason:
        if args.get("verbose") == 2:
            sys.stdout.write(f"Training with Keras's fit: {reason}.\n")
    with _no_advice(), seeded_training(seed):
        if _is_for_keras_to_cut(model, job, args):
            X = _densified(X) if job.is_sparse else X
            return model.fit(x=X, y=y, sample_weight=sample_weight, **args).history
        return _fit_in_batches(model, job, args)


class _NotHereError(Exception):
    """What the user asks of `fit` is for Keras's own; the message says why."""


class _Job:
    """Which rows to train on and to validate with, in batches of which size and in which order.

    Parameters
    ----------
    data : tuple of (X, y) or (X, y, weight)
        All rows.
    seed : int or None
        Decides the order.
    args : dict
        Arguments of Keras's `fit`.
    """

    def __init__(self, data: tuple[Any, ...], seed: int | None, args: dict[str, Any]):
        self.data, self.held_out = data, args.get("validation_data")
        share = args.get("validation_split") or 0
        if share and self.held_out is None:
            self.data, self.held_out = _split(data, share)
        self.batch_size = args.get("batch_size") or 32
        self.validation_batch_size = args.get("validation_batch_size") or self.batch_size
        self.shuffle = args.get("shuffle", True)
        self.is_seeded = seed is not None
        self._seed = seed

    @cached_property
    def seed(self) -> int | None:
        """The seed of the order: None for rows as they are; drawn from where Keras would."""
        if not self.shuffle:
            return None
        return int(np.random.randint(2**31)) if self._seed is None else self._seed

    @property
    def is_sparse(self) -> bool:
        """Whether there are sparse rows to make dense."""
        held_out = self.held_out if isinstance(self.held_out, tuple | list) else None
        return any(map(issparse, _arrays([self.data, held_out])))


def _fit_compiled(model: Any, job: _Job, args: dict[str, Any]) -> dict[str, list[float]]:
    if keras.backend.backend() != "tensorflow":
        raise _NotHereError(f"Keras runs on its {keras.backend.backend()} backend")
    from skdnn._training import keras_fit

    for name, value in args.items():
        quiet = name in _UNDERSTOOD or value is None or value in _SAYING_NOTHING.get(name, ())
        if not quiet:
            raise _NotHereError(f"{name} is set")
    if any(not _is_array(array) for array in _arrays([job.data, job.held_out])):
        raise _NotHereError("X, y or validation_data are not arrays of numbers")
    n_rows = count(job.data)
    verbose = args.get("verbose", "auto")
    data, held_out = _both_weighted(job.data, job.held_out)
    try:
        return keras_fit.fit(
            model,
            _source(data),
            None if held_out is None else _source(held_out),
            batch_size=min(job.batch_size, n_rows),
            validation_batch_size=job.validation_batch_size,
            epochs=args["epochs"],
            initial_epoch=args["initial_epoch"],
            order=partial(_order, n_rows, job.seed),
            callbacks=args.get("callbacks") or [],
            verbose=1 if verbose == "auto" else verbose,
        )
    except keras_fit.UnsupportedModelError as reason:
        raise _NotHereError(str(reason)) from reason


def _both_weighted(data: tuple[Any, ...], held_out: Any) -> tuple[tuple[Any, ...], Any]:
    """Give weights of 1 to rows that have none, where those to train or to validate with have."""
    if held_out is None:
        return data, None
    held_out = tuple(held_out)
    weights = [*data[2:], *held_out[2:]]
    if len(weights) != 1:
        return data, held_out

    def weighted(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(rows) == 3:
            return rows
        return (*rows, _map(lambda weight: np.ones(count(rows), weight.dtype), weights[0]))

    return weighted(data), weighted(held_out)


def _source(data: tuple[Any, ...]) -> Any:
    from skdnn._training.keras_fit import RowSource

    return RowSource(lambda rows: _map(_batch, take(data, rows)), count(data))


def _is_array(value: Any) -> bool:
    return issparse(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf")


def _order(n_rows: int, seed: int | None, epoch: int) -> np.ndarray:
    """Return the rows in the order of an epoch; as they are where there is no seed."""
    if seed is None:
        return np.arange(n_rows)
    return np.random.default_rng([seed, epoch]).permutation(n_rows)


def _is_for_keras_to_cut(model: Any, job: _Job, args: dict[str, Any]) -> bool:
    """Whether Keras is to cut arrays into batches itself: it can, or it alone can."""
    shuffled = job.is_seeded and job.shuffle is True
    if not shuffled and not job.is_sparse:
        return True
    return is_overridden(model, "fit") or bool(_NEEDS_ARRAYS & args.keys())


def _fit_in_batches(model: Any, job: _Job, args: dict[str, Any]) -> dict[str, list[float]]:
    args = {name: value for name, value in args.items() if name not in _OF_A_JOB}
    held_out = job.held_out
    if isinstance(held_out, tuple | list):
        held_out = Batches(tuple(held_out), job.validation_batch_size, 0, None)
    size = min(job.batch_size, count(job.data))
    batches = Batches(job.data, size, args["initial_epoch"], job.seed)
    args["callbacks"] = [_Beginning(batches), *(args.get("callbacks") or [])]
    return model.fit(batches, validation_data=held_out, shuffle=False, **args).history


@contextmanager
def _no_advice() -> Iterator[None]:
    """Hold back TensorFlow's advice against the tracing of many functions: each fit has its own."""
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_no_advice)
    try:
        yield
    finally:
        logger.removeFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def _split(data: tuple[Any, ...], share: float) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Hold out the last rows, as Keras does."""
    n_rows = count(data)
    n_kept = int(np.floor(n_rows * (1 - share)))
    if not 0 < n_kept < n_rows:
        raise ValueError(
            f"validation_split={share!r} leaves {n_kept} of {n_rows} rows to train on and "
            f"{n_rows - n_kept} to validate with: both need at least one."
        )
    return take(data, slice(n_kept)), take(data, slice(n_kept, None))


def _densified(data: Any) -> Any:
    return _map(lambda array: array.toarray() if issparse(array) else array, data)


def predict(model: Any, X: Any, predict_args: dict[str, Any]) -> Any:
    """Return what the model puts out: an array, or a structure of them, one row per sample.

    Keras's `predict` costs some 40 ms before it does anything. Where it would do nothing that the
    network itself does not (it is silent, and neither callbacks nor methods of the user's own
    take part), the network is called on one batch after the other.

    Parameters
    ----------
    model : keras.Model
        The network.
    X : array, sparse matrix, or structure of arrays
        Samples.
    predict_args : dict
        Arguments of Keras's `predict`.
    """
    n_rows = count(X)
    n_values = sum(int(np.prod(array.shape[1:])) for array in _arrays(X))
    size = predict_args.get("batch_size") or max(32, _PREDICTION_VALUES // max(1, n_values))
    if not _is_plain(model, predict_args):
        args = dict(predict_args)
        if any(map(issparse, _arrays(X))):
            args.pop("batch_size", None)
            X = Batches((X,), size, 0, None)
        with _no_advice():
            return model.predict(x=X, **args)
    batches = (take(X, slice(start, start + size)) for start in range(0, n_rows, size))
    return _joined([_call(model, as_input(batch)) for batch in batches])


def _is_plain(model: Any, args: dict[str, Any]) -> bool:
    if args.get("callbacks") or not args.keys() <= {"batch_size", "verbose", "callbacks"}:
        return False
    own = is_overridden(model, "predict", "predict_step", "make_predict_function")
    return args.get("verbose", "auto") == 0 and not own


def _call(model: Any, batch: Any) -> Any:
    if keras.backend.backend() == "tensorflow":
        return _map(as_array, model(batch, training=False))
    return model.predict_on_batch(batch)


def _joined(parts: list[Any]) -> Any:
    first = parts[0]
    if isinstance(first, Mapping):
        return {key: _joined([part[key] for part in parts]) for key in first}
    if isinstance(first, list | tuple):
        return [_joined([part[i] for part in parts]) for i in range(len(first))]
    return np.concatenate(parts)
