"""`NetworkSpec` -> Keras model, and the weights it starts from."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skdnn._keras import keras
from skdnn._lookup import resolve_initializer
from skdnn._spec import (
    Activate,
    Ascending,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    NetworkSpec,
    Scaling,
)


def _ascending(layer: Ascending, dtype: str) -> Any:
    # Of Keras's operations alone, so that a saved model can be loaded without skdnn.
    x = keras.Input((layer.units,), dtype=dtype)
    steps = keras.ops.concatenate([x[:, :1], keras.ops.softplus(x[:, 1:])], axis=-1)
    return keras.Model(x, keras.ops.cumsum(steps, axis=-1), name=layer.name)


# Each layer is given all that it would else draw from Python's global generator: its weights are
# loaded, and its dropout seed set, at the start of a fit.
_BUILDERS: dict[type, Callable[[Any, str], Any]] = {
    Activate: lambda x, dtype: keras.layers.Activation(x.activation, name=x.name, dtype=dtype),
    Ascending: _ascending,
    BatchNormalization: lambda x, dtype: keras.layers.BatchNormalization(
        momentum=x.momentum, epsilon=x.epsilon, name=x.name, dtype=dtype
    ),
    Dense: lambda x, dtype: keras.layers.Dense(
        x.units, x.activation, kernel_initializer="zeros", name=x.name, dtype=dtype
    ),
    Flatten: lambda x, dtype: keras.layers.Flatten("channels_last", name=x.name, dtype=dtype),
}


def build(
    spec: NetworkSpec, offset: Any = None, scale: Any = None, dropout: type = keras.layers.Dropout
) -> Any:
    """Build the Keras model of a network, with weights that are still to be set.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    offset, scale : ndarray of shape (n_inputs,) or (), float64, default=None
        The constants of its `Scaling` layer, where it has one.
    dropout : type, default=keras.layers.Dropout
        Class of its dropout layers.

    Returns
    -------
    keras.Sequential
    """
    scaled = any(isinstance(layer, Scaling) for layer in spec.layers)
    # Scaling is done in float64, so that it loses nothing of a table in float64.
    entry = "float64" if scaled else spec.dtype
    stack = [keras.Input(spec.input_shape, dtype=entry)]
    for layer in spec.layers:
        if isinstance(layer, Scaling):
            factors = [x.item() if x.size == 1 else x for x in (scale, -offset * scale)]
            made = keras.layers.Rescaling(*factors, name=layer.name, dtype="float64")
        elif isinstance(layer, Dropout):
            made = dropout(layer.rate, seed=0, name=layer.name, dtype=spec.dtype)
        else:
            dtype = entry if isinstance(layer, Flatten) else spec.dtype
            made = _BUILDERS[type(layer)](layer, dtype)
        stack.append(made)
    return keras.Sequential(stack)


def rescale_outputs(model: Any, unit: np.ndarray, center: np.ndarray) -> None:
    """Have a model put out output * unit + center, for a unit and a center of one value."""
    layer = keras.layers.Rescaling(
        unit.item(), center.item(), name="units", dtype=model.layers[-1].dtype
    )
    model.add(layer)


def initial_weights(
    spec: NetworkSpec, initializer: Any, rng: np.random.Generator, owner: str
) -> list[np.ndarray]:
    """Draw the weights that training starts from.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    initializer : str, class or Keras initialiser
        For the kernels; biases are zero.
    rng : numpy.random.Generator
        Gives one seed per kernel.
    owner : str
        The estimator's name, for errors.

    Returns
    -------
    list of ndarray
        In Keras's order.
    """
    weights: list[np.ndarray] = []
    for layer, _, shapes in spec.walk():
        if isinstance(layer, Dense):
            draw = resolve_initializer(initializer, int(rng.integers(2**31)), owner)
            kernel, bias = shapes
            weights.append(_draw_kernel(draw, kernel, spec.dtype, owner))
            weights.append(np.zeros(bias, spec.dtype))
        elif isinstance(layer, BatchNormalization):
            gamma, beta, mean, variance = shapes
            fills = ((np.ones, gamma), (np.zeros, beta), (np.zeros, mean), (np.ones, variance))
            weights.extend(fill(shape, spec.dtype) for fill, shape in fills)
    return weights


def _draw_kernel(draw: Any, shape: tuple[int, ...], dtype: str, owner: str) -> np.ndarray:
    try:
        kernel = np.asarray(draw(shape, dtype=dtype))
        trouble = "" if kernel.shape == shape else f"for shape {shape} it gave {kernel.shape}."
    except Exception as error:
        trouble = str(error)
    if trouble:
        raise TypeError(
            f"The 'kernel_initializer' parameter of {owner} must be a name, a Keras initializer or "
            f"a function of a shape and a dtype. Got {draw!r}: {trouble}"
        )
    return kernel
