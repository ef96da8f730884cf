"""Any compiled Keras model as a program: its own `train_step` in a loop over batches.

The twin of `_program` for networks that no `NetworkSpec` describes.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from math import prod
from types import FunctionType, MappingProxyType
from typing import Any

import numpy as np

from skdnn._training.optimizers import fused
from skdnn._training.session import Machine, Threads
from skdnn._utils.tensorflow import keras, tf


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

    n_branches = 1  # layers wait for one another, as far as one can tell

    def __init__(self, model: Any, batch: Any):
        self.model = model
        self._batch = batch
        # Makes the variables of the metrics, which else would be made while tracing.
        model._symbolic_build(data_batch=batch)
        self._state = state_variables(model)
        seen = {id(v) for v in self._state}
        others = [v for v in model.metrics_variables if id(v) not in seen]
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

    def load(self, values: Sequence[Any], threads: Threads) -> None:
        """Set the state, in the order of `state_variables`, and forget what metrics saw."""
        self.threads = threads
        self._machine.call(threads, "load", *values, *self._others)

    def read(self) -> list[np.ndarray]:
        """Copy the state out, in the same order, and behind it what metrics saw."""
        return self._machine.call(self.threads, "read")

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
        values = self._machine.call(self.threads, name, *rows, bounds, np.bool_(begins))
        values = values if isinstance(values, list) else [values]
        return tf.nest.pack_sequence_as(self._names[name], values)

    @property
    def work(self) -> int:
        """Multiply-adds that a row takes on its way through the network, about."""
        return sum(_positions(layer) * layer.count_params() for layer in self.model.layers)

    def close(self) -> None:
        """Give memory and threads back."""
        self._machine.close()

    def abandon(self) -> None:
        """Forget them, in a forked process."""
        self._machine.abandon()


def _positions(layer: Any) -> int:
    """Return at how many places of a sample a layer uses its weights, as a convolution does."""
    try:
        outputs = tf.nest.flatten(layer.output)
    except (AttributeError, ValueError):  # of a model that is not a graph of layers
        return 1
    return max(prod(size or 1 for size in x.shape[1:-1]) for x in outputs)


# ------------------------------------------------------------------- one program for many models


class ProgramKey:
    """What models must have in common to share a program: the key under which it is kept.

    Parameters
    ----------
    model : keras.Model
        A Sequential or functional model, compiled and built.
    batch : structure of ndarray
        Some rows of what it is trained on.

    Raises
    ------
    TypeError
        Where the configuration may not tell all that the model does.

    Attributes
    ----------
    metric_names : dict of str to str
        From the names of metrics in the program to those in the model.
    """

    def __init__(self, model: Any, batch: Any):
        _check_plain(model)
        self._kind = type(model)
        self._config = _with_canonical_names(model)
        self._compiled = dict(model._compile_config.config)
        canonical = _canonical_metric_names(self._compiled)
        self.metric_names = {new: old for old, new in canonical.items()}
        self._batch = batch
        self._flags = _flags(model)
        self._optimizer = type(model.optimizer), model.optimizer.get_config()
        optimizer = {k: v for k, v in self._optimizer[1].items() if k != "name"}
        if isinstance(optimizer["learning_rate"], float):
            del optimizer["learning_rate"]  # it is data
        told = {
            "model": self._config,
            "compiled": {k: v for k, v in self._compiled.items() if k != "optimizer"},
            "optimizer": [_path(model.optimizer), optimizer],
            "batch": [[array.dtype.name, *array.shape[1:]] for array in tf.nest.flatten(batch)],
            "structure": str(tf.nest.map_structure(lambda array: 0, batch)),
            "flags": self._flags,
        }
        self._key = json.dumps(told, sort_keys=True, default=partial(_told, names=canonical))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProgramKey) and self._key == other._key

    def compile(self) -> ModelProgram:
        """Make the program, with a model of its own."""
        model = self._kind.from_config(self._config)
        kind, config = self._optimizer
        names = {old: new for new, old in self.metric_names.items()}
        parts = {k: _renewed(v, names) for k, v in self._compiled.items() if k != "optimizer"}
        model.compile(optimizer=fused(kind, config).from_config(config), **parts)
        model.optimizer.build(model.trainable_variables)
        if json.dumps(_flags(model), default=_told) != json.dumps(self._flags, default=_told):
            raise TypeError("the model's variables have settings that its configuration lacks")
        program = ModelProgram(model, self._batch)
        program.trace("train_step")
        return program


# What a user may set on a model or a layer instead of in a class.
_METHODS = ("call", "compute_loss", "compute_metrics", "get_metrics_result", "reset_metrics")
# An optimizer's choice of variables, which its configuration leaves out.
_EXCLUDED = ("_exclude_from_weight_decay_vars", "_exclude_from_weight_decay_pattern")


def _check_plain(model: Any) -> None:
    """Refuse models with anything of the user's own: a name does not tell what it computes."""
    layers = model._flatten_layers(include_self=False)
    optimizer, compiled = model.optimizer, model._compile_config.config
    losses = tf.nest.flatten([compiled["loss"], compiled["metrics"], compiled["weighted_metrics"]])
    objects = [*layers, optimizer, optimizer._learning_rate, *losses]
    if type(model) not in (keras.Sequential, keras.Model, _functional_class()):
        raise TypeError(f"{type(model).__name__} is a class of the user's own")
    for thing in objects:
        if thing is None or isinstance(thing, str | float):
            continue
        if not _is_of_keras(thing) or hasattr(thing, "finalize_state"):
            raise TypeError(f"{thing!r} is not described by a configuration of Keras")
        for value in vars(thing).values():
            if _is_part(value) and not _is_of_keras(value):
                raise TypeError(f"{thing!r} has a part of the user's own")
    if any(name in vars(thing) for thing in (model, *layers) for name in _METHODS):
        raise TypeError("a method was set on the model or a layer")
    if any(getattr(optimizer, name, None) for name in _EXCLUDED):
        raise TypeError("the optimizer excludes variables from weight decay")


