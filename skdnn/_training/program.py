"""The compiled training loop of a `NetworkSpec`, with the variables that it works on.

Many batches are one graph call: a `while_loop` over consecutive rows, which NumPy has put in order.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skdnn._network.keras_layers import QuickDropout
from skdnn._network.keras_model import build, dropout_layers
from skdnn._network.spec import NetworkSpec, State
from skdnn._training.losses import LOSSES, METRICS, SMOOTHED, LossSpec
from skdnn._training.optimizers import OptimizerSpec, fused
from skdnn._training.session import Machine, Threads, UnsupportedFunctionError
from skdnn._utils.tensorflow import keras, tf


@dataclass(frozen=True)
class ProgramKey:
    """All that is baked into a trace, and so the key under which a program is kept.

    Learning rate and its schedule, weights, seeds, data, batch size, epochs, scaling, the weights
    of classes, the levels of quantiles, and the strengths of penalty, weight decay, clipping,
    averaging and smoothing are data: changing them compiles nothing.
    """

    spec: NetworkSpec
    optimizer: OptimizerSpec
    loss: str | LossSpec
    metric: str
    y_dtype: str
    y_ndim: int
    weighted: bool
    penalized: bool
    scheduled: bool = False  # each step is given its learning rate
    smoothed: bool = False  # labels, in training
    tempered: bool = False  # the cross-entropy of held-out rows is told at several temperatures


class Constants(NamedTuple):
    """What a program reads, and the same for its whole run.

    `unit` and `center` are (n_outputs,) or (1,): output * unit + center is in the target's own
    units. `levels` are those of quantiles, (n_levels,). `alpha` is the strength of the penalty,
    (). So are the others, by the names of the estimators' parameters; they are read where the
    recipe says so.
    """

    unit: Any
    alpha: Any
    center: Any = (0.0,)
    levels: Any = (0.5,)
    clipnorm: Any = 0.0
    weight_decay: Any = 0.0
    ema_momentum: Any = 0.0
    label_smoothing: Any = 0.0


# By which logits are divided.
TEMPERATURES = tuple(2.0 ** np.linspace(-2, 2, 9))

_ROWS = ("unit", "center", "levels")  # constants of one dimension


class Program:
    """One compiled training loop, with the variables that it works on."""

    def __init__(self, recipe: ProgramKey):
        self.recipe = recipe
        self._has_members = recipe.spec.n_members > 1
        self.model = build(recipe.spec.without_output_activation(), dropout=QuickDropout)
        self.optimizer = recipe.optimizer.build(fused)
        self._fresh_slots = self._build_optimizer()
        self._variables = [*self.model.weights, *self.optimizer.variables, *self._seeds()]
        self._is_rate = [v is self.optimizer._learning_rate for v in self._variables]
        self._averaged = self._averages()
        # Keras begins an average with zeros, and sets it to the weight at the first step.
        for weight, average in self._averaged:
            self._fresh_slots[average - len(self.model.weights)] = weight
        self._machine = Machine(self._variables)
        try:
            self._machine.add("train", *self._over_batches(self._train_batch, recipe.scheduled))
        except UnsupportedFunctionError as error:
            own = "" if isinstance(recipe.loss, str) else f" or the loss {recipe.loss.name}"
            raise TypeError(
                f"The optimizer {recipe.optimizer.kind.__name__}{own} cannot be compiled: {error}. "
                "Make all variables of an optimizer with add_variable, in its build method; a "
                "loss has none."
            ) from error
        self.stride = 1024  # steps in one call: the engine's to adapt

    def _seeds(self) -> list[Any]:
        return [layer.seed_generator.state for layer in dropout_layers(self.model)]

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
            value = np.array(slot.numpy())
            same = [v for v, m in zip(variables, marks, strict=True) if np.array_equal(m, value)]
            starts.append(positions[id(same[0])] if same else value)
        return starts

    def _averages(self) -> list[tuple[int, int]]:
        """Return the number of each weight that is averaged, and that of its average."""
        if not self.optimizer.use_ema or self._finalizes():
            return []
        positions = {id(v): i for i, v in enumerate(self._variables)}
        averages = self.optimizer._model_variables_moving_average
        pairs = zip(self.model.trainable_variables, averages, strict=True)
        return [(positions[id(weight)], positions[id(average)]) for weight, average in pairs]

    # ---------------------------------------------------------------- trace

    def _over_batches(self, step: Callable, scheduled: bool = False) -> tuple[Callable, list[Any]]:
        """Return a loop of `step` over batches, and what it takes.

        That is rows, bounds, constants, and the learning rates of the steps if they are scheduled.
        """
        recipe, dtype = self.recipe, self.recipe.spec.dtype
        rows = [
            tf.TensorSpec([None, recipe.spec.n_inputs], dtype),
            tf.TensorSpec([None, recipe.spec.n_outputs][: recipe.y_ndim], recipe.y_dtype),
            tf.TensorSpec([None, recipe.spec.n_members] if self._has_members else [None], dtype),
        ][: 3 if recipe.weighted else 2]
        row, number = tf.TensorSpec([None], dtype), tf.TensorSpec([], dtype)
        constants = [row if x in _ROWS else number for x in Constants._fields]
        signature = [*rows, tf.TensorSpec([None], tf.int32), *constants]
        if scheduled:
            signature.append(tf.TensorSpec([None], self.optimizer._learning_rate.dtype))

        def loop(*arguments: Any) -> Any:
            arrays, (bounds, *others) = arguments[: len(rows)], arguments[len(rows) :]
            rates = others.pop() if scheduled else None
            constants = Constants(*others)

            def body(i: Any, results: Any) -> tuple[Any, Any]:
                if rates is not None:
                    self.optimizer._learning_rate.assign(tf.gather(rates, i))
                start, stop = tf.unstack(tf.gather(spans, i))
                batch = [array[start:stop] for array in arrays]
                return i + 1, results.write(i, step(batch, constants))

            n_steps = tf.size(bounds) - 1
            spans = tf.stack([bounds[:-1], bounds[1:]], axis=1)
            results = tf.TensorArray(dtype, n_steps, element_shape=[None])
            start = tf.constant(0), results
            with self._strengths(constants):
                _, results = tf.while_loop(
                    lambda i, _: i < n_steps, body, start, parallel_iterations=1
                )
            return results.stack()

        return loop, signature

    @contextmanager
    def _strengths(self, constants: Constants) -> Iterator[None]:
        """Have the optimizer read its strengths from tensors while it is traced, and no longer."""
        attributes = vars(self.optimizer)
        own, given = dict(attributes), self.recipe.optimizer.given
        attributes |= {name: getattr(constants, name) for name in given}
        if "clipnorm" in given:
            # Keras asks this number whether there is anything to clip, and clips here.
            attributes["clipnorm"] = own["clipnorm"]
            attributes["_clip_by_norm"] = lambda gradient: tf.clip_by_norm(
                gradient, constants.clipnorm
            )
        try:
            yield
        finally:
            attributes.clear()
            attributes |= own

    def _as_predicted(self, loop: Callable) -> Callable:
        """Have a loop run on the averages of the weights, where there are any."""

        def swap() -> None:
            for i, j in self._averaged:
                weight, average = self._variables[i], self._variables[j]
                held = tf.identity(weight.value)
                weight.assign(average.value)
                average.assign(held)

        def swapped(*arguments: Any) -> Any:
            swap()
            results = loop(*arguments)
            swap()
            return results

        return swapped if self._averaged else loop

    def _told(self, batch: list[Any], constants: Constants, training: bool) -> list[Any]:
        """Return loss and metric of each row, before weights; of members one after the other.

        Where they are asked for, the cross-entropies at `TEMPERATURES` follow.
        """
        (x, y), loss = batch[:2], self.recipe.loss
        output = self.model(x, training=training)
        if self._has_members:
            y = tf.tile(y, [self.recipe.spec.n_members] + [1] * (self.recipe.y_ndim - 1))
            output = tf.reshape(output, [-1, self.recipe.spec.n_outputs])
        activation = str(self.recipe.spec.activations[-1])
        if training and self.recipe.smoothed:
            losses = SMOOTHED[str(loss)](y, output, constants)
        elif isinstance(loss, str):
            losses = LOSSES[loss](y, output, constants)
        else:
            if activation == "linear":  # quantities, in their own units
                shape, output = output.shape, output * constants.unit + constants.center
                output.set_shape(shape)
                constants = constants._replace(unit=1.0)
            losses = loss.per_row(y, output, activation, self.recipe.weighted)
        if activation == "exponential":
            output = tf.exp(output)
        metrics = tf.cast(METRICS[self.recipe.metric](y, output, constants), losses.dtype)
        told = [losses, metrics]
        if self.recipe.tempered and not training:
            told += [LOSSES[str(loss)](y, output / t, constants) for t in TEMPERATURES]
        return told

    def _penalty(self, alpha: Any) -> Any:
        kernels = [v for v in self.model.trainable_variables if v.name == "kernel"]
        return alpha * tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])

    def _train_batch(self, batch: list[Any], constants: Constants) -> Any:
        """Take one step of gradient descent on the mean loss; return the sums of what is told."""
        variables, scale = self.model.trainable_variables, self.optimizer.scale_loss
        with tf.GradientTape() as tape:
            losses, *_ = told = self._told(batch, constants, training=True)
            penalty = self._penalty(constants.alpha) if self.recipe.penalized else 0.0
        weights = self._weights(batch, losses)
        n_rows = tf.cast(tf.size(losses) / self.recipe.spec.n_members, losses.dtype)
        targets, starts = [losses], [scale(weights / n_rows)]
        if self.recipe.penalized:
            targets, starts = [losses, penalty], [*starts, scale(tf.ones_like(penalty))]
        gradients = tape.gradient(targets, variables, output_gradients=starts)
        # Of an embedding it comes as slices, some of them twice: a step in one kernel needs sums.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        self.optimizer.apply(gradients, variables)
        sums = self._sums(told, weights)
        return sums + tf.stack([n_rows * penalty, 0.0]) if self.recipe.penalized else sums

    def _evaluate_batch(self, batch: list[Any], constants: Constants) -> Any:
        losses, *others = self._told(batch, constants, training=False)
        if self.recipe.penalized:
            losses += self._penalty(constants.alpha)
        return self._sums([losses, *others], self._weights(batch, losses))

    def _weights(self, batch: list[Any], losses: Any) -> Any:
        if not self.recipe.weighted:
            return tf.ones_like(losses)
        return tf.reshape(tf.transpose(batch[2]), [-1]) if self._has_members else batch[2]

    def _sums(self, told: list[Any], weights: Any) -> Any:
        """Return the weighted sums over the rows of a batch, of members their mean."""
        sums = tf.linalg.matvec(tf.stack(told), weights)
        return sums / self.recipe.spec.n_members if self._has_members else sums

    # ------------------------------------------------------------------ run

    def load(
        self, state: State, learning_rate: float | None, rng: np.random.Generator, threads: Threads
    ) -> None:
        """Set every variable: nothing is left of the fit before.

        Parameters
        ----------
        state : State
            Where to start; it is not changed.
        learning_rate : float or None
            None where the rate follows a schedule.
        rng : numpy.random.Generator
            Draws the seeds of dropout, where the state has none.
        threads : Threads
            What to compute with.
        """
        self._threads = threads
        slots, is_fresh = state.optimizer, state.optimizer is None
        if slots is None:
            slots = [state.weights[s] if isinstance(s, int) else s for s in self._fresh_slots]
        seeds = state.seeds or [_fresh_seed(rng) for _ in self._seeds()]
        values: list[Any] = [*state.weights, *slots, *seeds]
        if learning_rate is not None:
            told = zip(self._is_rate, values, strict=True)
            values = [learning_rate if is_rate else value for is_rate, value in told]
        values = values if is_fresh else self._swapped(values)
        self._machine.call(threads, "load", *values)

    def restore(self, state: State) -> None:
        """Set every variable to what `read` gave."""
        values = [*state.weights, *(state.optimizer or []), *(state.seeds or [])]
        self._machine.call(self._threads, "load", *self._swapped(values))

    def read(self) -> State:
        """Copy every variable out.

        Where the weights are averaged, the averages are the weights of the state, for it is they
        that predict; and the weights that training goes on from are in the slots of the averages.
        """
        values = self._swapped(self._machine.call(self._threads, "read"))
        if self._finalizes():
            self._assign(values)
            self.optimizer.finalize_variable_values(self.model.trainable_variables)
            values = [np.array(v.numpy()) for v in self._variables]
        n, m = len(self.model.weights), len(self.optimizer.variables)
        return State(values[:n], values[n : n + m], values[n + m :])

    def _swapped(self, values: Sequence[Any]) -> list[Any]:
        """Exchange the values of the weights and of their averages."""
        values = list(values)
        for i, j in self._averaged:
            values[i], values[j] = values[j], values[i]
        return values

    def _assign(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    def _finalizes(self) -> bool:
        """Whether an optimizer of the user's own makes the weights what they are in the end."""
        kind, base = type(self.optimizer), keras.optimizers.Optimizer
        return kind.finalize_variable_values is not base.finalize_variable_values

    def learning_rate(self) -> float:
        """Return the optimizer's rate, as it is now."""
        self._assign(self._machine.call(self._threads, "read"))
        return float(self.optimizer.learning_rate)

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes on its way through the network."""
        return sum(v.shape.num_elements() for v in self.model.trainable_variables)

    @property
    def n_branches(self) -> int:
        """How many parts of a step do not wait for each other: kinds of networks side by side."""
        return len(self.recipe.spec.outputs)

    def run(
        self,
        name: str,
        rows: Sequence[np.ndarray],
        bounds: np.ndarray,
        constants: Constants,
        rates: np.ndarray | None = None,
    ) -> np.ndarray:
        """Run a loop.

        Parameters
        ----------
        name : {"train", "evaluate"}
            Which one.
        rows : sequence of ndarray
            x, (n_rows, n_inputs), y, and the rows' weights where the recipe has any.
        bounds : ndarray of shape (n_steps + 1,), int32
            Where each batch begins, and the last one ends.
        constants : Constants
            What is the same for all batches.
        rates : ndarray of shape (n_steps,), default=None
            The learning rates, where they are scheduled.

        Returns
        -------
        results : ndarray of shape (n_steps, 2), or more
            Loss and metric, summed over the rows of each batch; where the recipe says so, also the
            cross-entropies at `TEMPERATURES` in "evaluate".
        """
        if name not in self._machine:
            loop, signature = self._over_batches(self._evaluate_batch)
            self._machine.add(name, self._as_predicted(loop), signature)
        dtype = self.recipe.spec.dtype
        values = [np.asarray(x, dtype) for x in constants]
        given = [*rows, bounds, *values, *([] if rates is None else [rates])]
        return self._machine.call(self._threads, name, *given)

    def close(self) -> None:
        """Give memory and threads back."""
        self._machine.close()

    def abandon(self) -> None:
        """Forget them, in a forked process."""
        self._machine.abandon()


class Predictor:
    """The compiled forward pass of a network, for many rows at once."""

    def __init__(self, spec: NetworkSpec):
        model = build(spec)
        self._machine = Machine(model.weights)
        signature = [tf.TensorSpec([None, spec.n_inputs], spec.dtype)]
        self._machine.add("forward", lambda x: model(x, training=False), signature)

    def run(self, weights: Sequence[np.ndarray], x: np.ndarray, threads: Threads) -> np.ndarray:
        """Return the network's output, (n_rows, n_outputs), for rows x, (n_rows, n_inputs)."""
        self._machine.call(threads, "load", *weights)
        return self._machine.call(threads, "forward", x)

    def close(self) -> None:
        """Give memory and threads back."""
        self._machine.close()

    def abandon(self) -> None:
        """Forget them, in a forked process."""
        self._machine.abandon()


def _fresh_seed(rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.integers(2**32, dtype=np.uint32), 0], np.uint32)
