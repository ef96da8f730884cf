"""The compiled training loop of a `NetworkSpec`, with the variables that it works on.

Many batches are one graph call: a `while_loop` over consecutive rows, which NumPy has put in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skdnn._keras import keras, tf
from skdnn._lookup import OptimizerSpec
from skdnn._network import build
from skdnn._optimizers import fused
from skdnn._session import Machine, UnsupportedFunctionError
from skdnn._spec import NetworkSpec, State


def _sparse_categorical_crossentropy(y: Any, logits: Any) -> Any:
    return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=logits, labels=y).loss


def _binary_crossentropy(y: Any, logits: Any) -> Any:
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits)
    return tf.reduce_mean(losses, axis=-1)


def _mean_squared_error(y: Any, output: Any) -> Any:
    return tf.reduce_mean(tf.square(y - output), axis=-1)


# Per row, from what the output layer gives before its activation: of a softmax or a sigmoid that
# is exact where its logarithm would not be.
LOSSES: dict[str, Callable] = {
    "binary_crossentropy": _binary_crossentropy,
    "mean_squared_error": _mean_squared_error,
    "sparse_categorical_crossentropy": _sparse_categorical_crossentropy,
}


def _accuracy(y: Any, logits: Any, unit: Any) -> Any:
    return tf.equal(tf.argmax(logits, axis=-1, output_type=y.dtype), y)


def _binary_accuracy(y: Any, logits: Any, unit: Any) -> Any:
    return tf.reduce_mean(tf.cast(tf.equal(logits > 0, y > 0.5), logits.dtype), axis=-1)


def _mean_absolute_error(y: Any, output: Any, unit: Any) -> Any:
    return tf.reduce_mean(tf.abs(y - output) * unit, axis=-1)


# Per row, from the same. `unit` turns an error of the network's output into the target's own units.
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
    y_dtype: str
    y_ndim: int
    weighted: bool
    penalized: bool


class Constants(NamedTuple):
    """What a program reads, and the same for its whole run.

    `unit` is (n_outputs,) or (1,), `alpha` the strength of the penalty, ().
    """

    unit: np.ndarray
    alpha: np.ndarray


class Program:
    """One compiled training loop, with the variables that it works on."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe
        self.model = build(recipe.spec.without_output_activation())
        self.optimizer = recipe.optimizer.build(fused)
        self._fresh_slots = self._build_optimizer()
        self._variables = [*self.model.weights, *self.optimizer.variables, *self._seeds()]
        self._is_rate = [v is self.optimizer._learning_rate for v in self._variables]
        self._machine = Machine(self._variables)
        try:
            self._machine.add("train", *self._over_batches(self._train_batch))
        except UnsupportedFunctionError as error:
            raise TypeError(
                f"The optimizer {recipe.optimizer.kind.__name__} cannot be compiled: {error}. Make "
                "all its variables with add_variable, in its build method."
            ) from error
        self.stride = 1024  # steps in one call: the engine's to adapt

    def _seeds(self) -> list[Any]:
        layers = self.model.layers
        return [x.seed_generator.state for x in layers if isinstance(x, keras.layers.Dropout)]

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

    # ---------------------------------------------------------------- trace

    def _over_batches(self, step: Callable) -> tuple[Callable, list[Any]]:
        """Return a loop of `step` over batches, and what it takes: rows, bounds, constants."""
        recipe, dtype = self.recipe, self.recipe.spec.dtype
        rows = [
            tf.TensorSpec([None, recipe.spec.n_inputs], dtype),
            tf.TensorSpec([None, recipe.spec.n_outputs][: recipe.y_ndim], recipe.y_dtype),
            tf.TensorSpec([None], dtype),
        ][: 3 if recipe.weighted else 2]
        constants = [tf.TensorSpec([None], dtype), tf.TensorSpec([], dtype)]
        signature = [*rows, tf.TensorSpec([None], tf.int32), *constants]

        def loop(*arguments: Any) -> Any:
            *rows, bounds, unit, alpha = arguments
            constants = Constants(unit, alpha)

            def body(i: Any, results: Any) -> tuple[Any, Any]:
                start, stop = tf.unstack(tf.gather(spans, i))
                batch = [array[start:stop] for array in rows]
                return i + 1, results.write(i, step(batch, constants))

            n_steps = tf.size(bounds) - 1
            spans = tf.stack([bounds[:-1], bounds[1:]], axis=1)
            results = tf.TensorArray(dtype, n_steps, element_shape=[2])
            start = tf.constant(0), results
            _, results = tf.while_loop(lambda i, _: i < n_steps, body, start, parallel_iterations=1)
            return results.stack()

        return loop, signature

    def _told(self, batch: list[Any], unit: Any, training: bool) -> tuple[Any, Any]:
        """Return loss and metric of each row of a batch, before weights."""
        x, y = batch[:2]
        output = self.model(x, training=training)
        losses = LOSSES[self.recipe.loss](y, output)
        return losses, tf.cast(METRICS[self.recipe.metric](y, output, unit), losses.dtype)

    def _penalty(self, alpha: Any) -> Any:
        kernels = [v for v in self.model.trainable_variables if v.name == "kernel"]
        return alpha * tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])

    def _train_batch(self, batch: list[Any], constants: Constants) -> Any:
        """Take one step of gradient descent on the mean loss; return the sums of what is told."""
        variables, scale = self.model.trainable_variables, self.optimizer.scale_loss
        with tf.GradientTape() as tape:
            losses, metrics = self._told(batch, constants.unit, training=True)
            penalty = self._penalty(constants.alpha) if self.recipe.penalized else 0.0
        weights = batch[2] if self.recipe.weighted else tf.ones_like(losses)
        n_rows = tf.cast(tf.size(losses), losses.dtype)
        targets, starts = [losses], [scale(weights / n_rows)]
        if self.recipe.penalized:
            targets, starts = [losses, penalty], [*starts, scale(tf.ones_like(penalty))]
        gradients = tape.gradient(targets, variables, output_gradients=starts)
        # Of an embedding it comes as slices, some of them twice: a step in one kernel needs sums.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        self.optimizer.apply(gradients, variables)
        sums = tf.linalg.matvec(tf.stack([losses, metrics]), weights)
        return sums + tf.stack([n_rows * penalty, 0.0]) if self.recipe.penalized else sums

    def _evaluate_batch(self, batch: list[Any], constants: Constants) -> Any:
        losses, metrics = self._told(batch, constants.unit, training=False)
        if self.recipe.penalized:
            losses += self._penalty(constants.alpha)
        weights = batch[2] if self.recipe.weighted else tf.ones_like(losses)
        return tf.linalg.matvec(tf.stack([losses, metrics]), weights)

    # ------------------------------------------------------------------ run

    def load(
        self, state: State, learning_rate: float | None, rng: np.random.Generator, n_threads: int
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
        n_threads : int
            With how many threads to compute.
        """
        self._n_threads = n_threads
        slots = state.optimizer
        if slots is None:
            slots = [state.weights[s] if isinstance(s, int) else s for s in self._fresh_slots]
        seeds = state.seeds or [_fresh_seed(rng) for _ in self._seeds()]
        values: list[Any] = [*state.weights, *slots, *seeds]
        if learning_rate is not None:
            told = zip(self._is_rate, values, strict=True)
            values = [learning_rate if is_rate else value for is_rate, value in told]
        self._machine.call(n_threads, "load", *values)

    def restore(self, state: State) -> None:
        """Set every variable to what `read` gave."""
        values = [*state.weights, *(state.optimizer or []), *(state.seeds or [])]
        self._machine.call(self._n_threads, "load", *values)

    def read(self) -> State:
        """Copy every variable out."""
        values = self._machine.call(self._n_threads, "read")
        if self._finalizes():
            self._assign(values)
            self.optimizer.finalize_variable_values(self.model.trainable_variables)
            values = [np.array(v.numpy()) for v in self._variables]
        n, m = len(self.model.weights), len(self.optimizer.variables)
        return State(values[:n], values[n : n + m], values[n + m :])

    def _assign(self, values: Sequence[np.ndarray]) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    def _finalizes(self) -> bool:
        kind, base = type(self.optimizer), keras.optimizers.Optimizer
        return (
            self.optimizer.use_ema
            or kind.finalize_variable_values is not base.finalize_variable_values
        )

    def learning_rate(self) -> float:
        """Return the optimizer's rate, as it is now."""
        self._assign(self._machine.call(self._n_threads, "read"))
        return float(self.optimizer.learning_rate)

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes on its way through the network."""
        return sum(v.shape.num_elements() for v in self.model.trainable_variables)

    def run(
        self, name: str, rows: Sequence[np.ndarray], bounds: np.ndarray, constants: Constants
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

        Returns
        -------
        results : ndarray of shape (n_steps, 2)
            Loss and metric, summed over the rows of each batch.
        """
        if name not in self._machine:
            self._machine.add(name, *self._over_batches(self._evaluate_batch))
        return self._machine.call(self._n_threads, name, *rows, bounds, *constants)

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

    def run(self, weights: Sequence[np.ndarray], x: np.ndarray, n_threads: int) -> np.ndarray:
        """Return the network's output, (n_rows, n_outputs), for rows x, (n_rows, n_inputs)."""
        self._machine.call(n_threads, "load", *weights)
        return self._machine.call(n_threads, "forward", x)

    def close(self) -> None:
        """Give memory and threads back."""
        self._machine.close()

    def abandon(self) -> None:
        """Forget them, in a forked process."""
        self._machine.abandon()


def _fresh_seed(rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.integers(2**32, dtype=np.uint32), 0], np.uint32)