def _is_part(value: Any) -> bool:
    kinds = (keras.regularizers.Regularizer, keras.constraints.Constraint, FunctionType)
    return isinstance(value, kinds)


def _is_of_keras(thing: Any) -> bool:
    owner: Any = thing if isinstance(thing, FunctionType) else type(thing)
    return str(owner.__module__).startswith("keras.")


@cache
def _functional_class() -> type:
    entry = keras.Input((1,))
    return type(keras.Model(entry, entry))


def _flags(model: Any) -> list[Any]:
    """Return what is set on each variable."""
    return [
        [v.trainable, list(v.shape), v.dtype, getattr(v, "constraint", None), v.regularizer]
        for v in model.variables
    ]


def _told(value: Any, names: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Tell an object of Keras by all that it was given; metrics by other names, where given."""
    if hasattr(value, "get_config") and _is_of_keras(value):
        given = {k: str(v) for k, v in vars(value).items() if k in ("_fn_kwargs", "dtype_policy")}
        config = value.get_config()
        if isinstance(value, keras.metrics.Metric):
            config = {**config, "name": names.get(value.name, value.name)}
        return [_path(value), config, given, str(getattr(value, "dtype", None))]
    if isinstance(value, FunctionType) and value in vars(keras.losses).values():
        return f"{value.__module__}.{value.__name__}"
    if isinstance(value, tuple | set):
        return list(value)
    raise TypeError(f"{value!r} is not described by a configuration of Keras")


def _path(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _renewed(value: Any, names: Mapping[str, str]) -> Any:
    """Copy a structure with new metrics in place of those in it: they have a state."""
    if isinstance(value, dict):
        return {key: _renewed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_renewed(item, names) for item in value)
    if isinstance(value, keras.metrics.Metric):
        name = names.get(value.name, value.name)
        copy = type(value).from_config({**value.get_config(), "name": name})
        if str(vars(copy).get("_fn_kwargs")) != str(vars(value).get("_fn_kwargs")):
            raise TypeError(f"{value!r} is not described by its configuration")
        return copy
    return value


def _stem(thing: Any) -> str | None:
    """Return what Keras counts up to name an object; None where it has a name of its own."""
    words = re.sub(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", type(thing).__name__)
    stem = words.lower()
    return stem if re.fullmatch(rf"{stem}(_\d+)?", thing.name) else None


def _canonical_metric_names(compiled: dict[str, Any]) -> dict[str, str]:
    """Return new names for metrics that Keras counted up: by their number among the metrics."""
    given = tf.nest.flatten([compiled["metrics"], compiled["weighted_metrics"]])
    metrics = [thing for thing in given if isinstance(thing, keras.metrics.Metric)]
    if len({metric.name for metric in metrics}) < len(metrics):
        return {}  # Keras tells of those in a way of its own
    stems = [(metric.name, _stem(metric)) for metric in metrics]
    return {name: f"{stem}.{number}" for number, (name, stem) in enumerate(stems) if stem}


def _with_canonical_names(model: Any) -> Any:
    """Return a model's configuration where names that Keras counted up are counted from one.

    Names of outputs are kept where there are several: the metrics are named after them.
    """
    kept = set(model.output_names) if len(model.outputs) > 1 else set()
    names = {}
    for number, layer in enumerate([model, *model._flatten_layers(include_self=False)]):
        stem = _stem(layer)
        if stem and layer.name not in kept:
            names[layer.name] = f"{stem}_{number}"

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            # Initial weights and the state of seeds are data. Keras would draw one for None.
            return {key: 0 if key == "seed" else renamed(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(renamed(item) for item in value)
        return names.get(value, value) if isinstance(value, str) else value

    return renamed(model.get_config())
