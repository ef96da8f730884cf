"""Configurations of Keras objects that are restored without running code of the file.

Keras resolves classes and functions of a configuration by the names of modules, also of modules
other than its own, and also in its safe mode in some versions. Only modelling classes and functions
of Keras, and objects that the user has passed along, are accepted here.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from skdnn.wrappers.scikeras_compat import keras

Config = dict[str, Any]

LAMBDA = "__lambda__"  # the "class_name" of the code of a lambda
# Values of "class_name" for data.
_DATA = {"__bytes__", "__ellipsis__", "__keras_tensor__", "__numpy__", "__slice__", "__tensor__"}
# Keras's classes whose configurations contain foreign code, or name files of foreign code.
_FOREIGN = {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"}
_FUNCTION_MODULES = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
)


def objects_in(config: Any) -> Iterator[Config]:
    """Yield the configurations of all objects in a configuration, which may be nested."""
    if isinstance(config, dict):
        if "class_name" in config and ("config" in config or "module" in config):
            yield config
        config = list(config.values())
    if isinstance(config, list | tuple):
        for value in config:
            yield from objects_in(value)


def name_of(config: Config) -> Any:
    """Return the name by which Keras finds an object among custom objects."""
    if config["class_name"] == "function":
        return config.get("config")
    return config.get("registered_name", config["class_name"])


def is_of_keras(config: Config) -> bool:
    """Return whether a configuration is data, or is of a modelling class or function of Keras."""
    kind, module = config["class_name"], config.get("module")
    if not isinstance(kind, str) or kind == LAMBDA:
        return False
    if kind in _DATA:
        return True
    if kind == "__typespec__":
        spec = str(config.get("spec_name"))
        return str(module).startswith("tensorflow.") and spec.endswith("Spec")
    if _is_registered(name_of(config)):
        return False
    if kind == "function":
        return _is_function(module, config.get("config"))
    return module is None or _is_class(module, kind)


def check(config: Any, custom: Mapping[str, Any]) -> None:
    """Raise an error if a configuration names an object that is not safe to restore.

    Parameters
    ----------
    config : object
        The configuration.
    custom : mapping of str to object
        Classes and functions of the user, by the names by which Keras finds them.
    """
    for part in objects_in(config):
        name = name_of(part)
        is_custom = isinstance(name, str) and name in custom and part["class_name"] != LAMBDA
        if not is_custom and not is_of_keras(part):
            raise ValueError(
                f"The saved network refers to {part.get('module')}.{part['class_name']} "
                f"({name!r}), which is neither a layer or function of Keras nor saved as an object "
                "of the user. It is not restored, because that could run any code: load only files "
                "from sources that you trust, or save the estimator again."
            )


def _is_registered(name: Any) -> bool:
    return isinstance(name, str) and keras.saving.get_registered_object(name) is not None


def _is_function(module: Any, name: Any) -> bool:
    if not isinstance(name, str):
        return False
    if module in (None, "builtins"):
        parts = (getattr(keras, part) for part in _FUNCTION_MODULES)
        return any(callable(getattr(part, name, None)) for part in parts)
    found = _named(module, name)
    home = getattr(found, "__module__", None) or ""
    return callable(found) and home.startswith(
        ("keras.src.ops.", *(f"keras.src.{part}." for part in _FUNCTION_MODULES))
    )


def _is_class(module: Any, name: str) -> bool:
    found = _named(module, name)
    kinds = (
        keras.Operation,
        keras.constraints.Constraint,
        keras.dtype_policies.DTypePolicy,
        keras.dtype_policies.DTypePolicyMap,
        keras.initializers.Initializer,
        keras.losses.Loss,
        keras.quantizers.Quantizer,
        keras.metrics.Metric,
        keras.optimizers.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
        keras.random.SeedGenerator,
        keras.regularizers.Regularizer,
    )
    return isinstance(found, type) and issubclass(found, kinds) and name not in _FOREIGN


def _named(module: Any, name: str) -> Any:
    """Return an object of Keras, or None. Only modules of Keras are imported."""
    if not isinstance(module, str) or module.partition(".")[0] != "keras":
        return None
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
