"""The key under which Keras models of equal configuration share a compiled program.

Two models share a program if their whole configurations are equal. Names that Keras numbers
automatically (`dense_3`) are numbered again for the comparison. A model with custom classes or
functions does not share a program, because the configuration contains only the names of custom
classes and functions.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from types import FunctionType, MappingProxyType
from typing import Any

from skdnn._training.keras_program import ModelProgram
from skdnn._training.optimizers import fused
from skdnn._utils.keras_internals import (
    all_layers,
    compile_settings,
    function_options,
    learning_rate_rule,
    may_exclude_from_weight_decay,
)
from skdnn._utils.tensorflow import keras, tf

# Methods that a user may set on an instance of a model or a layer instead of in a class.
_METHODS = ("call", "compute_loss", "compute_metrics", "get_metrics_result", "reset_metrics")


class NotDescribedError(TypeError):
    """Raised if the configuration of a model may not describe the model completely."""


# What Keras and the classes of a user raise if a configuration cannot be written or read.
_BAD_CONFIG = (TypeError, ValueError, AttributeError, LookupError, RuntimeError)


class ModelProgramKey:
    """The key of the compiled program of a Keras model in the program cache.

    Parameters
    ----------
    model : keras.Model
        A Sequential or functional model, compiled and built.
    batch : tuple of ndarray, or of nested lists, tuples or dicts of ndarray
        Some rows of the training data. Only the shapes and dtypes of the rows matter.

    Raises
    ------
    NotDescribedError
        If the configuration may not describe the model completely.

    Attributes
    ----------
    metric_names : dict of str to str
        The names of metrics in the program, mapped to the names of the same metrics in the model.
    """

    def __init__(self, model: Any, batch: Any):
        self._kind = type(model)
        with _configuration_needed():
            _check_plain(model)
            self._config = _with_canonical_names(model)
            self._compiled = compile_settings(model)
        canonical = _canonical_metric_names(self._compiled)
        self.metric_names = {new: old for old, new in canonical.items()}
        self._batch = batch
        self._flags = _flags(model)
        self._optimizer = type(model.optimizer), model.optimizer.get_config()
        optimizer = {k: v for k, v in self._optimizer[1].items() if k != "name"}
        if isinstance(optimizer["learning_rate"], float):
            del optimizer["learning_rate"]  # the learning rate is data
        described = {
            "model": self._config,
            "compiled": {k: v for k, v in self._compiled.items() if k != "optimizer"},
            "optimizer": [_path(model.optimizer), optimizer],
            "batch": [[array.dtype.name, *array.shape[1:]] for array in tf.nest.flatten(batch)],
            "structure": str(tf.nest.map_structure(lambda array: 0, batch)),
            "flags": self._flags,
        }
        with _configuration_needed():
            self._key = json.dumps(
                described, sort_keys=True, default=partial(_described, names=canonical)
            )

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelProgramKey) and self._key == other._key

    def compile(self) -> ModelProgram:
        """Compile the program for a new model that is built from the configuration."""
        kind, config = self._optimizer
        names = {old: new for new, old in self.metric_names.items()}
        with _configuration_needed():
            model = self._kind.from_config(self._config)
            parts = {k: _renewed(v, names) for k, v in self._compiled.items() if k != "optimizer"}
            model.compile(optimizer=fused(kind, config).from_config(config), **parts)
        model.optimizer.build(model.trainable_variables)
        if json.dumps(_flags(model), default=_described) != json.dumps(
            self._flags, default=_described
        ):
            raise NotDescribedError(
                "the model's variables have settings that its configuration lacks"
            )
        return ModelProgram(model, self._batch)


@contextmanager
def _configuration_needed() -> Iterator[None]:
    """Context manager that turns the errors of configurations into `NotDescribedError`."""
    try:
        yield
    except NotDescribedError:
        raise
    except _BAD_CONFIG as error:
        raise NotDescribedError(f"its configuration cannot be used: {error}") from error


def _check_plain(model: Any) -> None:
    """Raise an error if a model has custom classes, functions or methods.

    The configuration contains only the name of a custom object, which does not define the
    computation.
    """
    if type(model) not in (keras.Sequential, keras.Model, _functional_class()):
        raise NotDescribedError(f"{type(model).__name__} is a class of the user's own")
    layers = all_layers(model)[1:]
    optimizer, compiled = model.optimizer, compile_settings(model)
    losses = tf.nest.flatten([compiled["loss"], compiled["metrics"], compiled["weighted_metrics"]])
    for thing in [*layers, optimizer, learning_rate_rule(optimizer), *losses]:
        if thing is not None and not isinstance(thing, str | float):
            _check_is_of_keras(thing)
    if any(name in vars(thing) for thing in (model, *layers) for name in _METHODS):
        raise NotDescribedError("a method was set on the model or a layer")
    if may_exclude_from_weight_decay(optimizer):
        raise NotDescribedError("the optimizer may exclude variables from weight decay")


def _check_is_of_keras(thing: Any) -> None:
    if not _is_of_keras(thing) or hasattr(thing, "finalize_state"):
        raise NotDescribedError(f"{thing!r} is not described by a configuration of Keras")
    for value in vars(thing).values():
        if _is_part(value) and not _is_of_keras(value):
            raise NotDescribedError(f"{thing!r} has a part of the user's own")


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
    """Return the settings of each variable of a model, such as the shape and the regularizer."""
    return [
        [v.trainable, list(v.shape), v.dtype, getattr(v, "constraint", None), v.regularizer]
        for v in model.variables
    ]


def _described(value: Any, names: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Return a JSON description of a Keras object from its complete configuration.

    If `names` maps the name of a metric to a new name, the description has the new name.
    """
    if hasattr(value, "get_config") and _is_of_keras(value):
        given = {"options": str(function_options(value))}
        if "dtype_policy" in vars(value):
            given["dtype_policy"] = str(value.dtype_policy)
        config = value.get_config()
        if isinstance(value, keras.metrics.Metric):
            config = {**config, "name": names.get(value.name, value.name)}
        return [_path(value), config, given, str(getattr(value, "dtype", None))]
    if isinstance(value, FunctionType) and value in vars(keras.losses).values():
        return f"{value.__module__}.{value.__name__}"
    if isinstance(value, tuple | set):
        return list(value)
    raise NotDescribedError(f"{value!r} is not described by a configuration of Keras")


