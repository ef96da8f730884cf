"""Convert Keras objects to bytes and back.

A model or layer is saved as a `.keras` archive. The archive includes the optimizer state of a model
and the vocabulary of a layer such as `StringLookup`. A loss is saved with all its attributes,
because the configuration of some losses lacks settings. Any other Keras object is saved as a
configuration. User-defined classes and functions are pickled in addition, because Keras cannot
find these by name in another process.
"""

import tempfile
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from skdnn._utils.keras_internals import all_layers, compile_settings
from skdnn._utils.keras_losses import LossPickle
from skdnn.wrappers.scikeras_compat import as_array, keras
from skdnn.wrappers.seeding import seeded

try:
    import cloudpickle
except ImportError:  # joblib before 1.6 includes cloudpickle
    from joblib.externals import cloudpickle

_KERAS_CLASSES = (
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
        A pickle of the archive, loss or configuration, the user-defined classes and functions by
        name, the states of the seed generators, and the losses that a model is compiled with.
    """

    def __init__(self, data: bytes):
        self.data = data

    def unpack(self) -> Any:
        """Restore the Keras object."""
        saved, custom, seeds, losses = cloudpickle.loads(self.data)
        if isinstance(saved, keras.losses.Loss):
            return saved
        # Creating layers advances a global generator, which `seeded` restores.
        with keras.saving.custom_object_scope(custom), seeded(0):
            if isinstance(saved, bytes):
                value = _from_archive(saved)
            else:
                value = keras.saving.deserialize_keras_object(saved, safe_mode=False)
        for variable, seed in zip(_seed_states(value), seeds, strict=False):
            variable.assign(seed)
        _restore_losses(value, losses)
        return value


def pack(value: Any) -> Packed:
    """Convert a Keras object to bytes.

    Parameters
    ----------
    value : keras.Model, Layer, Optimizer, Loss or Metric
        The Keras object. A model may be compiled or not, and trained or not. Optimizers, losses
        and metrics outside a model are packed without state, because they are parameters of an
        estimator that training does not change.

    Returns
    -------
    Packed
    """
    if isinstance(value, keras.layers.Layer):
        _build_optimizer(value)
        saved: Any = _to_archive(value)
    elif isinstance(value, keras.losses.Loss):
        saved = LossPickle(value)
    else:
        saved = keras.saving.serialize_keras_object(value)
    seeds = [as_array(variable) for variable in _seed_states(value)]
    losses = [LossPickle(loss) for loss in _compiled_losses(value)]
    return Packed(cloudpickle.dumps((saved, dict(custom_objects(value)), seeds, losses)))


def _build_optimizer(model: Any) -> None:
    """Build the optimizer of a model, because Keras warns on loading if variables are missing."""
    if not isinstance(model, keras.Model) or not (model.compiled and model.built):
        return
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def _to_archive(layer: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*has not yet been built")
        path = Path(folder, "layer.keras")
        keras.saving.save_model(layer, path)
        return path.read_bytes()


def _from_archive(archive: bytes) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "layer.keras")
        path.write_bytes(archive)
        return keras.saving.load_model(path, safe_mode=False)


def _seed_states(value: Any) -> list[Any]:
    """Return the seed states of dropout and other random layers, which Keras does not save."""
    if not isinstance(value, keras.layers.Layer):
        return []
    return [v for v in value.variables if v.path.endswith("seed_generator_state")]


def _compiled_losses(value: Any) -> list[keras.losses.Loss]:
    """Return the loss objects that a model is compiled with."""
    if not isinstance(value, keras.Model) or not value.compiled:
        return []
    losses = keras.tree.flatten(value.loss)
    return [loss for loss in losses if isinstance(loss, keras.losses.Loss)]


def _restore_losses(model: Any, losses: list[keras.losses.Loss]) -> None:
    """Restore the saved attributes of the losses that a loaded model is compiled with."""
    for loaded, saved in zip(_compiled_losses(model), losses, strict=False):
        if type(loaded) is type(saved):
            loaded.__dict__.update(vars(saved))


def pack_all(value: Any) -> Any:
    """Pack the Keras objects in a value, including objects in nested lists, tuples and dicts."""
    return _replace(value, _KERAS_CLASSES, pack)


def unpack_all(value: Any) -> Any:
    """Restore the Keras objects that `pack_all` has packed in a value."""
    return _replace(value, Packed, Packed.unpack)


def _replace(value: Any, classes: type | tuple[type, ...], function: Callable[[Any], Any]) -> Any:
    """Apply a function to all instances of the given classes in a value.

    A value without such instances is returned unchanged.
    """
    if isinstance(value, classes):
        return function(value)
    if type(value) in (list, tuple):
        items = [_replace(item, classes, function) for item in value]
        is_same = all(new is old for new, old in zip(items, value, strict=True))
        return value if is_same else type(value)(items)
    if type(value) is dict:
        pairs = {key: _replace(item, classes, function) for key, item in value.items()}
        return value if all(pairs[key] is value[key] for key in value) else pairs
    return value


# ----------------------------------------------------------------- the user's classes and functions


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
