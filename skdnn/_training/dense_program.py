"""The compiled training loop of a `NetworkSpec`, with the variables of the loop.

One graph call trains on many batches, in a `tf.while_loop`. NumPy has put the rows in training
order before the call.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from skdnn._network.keras_model import build, dropout_layers
from skdnn._network.spec import State
from skdnn._training.batch_loop import BOUNDS, CompiledProgram, over_batches
from skdnn._training.dense_program_key import TEMPERATURES, VECTORS, Constants, ProgramKey
from skdnn._training.losses import LOSSES, METRICS, SMOOTHED
from skdnn._training.optimizer_state import averaged_pairs, build_optimizer, sets_final_weights
from skdnn._training.optimizers import fused
from skdnn._training.own_rows import fold_after_fold, own_rows_layer
from skdnn._training.quick_dropout import QuickDropout, placed
from skdnn._training.session import Threads, UnsupportedFunctionError
from skdnn._utils.keras_internals import can_clip_by_tensor, clip_by, learning_rate_variable
from skdnn._utils.tensorflow import tf


class Program(CompiledProgram):
    """The compiled program of a `NetworkSpec`, with the variables of its functions.

    Parameters
    ----------
    key : ProgramKey
        The settings that determine the program.
    """

    def __init__(self, key: ProgramKey):
        self.key = key
        body = key.spec.without_output_activation()
        members = own_rows_layer() if key.by_member else None
        self._has_members = len(body.output_shape) > 1
        self.model = build(body, dropout=QuickDropout, members=members)
        self.optimizer = key.optimizer.build(fused)
        self._fresh_slots = build_optimizer(self.optimizer, self.model)
        self._variables = [*self.model.weights, *self.optimizer.variables, *self._seeds()]
        self._rate = learning_rate_variable(self.optimizer)
        self._finalizes = sets_final_weights(self.optimizer)
        self._averaged: list[tuple[int, int]] = []
        if not self._finalizes:
            trained = self.model.trainable_variables
            self._averaged = averaged_pairs(self.optimizer, trained, self._variables)
        # Keras initialises averages with zeros and sets them to the weights at the first step.
        for weight, average in self._averaged:
            self._fresh_slots[average - len(self.model.weights)] = weight
        # If the optimizer cannot clip by a tensor, gradients are clipped before the optimizer step.
        is_given = "clipnorm" in key.optimizer.given
        self._clips_gradients = is_given and not can_clip_by_tensor(self.optimizer)
        super().__init__(self._variables)
        self._compile()

    def _compile(self) -> None:
        try:
            rows = self._row_signature()
            loop, signature = self._over_batches(self._train_batch, rows, self.key.scheduled)
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

    def copy(self) -> "Program":
        """Return a program with the same compiled functions and with variables of its own."""
        copied = copy.copy(self)
        copied.functions = self.functions.copy()
        return copied

    # ---------------------------------------------------------------- trace

    def _over_batches(
        self, step: Callable[..., Any], rows: list[Any], scheduled: bool = False
    ) -> tuple[Callable[..., Any], list[Any]]:
        """Return a function that calls `step` on each batch, and the signature of the function.

        The function takes the arrays of the rows, whose signature is `rows`, the bounds of the
        batches, the constants, and the learning rates of the steps if `scheduled`.
        """
        dtype = self.key.spec.dtype
        row, number = tf.TensorSpec([None], dtype), tf.TensorSpec([], dtype)
        constants = [row if x in VECTORS else number for x in Constants._fields]
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
            layers = dropout_layers(self.model)
            with self._hyperparameters(constants), placed(layers, constants.first_member):
                (results,) = over_batches(body, arrays, bounds, [results])
            return results.stack()

        return loop, signature

    def _evaluation(self) -> tuple[Callable[..., Any], list[Any]]:
        """Return the function that evaluates batches, and its signature."""
        rows = self._row_signature(own=self.key.by_member)
        loop, signature = self._over_batches(self._evaluate_batch, rows)
        return self._with_averages(loop), signature

    def _row_signature(self, *, own: bool = False) -> list[Any]:
        """Return the signature of x, y and the weights, of own rows of each member if `own`."""
        key, spec = self.key, self.key.spec
        each = self._has_members and not own
        rows = [
            tf.TensorSpec([None, spec.n_inputs], spec.dtype),
            tf.TensorSpec([None, spec.n_outputs][: key.y_ndim], key.y_dtype),
            tf.TensorSpec([None, spec.n_members] if each else [None], spec.dtype),
        ]
        return rows[: 3 if key.weighted else 2]

    @contextmanager
    def _hyperparameters(self, constants: Constants) -> Iterator[None]:
        """Context manager in which the optimizer reads its hyperparameters from tensors.

        A step is traced in this context. The attributes of the optimizer are restored on exit.
        """
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
        """Return a version of a loop that uses the moving averages of the network weights.

        Evaluation uses the averages because prediction does. The loop is returned unchanged if the
        optimizer does not average the network weights.
        """

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
        """Return the unweighted loss and metric of each row.

        For an ensemble, the values of the ensemble members are concatenated. If the key is
        `tempered`, an evaluation also returns the cross-entropies of each row at `TEMPERATURES`.
        """
        (x, y), loss = batch[:2], self.key.loss
        output = self.model(x, training=training)
        if self._has_members:
            n_copies = self.key.spec.n_members if training else self._n_copies
            y = tf.tile(y, [n_copies] + [1] * (self.key.y_ndim - 1))
            output = tf.reshape(output, [-1, self.key.spec.n_outputs])
        activation = str(self.key.spec.activations[-1])
        if training and self.key.smoothed:
            losses = SMOOTHED[str(loss)](y, output, constants)
        elif isinstance(loss, str):
            losses = LOSSES[loss](y, output, constants)
        else:
            if activation == "linear":  # the loss takes regression targets in their original units
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
        """Return alpha times the sum of the squared values of all kernels."""
        kernels = [v for v in self.model.trainable_variables if v.name == "kernel"]
        return alpha * tf.add_n([tf.reduce_sum(tf.square(kernel)) for kernel in kernels])

    def _train_batch(self, batch: list[Any], constants: Constants) -> Any:
        """Take a gradient step on the mean loss of a batch, and return the results of the step."""
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
        # A fused step needs the sum of all slices that an embedding's gradient has for a row.
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        if self._clips_gradients:
            gradients = [tf.clip_by_norm(x, constants.clipnorm) for x in gradients]
        self.optimizer.apply(gradients, variables)
        sums = self._sums(values, weights)
        return tf.concat([sums, [penalty]], axis=0) if self.key.penalized else sums

    def _evaluate_batch(self, batch: list[Any], constants: Constants) -> Any:
        """Return the results of an evaluation of a batch."""
        if self.key.by_member:
            batch = [fold_after_fold(array, self.key.n_folds) for array in batch]
        values = self._losses_and_metric(batch, constants, training=False)
        sums = self._sums(values, self._weights(batch, values[0]))
        if not self.key.penalized:
            return sums
        return tf.concat([sums, [self._penalty(constants.alpha)]], axis=0)

    def _weights(self, batch: list[Any], losses: Any) -> Any:
        """Return the sample weight of each loss."""
        if not self.key.weighted:
            return tf.ones_like(losses)
        weights = batch[2]
        if not self._has_members:
            return weights
        is_own = len(weights.shape) == 1
        return (
            tf.tile(weights, [self._n_copies])
            if is_own
            else tf.reshape(tf.transpose(weights), [-1])
        )

    def _sums(self, values: list[Any], weights: Any) -> Any:
        """Return the sums of each of `values` over the rows of a batch, weighted by `weights`.

        The sums of an ensemble are averaged over the ensemble members.
        """
        sums = tf.linalg.matvec(tf.stack(values), weights)
        return sums / self.key.spec.n_members if self._has_members else sums

    # ------------------------------------------------------------------ run

    def load(
        self, state: State, learning_rate: float | None, rng: np.random.Generator, threads: Threads
    ) -> None:
        """Set every variable of the program, so that no value of the previous fit remains.

        Parameters
        ----------
        state : State
            The initial state, which is not changed.
        learning_rate : float or None
            The learning rate. None if the learning rate follows a schedule.
        rng : numpy.random.Generator
            The random generator for the dropout seeds, used if the state has none.
        threads : Threads
            The numbers of threads for this call and later calls.
        """
        self._threads = threads
        slots, is_fresh = state.optimizer, state.optimizer is None
        if slots is None:
            slots = [state.weights[s] if isinstance(s, int) else s for s in self._fresh_slots]
        seeds = state.seeds or self.fresh_seeds(rng)
        values: list[Any] = [*state.weights, *slots, *seeds]
        self._check_shapes(values)
        if learning_rate is not None:
            pairs = zip(self._variables, values, strict=True)
            values = [learning_rate if v is self._rate else value for v, value in pairs]
        values = values if is_fresh else self._swapped(values)
        self.functions.call(threads, "load", *values)

    def fresh_seeds(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw a seed for each dropout layer."""
        draws = [rng.integers(2**32, dtype=np.uint32) for _ in self._seeds()]
        return [np.array([draw, 0], np.uint32) for draw in draws]

    def _check_shapes(self, values: list[Any]) -> None:
        if [np.shape(value) for value in values] != [tuple(v.shape) for v in self._variables]:
            raise ValueError(
                "The state of the optimizer from which training should go on has other shapes than "
                "the optimizer and the network: train anew, with fit and warm_start=False."
            )

    def restore(self, state: State) -> None:
        """Restore a state that `read` returned."""
        values = [*state.weights, *(state.optimizer or []), *(state.seeds or [])]
        self.functions.call(self._threads, "load", *self._swapped(values))

    def read(self) -> State:
        """Return a copy of every variable as a state.

        If the optimizer averages network weights, the network weights of the state are the moving
        averages, because the averages are used for prediction. The network weights from which
        training resumes are then stored in the optimizer state, at the positions of the averages.
        """
        values = self._swapped(self.functions.call(self._threads, "read"))
        if self._finalizes:
            self._assign(values)
            self.optimizer.finalize_variable_values(self.model.trainable_variables)
            values = [np.array(v.numpy()) for v in self._variables]
        n, m = len(self.model.weights), len(self.optimizer.variables)
        return State(values[:n], values[n : n + m], values[n + m :])

    def _swapped(self, values: Sequence[Any]) -> list[Any]:
        """Return the values of all variables, with network weights and their averages exchanged."""
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
        """The number of multiply-adds of the forward pass of one row."""
        return sum(prod(v.shape) for v in self.model.trainable_variables)

    @property
    def _n_copies(self) -> int:
        """The number of ensemble members that evaluate the same row."""
        return self.key.spec.n_members // self.key.n_folds

    @property
    def n_branches(self) -> int:
        """The number of architectures in the network, which are independent parts of a step."""
        return len(self.key.spec.outputs)

    def run(
        self,
        name: str,
        rows: Sequence[np.ndarray],
        bounds: np.ndarray,
        constants: Constants,
        rates: np.ndarray | None = None,
    ) -> np.ndarray:
        """Train or evaluate on consecutive batches in one graph call.

        Parameters
        ----------
        name : {"train", "evaluate"}
            Whether to take a training step on each batch or to evaluate each batch.
        rows : sequence of ndarray
            The arrays x, (n_rows, n_inputs), and y, followed by the sample weights if the key is
            `weighted`. In an evaluation of a key that is `by_member`, row i is of fold
            i % n_folds, and the weights have one dimension.
        bounds : ndarray of shape (n_steps + 1,), int32
            The index of the first row of each batch, followed by the number of rows.
        constants : Constants
            The values that are the same for all batches.
        rates : ndarray of shape (n_steps,), default=None
            The learning rates of the steps. None if the learning rate is not scheduled.

        Returns
        -------
        results : ndarray of shape (n_steps, 2), or more
            The loss and the metric, summed over the rows of each batch. If the key is `tempered`,
            further columns of an evaluation are the summed cross-entropies at `TEMPERATURES`. If
            the key is `penalized`, the last column is the penalty, which is not multiplied by the
            number of rows.
        """
        self.functions.ensure(name, self._evaluation)
        dtype = self.key.spec.dtype
        values = [np.asarray(x, dtype) for x in constants]
        given = [*rows, bounds, *values, *([] if rates is None else [rates])]
        results: np.ndarray = self.functions.call(self._threads, name, *given)
        return results
