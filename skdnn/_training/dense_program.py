"""The compiled training loop of a `NetworkSpec`, with the variables that it works on.

Many batches are one graph call: a `while_loop` over consecutive rows, which NumPy has put in order.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from skdnn._network.keras_model import build, dropout_layers
from skdnn._network.spec import NetworkSpec, State
from skdnn._training.batch_loop import BOUNDS, CompiledProgram, over_batches
from skdnn._training.losses import LOSSES, METRICS, SMOOTHED, LossSpec
from skdnn._training.optimizer_state import averaged_pairs, build_optimizer, sets_final_weights
from skdnn._training.optimizers import OptimizerSpec, fused
from skdnn._training.quick_dropout import QuickDropout
from skdnn._training.session import Threads, UnsupportedFunctionError
from skdnn._utils.keras_internals import can_clip_by_tensor, clip_by, learning_rate_variable
from skdnn._utils.tensorflow import tf


@dataclass(frozen=True)
class ProgramKey:
    """All that a compiled program depends on: the key under which it is kept.

    Everything else is data, and to change it compiles nothing: learning rate and its schedule,
    weights, seeds, rows, batch size, epochs, scaling, class weights, quantile levels, and the
    values of the hyperparameters in `Constants`.
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
    smoothed: bool = False  # the labels are smoothed in training
    tempered: bool = False  # evaluation returns the cross-entropy at several temperatures, too


class Constants(NamedTuple):
    """Numbers that a program is given with each call, and that are the same for a whole fit.

    `unit` and `center` are (n_outputs,) or (1,): output * unit + center is in the target's own
    units. `levels` are the quantile levels, (n_levels,). `alpha` is the strength of the L2
    penalty, (). The others are numbers, too, by the names of the estimators' parameters; the key
    of the program decides whether they are used.
    """

    unit: Any
    alpha: Any
    center: Any = (0.0,)
    levels: Any = (0.5,)
    clipnorm: Any = 0.0
    weight_decay: Any = 0.0
    ema_momentum: Any = 0.0
    label_smoothing: Any = 0.0


# What logits are divided by.
TEMPERATURES = tuple(2.0 ** np.linspace(-2, 2, 9))

_ROWS = ("unit", "center", "levels")  # constants of one dimension


