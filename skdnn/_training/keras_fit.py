"""Training of a compiled Keras model as `_engine` trains a `NetworkSpec`: many batches in one call.

What cannot be run so with the same meaning is refused, and is for Keras's own `fit`.
"""

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from skdnn._training.batches import Feeder, batch_sizes
from skdnn._training.keras_callbacks import Twin, looks_at_batches
from skdnn._training.keras_program import ModelProgram, ProgramKey, state_variables
from skdnn._training.program_cache import PROGRAMS
from skdnn._training.trainer import check_process, threads_for
from skdnn._utils.tensorflow import keras, tf

# These need Keras's own training: they set the epoch that it begins with, write its graph, or stop
# it in the midst of an epoch.
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
        Gives rows by their numbers: (x, y) or (x, y, weight), each an array or a structure of
        arrays, of the dtypes that the model takes. May be called in another thread.
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
        Gives the rows of an epoch, by its number, in their order.
    callbacks : sequence of keras.callbacks.Callback
        They see the model between epochs.
    verbose : int
        As in Keras; 2 says, besides, that it is trained here.

    Returns
    -------
    history : dict of list of float
        Per epoch, by Keras's names.

    Raises
    ------
    UnsupportedModelError
        Where Keras's own `fit` is to be used instead; nothing has been done then.
    """
    _check_model(model)
    for callback in callbacks:
        _check_callback(callback)
    check_process()
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    variables = state_variables(model)
    sample = data.fetch(np.arange(1))
    if held_out is not None:
        _check_alike(sample, held_out.fetch(np.arange(1)))
    if callbacks:  # they may look at the model's metrics, which else are the program's alone
        model._symbolic_build(data_batch=sample)
    with _program(model, sample) as (program, metric_names):
        if verbose == 2:
            sys.stdout.write("Training in the compiled loop.\n")
        run = _Run(program, model, variables, callbacks, metric_names)
        told = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=epochs,
            steps=len(batch_sizes(data.n_rows, batch_size)),
            model=model,
        )
        model.stop_training = False
        program.load(run.values(), threads_for(program, batch_size))
        with run.at_home():
            told.on_train_begin()
        logs: dict[str, float] = {}
        with _feeder(program, data) as feeder, _feeder(program, held_out) as other:
            feeder.limit(batch_size * program.work)
            for epoch in range(initial_epoch, epochs):
                with run.at_home():
                    told.on_epoch_begin(epoch)
                logs = run.loop("train_step", feeder, order(epoch), batch_size)
                if held_out is not None:
                    rows = np.arange(held_out.n_rows)
                    values = run.validate(told, other, rows, validation_batch_size)
                    logs |= {f"val_{name}": value for name, value in values.items()}
                with run.at_home():
                    told.on_epoch_end(epoch, logs)
                if model.stop_training:
                    break
        run.twin.catch_up()
        model.optimizer.finalize_variable_values(model.trainable_weights)
        told.on_train_end(logs=logs)
    return model.history.history


class _Run:
    """A program at work for one model."""

    def __init__(
        self,
        program: ModelProgram,
        model: Any,
        variables: list[Any],
        callbacks: Sequence[Any],
        metric_names: dict[str, str],
    ):
        self.program = program
        self._metric_names = metric_names
        self.variables = variables
        seen = {id(v) for v in variables}
        # Where nobody watches, the model's own metrics may not have been made yet.
        metrics = [v for v in model.metrics_variables if id(v) not in seen] if callbacks else []
        self._watched = bool(callbacks)
        self.twin = Twin([*variables, *metrics], self._read, self._write)

    def _read(self) -> list[np.ndarray]:
        return self.program.read()[: len(self.twin.variables)]

    def _write(self, values: list[np.ndarray], changed: list[bool]) -> None:
        self.program.load(values[: len(self.variables)], self.program.threads)

    def at_home(self) -> AbstractContextManager[None]:
        """Let callbacks see the model as it is, where there are any."""
        return self.twin.at_home() if self._watched else nullcontext()

    def values(self) -> list[np.ndarray]:
        return [np.asarray(v.numpy()) for v in self.variables]

    def loop(
        self, name: str, feeder: Feeder, rows: np.ndarray, batch_size: int
    ) -> dict[str, float]:
        results: dict[str, float] = {}
        begins = True
        for call in feeder.calls(rows, batch_sizes(len(rows), batch_size)):
            results = self.program.run(name, call.arrays, call.bounds, begins)
            begins = False
        self.twin.is_behind = True
        return {self._name(key): tf.nest.map_structure(_as_told, results[key]) for key in results}

    def _name(self, key: str) -> str:
        """Return the model's name of a result, which ends with the name of a metric."""
        for ending, name in self._metric_names.items():
            if key.endswith(ending):
                return key.removesuffix(ending) + name
        return key

    def validate(
        self, told: Any, feeder: Feeder, rows: np.ndarray, batch_size: int
    ) -> dict[str, float]:
        """Loop over rows that are held out, with the callbacks told."""
        with self.at_home():
            told.on_test_begin()
        values = self.loop("test_step", feeder, rows, batch_size)
        with self.at_home():
            told.on_test_end(values)
        return values


