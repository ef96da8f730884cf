"""The compiled training loop of any Keras model, which runs the model's `train_step` on each batch.

The loop trains networks that no `NetworkSpec` describes.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from skdnn._training.batch_loop import BOUNDS, CompiledProgram, over_batches
from skdnn._training.session import Threads
from skdnn._utils.keras_internals import build_metrics
from skdnn._utils.tensorflow import tf

# What tracing raises for a network that Keras's own `fit` may be able to train.
_CANNOT_BE_TRACED = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    RuntimeError,
    tf.errors.InvalidArgumentError,
    tf.errors.FailedPreconditionError,
)
_STEPS = {"train": "train_step", "evaluate": "test_step"}


def state_variables(model: Any) -> list[Any]:
    """Return the variables of a compiled model that training changes.

    These are the network weights, the dropout seeds and the variables of the optimizer.
    """
    variables = [*model.variables, *model.optimizer.variables]
    return list({id(v): v for v in variables}.values())


class UnsupportedModelError(Exception):
    """Raised if a model must be trained with Keras's own `fit`. The message states the reason."""


class ModelProgram(CompiledProgram):
    """A compiled program that runs a Keras model's `train_step` or `test_step` on many batches.

    Parameters
    ----------
    model : keras.Model
        A compiled and built model. The variables of the model are templates and stay unchanged.
    batch : tuple of ndarray, or of nested lists, tuples or dicts of ndarray
        Some rows of (x, y) or (x, y, weight). Only the shapes and dtypes of the rows matter.

    Raises
    ------
    UnsupportedModelError
        If a training step of the model cannot be traced.
    """

    n_branches = 1  # which layers could run in parallel is unknown

    def __init__(self, model: Any, batch: Any):
        self.model = model
        self._batch = batch
        build_metrics(model, batch)  # otherwise tracing would create the variables of the metrics
        self._state = state_variables(model)
        seen = {id(v) for v in self._state}
        others = [v for v in model.metrics_variables if id(v) not in seen]
        self._others = [np.array(v.numpy()) for v in others]
        super().__init__([*self._state, *others])
        self._structures: dict[str, Any] = {}
        try:
            self.functions.add("train", *self._traceable("train"))
        except _CANNOT_BE_TRACED as error:
            raise UnsupportedModelError(f"the network cannot be moved: {error}") from error

    def _traceable(self, name: str) -> tuple[Callable[..., Any], list[Any]]:
        """Return the loop of training ("train") or evaluation ("evaluate"), and its signature."""
        rows = tf.nest.flatten(self._batch)
        signature = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in rows]
        step = getattr(self.model, _STEPS[name])

        def body(i: Any, batch: list[Any]) -> list[Any]:
            step(tf.nest.pack_sequence_as(self._batch, batch))
            return []

        def loop(*arguments: Any) -> Any:
            *rows, bounds, starts = arguments
            tf.cond(starts, self._reset, lambda: True)
            over_batches(body, rows, bounds)
            self._structures[name] = results = self.model.get_metrics_result()
            return [tf.identity(value) for value in tf.nest.flatten(results)]

        return loop, [*signature, BOUNDS, tf.TensorSpec([], tf.bool)]

    def _reset(self) -> bool:
        self.model.reset_metrics()
        return True

    def load(self, values: Sequence[Any], threads: Threads) -> None:
        """Set the state variables, in the order of `state_variables`, and reset the metrics.

        Later calls compute with the given numbers of threads.
        """
        self._threads = threads
        self.restore(values)

    def restore(self, values: Sequence[Any]) -> None:
        """Set the state variables to values that `read` returned, and reset the metrics."""
        n_state = len(self._state)
        self.functions.call(self._threads, "load", *values[:n_state], *self._others)

    def read(self) -> list[np.ndarray]:
        """Return copies of the values of the state variables and of the metrics' variables.

        The state variables come first, in the order of `state_variables`.
        """
        return list(self.functions.call(self._threads, "read"))

    def run(
        self, name: str, rows: Sequence[np.ndarray], bounds: np.ndarray, starts: bool
    ) -> dict[str, Any]:
        """Train or evaluate on consecutive batches in one graph call.

        Parameters
        ----------
        name : {"train", "evaluate"}
            Whether to take a training step on each batch or to evaluate each batch.
        rows : sequence of ndarray
            The arrays of (x, y) or (x, y, weight) as a flat list. Each array has the rows of all
            batches.
        bounds : ndarray of shape (n_steps + 1,), int32
            The index of the first row of each batch, followed by the number of rows.
        starts : bool
            Whether this call is the first of a pass over the rows. If so, the metrics are reset.

        Returns
        -------
        results : dict of str to float, ndarray, or nested lists or dicts of them
            The loss and the metrics since the start of the pass, by name.
        """
        self.functions.ensure(name, partial(self._traceable, name))
        values = self.functions.call(self._threads, name, *rows, bounds, np.bool_(starts))
        values = values if isinstance(values, list) else [values]
        return dict(tf.nest.pack_sequence_as(self._structures[name], values))

    @property
    def work(self) -> int:
        """The approximate number of multiply-adds of the forward pass of one row."""
        return sum(_positions(layer) * int(layer.count_params()) for layer in self.model.layers)


def _positions(layer: Any) -> int:
    """Return the number of positions of a sample at which a layer applies the same weights.

    A convolution, for example, applies its kernel at each position of its output.
    """
    try:
        outputs = tf.nest.flatten(layer.output)
    except (AttributeError, ValueError):  # the model is not a graph of layers
        return 1
    return max(prod(int(size or 1) for size in x.shape[1:-1]) for x in outputs)
