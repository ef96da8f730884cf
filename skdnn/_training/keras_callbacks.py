"""Keras's callbacks: renewed for each fit, and shown a Keras model of the network that trains.

Training goes on in a program with variables of its own. Between two of its calls the model is
brought up to date for the callbacks to see, and the program is told what they changed.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

import numpy as np

from skdnn._network.keras_model import dropout_layers
from skdnn._network.spec import State, rescale_output_layers
from skdnn._training.callbacks import Report
from skdnn._utils.tensorflow import keras, tf

# What a callback may look at: each batch. Some have such methods and use them only if told to.
_EACH_BATCH = [
    f"on_{mode}batch_{end}" for mode in ("", "train_", "test_") for end in ("begin", "end")
]
_IS_QUIET: dict[type, Callable[[Any], bool]] = {
    keras.callbacks.BackupAndRestore: lambda x: x.save_freq == "epoch",
    keras.callbacks.ModelCheckpoint: lambda x: x.save_freq == "epoch",
    keras.callbacks.ProgbarLogger: lambda x: x.verbose == 0,
    keras.callbacks.TensorBoard: lambda x: (
        x.update_freq == "epoch" and not x.write_steps_per_second and not x._should_trace
    ),
    # It has something to say of one batch only, the last: see `KerasCallbacks.steps_done`.
    keras.callbacks.TerminateOnNaN: lambda x: True,
}
_SET_THE_RATE = (keras.callbacks.LearningRateScheduler, keras.callbacks.ReduceLROnPlateau)


def looks_at_batches(callback: Any) -> bool:
    """Whether a callback looks at each batch."""
    kind, standard = type(callback), keras.callbacks.Callback
    if kind in _IS_QUIET and _IS_QUIET[kind](callback):
        return False
    return any(
        name in vars(callback) or getattr(kind, name) is not getattr(standard, name)
        for name in _EACH_BATCH
    )


def renew(callbacks: Any, owner: str) -> list[Any]:
    """Make the callbacks of one fit, so that nothing passes from one fit to the next.

    Parameters
    ----------
    callbacks : None, or one or a list of callbacks
        Instances are copied; classes, and functions without arguments, are called.
    owner : str
        The estimator's name, for errors.
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
        way, advice = "copied", "pass its class, or a function without arguments that makes it"
    else:
        way, advice = "made", "pass an object, or a function without arguments that makes it"
    try:
        if way == "copied":
            # A model that it has seen elsewhere stays there.
            return copy.deepcopy(callback, {id(callback._model): None})
        return callback() if callable(callback) else callback
    except Exception as error:
        raise TypeError(
            f"Each fit of {owner} has callbacks of its own, but {callback!r} of its 'callbacks' "
            f"parameter cannot be {way} ({error}): {advice}."
        ) from error


