"""Compiled training of a `NetworkSpec`; knows nothing of scikit-learn.

A whole epoch is one graph call: a `while_loop` over the batches, with the batch gathered inside
the loop. The traced program is kept for the next fit of the same architecture.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from math import isfinite
from typing import Any, NamedTuple, Protocol

import numpy as np

from skdnn._keras import keras, tf
from skdnn._lookup import OptimizerSpec
from skdnn._network import build
from skdnn._spec import NetworkSpec, State

# A graph call cannot be interrupted, nor seen into. An epoch that takes longer than this many
# seconds is made of several, so that Ctrl-C and the progress bar answer; the result is the same.
_SECONDS_PER_CALL = 0.5
_EVALUATION_BATCH = 2048
_process: int | None = None  # the one that trains

LOSSES: dict[str, Callable] = {
    "binary_crossentropy": keras.losses.binary_crossentropy,
    "mean_squared_error": keras.losses.mean_squared_error,
    "sparse_categorical_crossentropy": keras.losses.sparse_categorical_crossentropy,
}


def _accuracy(y: Any, output: Any, unit: Any) -> Any:
    return tf.equal(tf.argmax(output, axis=-1, output_type=y.dtype), y)


def _binary_accuracy(y: Any, output: Any, unit: Any) -> Any:
    return tf.reduce_mean(tf.cast(tf.equal(output > 0.5, y > 0.5), output.dtype), axis=-1)


def _mean_absolute_error(y: Any, output: Any, unit: Any) -> Any:
    return tf.reduce_mean(tf.abs(y - output) * unit, axis=-1)


# Per row. `unit` turns an error of the network's output into the target's own units.
METRICS: dict[str, Callable] = {
    "accuracy": _accuracy,
    "binary_accuracy": _binary_accuracy,
    "mean_absolute_error": _mean_absolute_error,
}


@dataclass(frozen=True)
class Recipe:
    """All that is baked into a trace, and so the key under which a program is kept.

    Learning rate, weights, seeds, data, batch size, epochs, scaling and the strength of the
    penalty are data: changing them compiles nothing.
    """

    spec: NetworkSpec
    optimizer: OptimizerSpec
    loss: str
    metric: str
    x_dtype: str
    y_dtype: str
    y_ndim: int
    scaled: bool
    weighted: bool
    penalized: bool


class Data(NamedTuple):
    """What a program reads, and the same for its whole run; () stands for absent.

    `X` is (n_samples, n_inputs), `y` (n_samples,) or (n_samples, n_outputs), `weight`
    (n_samples,), `offset` and `scale` (n_inputs,) or (1,), `unit` (n_outputs,), `alpha` ().
    """

    X: Any
    y: Any
    weight: Any = ()
    offset: Any = ()
    scale: Any = ()
    unit: Any = ()
    alpha: Any = ()


class Report(Protocol):
    """Is told how training goes on."""

    def epoch_begins(self, epoch: int, n_steps: int) -> None: ...
    def steps_done(self, n_steps: int) -> None: ...
    def epoch_ends(self, logs: dict[str, float]) -> None: ...


class Program:
    """One compiled training loop, with the variables that it works on."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.model = build(recipe.spec)
        self.optimizer = recipe.optimizer.build()
        self._fresh_slots = self._build_optimizer()
        self._stride = 1024  # steps in one call

    def _build_optimizer(self) -> list[np.ndarray | int]:
        """Return what each optimizer variable starts from: an array, or the number of a weight.

        Some optimizers (schedule-free ones) start a variable of theirs at the weights. They are
        found by giving the weights values that nothing else has.
        """
        rng = np.random.default_rng(0)
        variables = self.model.trainable_variables
        marks = [rng.uniform(1, 2, v.shape).astype(v.dtype) for v in variables]
        for variable, mark in zip(variables, marks, strict=True):
            variable.assign(mark)
        self.optimizer.build(variables)
        positions = {id(v): i for i, v in enumerate(self.model.weights)}
        starts: list[np.ndarray | int] = []
        for slot in self.optimizer.variables:
            value = _copy(slot)
            same = [v for v, m in zip(variables, marks, strict=True) if np.array_equal(m, value)]
            starts.append(positions[id(same[0])] if same else value)
        return starts

    def _signature(self) -> list[Any]:
        recipe, dtype = self.recipe, self.recipe.spec.dtype
        floats = tf.TensorSpec([None], dtype)
        count = tf.TensorSpec([], tf.int32)
        data = Data(
            X=tf.TensorSpec([None, recipe.spec.n_inputs], recipe.x_dtype),
            y=tf.TensorSpec([None] * recipe.y_ndim, recipe.y_dtype),
            weight=floats if recipe.weighted else (),
            offset=floats if recipe.scaled else (),
            scale=floats if recipe.scaled else (),
            unit=floats,
            alpha=tf.TensorSpec([], dtype) if recipe.penalized else (),
        )
        rows = tf.TensorSpec([None], tf.int32)
        sums = tf.TensorSpec([2], tf.float64)
        return [data, rows, count, count, count, sums]

    def _batch(self, data: Data, rows: Any) -> tuple[Any, Any, Any]:
        dtype = self.recipe.spec.dtype
        x = tf.cast(tf.gather(data.X, rows), dtype)
        if self.recipe.scaled:
            x = (x - data.offset) * data.scale
        weight = tf.gather(data.weight, rows) if self.recipe.weighted else None
        return x, tf.gather(data.y, rows), weight

    def _losses(self, data: Data, batch: tuple, training: bool) -> tuple[Any, Any]:
        """Return the loss and the metric of each row of a batch."""
        x, y, weight = batch
        output = self.model(x, training=training)
        losses = LOSSES[self.recipe.loss](y, output)
        metrics = tf.cast(METRICS[self.recipe.metric](y, output, data.unit), losses.dtype)
        if weight is not None:
            losses, metrics = losses * weight, metrics * weight
        return losses, metrics

    def _penalty(self, alpha: Any) -> Any:
        kernels = [v for v in self.model.trainable_variables if v.name == "kernel"]
        return alpha * tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])

    def _train_batch(self, data: Data, rows: Any) -> Any:
        """Take one step of gradient descent; return the batch's summed loss and metric."""
        batch = self._batch(data, rows)
        with tf.GradientTape() as tape:
            losses, metrics = self._losses(data, batch, training=True)
            loss = tf.reduce_mean(losses)
            if self.recipe.penalized:
                loss += self._penalty(data.alpha)
            objective = self.optimizer.scale_loss(loss)
        variables = self.model.trainable_variables
        self.optimizer.apply(tape.gradient(objective, variables), variables)
        n_rows = tf.cast(tf.size(rows), loss.dtype)
        return tf.stack([loss * n_rows, tf.reduce_sum(metrics)])

    def _evaluate_batch(self, data: Data, rows: Any) -> Any:
        batch = self._batch(data, rows)
        losses, metrics = self._losses(data, batch, training=False)
        if self.recipe.penalized:
            weight = tf.ones_like(losses) if batch[2] is None else batch[2]
            losses += weight * self._penalty(data.alpha)
        return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(metrics)])

    @cached_property
    def _train(self) -> Callable:
        return self._trace(self._train_batch)

    @cached_property
    def _evaluate(self) -> Callable:
        return self._trace(self._evaluate_batch)

    def _trace(self, step: Callable) -> Callable:
        # The concrete function, because TensorFlow counts the traces of a `tf.function` by its
        # code, and would warn of the fifth architecture.
        return tf.function(
            partial(_over_batches, step), autograph=False, input_signature=self._signature()
        ).get_concrete_function()

    def load(self, state: State, learning_rate: float | None, rng: np.random.Generator) -> None:
        """Set every variable: nothing is left of the fit before."""
        for variable, value in zip(self.model.weights, state.weights, strict=True):
            variable.assign(value)
        slots = state.optimizer
        if slots is None:
            slots = [state.weights[s] if isinstance(s, int) else s for s in self._fresh_slots]
        for variable, value in zip(self.optimizer.variables, slots, strict=True):
            variable.assign(value)
        if learning_rate is not None:
            self.optimizer.learning_rate = learning_rate
        seeds = state.seeds or [_fresh_seed(rng) for _ in self._seed_variables()]
        for variable, value in zip(self._seed_variables(), seeds, strict=True):
            variable.assign(value)

    def read(self) -> State:
        """Copy every variable out."""
        self.optimizer.finalize_variable_values(self.model.trainable_variables)
        return State(
            [_copy(v) for v in self.model.weights],
            [_copy(v) for v in self.optimizer.variables],
            [_copy(v) for v in self._seed_variables()],
        )

    def _seed_variables(self) -> list[Any]:
        layers = self.model.layers
        return [x.seed_generator.state for x in layers if isinstance(x, keras.layers.Dropout)]

    def train_epoch(
        self, data: Data, rows: np.ndarray, batch_size: int, steps_done: Callable[[int], None]
    ) -> tuple[float, float]:
        """Go once over the rows, in their order; return the summed loss and metric."""
        n_steps = -(-len(rows) // batch_size)
        done, sums = 0, np.zeros(2)
        rows = tf.constant(rows, tf.int32)
        while done < n_steps and isfinite(sums[0]):
            stop = min(done + self._stride, n_steps)
            begin = time.perf_counter()
            sums = _call(self._train, data, rows, (batch_size, done, stop), sums)
            self._adapt_stride(stop - done, time.perf_counter() - begin)
            steps_done(stop - done)
            done = stop
        return float(sums[0]), float(sums[1])

    def _adapt_stride(self, n_steps: int, seconds: float) -> None:
        if seconds > 2 * _SECONDS_PER_CALL:
            self._stride = max(1, n_steps // 2)
        elif n_steps == self._stride and seconds < _SECONDS_PER_CALL / 2:
            self._stride *= 2

    def evaluate(self, data: Data, rows: np.ndarray) -> tuple[float, float]:
        """Return the loss and the metric over the rows, as predictions would have them."""
        n_steps = -(-len(rows) // _EVALUATION_BATCH)
        span = (_EVALUATION_BATCH, 0, n_steps)
        sums = _call(self._evaluate, data, tf.constant(rows, tf.int32), span, np.zeros(2))
        total = np.sum(data.weight.numpy()[rows]) if self.recipe.weighted else len(rows)
        return float(sums[0] / total), float(sums[1] / total)


def _over_batches(
    step: Callable, data: Data, rows: Any, batch_size: Any, start: Any, stop: Any, sums: Any
) -> Any:
    """Run `step` over the batches from `start` to `stop`; add what it returns to `sums`."""

    def body(i: Any, sums: Any) -> tuple[Any, Any]:
        batch = rows[i * batch_size : (i + 1) * batch_size]
        return i + 1, sums + tf.cast(step(data, batch), tf.float64)

    loop = tf.while_loop(lambda i, _: i < stop, body, (start, sums), parallel_iterations=1)
    return loop[1]


def _call(
    loop: Callable, data: Data, rows: Any, span: tuple[int, int, int], sums: np.ndarray
) -> np.ndarray:
    counts = (tf.constant(count, tf.int32) for count in span)
    return loop(data, rows, *counts, tf.constant(sums)).numpy()


def _copy(variable: Any) -> np.ndarray:
    return np.array(variable.numpy())


def _fresh_seed(rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.integers(2**32, dtype=np.uint32), 0], np.uint32)


class ProgramCache:
    """Programs that are not in use, the longest unused thrown away first.

    A program is lent to one fit at a time: its variables are that fit's own. A second thread
    that wants the same one meanwhile compiles another.
    """

    def __init__(self, maxsize: int):
        self.maxsize = maxsize
        self._idle: OrderedDict[Recipe, Program] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def lend(self, recipe: Recipe) -> Iterator[Program]:
        """Lend the program of a recipe; one whose run was broken off does not come back."""
        with self._lock:
            program = self._idle.pop(recipe, None)
        if program is None:
            program = Program(recipe)
        yield program
        with self._lock:
            self._idle[recipe] = program
            while len(self._idle) > self.maxsize:
                self._idle.popitem(last=False)


PROGRAMS = ProgramCache(maxsize=16)


@dataclass
class Plan:
    """How long to train, on which rows and in which order."""

    rows: np.ndarray
    held_out: np.ndarray
    epochs: int
    batch_size: int
    shuffle: bool


def train(
    recipe: Recipe,
    data: Data,
    state: State,
    plan: Plan,
    rng: np.random.Generator,
    report: Report,
) -> tuple[State, dict[str, list[float]]]:
    """Train a network.

    Parameters
    ----------
    recipe : Recipe
        What to compile, or to find compiled.
    data : Data
        All rows, as arrays of the recipe's dtypes.
    state : State
        Where to start; it is not changed.
    plan : Plan
        How long to train, on which rows and in which order.
    rng : numpy.random.Generator
        Draws the dropout seeds and the order of the rows.
    report : Report
        Is told how training goes on.

    Returns
    -------
    state : State
        Where training stopped.
    history : dict of list of float
        Per epoch: "loss" and the metric; the same of the held-out rows under "val_".

    Raises
    ------
    ValueError
        When the loss or the weights are no longer finite.
    RuntimeError
        In a process forked from one that has trained.
    """
    _check_process()
    history: dict[str, list[float]] = {}
    with PROGRAMS.lend(recipe) as program:
        program.load(state, recipe.optimizer.learning_rate, rng)
        tensors = tf.nest.map_structure(tf.convert_to_tensor, data)
        batch_size = min(plan.batch_size, len(plan.rows))
        for epoch in range(1, plan.epochs + 1):
            rows = rng.permutation(plan.rows) if plan.shuffle else plan.rows
            report.epoch_begins(epoch, -(-len(rows) // batch_size))
            sums = program.train_epoch(tensors, rows, batch_size, report.steps_done)
            names = ("loss", recipe.metric)
            logs = dict(zip(names, (total / len(rows) for total in sums), strict=True))
            _check_finite(isfinite(logs["loss"]), epoch, program.optimizer)
            if len(plan.held_out):
                values = program.evaluate(tensors, plan.held_out)
                logs |= {f"val_{name}": x for name, x in zip(names, values, strict=True)}
            for name, value in logs.items():
                history.setdefault(name, []).append(value)
            report.epoch_ends(logs)
        state = program.read()
        # The last step of all comes after the last loss.
        are_finite = all(np.isfinite(w).all() for w in state.weights)
        _check_finite(are_finite, plan.epochs, program.optimizer)
    return state, history


def _check_process() -> None:
    # TensorFlow's threads do not survive a fork: the child would wait for them for ever.
    global _process
    _process = _process or os.getpid()
    if _process != os.getpid():
        raise RuntimeError(
            "This process was forked from one that has trained a network, and TensorFlow cannot be "
            "used in both: start it with joblib's loky backend or with multiprocessing's 'spawn'."
        )
    if tf.distribute.has_strategy():
        raise RuntimeError("skdnn trains on one device: call fit outside of tf.distribute's scope.")


def _check_finite(is_finite: bool, epoch: int, optimizer: Any) -> None:
    if not is_finite:
        rate = float(optimizer.learning_rate.numpy())
        raise ValueError(
            f"Training diverged in epoch {epoch}: the loss is no longer finite. Lower "
            f"learning_rate (it was {rate:.3g}), or scale the inputs (scaling='standard')."
        )