def _as_told(value: Any) -> Any:
    return float(value) if np.ndim(value) == 0 else np.asarray(value)


@contextmanager
def _program(model: Any, sample: Any) -> Iterator[tuple[ModelProgram, dict[str, str]]]:
    """Lend the program of a model: one that models of its kind share, or one of its own.

    With it come the model's names of metrics that have others in the program.
    """
    try:
        recipe = ProgramKey(model, sample)
    except Exception:  # whatever a user's class does when it is asked for its configuration
        recipe = None
    if recipe is not None:
        ready = False
        try:
            with PROGRAMS.lend(recipe, ProgramKey.compile) as program:
                ready = True
                yield program, recipe.metric_names
                return
        except Exception:
            if ready:
                raise
    try:
        program = ModelProgram(model, sample)
        program.trace("train_step")
    except Exception as error:
        raise UnsupportedModelError(f"the network cannot be moved: {error}") from error
    try:
        yield program, {}
    finally:
        program.close()


@contextmanager
def _feeder(program: ModelProgram, source: RowSource | None) -> Iterator[Feeder]:
    def fetch(rows: np.ndarray) -> list[np.ndarray]:
        return tf.nest.flatten(source.fetch(rows)) if source is not None else []

    n_values = sum(int(np.prod(array.shape[1:])) for array in fetch(np.arange(1)))
    with Feeder(program, fetch, n_values) as feeder:
        yield feeder


def _check_model(model: Any) -> None:
    own = [name for name in _METHODS if _is_own(model, name)]
    if own:
        raise UnsupportedModelError(f"the network has {own[0]} of its own")
    if model.run_eagerly:
        raise UnsupportedModelError("run_eagerly is set")
    if model._compile_config.config.get("jit_compile") is True:
        raise UnsupportedModelError("jit_compile is set")
    if model.steps_per_execution != 1:
        raise UnsupportedModelError("steps_per_execution is set")
    if model.distribute_strategy is not None and tf.distribute.has_strategy():
        raise UnsupportedModelError("a distribution strategy is in force")


def _check_alike(sample: Any, other: Any) -> None:
    """Refuse validation data that are no rows of what is trained on: the loop takes one kind."""
    kinds = [
        (str(tf.nest.map_structure(lambda array: (array.dtype.name, *array.shape[1:]), rows)))
        for rows in (sample, other)
    ]
    if kinds[0] != kinds[1]:
        raise UnsupportedModelError("validation data are of another kind than training data")


def _is_own(model: Any, name: str) -> bool:
    standard = inspect.getattr_static(keras.Model, name)
    return inspect.getattr_static(model, name) is not standard


def _check_callback(callback: Any) -> None:
    if isinstance(callback, _FOR_KERAS) or looks_at_batches(callback):
        raise UnsupportedModelError(f"the callback {type(callback).__name__} looks at each batch")
