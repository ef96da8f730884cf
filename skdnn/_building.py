"""From what a user gives as `model=` to a new Keras model."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from skdnn._packing import custom_objects
from skdnn._scikeras import as_array, keras
from skdnn._spec import (
    Activate,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Scaling,
)
from skdnn._stacks import dense_network

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


def dense_model(
    input_shape: tuple[int, ...],
    head: tuple[int, str],
    *,
    hidden_layer_sizes: int | Sequence[int] = (100,),
    activation: Any = "relu",
    dropout: float | Sequence[float] = 0.0,
    batch_norm: bool = False,
    kernel_initializer: Any = "glorot_uniform",
    alpha: float = 0.0,
    scaling: str | None = "auto",
) -> Any:
    """Build the network of `DNNClassifier` and `DNNRegressor`, with weights drawn by its layers.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample.
    head : (units, activation)
        The output layer.
    hidden_layer_sizes, activation, dropout, batch_norm, kernel_initializer, alpha
        As those of `DNNClassifier`.
    scaling : {"auto", "standard", "minmax"} or None
        None: without the scaling layer. `scale` sets what it is to learn.
    """
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)).tolist()
    activations = _per_layer(activation, len(sizes), "model__activation")
    rates = _per_layer(dropout, len(sizes), "model__dropout")
    spec = dense_network(
        input_shape,
        list(zip(sizes, activations, rates, strict=True)),
        head,
        scaled=scaling is not None,
        batch_norm=batch_norm,
    )
    penalty = keras.regularizers.L2(alpha) if alpha > 0 else None
    dense = {"kernel_initializer": kernel_initializer, "kernel_regularizer": penalty}
    layers = [_LAYERS[type(layer)](layer, dense) for layer in spec.layers]
    return keras.Sequential([keras.Input(input_shape), *layers])


# A layer that is not trained, whose constants are weights: a network of another scale is the same
# network to Keras, and to what compiles it.
def _scaling(layer: Any, dense: dict[str, Any]) -> Any:
    return keras.layers.BatchNormalization(
        center=False, scale=False, epsilon=0.0, trainable=False, name=layer.name
    )


_LAYERS: dict[type, Any] = {
    Activate: lambda x, dense: keras.layers.Activation(x.activation, name=x.name),
    BatchNormalization: lambda x, dense: keras.layers.BatchNormalization(
        momentum=x.momentum, epsilon=x.epsilon, name=x.name
    ),
    Dense: lambda x, dense: keras.layers.Dense(x.units, x.activation, name=x.name, **dense),
    Dropout: lambda x, dense: keras.layers.Dropout(x.rate, name=x.name),
    Flatten: lambda x, dense: keras.layers.Flatten("channels_last", name=x.name),
    Scaling: _scaling,
}


def _per_layer(value: Any, n_layers: int, parameter: str) -> list[Any]:
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value] * n_layers
    if len(value) != n_layers:
        raise ValueError(
            f"{parameter} must be one value, or one for each of the {n_layers} hidden layers of "
            f"model__hidden_layer_sizes. Got {value!r}."
        )
    return list(value)


def scale(model: Any, X: np.ndarray, weight: np.ndarray | None, scaling: str | None) -> None:
    """Have the scaling layer of a dense network learn from the rows that it is trained on.

    Parameters
    ----------
    model : keras.Model
        What `dense_model` built.
    X : ndarray of shape (n_samples, ...) or sparse matrix
        The rows.
    weight : ndarray of shape (n_samples,) or None
        Their weights.
    scaling : {"auto", "standard", "minmax"} or None
        How; None leaves the model as it is.
    """
    from skdnn._inputs import Inputs

    if scaling is None:
        return
    if scaling not in ("auto", "standard", "minmax"):
        raise ValueError(
            f"model__scaling must be 'auto', 'standard', 'minmax' or None. Got {scaling!r} instead."
        )
    layer = model.get_layer("scaling")
    rows = _as_table(X)
    inputs = Inputs(scaling, X.shape[1:]).fit(rows, np.arange(len(rows)), weight)
    width = layer.moving_mean.shape[0]
    offset = np.broadcast_to(np.asarray(inputs.offset), width)
    factor = np.broadcast_to(np.asarray(inputs.scale), width)
    layer.set_weights([offset, 1 / factor**2])


def _as_table(X: Any) -> np.ndarray:
    X = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    return X.reshape(len(X), prod(X.shape[1:]))
