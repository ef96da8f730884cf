"""The dense network that KerasClassifier and KerasRegressor build if `model=None`."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from scipy.sparse import spmatrix

from skdnn._data.preprocessing import Inputs
from skdnn._data.robust_scaling import outlier_message
from skdnn._network.architectures import dense_network, value_per_layer
from skdnn._network.layers import (
    Activate,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Scaling,
)
from skdnn._utils.user_warning import warn_user
from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.target_encoders import Identity
from skdnn.wrappers.unknown_names import find_by_name

_OWNER = "the default network"
_activation = find_by_name("model__activation", _OWNER, keras.activations.get, keras.activations)
_initializer = find_by_name(
    "model__kernel_initializer", _OWNER, keras.initializers.get, keras.initializers
)
_SCALINGS = ("auto", "standard", "minmax", "robust")
# The scaling layer is used for offsets of fewer units of the scale, and for factors in this range.
_MOST_UNITS, _FACTORS = 1e4, (1e-15, 1e15)


def dense_model(
    input_shape: tuple[int, ...],
    output_layer: tuple[int, str],
    *,
    hidden_layer_sizes: int | Sequence[int] = (100,),
    activation: Any = "relu",
    dropout: float | Sequence[float] = 0.0,
    batch_norm: bool = False,
    kernel_initializer: Any = "glorot_uniform",
    alpha: float = 0.0,
    scaling: str | None = "auto",
) -> keras.Model:
    """Build a Keras model with the layers of `DNNClassifier` or `DNNRegressor`.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample.
    output_layer : (units, activation)
        Number of units and activation of the output layer.
    hidden_layer_sizes, activation, dropout, batch_norm, kernel_initializer, alpha
        The same parameters as in `DNNClassifier`.
    scaling : {"auto", "standard", "minmax", "robust"} or None
        Scaling method of the scaling layer, which `fit_scaling` fits. None omits the scaling layer.
    """
    sizes = np.atleast_1d(np.asarray(hidden_layer_sizes, dtype=object)).tolist()
    activations = _per_layer(activation, len(sizes), "model__activation")
    activations = [_activation(x) if isinstance(x, str) else x for x in activations]
    if isinstance(kernel_initializer, str):
        kernel_initializer = _initializer(kernel_initializer)
    rates = _per_layer(dropout, len(sizes), "model__dropout")
    spec = dense_network(
        input_shape,
        list(zip(sizes, activations, rates, strict=True)),
        output_layer,
        scaled=scaling is not None,
        batch_norm=batch_norm,
    )
    penalty = keras.regularizers.L2(alpha) if alpha > 0 else None
    dense = {"kernel_initializer": kernel_initializer, "kernel_regularizer": penalty}
    layers = [_LAYERS[type(layer)](layer, dense) for layer in spec.layers]
    return keras.Sequential([keras.Input(input_shape), *layers])


def _scaling_layer(layer: Any, dense: dict[str, Any]) -> keras.layers.Layer:
    # The scaling constants are non-trainable weights, so that the network and the compiled program
    # of the network do not depend on the scale of the data.
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
    Scaling: _scaling_layer,
}


def _per_layer(value: Any, n_layers: int, parameter: str) -> list[Any]:
    message = (
        f"{parameter} must be one value, or one for each of the {n_layers} hidden layers of "
        "model__hidden_layer_sizes."
    )
    return value_per_layer(value, n_layers, message)


def fit_scaling(
    model: keras.Model,
    X: np.ndarray | spmatrix,
    sample_weight: np.ndarray | None,
    scaling: str | None,
    owner: str,
    names: Any = None,
) -> Identity | None:
    """Fit the scaling layer of a dense network to the training rows.

    Parameters
    ----------
    model : keras.Model
        The model returned by `dense_model`.
    X : ndarray of shape (n_samples, ...) or sparse matrix
        The training rows.
    sample_weight : ndarray of shape (n_samples,) or None
        Sample weights.
    scaling : {"auto", "standard", "minmax", "robust"} or None
        Scaling method. None leaves the model unchanged.
    owner : str
        The estimator's name, for warnings.
    names : array-like of str or None, default=None
        Names of the columns of X.

    Returns
    -------
    encoder : Identity or None
        A transformer that scales X instead of the layer, which then changes nothing. It is None
        unless columns would lose their digits in float32 or are clipped.
    """
    if scaling is None:
        return None
    if scaling not in _SCALINGS:
        raise ValueError(
            "model__scaling must be 'auto', 'standard', 'minmax', 'robust' or None. Got "
            f"{scaling!r} instead."
        )
    layer = model.get_layer("scaling")
    rows = _as_table(X)
    inputs = Inputs(scaling, X.shape[1:]).fit(rows, np.arange(len(rows)), sample_weight)
    message = outlier_message(inputs.outliers, names, owner, are_clipped=inputs.limit is not None)
    if message is not None:
        warn_user(message)
    width = layer.moving_mean.shape[0]
    offset = np.broadcast_to(np.asarray(inputs.offset), width)
    factor = np.broadcast_to(np.asarray(inputs.scale), width)
    if inputs.limit is not None or inputs.origin is not None or not _fits(offset, factor):
        layer.set_weights([np.zeros(width), np.ones(width)])
        return ColumnScaler(inputs)
    layer.set_weights([offset, 1 / factor**2])
    return None


def _fits(offset: np.ndarray, factor: np.ndarray) -> bool:
    """Return whether scaling in float32 keeps enough digits, and does not overflow."""
    least, greatest = _FACTORS
    is_near = np.abs(offset * factor).max() < _MOST_UNITS
    return bool(is_near and least < factor.min() and factor.max() < greatest)


class ColumnScaler(Identity, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Transformer that scales and clips the columns of X in float64.

    Parameters
    ----------
    inputs : Inputs
        The fitted preprocessing.
    """

    def __init__(self, inputs: Inputs):
        self.inputs = inputs

    def transform(self, X: Any) -> np.ndarray:
        """Return the scaled X, a dense array in Keras's float type."""
        rows = _as_table(X)
        scaled: np.ndarray = self.inputs.apply(rows, keras.config.floatx())
        return scaled.reshape(X.shape)


def _as_table(X: Any) -> np.ndarray:
    dense: np.ndarray = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    return dense.reshape(len(dense), prod(dense.shape[1:]))
