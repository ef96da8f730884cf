"""Reports that call Keras's callbacks during training with a compiled program.

Training changes the variables of the compiled program, and callbacks read and change a Keras model.
The model is updated from the program before callbacks are called. After callbacks are called, the
program is updated with the changes that the callbacks made to the model.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from typing import Any

import numpy as np

from skdnn._network.keras_model import dropout_layers
from skdnn._network.spec import State, rescale_output_layers
from skdnn._training.callback_model import ModelMirror
from skdnn._training.callbacks import Report
from skdnn._training.keras_program import state_variables
from skdnn._training.optimizer_state import averaged_pairs
from skdnn._utils.callback_copies import clone_callback, holds_training_state
from skdnn._utils.keras_internals import (
    build_metrics,
    learning_rate_variable,
    profiles_batches,
    starting_epoch,
)
from skdnn._utils.overrides import overrides
from skdnn._utils.tensorflow import keras, tf

_LOG = logging.getLogger(__name__)
# Methods that are called for each batch. Some callbacks define such methods but need the calls only
# with certain settings.
_EACH_BATCH = [
    f"on_{mode}batch_{end}" for mode in ("", "train_", "test_") for end in ("begin", "end")
]
_NEEDS_EPOCHS_ONLY: dict[type, Callable[[Any], bool]] = {
    keras.callbacks.BackupAndRestore: lambda x: x.save_freq == "epoch",
    keras.callbacks.ModelCheckpoint: lambda x: x.save_freq == "epoch",
    keras.callbacks.ProgbarLogger: lambda x: x.verbose == 0,
    keras.callbacks.TensorBoard: lambda x: (
        x.update_freq == "epoch" and not x.write_steps_per_second and not profiles_batches(x)
    ),
    # TerminateOnNaN needs only the last batch, which `KerasCallbacks.steps_done` reports.
    keras.callbacks.TerminateOnNaN: lambda x: True,
}
_SET_THE_RATE = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def needs_each_batch(callback: Any) -> bool:
    """Return whether a callback must be called for each batch."""
    kind = type(callback)
    if kind in _NEEDS_EPOCHS_ONLY and _NEEDS_EPOCHS_ONLY[kind](callback):
        return False
    return overrides(callback, keras.callbacks.Callback, *_EACH_BATCH)


def renew(callbacks: Any, owner: str) -> list[Any]:
    """Return the callbacks of one fit.

    Parameters
    ----------
    callbacks : None, or one or a list of callbacks
        The callbacks of the estimator. Classes and functions without arguments are called. Objects
        of Keras's classes are copied, so that no state of theirs passes from fit to fit. Objects of
        other classes are shared.
    owner : str
        The name of the estimator, for error messages.

    Returns
    -------
    list of keras.callbacks.Callback
        The callbacks, in the same order.
    """
    if callbacks is None:
        return []
    given = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    made = [_renew(callback, owner) for callback in given]
    for callback in made:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"The 'callbacks' parameter of {owner} must be Keras callbacks: objects or classes "
                f"derived from keras.callbacks.Callback, or functions that make one. Got "
                f"{callback!r}."
            )
        if isinstance(callback, keras.callbacks.SwapEMAWeights):
            raise ValueError(
                f"The callback SwapEMAWeights has no use in {owner}: where weights are averaged, "
                "callbacks see the averages anyway, which are validated, saved and predicted with. "
                "Leave it out."
            )
    return made


def _renew(callback: Any, owner: str) -> Any:
    if isinstance(callback, keras.callbacks.Callback):
        return clone_callback(callback) if holds_training_state(callback) else callback
    try:
        return callback() if callable(callback) else callback
    except TypeError as error:
        raise TypeError(
            f"Each fit of {owner} makes callbacks of its own, but {callback!r} of its 'callbacks' "
            f"parameter cannot be made ({error}): pass an object, or a function without arguments "
            "that makes it."
        ) from error


class _CallbackListReport(Report):
    """A report that calls Keras's callbacks between epochs.

    Parameters
    ----------
    model : keras.Model
        The compiled and built model that the callbacks read and change.
    callbacks : sequence of keras.callbacks.Callback
        The callbacks of this fit.
    n_epochs, n_steps : int
        The planned number of epochs, and the number of steps of an epoch.
    verbose : int, default=0
        The parameter of Keras's `fit`.
    """

    silent = False
    _mirror: ModelMirror

    def __init__(
        self,
        model: Any,
        callbacks: Sequence[Any],
        *,
        n_epochs: int,
        n_steps: int,
        verbose: int = 0,
    ):
        self.model = model
        self.callbacks = callbacks
        self._logs: dict[str, float] = {}
        self._list = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=verbose != 0,
            verbose=verbose,
            epochs=n_epochs,
            steps=n_steps,
            model=model,
        )

    def _shown(self) -> AbstractContextManager[None]:
        """Return a context manager that updates the model on entry and the program on exit."""
        return self._mirror.shown()

    def training_begins(self, training: Any) -> None:
        """Call the callbacks, which may change the initial network weights."""
        self._training = training
        self.model.stop_training = False
        with self._shown():
            self._list.on_train_begin()

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Call the callbacks with the number of the epoch, counted from 0 as in Keras."""
        self._epoch = epoch - 1
        with self._shown():
            self._list.on_epoch_begin(self._epoch)

    def steps_done(self, n_steps: int) -> None:
        """Record that the model must be updated from the program before callbacks are called."""
        self._mirror.is_stale = True

    def evaluation_begins(self, training: Any) -> None:
        """Call the callbacks before the held-out rows are evaluated."""
        with self._shown():
            self._list.on_test_begin()

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        """Call the callbacks with the logs of the held-out rows, without "val_" in the names."""
        with self._shown():
            self._list.on_test_end({name.removeprefix("val_"): x for name, x in logs.items()})

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Call the callbacks, and return whether a callback stops training."""
        with self._shown():
            self._list.on_epoch_end(self._epoch, logs)
        self._logs = logs
        return bool(self.model.stop_training)


class ModelCallbacks(_CallbackListReport):
    """A report that calls Keras's callbacks while a Keras model is trained.

    If the user passes no callbacks, the model is updated only once, after the last epoch.
    """

    def training_begins(self, training: Any) -> None:
        """Call the callbacks, which may change the initial network weights."""
        variables = state_variables(self.model)
        seen = {id(v) for v in variables}
        if self.callbacks:  # without callbacks, the metrics of the model may not be built yet
            variables += [v for v in self.model.metrics_variables if id(v) not in seen]
        n_variables = len(variables)
        self._mirror = ModelMirror(
            variables,
            read=lambda: training.read()[:n_variables],
            write=lambda values, changed: training.write(values),
        )
        super().training_begins(training)

    def _shown(self) -> AbstractContextManager[None]:
        return super()._shown() if self.callbacks else nullcontext()

    def evaluation_begins(self, training: Any) -> None:
        """Call the callbacks before an evaluation, which changes the metrics."""
        super().evaluation_begins(training)
        self._mirror.is_stale = True

    def training_ends(self, training: Any) -> None:
        """Copy the trained state into the model, and call the callbacks."""
        self._mirror.update()
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)
        self._list.on_train_end(logs=self._logs)


class KerasCallbacks(_CallbackListReport):
    """A report that calls Keras's callbacks while a `NetworkSpec` is trained.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback
        The callbacks of this fit.
    model : keras.Model
        The compiled and built model of the whole network, which the callbacks read and change.
    in_units : callable
        Takes the kernel and the bias of an output layer that predicts scaled targets, as in
        training. Returns the kernel and the bias that predict targets on the original scale of y,
        as in the model.
    outputs : list of (Dense, int, int)
        The output layers, each with the positions of the kernel and the bias among the network
        weights, as in `NetworkSpec.outputs`.
    y : ndarray of shape (1,) or (1, n_outputs)
        One row of targets, which is used only to build the metrics of the model.
    n_epochs, n_steps : int
        The planned number of epochs, and the number of steps of an epoch.
    scheduled : bool
        Whether a schedule sets the learning rate of each step.
    owner : str
        The name of the estimator, for error messages.
    verbose : int, default=0
        2 or more prints why each batch is a graph call of its own, if it is.
    """

    def __init__(
        self,
        callbacks: list[Any],
        model: Any,
        in_units: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
        outputs: list[tuple[Any, int, int]],
        y: np.ndarray,
        *,
        n_epochs: int,
        n_steps: int,
        scheduled: bool,
        owner: str,
        verbose: int = 0,
    ):
        self._verbose = verbose
        self.scheduled = scheduled
        self.owner = owner
        self._has_begun = False
        self._in_units = in_units
        self._outputs = outputs
        n_outputs = model.outputs[0].shape[-1]
        # The conversion is affine. Therefore the conversion of a kernel of ones and a bias of zeros
        # returns the scale and the offset of the targets, with which `_write` inverts it.
        self._unit, self._mean = in_units(np.ones(n_outputs), np.zeros(n_outputs))
        if scheduled and any(isinstance(callback, _SET_THE_RATE) for callback in callbacks):
            raise self._clash()
        # Callbacks read from the metrics whether a higher value is better.
        entry = model.inputs[0] if len(model.inputs) == 1 else model.input
        x = tf.nest.map_structure(lambda t: np.zeros((1, *t.shape[1:]), t.dtype), entry)
        build_metrics(model, (x, y))
        super().__init__(model, callbacks, n_epochs=n_epochs, n_steps=n_steps)

    def _clash(self) -> ValueError:
        return ValueError(
            f"A callback of {self.owner} sets the learning rate, which learning_rate_schedule and "
            "warmup already set for each step: leave these at 'constant' and 0, or leave out "
            "callbacks such as LearningRateScheduler and ReduceLROnPlateau."
        )

    def _read(self) -> list[np.ndarray]:
        self._state = self._training.read()
        return self._as_seen(self._state)

    def _as_seen(self, state: State) -> list[np.ndarray]:
        weights = rescale_output_layers(self._in_units, self._outputs, state.weights)
        return [*weights, *(state.optimizer or []), *(state.seeds or [])]

    def _write(self, values: list[np.ndarray], changed: list[bool]) -> None:
        state, n = self._state, len(self._state.weights)
        if self.scheduled and self._has_begun and changed[self._rate]:
            raise self._clash()
        for layer, i, j in self._outputs:
            values[i] = values[i] / self._unit
            bias = values[j] * layer.bias_gain - self._mean
            values[j] = bias / self._unit / layer.bias_gain
        before = [*state.weights, *(state.optimizer or []), *(state.seeds or [])]
        # Unchanged values are written back without the rounding errors of the conversion.
        now = [
            new.astype(old.dtype) if is_new else old
            for new, old, is_new in zip(values, before, changed, strict=True)
        ]
        # Training resumes from the values that callbacks set, as it does without averaging.
        for i, j in self._averaged:
            if changed[i] and not changed[j]:
                now[j] = now[i]
        m = n + len(state.optimizer or [])
        self._state = State(now[:n], now[n:m], now[m:])
        self._training.write(self._state)

    def training_begins(self, training: Any) -> None:
        """Call the callbacks, which may change the initial network weights and the first epoch."""
        names = [type(x).__name__ for x in self.callbacks if needs_each_batch(x)]
        training.each_step = bool(names)
        if names:
            reason = f"Each batch is a graph call of its own: {names[0]} has methods for batches"
            _LOG.debug(reason)
            if self._verbose > 1:
                sys.stdout.write(f"{reason}.\n")
        optimizer, rate = self.model.optimizer, learning_rate_variable(self.model.optimizer)
        seeds = [layer.seed_generator.state for layer in dropout_layers(self.model)]
        # The ensemble weights come last and are left out because they are not trained.
        n_trained = self._outputs[-1][2] + 1
        variables = [*self.model.weights[:n_trained], *optimizer.variables, *seeds]
        self._rate = next((i for i, v in enumerate(variables) if v is rate), -1)
        trained = self.model.trainable_variables
        self._averaged = averaged_pairs(optimizer, trained, variables)
        self._mirror = ModelMirror(variables, self._read, self._write)
        super().training_begins(training)
        self._has_begun = True
        training.epoch = starting_epoch(self.model)

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Call the callbacks with the numbers of the epoch and the batch, counted from 0."""
        self._n_steps = n_steps
        super().epoch_begins(epoch, n_steps)
        if self._training.each_step:
            with self._shown():
                self._list.on_train_batch_begin(0)

    def steps_done(self, n_steps: int) -> None:
        """Call the callbacks after a step if a callback needs each batch or the loss diverged."""
        super().steps_done(n_steps)
        training = self._training
        has_diverged = not isfinite(training.logs["loss"])
        if not (training.each_step or has_diverged):
            return
        with self._shown():
            self._list.on_train_batch_end(training.step - 1, training.logs)
            training.stop = training.stop or self.model.stop_training
            is_last = training.stop or has_diverged or training.step == self._n_steps
            if not is_last:
                self._list.on_train_batch_begin(training.step)

    def evaluation_ends(self, logs: dict[str, float], training: Any) -> None:
        """Call the callbacks for each batch of held-out rows, and then for the whole evaluation."""
        with self._shown():
            for step, so_far in enumerate(training.validation_logs):
                self._list.on_test_batch_begin(step)
                self._list.on_test_batch_end(step, so_far)
        super().evaluation_ends(logs, training)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Call the callbacks, and add the values that callbacks logged to the logs of the epoch.

        The learning rate is an example of such a value.
        """
        stops = super().epoch_ends(logs, training)
        history = self.model.history
        for name, values in history.history.items():
            if len(values) == len(history.epoch):
                logs.setdefault(name, values[-1])
        return stops

    def training_ends(self, training: Any) -> None:
        """Call the callbacks, which may set the final network weights."""
        with self._shown():
            self._list.on_train_end(self._logs)
