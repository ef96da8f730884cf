"""Conversion of a `NetworkSpec` to a Keras model."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skdnn._network.layers.base import KerasContext
from skdnn._network.spec import NetworkSpec
from skdnn._utils.tensorflow import keras


def build(
    spec: NetworkSpec,
    offset: np.ndarray | None = None,
    scale: np.ndarray | None = None,
    fill: np.ndarray | None = None,
    dropout: Callable[..., Any] = keras.layers.Dropout,
    name: str | None = None,
    limit: np.ndarray | None = None,
    members: Callable[..., Any] | None = None,
) -> Any:
    """Build the Keras model of a network. The caller then sets the network weights.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    offset, scale : ndarray of shape (n_inputs,) or (1,), float64, default=None
        The constants of the `Scaling` layer, if the network has one.
    fill : ndarray of shape (n_numbers,), float64, default=None
        The numbers that replace missing values in the `ColumnTransform` layer, if the network has
        one.
    dropout : callable, default=keras.layers.Dropout
        Class of the dropout layers.
    name : str, default=None
        Name of the model. If None, Keras chooses a name.
    limit : ndarray of shape (n_inputs,), float64, default=None
        The `Scaling` layer clips its outputs to [-limit, limit].
    members : callable, default=None
        Class of the `Members` layers. None means `keras_layers.Members`.

    Returns
    -------
    keras.Sequential
    """
    # Values in float64 keep their precision until after the scaling.
    in_float64 = any(layer.needs_float64 for layer in spec.layers)
    entry = "float64" if in_float64 else spec.dtype
    stack = [keras.Input(spec.input_shape, dtype=entry)]
    n_members, shape = 0, spec.input_shape
    for layer, output_shape, _ in spec.walk():
        dtype = entry if layer.is_preparation else spec.dtype
        constants = offset, scale, fill, limit
        context = KerasContext(shape, dtype, n_members, dropout, *constants, members)
        stack.append(layer.to_keras(context))
        n_members = layer.member_count() or n_members
        shape = output_shape
    return keras.Sequential(stack, name=name)


def dropout_layers(model: Any) -> list[Any]:
    """Return the dropout layers of a model and of nested models, from input to output."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += dropout_layers(layer)
        elif isinstance(layer, keras.layers.Dropout):
            found.append(layer)
    return found


def rescale_outputs(model: Any, unit: np.ndarray, center: np.ndarray) -> None:
    """Append a layer that converts the output of a model to output * unit + center.

    The arrays `unit` and `center` have a single element.
    """
    layer = keras.layers.Rescaling(
        unit.item(), center.item(), name="units", dtype=model.layers[-1].dtype
    )
    model.add(layer)


def clip_outputs(model: Any, least: np.ndarray, greatest: np.ndarray) -> None:
    """Append a layer that clips the outputs of a model to [least, greatest].

    The arrays `least` and `greatest` have shape (n_outputs,) or (1,).
    """
    from skdnn._network import keras_layers  # the import registers the layers with Keras

    dtype = model.layers[-1].dtype
    bounds = least.tolist(), greatest.tolist()
    model.add(keras_layers.Range(*bounds, name="range", dtype=dtype))
