"""The dense network of the wrappers where `model` is None."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from skdnn._network.architectures import dense_network
from skdnn._network.layers import (
    Activate,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Scaling,
)
from skdnn.wrappers import templates
from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.scikeras_compat import keras


class _DenseByDefault(BaseWrapper):
    """Builds a dense network where no other is given."""

    def _check_model_param(self) -> Any:
        # A class of the user's own says what it builds.
        is_plain = type(self).__module__.startswith("skdnn.wrappers.")
        if self.model is None and self.build_fn is None and is_plain:
            return self._dense_network
        return super()._check_model_param()

    def _build_keras_model(self) -> Any:
        self._scaling: str | None = None
        return super()._build_keras_model()

    def _dense_network(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        dropout: Any = 0.0,
        batch_norm: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        alpha: float = 0.0,
        scaling: str | None = "auto",
    ) -> Any:
        shape = self._sample_shape()
        if shape is None:
            raise ValueError(
                f"{type(self).__name__} without model= takes one array as X, with no feature "
                "encoder: give a function that builds your network as model=."
            )
        self._scaling = scaling
        return templates.dense_model(
            shape,
            self._head(),
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            batch_norm=batch_norm,
            kernel_initializer=kernel_initializer,
            alpha=alpha,
            scaling=scaling,
        )

    def _head(self) -> tuple[int, str]:
        """Return the units and the activation of the output layer for the target."""
        raise NotImplementedError

    def _learn_scale(self, X: Any, sample_weight: np.ndarray | None) -> None:
        templates.scale(self.model_, X, sample_weight, self._scaling)


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
    from skdnn._data.preprocessing import Inputs

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
