"""The compiled training loop of any Keras model: its own `train_step` in a loop over batches.

For networks that no `NetworkSpec` describes.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from skdnn._training.batch_loop import BOUNDS, CompiledProgram, over_batches
from skdnn._training.session import Threads
from skdnn._utils.keras_internals import build_metrics
from skdnn._utils.tensorflow import tf

_STEPS = {"train": "train_step", "evaluate": "test_step"}


def state_variables(model: Any) -> list[Any]:
    """Return what training changes of a compiled model: weights, seeds, the optimizer's slots."""
    variables = [*model.variables, *model.optimizer.variables]
    return list({id(v): v for v in variables}.values())


class ModelProgram(CompiledProgram):
    """A loop over batches of a model's `train_step`, and one of its `test_step`.

    Parameters
    ----------
    model : keras.Model
        Compiled and built. Its variables are templates, and stay as they are.
    batch : structure of ndarray
        Some rows of (x, y) or (x, y, weight), for their shapes and dtypes.
    """

    n_branches = 1  # layers wait for one another, as far as one can tell

    def __init__(self, model: Any, batch: Any):
        self.model = model
        self._batch = batch
        build_metrics(model, batch)  # their variables would else be made while tracing
        self._state = state_variables(model)
        seen = {id(v) for v in self._state}
        others = [v for v in model.metrics_variables if id(v) not in seen]
        self._others = [np.array(v.numpy()) for v in others]
        super().__init__([*self._state, *others])
        self._structures: dict[str, Any] = {}
        self._compile("train")

    def _compile(self, name: str) -> None:
        """Compile a loop, "train" or "evaluate"."""
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

        self.functions.add(name, loop, [*signature, BOUNDS, tf.TensorSpec([], tf.bool)])

    def _reset(self) -> bool:
        self.model.reset_metrics()
        return True

    def load(self, values: Sequence[Any], threads: Threads) -> None:
        """Set the state, in the order of `state_variables`, and reset the metrics."""
        self._threads = threads
        self.restore(values)

    def restore(self, values: Sequence[Any]) -> None:
        """Set the state to what `read` gave, and reset the metrics."""
        n_state = len(self._state)
        self.functions.call(self._threads, "load", *values[:n_state], *self._others)

    def read(self) -> list[np.ndarray]:
        """Copy the state out, in the same order, followed by the state of the metrics."""
        return list(self.functions.call(self._threads, "read"))

    def run(
        self, name: str, rows: Sequence[np.ndarray], bounds: np.ndarray, starts: bool
    ) -> dict[str, Any]:
        """Run a loop.

        Parameters
        ----------
        name : {"train", "evaluate"}
            What to do with each batch.
        rows : sequence of ndarray
            All arrays of the batches, flattened out of their structure.
        bounds : ndarray of shape (n_steps + 1,), int32
            Where each batch begins, and the last one ends.
        starts : bool
            Whether a pass starts, so that the metrics are reset.

        Returns
        -------
        results : dict of str to float, or to a structure of arrays
            The loss and the metrics since the pass started.
        """
        if name not in self.functions:
            self._compile(name)
        values = self.functions.call(self._threads, name, *rows, bounds, np.bool_(starts))
        values = values if isinstance(values, list) else [values]
        return dict(tf.nest.pack_sequence_as(self._structures[name], values))

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes on its way through the network, about."""
        return sum(_positions(layer) * int(layer.count_params()) for layer in self.model.layers)


def _positions(layer: Any) -> int:
    """Return at how many places of a sample a layer uses its weights, as a convolution does."""
    try:
        outputs = tf.nest.flatten(layer.output)
    except (AttributeError, ValueError):  # of a model that is not a graph of layers
        return 1
    return max(prod(int(size or 1) for size in x.shape[1:-1]) for x in outputs)