def _path(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _renewed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a copy of nested lists and dicts, in which new metrics replace Keras metrics.

    Metrics must be new because a metric has a state. `names` maps old names to new names.
    """
    if isinstance(value, dict):
        return {key: _renewed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_renewed(item, names) for item in value)
    if isinstance(value, keras.metrics.Metric):
        name = names.get(value.name, value.name)
        copy = type(value).from_config({**value.get_config(), "name": name})
        if str(function_options(copy)) != str(function_options(value)):
            raise NotDescribedError(f"{value!r} is not described by its configuration")
        return copy
    return value


def _stem(thing: Any) -> str | None:
    """Return the part before the number of an automatic name, such as "dense" for "dense_3".

    None if the name was chosen by the user.
    """
    words = re.sub(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", type(thing).__name__)
    stem = words.lower()
    return stem if re.fullmatch(rf"{stem}(_\d+)?", thing.name) else None


def _canonical_metric_names(compiled: dict[str, Any]) -> dict[str, str]:
    """Return a dict of old to new names, for the metrics of a model with automatic names.

    The new names are numbered by the position of the metric in the model.
    """
    given = tf.nest.flatten([compiled["metrics"], compiled["weighted_metrics"]])
    metrics = [thing for thing in given if isinstance(thing, keras.metrics.Metric)]
    if len({metric.name for metric in metrics}) < len(metrics):
        return {}  # Keras renames the results of metrics with equal names
    stems = [(metric.name, _stem(metric)) for metric in metrics]
    return {name: f"{stem}.{number}" for number, (name, stem) in enumerate(stems) if stem}


def _with_canonical_names(model: Any) -> Any:
    """Return the configuration of a model, with automatic names of layers numbered by position.

    If there are several outputs, the names of output layers are kept because Keras names the
    metrics after the output layers.
    """
    kept = set(model.output_names) if len(model.outputs) > 1 else set()
    names = {}
    for number, layer in enumerate([model, *all_layers(model)[1:]]):
        stem = _stem(layer)
        if stem and layer.name not in kept:
            names[layer.name] = f"{stem}_{number}"

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            # Initial weights and seeds are data. Keras would choose a random seed for None.
            return {key: 0 if key == "seed" else renamed(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(renamed(item) for item in value)
        return names.get(value, value) if isinstance(value, str) else value

    return renamed(model.get_config())
