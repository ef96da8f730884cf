"""Training of any compiled Keras model with skdnn's trainer: many batches in one graph call.

A model that cannot be trained so with the same meaning is refused, and is for Keras's own `fit`.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from skdnn._training.batches import Feeder, Fetch
from skdnn._training.data_pass import KerasPass
from skdnn._training.keras_callbacks import ModelCallbacks, needs_each_batch
from skdnn._training.keras_program import ModelProgram, state_variables
from skdnn._training.keras_program_key import ProgramKey
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.trainer import Job, Plan, check_process, run_epochs, threads_for
from skdnn._utils.keras_internals import build_metrics, is_jit_compiled
from skdnn._utils.tensorflow import keras, tf

# These need Keras's own training: they set the epoch to start with, write its graph, or stop it
# within an epoch.
_FOR_KERAS = (
    keras.callbacks.BackupAndRestore,
    keras.callbacks.TensorBoard,
    keras.callbacks.TerminateOnNaN,
)
# What a model may have of its own instead of Keras's.
_METHODS = (
    "fit",
    "train_step",
    "test_step",
    "make_train_function",
    "make_test_function",
    "train_on_batch",
    "test_on_batch",
    "evaluate",
    "reset_metrics",
)


class RowSource(NamedTuple):
    """Where rows come from.

    Parameters
    ----------
    fetch : callable
        Given the numbers of rows, returns (x, y) or (x, y, weight), each an array or a structure
        of arrays, of the dtypes that the model takes. May be called in another thread.
    n_rows : int
        How many there are.
    """

    fetch: Callable[[np.ndarray], Any]
    n_rows: int


class UnsupportedModelError(Exception):
    """Training that is for Keras's own `fit`; the message says why."""


def fit(
    model: Any,
    data: RowSource,
    held_out: RowSource | None,
    *,
    batch_size: int,
    validation_batch_size: int,
    epochs: int,
    initial_epoch: int,
    order: Callable[[int], np.ndarray],
    callbacks: Sequence[Any],
    verbose: int,
) -> dict[str, list[float]]:
    """Train a model in place.

    Parameters
    ----------
    model : keras.Model
        Compiled and built.
    data : RowSource
        What to train on.
    held_out : RowSource or None
        What to validate on after each epoch.
    batch_size, validation_batch_size : int
        Rows of a batch.
    epochs, initial_epoch : int
        As in Keras: epochs are numbered from `initial_epoch` to `epochs` - 1.
    order : callable
        Given the number of an epoch, returns its rows in their order.
    callbacks : sequence of keras.callbacks.Callback
        They see the model between epochs.
    verbose : int
        As in Keras; 2 also prints that the compiled loop is used.

    Returns
    -------
    history : dict of list of float
        Per epoch, by Keras's names.

    Raises
    ------
    UnsupportedModelError
        Where Keras's own `fit` is to be used instead; nothing has been done then.
    """
    sample = _checked_sample(model, data, held_out, callbacks)
    if callbacks:  # they may use the model's metrics, which else only the program has
        build_metrics(model, sample)
    n_held_out = 0 if held_out is None else held_out.n_rows
    rows, held_out_rows = np.arange(data.n_rows), data.n_rows + np.arange(n_held_out)
    plan = Plan(rows, held_out_rows, epochs, batch_size, shuffle=True)
    plan.validation_batch_size = validation_batch_size
    with (
        _lent_program(model, sample) as (program, metric_names),
        Feeder(program, _fetch_of(data, held_out), _n_values(sample)) as feeder,
    ):
        start_pass = partial(_start_pass, program, metric_names)
        job = Job(program, start_pass, feeder, plan, order, must_be_finite=False)
        _train(model, program, job, callbacks, initial_epoch, verbose)
    history: dict[str, list[float]] = model.history.history
    return history


