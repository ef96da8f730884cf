"""Any compiled Keras model as a program: its own `train_step` in a loop over batches.

The twin of `_program` for networks that no `NetworkSpec` describes.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from skdnn._keras import keras, tf
from skdnn._optimizers import fused
from skdnn._session import Machine


def state_variables(model: Any) -> list[Any]:
    """Return what training changes of a compiled model: weights, seeds, the optimizer's slots."""
    variables = [*model.variables, *model.optimizer.variables]
    return list({id(v): v for v in variables}.values())


class ModelProgram:
    """A loop over batches of a model's `train_step`, and one of its `test_step`.

    Parameters
    ----------
    model : keras.Model
        Compiled and built. Its variables are templates, and stay as they are.
    batch : structure of ndarray
        Some rows of (x, y) or (x, y, weight), for their shapes and dtypes.
    """

    def __init__(self, model: Any, batch: Any):
        self.model = model
        self._batch = batch
        # Makes the variables of the metrics, which else would be made while tracing.
        model._symbolic_build(data_batch=batch)
        self._state = state_variables(model)
        seen = {id(v) for v in self._state}
        others = [v for v in model.metrics_variables if id(v) not in seen]
        self._n_state = len(self._state)
        self._others = [np.array(v.numpy()) for v in others]
        self._machine = Machine([*self._state, *others])
        self._names: dict[str, Any] = {}
        self.stride = 1024  # steps in one call: the engine's to adapt

    def trace(self, name: str) -> None:
        """Compile a loop, "train_step" or "test_step"."""
        rows = tf.nest.flatten(self._batch)
        signature = [tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in rows]
        step = getattr(self.model, name)

        def loop(*arguments: Any) -> Any:
            *rows, bounds, begins = arguments
            n_steps = tf.size(bounds) - 1
            spans = tf.stack([bounds[:-1], bounds[1:]], axis=1)

            def body(i: Any) -> Any:
                start, stop = tf.unstack(tf.gather(spans, i))
                batch = [array[start:stop] for array in rows]
                step(tf.nest.pack_sequence_as(self._batch, batch))
                return i + 1

            tf.cond(begins, self._reset, lambda: True)
            tf.while_loop(lambda i: i < n_steps, body, [tf.constant(0)], parallel_iterations=1)
            self._names[name] = results = self.model.get_metrics_result()
            return [tf.identity(value) for value in tf.nest.flatten(results)]

        ends = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.bool)]
        self._machine.add(name, loop, [*signature, *ends])

    def _reset(self) -> bool:
        self.model.reset_metrics()
        return True

    def load(self, values: Sequence[Any], n_threads: int) -> None:
        """Set the state, in the order of `state_variables`, and forget what metrics saw."""
        self.n_threads = n_threads
        self._machine.call(n_threads, "load", *values, *self._others)

    def read(self) -> list[np.ndarray]:
        """Copy the state out, in the same order."""
        return self._machine.call(self.n_threads, "read")[: self._n_state]

    def run(
        self, name: str, rows: Sequence[np.ndarray], bounds: np.ndarray, begins: bool
    ) -> dict[str, float]:
        """Run a loop.

        Parameters
        ----------
        name : {"train_step", "test_step"}
            What to do with each batch.
        rows : sequence of ndarray
            All arrays of the batches, flattened out of their structure.
        bounds : ndarray of shape (n_steps + 1,), int32
            Where each batch begins, and the last one ends.
        begins : bool
            Whether an epoch begins, and metrics begin anew.

        Returns
        -------
        results : dict of str to float
            The loss and the metrics since the epoch began.
        """
        if name not in self._machine:
            self.trace(name)
        values = self._machine.call(self.n_threads, name, *rows, bounds, np.bool_(begins))
        values = values if isinstance(values, list) else [values]
        return tf.nest.pack_sequence_as(self._names[name], values)

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes through dense layers; more, where weights are shared."""
        return sum(v.shape.num_elements() for v in self.model.trainable_variables)

    def close(self) -> None:
        """Give memory and threads back."""
        self._machine.close()

    def abandon(self) -> None:
        """Forget them, in a forked process."""
        self._machine.abandon()


# ------------------------------------------------------------------- one program for many models


class Recipe:
    """What models must have in common to share a program: the key under which it is kept.

    Parameters
    ----------
    model : keras.Model
        A Sequential or functional model, compiled and built.
    batch : structure of ndarray
        Some rows of what it is trained on.

    Raises
    ------
    TypeError, ValueError
        Where the model does not tell what it is made of.
    """

    def __init__(self, model: Any, batch: Any):
        if type(model) not in (keras.Sequential, keras.Model, type(_functional())):
            raise TypeError(f"{type(model).__name__} is a class of the user's own")
        self._kind = type(model)
        self._config = _with_canonical_names(model)
        self._compiled = dict(model._compile_config.config)
        self._batch = batch
        optimizer = {k: v for k, v in model.optimizer.get_config().items() if k != "name"}
        if isinstance(optimizer.get("learning_rate"), float):
            del optimizer["learning_rate"]  # it is data
        self._objects: list[Any] = []  # told by identity, and so kept
        told = {
            "model": self._config,
            "compiled": {k: v for k, v in self._compiled.items() if k != "optimizer"},
            "optimizer": [_path(model.optimizer), optimizer],
            "batch": [[array.dtype.name, *array.shape[1:]] for array in tf.nest.flatten(batch)],
            "structure": str(tf.nest.map_structure(lambda array: 0, batch)),
        }
        self._optimizer = type(model.optimizer), model.optimizer.get_config()
        self._key = json.dumps(told, sort_keys=True, default=self._tell)
        for layer in model._flatten_layers():
            self._key += f" {layer.trainable}"
            if not type(layer).__module__.startswith("keras."):
                self._key += self._tell(type(layer))

    def _tell(self, value: Any) -> Any:
        if hasattr(value, "get_config") and type(value).__module__.startswith("keras."):
            return [_path(value), value.get_config()]
        if isinstance(value, tuple | set):
            return list(value)
        self._objects.append(value)
        return f"object {id(value)}"

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self._key == other._key

    def compile(self) -> ModelProgram:
        """Make the program, with a model of its own."""
        model = self._kind.from_config(self._config)
        kind, config = self._optimizer
        parts = {k: _renewed(v) for k, v in self._compiled.items() if k != "optimizer"}
        model.compile(optimizer=fused(kind, config).from_config(config), **parts)
        model.optimizer.build(model.trainable_variables)
        program = ModelProgram(model, self._batch)
        program.trace("train_step")
        return program


def _functional() -> Any:
    entry = keras.Input((1,))
    return keras.Model(entry, entry)


def _path(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _renewed(value: Any) -> Any:
    """Copy a structure with new metrics in place of those in it: they have a state."""
    if isinstance(value, dict):
        return {key: _renewed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_renewed(item) for item in value)
    if isinstance(value, keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    return value


def _with_canonical_names(model: Any) -> Any:
    """Return a model's configuration where names that Keras counted up are counted from one.

    Names of outputs are kept where there are several: the metrics are named after them.
    """
    kept = set(model.output_names) if len(model.outputs) > 1 else set()
    names = {}
    for number, layer in enumerate([model, *model._flatten_layers(include_self=False)]):
        stem = re.sub(
            r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", type(layer).__name__
        ).lower()
        if re.fullmatch(rf"{stem}(_\d+)?", layer.name) and layer.name not in kept:
            names[layer.name] = f"{stem}_{number}"

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            # Initial weights and the state of seeds are data. Keras would draw one for None.
            return {key: 0 if key == "seed" else renamed(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(renamed(item) for item in value)
        return names.get(value, value) if isinstance(value, str) else value

    return renamed(model.get_config())
