"""Find the classes and functions of the user in Keras objects and in their configurations."""

import codecs
import marshal
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

from skdnn._utils.keras_internals import all_layers, compile_settings
from skdnn.wrappers import keras_config
from skdnn.wrappers.scikeras_compat import keras


def custom_objects(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the object of each user-defined class or function in a Keras object."""
    layers = all_layers(value) if isinstance(value, keras.layers.Layer) else [value]
    for layer in layers:
        yield from _own_objects(layer, depth=2)
    if isinstance(value, keras.Model) and value.compiled:
        yield from _own_objects(compile_settings(value), depth=3)
        yield from _own_objects(value.optimizer, depth=2)


def _own_objects(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, type | types.FunctionType):
        named = value
    elif hasattr(value, "get_config"):
        named = type(value)
    else:
        named = None
    if named is not None and not _is_of_keras(named):
        yield keras.saving.get_registered_name(named), named
    if depth:
        for part in _parts(value):
            yield from _own_objects(part, depth - 1)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, type) or not hasattr(value, "get_config"):
        return []
    attributes = getattr(value, "__dict__", {})
    # Keras wraps methods of a layer in functions that refer to the layer itself.
    return [part for name, part in attributes.items() if not _is_method(type(value), name)]


def _is_method(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), types.FunctionType)


def _is_of_keras(named: Any) -> bool:
    return (getattr(named, "__module__", None) or "").partition(".")[0] in ("keras", "tensorflow")


def objects_to_restore(value: Any, config: Any) -> dict[str, Any]:
    """Return the classes and functions of the user that a configuration needs, by name.

    The code of each lambda in the configuration is replaced by a name.

    Parameters
    ----------
    value : keras.Model, Layer, Optimizer or Metric
        The Keras object.
    config : dict
        The configuration of the object, which is changed in place.
    """
    found = list(custom_objects(value))
    lambdas = [named for _, named in found if getattr(named, "__name__", "") == "<lambda>"]
    objects = {name: named for name, named in found if not name.endswith("<lambda>")}
    for part in keras_config.objects_in(config):
        if part["class_name"] == keras_config.LAMBDA:
            name = f"lambda_{len(objects)}"
            objects[name] = _lambda_of(part["config"], lambdas)
            part.update(module="builtins", class_name="function", config=name, registered_name=name)
        name = keras_config.name_of(part)
        if name not in objects and not keras_config.is_of_keras(part):
            named = keras.saving.get_registered_object(name) or _in_module(part, name)
            objects.update({} if named is None else {name: named})
    return objects


def _lambda_of(config: dict[str, Any], lambdas: list[Any]) -> Any:
    """Return the lambda whose code a configuration holds."""
    code = config["code"] if "code" in config else config["value"]
    code = code if isinstance(code, str) else code[0]
    wanted = marshal.loads(codecs.decode(code.encode("ascii"), "base64"))
    for function in lambdas:
        if function.__code__ == wanted:
            return function
    raise TypeError(
        "A lambda in the network cannot be saved, because it is not an attribute of a layer: use a "
        "function with a name."
    )


def _in_module(config: dict[str, Any], name: Any) -> Any:
    module = sys.modules.get(config.get("module") or "")
    return getattr(module, name, None) if isinstance(name, str) else None
