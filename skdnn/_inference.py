"""The forward pass of a `NetworkSpec` in NumPy; knows nothing of TensorFlow."""

from collections.abc import Callable

import numpy as np
from scipy import special
from scipy.sparse import issparse

from skdnn._spec import (
    Activate,
    Ascending,
    BatchNormalization,
    CategoryEmbedding,
    ColumnTransform,
    Dense,
    Dropout,
    Elementwise,
    Flatten,
    LearnedScale,
    Mean,
    Members,
    MixedActivation,
    NetworkSpec,
    OneHot,
    Parallel,
    Periodic,
    PiecewiseLinear,
    ScaledDense,
    Scaling,
    SmoothClip,
)

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)


def _hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return _relu6(x + 3) / 6


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * special.ndtr(x)


def _softmax(x: np.ndarray) -> np.ndarray:
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


# Keras's activations with Keras's constants; each keeps the dtype of what it is given, which is
# its own to change: the most common ones work in place. sparsemax
# is left to Keras: what 3.15 computes is not the published formula, and a network has to predict
# with the function that it was trained with.
ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "celu": _elu,
    "elu": _elu,
    "exponential": np.exp,
    "gelu": _gelu,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "hard_swish": lambda x: x * _hard_sigmoid(x),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -_softplus(-x),
    "log_softmax": lambda x: special.log_softmax(x, axis=-1),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "relu": lambda x: np.maximum(x, 0, out=x),
    "relu6": _relu6,
    "selu": lambda x: _SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x: special.expit(x, out=x),
    "silu": lambda x: x * special.expit(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": _softmax,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "swish": lambda x: x * special.expit(x),
    "tanh": lambda x: np.tanh(x, out=x),
    "tanh_shrink": lambda x: x - np.tanh(x),
}


def _dense(layer: Dense, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    kernel, bias = weights
    # SciPy has no product with several matrices at once.
    x = np.stack([x @ k for k in kernel]) if issparse(x) and kernel.ndim > 2 else x @ kernel
    x += bias[..., None, :] if bias.ndim > 1 else bias
    return ACTIVATIONS[layer.activation](x)  # type: ignore[index]


def _scaled_dense(layer: ScaledDense, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    kernel, bias = weights
    x = x @ kernel
    x *= layer.kernel_gain
    x += layer.bias_gain * bias[..., None, :]
    return ACTIVATIONS[layer.activation](x)  # type: ignore[index]


def _learned_scale(layer: LearnedScale, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    return x * (layer.gain * weights[0][..., None, :])


def _mixed_activation(
    layer: MixedActivation, x: np.ndarray, weights: list[np.ndarray]
) -> np.ndarray:
    bent = ACTIVATIONS[layer.activation](x.copy())  # type: ignore[index]
    return x + (bent - x) * (layer.gain * weights[0][..., None, :])


def _smooth_clip(layer: SmoothClip, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    center, factor = weights
    z = (x[..., : layer.n_columns] - center) * factor
    z /= np.sqrt(1 + (z / 3) ** 2)
    return np.concatenate([z, x[..., layer.n_columns :]], axis=-1)


def _activate(layer: Activate, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    return ACTIVATIONS[layer.activation](x)  # type: ignore[index]


def _ascending(layer: Ascending, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    x[..., 1:] = _softplus(x[..., 1:])
    return np.cumsum(x, axis=-1, out=x)


def _batch_normalization(
    layer: BatchNormalization, x: np.ndarray, weights: list[np.ndarray]
) -> np.ndarray:
    gamma, beta, mean, variance = (w[:, None] if w.ndim > 1 else w for w in weights)
    return (x - mean) * (gamma / np.sqrt(variance + layer.epsilon)) + beta


def _piecewise_linear(
    layer: PiecewiseLinear, x: np.ndarray, weights: list[np.ndarray]
) -> np.ndarray:
    edge, slope, least, greatest = weights
    place = (x[:, : layer.n_columns, None] - edge) * slope
    place = np.clip(place, least, greatest, out=place)
    return np.concatenate([x, place.reshape(len(x), -1)], axis=1)


def _periodic(layer: Periodic, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    angle = x.dtype.type(2 * np.pi) * x[:, : layer.n_columns, None] * weights[0]
    angle = angle.reshape(len(x), -1)
    return np.concatenate([x, np.sin(angle), np.cos(angle)], axis=1)


def _members(layer: Members, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    return x if issparse(x) else x[None]  # the matrix product hands it to all


def _parallel(layer: Parallel, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    outputs, rest = [], weights
    for network in layer.networks(x.shape[1:]):
        outputs.append(forward(network, rest[: network.n_arrays], x))
        rest = rest[network.n_arrays :]
    return np.concatenate(outputs)


def _mean(layer: Mean, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    return np.tensordot(weights[0], x, axes=1) if layer.weighted else x.mean(axis=0)


def _embed(layer: CategoryEmbedding, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    column, stride, base = layer.addresses
    start = x.shape[1] - len(layer.sizes)
    codes = x[:, start:].astype(np.int32)[:, column]
    vectors = weights[0].ravel()[np.maximum(codes * stride + base, 0)]
    vectors[codes == 0] = 0
    return np.concatenate([x[:, :start], vectors], axis=1)


def _one_hot(layer: OneHot, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    column, code = weights
    stop = layer.start + layer.n_codes
    ones = (x[:, layer.start : stop] @ column == code).astype(x.dtype)
    return np.concatenate([x[:, : layer.start], ones, x[:, stop:]], axis=1)


def _nothing(layer: Elementwise, x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    return x


# One row a layer: the twin of the table in `_network`. Flattening, sorting and scaling are done by
# `_inputs` before the network is entered; dropout is for training alone.
LAYERS: dict[type, Callable[..., np.ndarray]] = {
    Activate: _activate,
    Ascending: _ascending,
    BatchNormalization: _batch_normalization,
    CategoryEmbedding: _embed,
    ColumnTransform: _nothing,
    Dense: _dense,
    Dropout: _nothing,
    Flatten: _nothing,
    LearnedScale: _learned_scale,
    Mean: _mean,
    Members: _members,
    OneHot: _one_hot,
    MixedActivation: _mixed_activation,
    Parallel: _parallel,
    Periodic: _periodic,
    PiecewiseLinear: _piecewise_linear,
    ScaledDense: _scaled_dense,
    Scaling: _nothing,
    SmoothClip: _smooth_clip,
}


def covers(spec: NetworkSpec) -> bool:
    """Whether `forward` can compute the network: not where an activation is the user's own."""
    return all(isinstance(x, str) and x in ACTIVATIONS for x in spec.activations)


def takes_sparse(spec: NetworkSpec) -> bool:
    """Whether `forward` takes sparse rows: not where anything comes before the first product."""
    first = next(x for x in spec.layers if not isinstance(x, Members))
    return isinstance(first, Dense) and covers(spec)


def forward(spec: NetworkSpec, weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """Send rows through the network.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    weights : list of ndarray
        In Keras's order.
    x : ndarray of shape (n_samples, n_inputs), float32 or float64
        Flattened and scaled rows. The result is computed in this dtype. Or a CSR matrix of them,
        where the network takes one.

    Returns
    -------
    ndarray of shape (n_samples, n_outputs), or (n_members, n_samples, n_outputs) where the spec
    does not average its members
    """
    # What overflows is infinite or NaN in the result, as in Keras, which does not warn of it.
    with np.errstate(over="ignore", invalid="ignore"):
        for layer, arrays in spec.deal([w.astype(x.dtype, copy=False) for w in weights]):
            x = LAYERS[type(layer)](layer, x, arrays)
    return x
