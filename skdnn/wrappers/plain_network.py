"""Conversion of Keras models to plain data, from which NumPy predicts without TensorFlow."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from skdnn._network.activations import NUMPY_ACTIVATIONS
from skdnn._network.plain_layers import PlainLayer, PlainNetwork
from skdnn._utils.keras_graph import chain_of_layers
from skdnn.wrappers.scikeras_compat import keras

_layers = keras.layers
# The settings and the weights of a layer, or None if only Keras can compute the layer.
_Parts = tuple[str, dict[str, Any], Sequence[Any]] | None


def plain_network(model: keras.Model) -> tuple[PlainNetwork, list[Any]] | None:
    """Return a model as plain data, and the tensors or variables that hold the weights.

    The result is None if only Keras can compute the model: if the model is not a stack of layers of
    Keras's own, or if a layer has no formula in `plain_layers`.
    """
    chain = chain_of_layers(model)
    if chain is None:
        return None
    entry, *rest = chain
    shape, dtype = entry.batch_shape[1:], str(entry.dtype)
    layers: list[PlainLayer] = []
    weights: list[Any] = []
    for layer in rest:
        parts = _parts_of(layer)
        if parts is None:
            return None
        kind, settings, own = parts
        layers.append(PlainLayer(kind, settings, len(own), str(layer.compute_dtype)))
        weights += own
    return PlainNetwork(tuple(shape), dtype, tuple(layers)), weights


def _parts_of(layer: Any) -> _Parts:
    """Return the formula, the settings and the weights of a layer, or None."""
    is_plain = (
        type(layer) in _READERS
        and "call" not in vars(layer)
        and layer.compute_dtype in ("float32", "float64")
        and getattr(layer, "quantization_mode", None) is None
        and not getattr(layer, "lora_enabled", False)
    )
    return _READERS[type(layer)](layer) if is_plain else None


def _activation_name(function: Any) -> str | None:
    """Return the name of an activation of Keras that has a NumPy form, or None for any other."""
    name = "linear" if function is None else str(getattr(function, "__name__", ""))
    is_known = function in (None, getattr(keras.activations, name, None))
    return name if is_known and name in NUMPY_ACTIVATIONS else None


def _dense(layer: Any) -> _Parts:
    activation = _activation_name(layer.activation)
    return None if activation is None else ("dense", {"activation": activation}, layer.weights)


def _activation(layer: Any) -> _Parts:
    if isinstance(layer.activation, _layers.Layer):
        return _parts_of(layer.activation)
    activation = _activation_name(layer.activation)
    return None if activation is None else ("activation", {"activation": activation}, [])


def _relu(layer: Any) -> _Parts:
    most, slope = (None if x is None else float(x) for x in (layer.max_value, layer.negative_slope))
    settings = {"slope": slope or 0.0, "threshold": float(layer.threshold), "max_value": most}
    return "relu", settings, []


def _leaky_relu(layer: Any) -> _Parts:
    slope = float(layer.negative_slope)
    return "relu", {"slope": slope, "threshold": 0.0, "max_value": None}, []


def _softmax(layer: Any) -> _Parts:
    return ("softmax", {"axis": layer.axis}, []) if isinstance(layer.axis, int) else None


def _flatten(layer: Any) -> _Parts:
    return "flatten", {"channels_first": layer.data_format == "channels_first"}, []


def _batch_normalization(layer: Any) -> _Parts:
    if not isinstance(layer.axis, int):
        return None
    settings = {
        "axis": layer.axis,
        "epsilon": float(layer.epsilon),
        "scale": bool(layer.scale),
        "center": bool(layer.center),
    }
    given = [layer.gamma] * layer.scale + [layer.beta] * layer.center
    return "batch_normalization", settings, [*given, layer.moving_mean, layer.moving_variance]


def _normalization(layer: Any) -> _Parts:
    if layer.mean is None or layer.variance is None:
        return None
    settings = {"invert": bool(layer.invert), "epsilon": keras.config.epsilon()}
    return "normalization", settings, [layer.mean, layer.variance]


def _rescaling(layer: Any) -> _Parts:
    # Keras shifts the axis of several factors with this setting.
    if keras.config.image_data_format() == "channels_first":
        return None
    factors = {"scale": layer.scale, "offset": layer.offset}
    return "rescaling", {name: np.asarray(x).tolist() for name, x in factors.items()}, []


def _embedding(layer: Any) -> _Parts:
    return None if layer.mask_zero else ("embedding", {"name": layer.name}, layer.weights)


_READERS: dict[type, Callable[[Any], _Parts]] = {
    _layers.Activation: _activation,
    _layers.BatchNormalization: _batch_normalization,
    _layers.Dense: _dense,
    _layers.ELU: lambda layer: ("elu", {"alpha": float(layer.alpha)}, []),
    _layers.Embedding: _embedding,
    _layers.Flatten: _flatten,
    _layers.LeakyReLU: _leaky_relu,
    _layers.Normalization: _normalization,
    _layers.PReLU: lambda layer: ("prelu", {}, layer.weights),
    _layers.ReLU: _relu,
    _layers.Rescaling: _rescaling,
    _layers.Reshape: lambda layer: ("reshape", {"shape": tuple(layer.target_shape)}, []),
    _layers.Softmax: _softmax,
}
# These layers return their input in prediction.
_IN_TRAINING_ONLY = (
    _layers.ActivityRegularization,
    _layers.AlphaDropout,
    _layers.Dropout,
    _layers.GaussianDropout,
    _layers.GaussianNoise,
    _layers.Identity,
    _layers.SpatialDropout1D,
    _layers.SpatialDropout2D,
    _layers.SpatialDropout3D,
)
_READERS |= {kind: lambda layer: ("identity", {}, []) for kind in _IN_TRAINING_ONLY}