class Program(CompiledProgram):
    """The compiled training loop of a `NetworkSpec`, with the variables that it works on.

    Parameters
    ----------
    key : ProgramKey
        What to compile.
    """

    def __init__(self, key: ProgramKey):
        self.key = key
        self._has_members = key.spec.n_members > 1
        self.model = build(key.spec.without_output_activation(), dropout=QuickDropout)
        self.optimizer = key.optimizer.build(fused)
        self._fresh_slots = build_optimizer(self.optimizer, self.model)
        self._variables = [*self.model.weights, *self.optimizer.variables, *self._seeds()]
        self._rate = learning_rate_variable(self.optimizer)
        self._finalizes = sets_final_weights(self.optimizer)
        self._averaged: list[tuple[int, int]] = []
        if not self._finalizes:
            trained = self.model.trainable_variables
            self._averaged = averaged_pairs(self.optimizer, trained, self._variables)
        # Keras starts an average with zeros, and sets it to the weight at the first step.
        for weight, average in self._averaged:
            self._fresh_slots[average - len(self.model.weights)] = weight
        # Where the optimizer cannot clip by a tensor, the gradients are clipped before it.
        is_given = "clipnorm" in key.optimizer.given
        self._clips_gradients = is_given and not can_clip_by_tensor(self.optimizer)
        super().__init__(self._variables)
        self._compile()

    def _compile(self) -> None:
        try:
            loop, signature = self._over_batches(self._train_batch, self.key.scheduled)
            self.functions.add("train", loop, signature)
        except UnsupportedFunctionError as error:
            loss, kind = self.key.loss, self.key.optimizer.kind
            own = "" if isinstance(loss, str) else f" or the loss {loss.name}"
            raise TypeError(
                f"The optimizer {kind.__name__}{own} cannot be compiled: {error}. "
                "Make all variables of an optimizer with add_variable, in its build method; a "
                "loss has none."
            ) from error

    def _seeds(self) -> list[Any]:
        return [layer.seed_generator.state for layer in dropout_layers(self.model)]

    # ---------------------------------------------------------------- trace

    def _over_batches(
        self, step: Callable[..., Any], scheduled: bool = False
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Return a loop of `step` over batches, and its signature.

        It takes rows, bounds, constants, and the learning rates of the steps if they are scheduled.
        """
        rows, dtype = self._row_signature(), self.key.spec.dtype
        row, number = tf.TensorSpec([None], dtype), tf.TensorSpec([], dtype)
        constants = [row if x in _ROWS else number for x in Constants._fields]
        signature = [*rows, BOUNDS, *constants]
        if scheduled:
            signature.append(tf.TensorSpec([None], self._rate.dtype))

        def loop(*arguments: Any) -> Any:
            arrays, (bounds, *others) = arguments[: len(rows)], arguments[len(rows) :]
            rates = others.pop() if scheduled else None
            constants = Constants(*others)

            def body(i: Any, batch: list[Any], results: Any) -> list[Any]:
                if rates is not None:
                    self._rate.assign(tf.gather(rates, i))
                return [results.write(i, step(batch, constants))]

            results = tf.TensorArray(dtype, tf.size(bounds) - 1, element_shape=[None])
            with self._hyperparameters(constants):
                (results,) = over_batches(body, arrays, bounds, [results])
            return results.stack()

        return loop, signature

    def _row_signature(self) -> list[Any]:
        key, spec = self.key, self.key.spec
        rows = [
            tf.TensorSpec([None, spec.n_inputs], spec.dtype),
            tf.TensorSpec([None, spec.n_outputs][: key.y_ndim], key.y_dtype),
            tf.TensorSpec([None, spec.n_members] if self._has_members else [None], spec.dtype),
        ]
        return rows[: 3 if key.weighted else 2]

    @contextmanager
    def _hyperparameters(self, constants: Constants) -> Iterator[None]:
        """Have the optimizer read its hyperparameters from tensors while it is traced."""
        attributes = vars(self.optimizer)
        own, given = dict(attributes), self.key.optimizer.given
        attributes |= {name: getattr(constants, name) for name in given}
        if "clipnorm" in given:
            attributes["clipnorm"] = own["clipnorm"]
            clip_by(self.optimizer, constants.clipnorm)
        try:
            yield
        finally:
            attributes.clear()
            attributes |= own

    def _with_averages(self, loop: Callable[..., Any]) -> Callable[..., Any]:
        """Have a loop use the averages of the weights, where there are any: they predict."""

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

    def _losses_and_metric(
        self, batch: list[Any], constants: Constants, training: bool
    ) -> list[Any]:
        """Return loss and metric of each row, unweighted; ensemble members one after the other.

        Where the key asks for them, the cross-entropies at `TEMPERATURES` follow.
        """
        (x, y), loss = batch[:2], self.key.loss
        output = self.model(x, training=training)
        if self._has_members:
            y = tf.tile(y, [self.key.spec.n_members] + [1] * (self.key.y_ndim - 1))
            output = tf.reshape(output, [-1, self.key.spec.n_outputs])
        activation = str(self.key.spec.activations[-1])
        if training and self.key.smoothed:
            losses = SMOOTHED[str(loss)](y, output, constants)
        elif isinstance(loss, str):
            losses = LOSSES[loss](y, output, constants)
        else:
            if activation == "linear":  # regression targets, in their own units
                shape, output = output.shape, output * constants.unit + constants.center
                output.set_shape(shape)
                constants = constants._replace(unit=1.0)
            losses = loss.per_row(y, output, activation, self.key.weighted)
        if activation == "exponential":
            output = tf.exp(output)
        metrics = tf.cast(METRICS[self.key.metric](y, output, constants), losses.dtype)
        values = [losses, metrics]
        if self.key.tempered and not training:
            values += [LOSSES[str(loss)](y, output / t, constants) for t in TEMPERATURES]
        return values

    def _penalty(self, alpha: Any) -> Any:
        """Return the L2 penalty of the kernels."""
        kernels = [v for v in self.model.trainable_variables if v.name == "kernel"]
        return alpha * tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])

    def _train_batch(self, batch: list[Any], constants: Constants) -> Any:
        """Take one step of gradient descent on the mean loss; return the sums over its rows."""
        variables, scale = self.model.trainable_variables, self.optimizer.scale_loss
        with tf.GradientTape() as tape:
            losses, *_ = values = self._losses_and_metric(batch, constants, training=True)
            penalty = self._penalty(constants.alpha) if self.key.penalized else 0.0
        weights = self._weights(batch, losses)
        n_rows = tf.cast(tf.size(losses) / self.key.spec.n_members, losses.dtype)
        targets, starts = [losses], [scale(weights / n_rows)]
        if self.key.penalized:
            targets, starts = [losses, penalty], [*starts, scale(tf.ones_like(penalty))]
        gradients = tape.gradient(targets, variables, output_gradients=starts)
        # The gradient of an embedding is slices, some of them of the same row: a fused step needs
        # their sums.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        if self._clips_gradients:
            gradients = [tf.clip_by_norm(x, constants.clipnorm) for x in gradients]
        self.optimizer.apply(gradients, variables)
        sums = self._sums(values, weights)
        return sums + tf.stack([n_rows * penalty, 0.0]) if self.key.penalized else sums

    def _evaluate_batch(self, batch: list[Any], constants: Constants) -> Any:
        """Return the sums over the rows of a batch."""
        losses, *others = self._losses_and_metric(batch, constants, training=False)
        if self.key.penalized:
            losses += self._penalty(constants.alpha)
        return self._sums([losses, *others], self._weights(batch, losses))

    def _weights(self, batch: list[Any], losses: Any) -> Any:
        """Return the weight of each loss."""
        if not self.key.weighted:
            return tf.ones_like(losses)
        return tf.reshape(tf.transpose(batch[2]), [-1]) if self._has_members else batch[2]

    def _sums(self, values: list[Any], weights: Any) -> Any:
        """Return weighted sums over the rows of a batch, averaged over the ensemble members."""
        sums = tf.linalg.matvec(tf.stack(values), weights)
        return sums / self.key.spec.n_members if self._has_members else sums

    # ------------------------------------------------------------------ run

    def load(
        self, state: State, learning_rate: float | None, rng: np.random.Generator, threads: Threads
    ) -> None:
        """Set every variable, so that nothing is left of the previous fit.

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
            pairs = zip(self._variables, values, strict=True)
            values = [learning_rate if v is self._rate else value for v, value in pairs]
        values = values if is_fresh else self._swapped(values)
        self.functions.call(threads, "load", *values)

    def restore(self, state: State) -> None:
        """Set every variable to what `read` gave."""
        values = [*state.weights, *(state.optimizer or []), *(state.seeds or [])]
        self.functions.call(self._threads, "load", *self._swapped(values))

    def read(self) -> State:
        """Copy every variable out.

        Where weights are averaged, the state's weights are the averages, which predict. The weights
        that training resumes from are in the optimizer's part of the state, in their place.
        """
        values = self._swapped(self.functions.call(self._threads, "read"))
        if self._finalizes:
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

    def learning_rate(self) -> float:
        """Return the optimizer's current learning rate."""
        self._assign(self.functions.call(self._threads, "read"))
        return float(self.optimizer.learning_rate)

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes on its way through the network."""
        return sum(prod(v.shape) for v in self.model.trainable_variables)

    @property
    def n_branches(self) -> int:
        """Number of architectures side by side: parts of a step that do not wait for each other."""
        return len(self.key.spec.outputs)

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
            x, (n_rows, n_inputs), y, and the weights of the rows where the key is `weighted`.
        bounds : ndarray of shape (n_steps + 1,), int32
            Where each batch begins, and the last one ends.
        constants : Constants
            What is the same for all batches.
        rates : ndarray of shape (n_steps,), default=None
            The learning rates, where they are scheduled.

        Returns
        -------
        results : ndarray of shape (n_steps, 2), or more
            Loss and metric, summed over the rows of each batch; in "evaluate" also the
            cross-entropies at `TEMPERATURES`, where the key is `tempered`.
        """
        if name not in self.functions:
            loop, signature = self._over_batches(self._evaluate_batch)
            self.functions.add(name, self._with_averages(loop), signature)
        dtype = self.key.spec.dtype
        values = [np.asarray(x, dtype) for x in constants]
        given = [*rows, bounds, *values, *([] if rates is None else [rates])]
        results: np.ndarray = self.functions.call(self._threads, name, *given)
        return results


def _fresh_seed(rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.integers(2**32, dtype=np.uint32), 0], np.uint32)
