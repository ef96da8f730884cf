"""From what a user gives as `model=` to a new Keras model."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skdnn.wrappers.pickling import custom_objects
from skdnn.wrappers.scikeras_compat import as_array, keras

# ----------------------------------------------------------------------------------- templates


def from_layers(layers: Sequence[Any], input_shape: tuple[int, ...] | None, owner: str) -> Any:
    """Stack new layers of the same configuration as the user's.

    Parameters
    ----------
    layers : sequence of keras.layers.Layer
        Only read. The first may be a `keras.Input`.
    input_shape : tuple of int or None
        Shape of one sample, for a stack that does not begin with its input; None where it is not
        known.
    owner : str
        The estimator's name, for errors.
    """
    if not layers:
        raise ValueError(
            f"The 'model' parameter of {owner} must have at least one layer. Got an empty list."
        )
    stack = [_new_layer(layer, owner) for layer in layers]
    pairs = list(zip(stack, layers, strict=True))
    if not isinstance(stack[0], keras.layers.InputLayer) and input_shape is not None:
        stack.insert(0, keras.layers.InputLayer(input_shape))
    model = keras.Sequential(stack)
    for new, old in pairs:
        if isinstance(old, keras.layers.Layer) and new.built and not _is_as_drawn(old):
            _start_from(new, old)
    return model


def _new_layer(layer: Any, owner: str) -> Any:
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
            return type(layer).from_config(layer.get_config())
    except Exception as error:
        raise _uncopied(layer, owner, error) from error


def _uncopied(value: Any, owner: str, error: Exception) -> TypeError:
    return TypeError(
        f"The 'model' parameter of {owner} must be made of what Keras can make anew for each fit. "
        f"It cannot copy {value!r}: {error} Give a function that builds the network, or implement "
        "get_config; in place of a lambda, use a function with a name."
    )


def from_model(model: Any, owner: str, *, keep_weights: bool) -> Any:
    """Make a model of the same architecture, compiled in the same way.

    Parameters
    ----------
    model : keras.Model
        Only read.
    owner : str
        The estimator's name, for errors.
    keep_weights : bool
        Whether it starts from the model's weights in any case. Else it does so only where they are
        not as they were drawn, because the model was trained, or was given weights.
    """
    try:
        with keras.saving.custom_object_scope(dict(custom_objects(model))):
            new = keras.models.clone_model(model)
    except Exception as error:
        raise _uncopied(model, owner, error) from error
    if type(model).get_config is keras.Model.get_config and _settings(new) != _settings(model):
        untold = NotImplementedError("its class has arguments and no get_config that tells them.")
        raise _uncopied(model, owner, untold)
    if model.built and (keep_weights or not _is_as_drawn(model)):
        if not new.built:
            new.build(model.input_shape)
        _start_from(new, model)
    if model.compiled:
        _compile_alike(new, model)
    return new


def _settings(model: Any) -> list[dict[str, Any]]:
    """Return what the layers of a model were given, but for their names."""
    parts = [layer for layer in model._flatten_layers(include_self=False) if not layer._layers]
    return [{k: v for k, v in layer.get_config().items() if k != "name"} for layer in parts]


def _start_from(new: Any, old: Any) -> None:
    """Give a copy its template's weights, and what layers such as Normalization make of them."""
    new.set_weights(old.get_weights())
    for layer in new._flatten_layers():
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def _is_as_drawn(layer: Any) -> bool:
    """Whether no weight of a layer is other than its initialiser made it.

    Keras's initialisers have a seed, drawn when they are made, and give the same values again.
    """
    if not isinstance(layer, keras.layers.Layer):
        return True
    known = False
    for part in layer._flatten_layers():
        for variable in [*part._trainable_variables, *part._non_trainable_variables]:
            draw = getattr(part, f"{variable.name}_initializer", None)
            # The bias of an LSTM is made of more than its initialiser says.
            if draw is None or (variable.name == "bias" and hasattr(part, "unit_forget_bias")):
                continue
            known = True
            drawn = as_array(draw(variable.shape, variable.dtype))
            if not np.array_equal(drawn, as_array(variable)):
                return False
    return known or not layer.weights


def _compile_alike(new: Any, model: Any) -> None:
    if type(model).compile is not keras.Model.compile:
        new.compile_from_config(model.get_compile_config())
        return
    config = dict(model._compile_config.config)
    new.compile(**{name: renew(value) for name, value in config.items()})


def renew(value: Any) -> Any:
    """Make new optimizers and metrics of the same configuration; all else is taken as it is.

    Training changes these objects, and a user's own are only read. Losses have no state.
    """
    if isinstance(value, keras.optimizers.Optimizer | keras.metrics.Metric):
        return type(value).from_config(value.get_config())
    if isinstance(value, list | tuple):
        return type(value)([renew(item) for item in value])
    if isinstance(value, dict):
        return {key: renew(item) for key, item in value.items()}
    return value


# ---------------------------------------------------------------------------- the dense network
