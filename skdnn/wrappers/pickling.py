"""Keras objects to bytes and back: whole models with the state of their optimizer, and layers.

The format is Keras's own `.keras` archive, in memory. What Keras would look up by name in the new
process, and would not find there (classes and functions of the user's own), travels along.
"""

import io
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from skdnn.wrappers.scikeras_compat import as_array, keras
from skdnn.wrappers.seeding import seeded

try:
    import cloudpickle
except ImportError:  # joblib before 1.6 brings its own
    from joblib.externals import cloudpickle

_KERAS = (
    keras.Model,
    keras.layers.Layer,
    keras.optimizers.Optimizer,
    keras.losses.Loss,
    keras.metrics.Metric,
)


class Packed:
    """A Keras object as bytes.

    Parameters
    ----------
    data : bytes
        What `pack` made.
    """

    def __init__(self, data: bytes):
        self.data = data

    def unpack(self) -> Any:
        """Make the object anew."""
        archive, custom, seeds = cloudpickle.loads(self.data)
        # Layers are made with seeds drawn from a global generator, and then given their own.
        with keras.saving.custom_object_scope(custom), seeded(0):
            value = keras.layers.Layer._unpickle_model(io.BytesIO(archive))
        for variable, seed in zip(_seeds(value), seeds, strict=False):
            variable.assign(seed)
        return value


def pack(value: Any) -> Packed:
    """Turn a Keras object into bytes.

    Parameters
    ----------
    value : keras.Model, Layer, Optimizer, Loss or Metric
        A model may be compiled or not, trained or not.

    Returns
    -------
    Packed
    """
    if isinstance(value, keras.Model) and value.compiled and value.built:
        optimizer = value.optimizer
        # Else the archive has fewer variables than Keras expects on loading, and it would warn.
        if optimizer is not None and not optimizer.built:
            optimizer.build(value.trainable_variables)
    if isinstance(value, keras.optimizers.Optimizer):
        # By itself it is a parameter, which is only read: what it has learned elsewhere is not
        # used, and Keras would warn that it cannot load it.
        value = type(value).from_config(value.get_config())
    # That of `Layer`, because SciKeras replaces the one of `Model` where the user imports it.
    _, (archive,) = keras.layers.Layer.__reduce__(value)
    seeds = [as_array(variable) for variable in _seeds(value)]
    return Packed(cloudpickle.dumps((archive.getvalue(), dict(custom_objects(value)), seeds)))


def _seeds(value: Any) -> list[Any]:
    """Return the states of dropout and the like, which Keras does not save."""
    if not isinstance(value, keras.layers.Layer):
        return []
    return [v for v in value.variables if v.path.endswith("seed_generator_state")]


def pack_all(value: Any) -> Any:
    """Pack the Keras objects in a value, and in the lists, tuples and dicts that it is made of."""
    return _replace(value, _KERAS, pack)


def unpack_all(value: Any) -> Any:
    """Undo `pack_all`."""
    return _replace(value, Packed, Packed.unpack)


def _replace(value: Any, kind: Any, function: Callable[[Any], Any]) -> Any:
    """Apply a function to what is of a kind; what has none of it in it is given back as it is."""
    if isinstance(value, kind):
        return function(value)
    if type(value) in (list, tuple):
        items = [_replace(item, kind, function) for item in value]
        is_same = all(new is old for new, old in zip(items, value, strict=True))
        return value if is_same else type(value)(items)
    if type(value) is dict:
        pairs = {key: _replace(item, kind, function) for key, item in value.items()}
        return value if all(pairs[key] is value[key] for key in value) else pairs
    return value


def custom_objects(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the user's own classes and functions in a Keras object, by the name Keras saves."""
    layers = value._flatten_layers() if isinstance(value, keras.layers.Layer) else [value]
    for layer in layers:
        yield from _own(layer, depth=2)
    if isinstance(value, keras.Model) and value.compiled:
        yield from _own(getattr(value, "_compile_config", None), depth=3)
        yield from _own(value.optimizer, depth=2)


def _own(value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, type | types.FunctionType):
        named = value
    elif hasattr(value, "get_config"):
        named = type(value)
    else:
        named = None
    if named is not None and not _is_keras(named):
        yield keras.saving.get_registered_name(named), named
    if depth:
        for part in _parts(value):
            yield from _own(part, depth - 1)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, Mapping):
        return list(value.values())
    configured = hasattr(value, "get_config") or type(value).__name__ == "SerializableDict"
    if not configured or isinstance(value, type):
        return []
    parts = getattr(value, "__dict__", {})
    return [
        part
        for name, part in parts.items()
        # Keras puts functions of its own around methods, which hold on to the object itself.
        if name != "_inbound_nodes" and not _is_method(type(value), name)
    ]


def _is_method(kind: type, name: str) -> bool:
    return isinstance(getattr(kind, name, None), types.FunctionType)


def _is_keras(named: Any) -> bool:
    return (getattr(named, "__module__", None) or "").partition(".")[0] in ("keras", "tensorflow")
