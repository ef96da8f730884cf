"""Convert Keras objects to plain parts and back.

The parts of a model or layer are those of a `.keras` archive: the configuration as text, the
weights and the optimizer state as arrays, and files such as the vocabulary of `StringLookup`. A
loss is saved with all its attributes, because the configuration of some losses lacks settings. Any
other Keras object is saved as a configuration. User-defined classes and functions stand beside the
configuration, because Keras cannot find these by name in another process.

No part holds code that is restored unseen: tools that inspect a state, such as skops, see the
user's classes and functions in it.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._training.process import check_not_forked
from skdnn._utils.keras_losses import LossPickle
from skdnn._utils.user_code import in_the_open, opened
from skdnn.wrappers import keras_config
from skdnn.wrappers.archives import Archive, load_archive, save_archive
from skdnn.wrappers.custom_objects import objects_to_restore
from skdnn.wrappers.scikeras_compat import as_array, keras
from skdnn.wrappers.seeding import seeded

_KERAS_CLASSES = (
    keras.Model,
    keras.layers.Layer,
    keras.optimizers.Optimizer,
    keras.losses.Loss,
    keras.metrics.Metric,
)
LAZY = "_saved"  # the attribute of an estimator that holds the attributes to restore
_RESTORING = threading.RLock()


@dataclass
class Saved:
    """A Keras object as plain parts.

    Parameters
    ----------
    config : str
        The configuration as JSON.
    custom_objects : dict of str to type or callable
        User-defined classes and functions by the names by which Keras finds them.
    archive : Archive or None
        The arrays and files of a model or layer. None for any other object.
    seeds : list of ndarray
        The states of dropout and other random layers, which Keras does not save.
    losses : list of LossPickle
        The losses that a model is compiled with.
    """

    config: str
    custom_objects: dict[str, Any]
    archive: Archive | None
    seeds: list[np.ndarray]
    losses: list[Any]

    def restore(self) -> Any:
        """Return the Keras object."""
        check_not_forked()
        config = json.loads(self.config)
        custom = {name: opened(named) for name, named in self.custom_objects.items()}
        keras_config.check(config, custom)
        # Keras draws seeds for new layers, which must not advance the user's generators.
        with keras.saving.custom_object_scope(custom), seeded(0):
            if self.archive is not None:
                value = load_archive(self.archive, self.config)
            else:
                value = keras.saving.deserialize_keras_object(config)
        for variable, seed in zip(_seed_states(value), self.seeds, strict=False):
            variable.assign(seed)
        _restore_losses(value, [loss_of(loss) for loss in self.losses])
        return value


def save(value: Any) -> Saved | LossPickle:
    """Convert a Keras object to plain parts.

    Parameters
    ----------
    value : keras.Model, Layer, Optimizer, Loss or Metric
        The Keras object. A model may be compiled or not, and trained or not. Optimizers, losses
        and metrics outside a model are saved without state, because they are parameters of an
        estimator that training does not change.
    """
    if isinstance(value, keras.losses.Loss):
        return LossPickle(value)
    if isinstance(value, keras.layers.Layer):
        _build_optimizer(value)
        config, archive = save_archive(value)
    else:
        config, archive = keras.saving.serialize_keras_object(value), None
    objects = objects_to_restore(value, config)
    return Saved(
        config=json.dumps(config),
        custom_objects={name: in_the_open(named) for name, named in objects.items()},
        archive=archive,
        seeds=[as_array(variable) for variable in _seed_states(value)],
        losses=[LossPickle(loss) for loss in _compiled_losses(value)],
    )


def loss_of(value: Any) -> Any:
    """Return the loss of a `LossPickle`, which pickle restores itself and other tools do not."""
    return value.loss if isinstance(value, LossPickle) else value


def _build_optimizer(model: Any) -> None:
    """Build the optimizer of a model, because Keras warns on loading if variables are missing."""
    if not isinstance(model, keras.Model) or not (model.compiled and model.built):
        return
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


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


# ------------------------------------------------------------------------ the state of a wrapper


def saved_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a wrapper with plain parts in place of its Keras objects."""
    state = {**state, **state.get(LAZY, {})}
    state.pop(LAZY, None)
    return {name: _replace(value, _KERAS_CLASSES, save) for name, value in state.items()}


def lazy_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a wrapper with a saved state.

    Attributes with Keras objects are kept as plain parts, which `restored` converts at the first
    access, because creating Keras objects starts TensorFlow.
    """
    state = {name: _replace(value, LossPickle, loss_of) for name, value in state.items()}
    lazy = {name: value for name, value in state.items() if _contains_saved(value)}
    plain = {name: value for name, value in state.items() if name not in lazy}
    return {**plain, LAZY: lazy} if lazy else plain


def lazy_names(wrapper: Any) -> list[str]:
    """Return the names of the attributes of a wrapper that `restored` has yet to convert."""
    fitted = vars(wrapper).get("_fitted_model")
    names = list(vars(wrapper).get(LAZY, ()))
    return names if fitted is None or fitted.is_built else [*names, "model_"]


def restored(wrapper: Any, name: str) -> Any:
    """Return an attribute of a wrapper after converting its plain parts to Keras objects."""
    check_not_forked()  # before the lock, which another thread may have held when forking
    attributes = vars(wrapper)
    with _RESTORING:
        lazy = attributes[LAZY]
        if name in lazy:  # otherwise another thread has converted it meanwhile
            attributes[name] = _replace(lazy[name], Saved, Saved.restore)
            # A new dict, because a failed fit restores the one before.
            attributes[LAZY] = {other: x for other, x in lazy.items() if other != name}
        return attributes[name]


def _contains_saved(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(map(_contains_saved, value))
    if isinstance(value, dict):
        return any(map(_contains_saved, value.values()))
    return isinstance(value, Saved)


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