class Twin:
    """A Keras model that is kept in step with the program that trains in its place.

    Parameters
    ----------
    variables : sequence of keras.Variable
        Of the model: what is kept in step.
    read : callable
        Returns their values in the program.
    write : callable
        Is given all values, and for each whether it was changed; sets those of the program.
    """

    def __init__(
        self,
        variables: Sequence[Any],
        read: Callable[[], list[np.ndarray]],
        write: Callable[[list[np.ndarray], list[bool]], None],
    ):
        self.variables = variables
        self.is_behind = True  # the program has moved on
        self._read = read
        self._write = write

    def catch_up(self) -> None:
        """Set the model's variables to what the program has made of them."""
        if self.is_behind:
            self._values = self._read()
            for variable, value in zip(self.variables, self._values, strict=True):
                variable.assign(value)
            self.is_behind = False

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Let callbacks see the model as it is, and then the program what they made of it."""
        self.catch_up()
        yield
        values = [np.array(v.numpy()) for v in self.variables]
        pairs = zip(values, self._values, strict=True)
        changed = [not np.array_equal(new, old, equal_nan=True) for new, old in pairs]
        if any(changed):
            self._write(values, changed)
            self._values = values


class KerasCallbacks(Report):
    """Tells Keras's callbacks of the training of a `NetworkSpec`.

    Parameters
    ----------
    callbacks : list of keras.callbacks.Callback
        Of this fit alone.
    model : keras.Model
        The whole network, compiled and built, in which they see what is trained.
    in_units : callable
        Turns kernel and bias of the output layer, as they are trained, into the model's.
    outputs : list of (Dense, int, int)
        See `NetworkSpec.outputs`.
    y : ndarray of shape (1,) or (1, n_outputs)
        A row of targets, for its dtype.
    n_epochs, n_steps : int
        How many epochs are planned, and how many steps each has.
    scheduled : bool
        Whether the learning rate is set for each step.
    owner : str
        The estimator's name, for errors.
    """

    silent = False

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
    ):
        self.callbacks = callbacks
        self.model = model
        self.scheduled = scheduled
        self.owner = owner
        self._logs: dict[str, float] = {}
        self._has_begun = False
        self._in_units = in_units
        self._outputs = outputs
        n_outputs = model.outputs[0].shape[-1]
        # What becomes of a kernel of ones and a bias of zeros tells how to go back.
        self._unit, self._mean = in_units(np.ones(n_outputs), np.zeros(n_outputs))
        if scheduled and any(isinstance(callback, _SET_THE_RATE) for callback in callbacks):
            raise self._clash()
        # Makes the metrics, by which callbacks know whether more is better.
        entry = model.inputs[0] if len(model.inputs) == 1 else model.input
        x = tf.nest.map_structure(lambda t: np.zeros((1, *t.shape[1:]), t.dtype), entry)
        model._symbolic_build(data_batch=(x, y))
        self._told = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            model=model,
            epochs=n_epochs,
            steps=n_steps,
            verbose=0,
        )

    def _clash(self) -> ValueError:
        return ValueError(
            f"A callback of {self.owner} sets the learning rate, which learning_rate_schedule and "
            "warmup already set for each step: leave these at 'constant' and 0, or leave out "
            "callbacks such as LearningRateScheduler and ReduceLROnPlateau."
        )

    # ------------------------------------------------------------------ in step with the program

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
        was = [*state.weights, *(state.optimizer or []), *(state.seeds or [])]
        # What nobody touched goes back as it was, to the last digit.
        now = [
            new.astype(old.dtype) if is_new else old
            for new, old, is_new in zip(values, was, changed, strict=True)
        ]
        # Training goes on from what they set, as it does without averages.
        for i, j in self._averaged:
            if changed[i] and not changed[j]:
                now[j] = now[i]
        m = n + len(state.optimizer or [])
        self._state = State(now[:n], now[n:m], now[m:])
        self._training.write(self._state)

    # ---------------------------------------------------------------------------------- hooks

    def training_begins(self, training: Any) -> None:
        """Tell them, who may set the weights and the epoch to begin with."""
        self._training = training
        training.each_step = any(looks_at_batches(callback) for callback in self.callbacks)
        optimizer = self.model.optimizer
        seeds = [layer.seed_generator.state for layer in dropout_layers(self.model)]
        # But for the members' shares in their mean, which come last and are not trained.
        n_trained = self._outputs[-1][2] + 1
        variables = [*self.model.weights[:n_trained], *optimizer.variables, *seeds]
        is_rate = [v is optimizer._learning_rate for v in variables]
        self._rate = is_rate.index(True) if any(is_rate) else -1
        self._averaged = []
        if optimizer.use_ema:
            positions = {id(v): i for i, v in enumerate(variables)}
            averages = optimizer._model_variables_moving_average
            pairs = zip(self.model.trainable_variables, averages, strict=True)
            self._averaged = [(positions[id(v)], positions[id(average)]) for v, average in pairs]
        self._twin = Twin(variables, self._read, self._write)
        self.model.stop_training = False
        with self._twin.at_home():
            self._told.on_train_begin()
        self._has_begun = True
        training.epoch = getattr(self.model, "_initial_epoch", None) or 0

    def epoch_begins(self, epoch: int, n_steps: int) -> None:
        """Tell them; Keras counts from zero."""
        self._epoch, self._n_steps = epoch - 1, n_steps
        with self._twin.at_home():
            self._told.on_epoch_begin(self._epoch)
            if self._training.each_step:
                self._told.on_train_batch_begin(0)

    def steps_done(self, n_steps: int) -> None:
        """Tell those who look at each batch; the others, when the loss is lost."""
        training, self._twin.is_behind = self._training, True
        is_lost = not isfinite(training.logs["loss"])
        if not (training.each_step or is_lost):
            return
        with self._twin.at_home():
            self._told.on_train_batch_end(training.step - 1, training.logs)
            training.stop = training.stop or self.model.stop_training
            is_last = training.stop or is_lost or training.step == self._n_steps
            if not is_last:
                self._told.on_train_batch_begin(training.step)

    def epoch_ends(self, logs: dict[str, float], training: Any = None) -> bool:
        """Tell them, and put into the logs what they add, such as the learning rate."""
        self._twin.is_behind = True
        held_out = {name[4:]: x for name, x in logs.items() if name.startswith("val_")}
        with self._twin.at_home():
            if held_out:
                self._told.on_test_begin()
                for step, so_far in enumerate(training.validation_logs):
                    self._told.on_test_batch_begin(step)
                    self._told.on_test_batch_end(step, so_far)
                self._told.on_test_end(held_out)
            self._told.on_epoch_end(self._epoch, logs)
        history = self.model.history
        for name, values in history.history.items():
            if len(values) == len(history.epoch):
                logs.setdefault(name, values[-1])
        self._logs = logs
        return bool(self.model.stop_training)

    def training_ends(self, training: Any) -> None:
        """Tell them, who may set the weights to end with, and let go of the model."""
        with self._twin.at_home():
            self._told.on_train_end(self._logs)
        for callback in self.callbacks:
            callback._model = None
