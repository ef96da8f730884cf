"""Training of any compiled Keras model with skdnn's trainer, many batches in one graph call.

If the trainer cannot reproduce the result of Keras's own `fit`, an `UnsupportedModelError` is
raised, and the caller uses Keras's `fit`.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, NamedTuple

import numpy as np

from skdnn._training.batches import Feeder, Fetch, fetch_both
from skdnn._training.data_pass import KerasPass
from skdnn._training.keras_callbacks import ModelCallbacks, needs_each_batch
from skdnn._training.keras_program import ModelProgram, UnsupportedModelError, state_variables
from skdnn._training.keras_program_key import ModelProgramKey, NotDescribedError
from skdnn._training.process import check_process
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.trainer import run_epochs, threads_for
from skdnn._training.training_job import Job, Plan
from skdnn._utils.keras_internals import build_metrics, is_jit_compiled
from skdnn._utils.overrides import overrides
from skdnn._utils.tensorflow import keras, tf

_LOG = logging.getLogger(__name__)
# These callbacks need Keras's own `fit` because they set the first epoch, write the graph of the
# training function, or stop training within an epoch.
_FOR_KERAS = (
    keras.callbacks.BackupAndRestore,
    keras.callbacks.TensorBoard,
    keras.callbacks.TerminateOnNaN,
)
# If a model overrides one of these methods, only Keras's own `fit` respects the override.
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
    """The function that fetches rows, and the number of rows.

    Parameters
    ----------
    fetch : callable
        Takes row indices, and returns (x, y) or (x, y, weight). Each element is an array, or a
        nested list, tuple or dict of arrays, in the dtypes that the model takes. The function may
        be called in another thread.
    n_rows : int
        The number of rows.
    """

    fetch: Callable[[np.ndarray], Any]
    n_rows: int


class _Lent(NamedTuple):
    """A compiled program for one fit.

    Parameters
    ----------
    program : ModelProgram
        The program.
    metric_names : dict of str to str
        The names of metrics in the program, mapped to different names of the same metrics in the
        model.
    alone : str, default=""
        Why the program is used for this fit only. Empty if later fits may use the program, too.
    """

    program: ModelProgram
    metric_names: dict[str, str]
    alone: str = ""

    @property
    def description(self) -> str:
        """The line that states how the model is trained."""
        alone = f", which is compiled for this fit alone: {self.alone}" if self.alone else ""
        return f"Training in the compiled loop{alone}.\n"


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
    advice: Callable[[], str] | None = None,
) -> dict[str, list[float]]:
    """Train a compiled Keras model in place.

    Parameters
    ----------
    model : keras.Model
        A compiled and built model.
    data : RowSource
        The training data.
    held_out : RowSource or None
        The validation data, evaluated after each epoch. None if there are no validation data.
    batch_size, validation_batch_size : int
        The number of rows of a batch in training and in validation.
    epochs, initial_epoch : int
        The parameters of Keras's `fit`. Epochs are numbered from `initial_epoch` to `epochs` - 1.
    order : callable
        Takes the number of an epoch, and returns the row indices of the epoch in training order.
    callbacks : sequence of keras.callbacks.Callback
        The callbacks, which may read and change the model between epochs.
    verbose : int
        The parameter of Keras's `fit`. If 2, a line also states that the compiled loop is used.
    advice : callable or None, default=None
        Returns what to do about a loss that is not finite, for the error that such a loss raises.
        None trains on, as Keras does.

    Returns
    -------
    history : dict of list of float
        The loss and the metrics of each epoch, under Keras's names.

    Raises
    ------
    UnsupportedModelError
        If Keras's own `fit` must be used instead. The model is then unchanged.
    """
    sample = _checked_sample(model, data, held_out, callbacks)
    if callbacks:  # callbacks may read the metrics of the model, which would not be built otherwise
        build_metrics(model, sample)
    n_held_out = 0 if held_out is None else held_out.n_rows
    fetch_held_out = None if held_out is None else _flat_fetch(held_out)
    fetch = fetch_both(_flat_fetch(data), data.n_rows, fetch_held_out)
    rows, held_out_rows = np.arange(data.n_rows), data.n_rows + np.arange(n_held_out)
    plan = Plan(
        rows, held_out_rows, epochs, batch_size, validation_batch_size=validation_batch_size
    )
    with (
        _lent_program(model, sample) as lent,
        Feeder(lent.program, fetch, _n_values(sample)) as feeder,
    ):
        job = Job(
            lent.program,
            # The learning rate is part of the state of the program.
            lambda name, rates: KerasPass(lent.program, name, lent.metric_names),
            feeder,
            plan,
            order,
            advice=advice,
        )
        if verbose == 2:
            sys.stdout.write(lent.description)
        _train(model, lent.program, job, callbacks, initial_epoch, verbose)
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
    sizes = {"n_epochs": job.plan.epochs, "n_steps": len(job.steps)}
    report = ModelCallbacks(model, callbacks, verbose=verbose, **sizes)
    values = [np.asarray(v.numpy()) for v in state_variables(model)]
    program.load(values, threads_for(program, job.plan.batch_size))
    run_epochs(job, report, initial_epoch)


def _checked_sample(
    model: Any, data: RowSource, held_out: RowSource | None, callbacks: Sequence[Any]
) -> Any:
    """Return one row of the data, or raise an error if Keras's own `fit` must be used."""
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


def _flat_fetch(source: RowSource) -> Fetch:
    """Return a function that fetches the rows of a `RowSource` as a flat list of arrays."""
    return lambda rows: tf.nest.flatten(source.fetch(rows))


def _n_values(sample: Any) -> int:
    return sum(int(np.prod(array.shape[1:])) for array in tf.nest.flatten(sample))


@contextmanager
def _lent_program(model: Any, sample: Any) -> Iterator[_Lent]:
    """Context manager that yields the compiled program of a model.

    If the Keras configuration does not describe the model completely, the program is used for this
    fit only and is closed on exit.
    """
    with ExitStack() as stack:
        try:
            key = ModelProgramKey(model, sample)
            program = stack.enter_context(PROGRAMS.lend(key, ModelProgramKey.compile))
            lent = _Lent(program, key.metric_names)
        except NotDescribedError as reason:
            _LOG.debug("Compiling a program for one fit alone: %s", reason, exc_info=True)
            program = stack.enter_context(closing(ModelProgram(model, sample)))
            lent = _Lent(program, {}, str(reason))
        yield lent


def _check_model(model: Any) -> None:
    own = [name for name in _METHODS if overrides(model, keras.Model, name)]
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
    """Raise an error if validation and training data differ in shapes or dtypes."""
    kinds = [
        str(tf.nest.map_structure(lambda array: (array.dtype.name, *array.shape[1:]), rows))
        for rows in (sample, other)
    ]
    if kinds[0] != kinds[1]:
        raise UnsupportedModelError(
            "validation data have other shapes or dtypes than training data"
        )


def _check_callback(callback: Any) -> None:
    name = type(callback).__name__
    if isinstance(callback, _FOR_KERAS):
        raise UnsupportedModelError(f"the callback {name} needs Keras's own fit")
    if needs_each_batch(callback):
        raise UnsupportedModelError(f"the callback {name} has methods for batches")
