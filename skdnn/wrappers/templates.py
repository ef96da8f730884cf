"""Create a new Keras model with the same configuration as the layers or model of the user."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from skdnn._utils.keras_internals import all_layers, compile_settings
from skdnn._utils.memory_errors import is_out_of_memory
from skdnn._utils.overrides import overrides
from skdnn.wrappers.custom_objects import custom_objects
from skdnn.wrappers.network_errors import explained_shape
from skdnn.wrappers.scikeras_compat import as_array, keras
from skdnn.wrappers.structures import is_text
from skdnn.wrappers.text_layers import first_layer, has_lookup, ready_lookup

_INPUTS = (keras.KerasTensor, keras.layers.InputLayer)


def from_layers(
    layers: Sequence[keras.layers.Layer],
    input_shape: tuple[int, ...] | None,
    owner: str,
    rows: Any = None,
) -> keras.Model:
    """Create a model of new layers with the same configuration as the layers of the user.

    Parameters
    ----------
    layers : sequence of keras.layers.Layer
        The layers of the user, which are not changed. The first layer may be a `keras.Input`.
    input_shape : tuple of int or None
        Shape of one sample, for layers that do not start with an input layer. None if the shape is
        unknown.
    owner : str
        Name of the estimator, for error messages.
    rows : ndarray or None, default=None
        Rows of X to which a first layer without a vocabulary is adapted.
    """
    if not layers:
        raise ValueError(
            f"The 'model' parameter of {owner} must have at least one layer. Got an empty list."
        )
    new = partial(_new_layer, owner=owner)
    first = next((x for x in layers if not isinstance(x, _INPUTS)), None)
    stack = [ready_lookup(x, new, rows if x is first else None) for x in layers]
    pairs = list(zip(stack, layers, strict=True))
    if not isinstance(stack[0], keras.layers.InputLayer) and input_shape is not None:
        dtype = "string" if is_text(rows) else None
        stack.insert(0, keras.layers.InputLayer(input_shape, dtype=dtype))
    start = stack[0]
    shape = start.batch_shape[1:] if isinstance(start, keras.layers.InputLayer) else None
    with explained_shape(shape, owner):
        model = keras.Sequential(stack)
    for new, old in pairs:
        if isinstance(old, keras.layers.Layer) and new.built and not _has_initial_weights(old):
            _copy_weights(new, old)
    return model


def _new_layer(layer: Any, owner: str) -> keras.layers.Layer:
    if isinstance(layer, keras.KerasTensor):
        return keras.layers.InputLayer(batch_shape=layer.shape, dtype=layer.dtype)
    if not isinstance(layer, keras.layers.Layer):
        hint = f": write {layer.__name__}(...)" if isinstance(layer, type) else ""
        raise TypeError(
            f"The 'model' parameter of {owner}, where it is a list, must be a list of Keras "
            f"layers. Got {layer!r} in it{hint}."
        )
    try:
        with keras.saving.custom_object_scope(dict(custom_objects(layer))):
            return _copy(layer)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise _cannot_copy(layer, owner, error) from error


def _configuration(layer: Any) -> dict[str, Any]:
    # The size of an empty vocabulary would be the only size that Keras allows for the copy.
    size = "vocabulary_size"
    return {name: value for name, value in layer.get_config().items() if name != size}


def _cannot_copy(value: Any, owner: str, error: Exception) -> TypeError:
    return TypeError(
        f"The 'model' parameter of {owner} must consist of objects that Keras can copy, because "
        f"each fit trains a new network. It cannot copy {value!r}: {error} Give a function that "
        "builds the network, or implement get_config; in place of a lambda, use a function with a "
        "name."
    )


def from_model(
    model: keras.Model, owner: str, rows: Any = None, *, keep_weights: bool
) -> keras.Model:
    """Create a model with the architecture and compile arguments of the model of the user.

    Parameters
    ----------
    model : keras.Model
        The model of the user, which is not changed.
    owner : str
        Name of the estimator, for error messages.
    rows : ndarray or None, default=None
        Rows of X to which a first layer without a vocabulary is adapted.
    keep_weights : bool
        Whether the new model always starts from the weights of `model`. Otherwise the new model
        starts from new initial weights if the weights of `model` are initial weights.
    """
    try:
        with keras.saving.custom_object_scope(dict(custom_objects(model))):
            new = _clone(model, rows)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise _cannot_copy(model, owner, error) from error
    if not overrides(model, keras.Model, "get_config") and _settings(new) != _settings(model):
        missing = NotImplementedError("its class has arguments and no get_config to return them.")
        raise _cannot_copy(model, owner, missing)
    if model.built and (keep_weights or not _has_initial_weights(model)):
        if not new.built:
            new.build(model.input_shape)
        _copy_weights(new, model)
    if model.compiled:
        _compile_alike(new, model)
    return new


def _clone(model: keras.Model, rows: Any) -> keras.Model:
    if not has_lookup(model):
        return keras.models.clone_model(model)
    first = first_layer(model)
    return keras.models.clone_model(
        model, clone_function=lambda x: ready_lookup(x, _copy, rows if x is first else None)
    )


def _copy(layer: Any) -> Any:
    return type(layer).from_config(_configuration(layer))


def _settings(model: keras.Model) -> list[dict[str, Any]]:
    """Return the configurations, without names, of the layers that contain no other layers."""
    innermost = [layer for layer in all_layers(model)[1:] if len(all_layers(layer)) == 1]
    return [{k: v for k, v in layer.get_config().items() if k != "name"} for layer in innermost]


def _copy_weights(new: keras.layers.Layer, old: keras.layers.Layer) -> None:
    """Copy the weights of `old`, and update values that layers of `new` derive from weights."""
    new.set_weights(old.get_weights())
    for layer in all_layers(new):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _has_initial_weights(layer: Any) -> bool:
    """Return whether all weights of a layer equal the values of the weight initialisers.

    The comparison works because a Keras initialiser sets its seed when it is created, and returns
    the same values in each call.
    """
    if not isinstance(layer, keras.layers.Layer):
        return True
    known = False
    for part in all_layers(layer):
        for variable in _weights_outside_sublayers(part):
            draw = getattr(part, f"{variable.name}_initializer", None)
            # An LSTM sets part of the initial bias to 1, independently of the initialiser.
            if draw is None or (variable.name == "bias" and hasattr(part, "unit_forget_bias")):
                continue
            known = True
            drawn = as_array(draw(variable.shape, variable.dtype))
            if not np.array_equal(drawn, as_array(variable)):
                return False
    return known or not layer.weights


def _weights_outside_sublayers(layer: keras.layers.Layer) -> Iterator[Any]:
    inside = {id(weight) for part in all_layers(layer)[1:] for weight in part.weights}
    return (weight for weight in layer.weights if id(weight) not in inside)


def _compile_alike(new: keras.Model, model: keras.Model) -> None:
    if overrides(model, keras.Model, "compile"):
        new.compile_from_config(model.get_compile_config())
    else:
        new.compile(**{name: renew(x) for name, x in compile_settings(model).items()})


def renew(value: Any) -> Any:
    """Return new optimizers and metrics with the same configuration, also in nested containers.

    Training changes optimizers and metrics, and must not change the objects of the user. All other
    values are returned unchanged, including losses, which have no state.
    """
    if isinstance(value, keras.optimizers.Optimizer | keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    if isinstance(value, list | tuple):
        return type(value)([renew(item) for item in value])
    if isinstance(value, dict):
        return {key: renew(item) for key, item in value.items()}
    return value