def _train(
    model: Any,
    program: ModelProgram,
    job: Job,
    callbacks: Sequence[Any],
    initial_epoch: int,
    verbose: int,
) -> None:
    if verbose == 2:
        sys.stdout.write("Training in the compiled loop.\n")
    sizes = {"n_epochs": job.plan.epochs, "n_steps": len(job.steps)}
    report = ModelCallbacks(model, callbacks, verbose=verbose, **sizes)
    values = [np.asarray(v.numpy()) for v in state_variables(model)]
    program.load(values, threads_for(program, job.plan.batch_size))
    run_epochs(job, report, initial_epoch)


def _start_pass(
    program: ModelProgram, metric_names: dict[str, str], name: str, rates: np.ndarray | None
) -> KerasPass:
    """Start a pass; the learning rate is in the state of the program, and `rates` is None."""
    return KerasPass(program, name, metric_names)


def _checked_sample(
    model: Any, data: RowSource, held_out: RowSource | None, callbacks: Sequence[Any]
) -> Any:
    """Refuse what is for Keras; return one row, for shapes and dtypes."""
    _check_model(model)
    for callback in callbacks:
        _check_callback(callback)
    check_process()
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    sample = data.fetch(np.arange(1))
    if held_out is not None:
        _check_alike(sample, held_out.fetch(np.arange(1)))
    return sample


def _fetch_of(data: RowSource, held_out: RowSource | None) -> Fetch:
    """Return a function that fetches rows of both sources, the held-out ones numbered last."""

    def fetch(rows: np.ndarray) -> list[np.ndarray]:
        if held_out is not None and rows[0] >= data.n_rows:
            return list(tf.nest.flatten(held_out.fetch(rows - data.n_rows)))
        return list(tf.nest.flatten(data.fetch(rows)))

    return fetch


def _n_values(sample: Any) -> int:
    return sum(int(np.prod(array.shape[1:])) for array in tf.nest.flatten(sample))


@contextmanager
def _lent_program(model: Any, sample: Any) -> Iterator[tuple[ModelProgram, dict[str, str]]]:
    """Lend the program of a model: one that models of its configuration share, or one of its own.

    With it come the model's names of metrics that have other names in the program.
    """
    try:
        key = ProgramKey(model, sample)
    except Exception:  # whatever a user's class does when it is asked for its configuration
        key = None
    if key is not None:
        is_compiled = False
        try:
            with PROGRAMS.lend(key, ProgramKey.compile) as program:
                is_compiled = True
                yield program, key.metric_names
                return
        except Exception:
            if is_compiled:
                raise
    try:
        program = ModelProgram(model, sample)
    except Exception as error:
        raise UnsupportedModelError(f"the network cannot be moved: {error}") from error
    try:
        yield program, {}
    finally:
        program.close()


def _check_model(model: Any) -> None:
    own = [name for name in _METHODS if _is_own(model, name)]
    if own:
        raise UnsupportedModelError(f"the network has {own[0]} of its own")
    if model.run_eagerly:
        raise UnsupportedModelError("run_eagerly is set")
    if is_jit_compiled(model):
        raise UnsupportedModelError("jit_compile is set")
    if model.steps_per_execution != 1:
        raise UnsupportedModelError("steps_per_execution is set")
    if model.distribute_strategy is not None and tf.distribute.has_strategy():
        raise UnsupportedModelError("a distribution strategy is in force")


def _check_alike(sample: Any, other: Any) -> None:
    """Refuse validation data of other shapes or dtypes than the training data."""
    kinds = [
        str(tf.nest.map_structure(lambda array: (array.dtype.name, *array.shape[1:]), rows))
        for rows in (sample, other)
    ]
    if kinds[0] != kinds[1]:
        raise UnsupportedModelError("validation data are of another kind than training data")


def _is_own(model: Any, name: str) -> bool:
    standard = inspect.getattr_static(keras.Model, name)
    return inspect.getattr_static(model, name) is not standard


def _check_callback(callback: Any) -> None:
    if isinstance(callback, _FOR_KERAS) or needs_each_batch(callback):
        raise UnsupportedModelError(f"the callback {type(callback).__name__} looks at each batch")
