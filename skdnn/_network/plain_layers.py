"""Layers of Keras models as plain data, and their formulas of prediction in NumPy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skdnn._network.activations import NUMPY_ACTIVATIONS

Weights = Sequence[np.ndarray]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class PlainLayer:
    """A Keras layer as plain data.

    Parameters
    ----------
    kind : str
        Name of the formula, which is a key of `FORMULAS`.
    settings : dict
        Settings of the formula.
    n_arrays : int, default=0
        Number of weight arrays.
    dtype : {"float32", "float64"}, default="float32"
        The dtype in which Keras computes the layer.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    n_arrays: int = 0
    dtype: str = "float32"


@dataclass(frozen=True)
class PlainNetwork:
    """A stack of Keras layers as plain data, which predicts in NumPy.

    Parameters
    ----------
    input_shape : tuple of int or None
        Shape of one sample. None stands for any length.
    input_dtype : str
        The dtype to which the input is converted.
    layers : tuple of PlainLayer
        The layers from the input to the output.
    """

    input_shape: tuple[int | None, ...]
    input_dtype: str
    layers: tuple[PlainLayer, ...]

    def takes(self, shape: tuple[int, ...], dtype: np.dtype) -> bool:
        """Return whether `forward` computes samples of a shape and dtype as Keras does."""
        if len(shape) != len(self.input_shape) or dtype.kind not in "biuf":
            return False
        return all(n is None or n == m for n, m in zip(self.input_shape, shape, strict=True))

    def forward(self, weights: Weights, x: np.ndarray) -> np.ndarray:
        """Compute the outputs for samples x of shape (n_samples, ...), which are not changed.

        Parameters
        ----------
        weights : sequence of ndarray
            The weight arrays of all layers.
        x : ndarray of shape (n_samples, ...)
            Samples.
        """
        x = x.astype(self.input_dtype, copy=False)
        start = 0
        # As in Keras, an overflow gives infinity or NaN without a warning.
        with np.errstate(all="ignore"):
            for layer in self.layers:
                own = weights[start : start + layer.n_arrays]
                start += layer.n_arrays
                if layer.kind not in _OF_ANY_DTYPE or x.dtype.kind == "f":
                    x = x.astype(layer.dtype, copy=False)
                x = FORMULAS[layer.kind](x, own, layer.settings)
        return x


# ------------------------------------------------------------------------------------- formulas


def _dense(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    y = x @ weights[0]
    if len(weights) > 1:
        y += weights[1]
    return NUMPY_ACTIVATIONS[settings["activation"]](y)


def _activation(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    return NUMPY_ACTIVATIONS[settings["activation"]](x.copy())


def _softmax(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    e = np.exp(x - x.max(axis=settings["axis"], keepdims=True))
    y: np.ndarray = e / e.sum(axis=settings["axis"], keepdims=True)
    return y


def _relu(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    slope, threshold, most = (settings[name] for name in ("slope", "threshold", "max_value"))
    y = np.where(x > threshold, x, slope * (x - threshold) if slope else x.dtype.type(0))
    return y if most is None else np.minimum(y, most)


def _elu(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    return np.where(x > 0, x, settings["alpha"] * np.expm1(np.minimum(x, 0)))


def _prelu(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    return np.where(x > 0, x, weights[0] * x)


def _flatten(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    if settings["channels_first"] and x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
    return x.reshape(len(x), int(np.prod(x.shape[1:])))


def _reshape(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    return x.reshape(len(x), *settings["shape"])


def _identity(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    return x


def _batch_normalization(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    shape = [1] * x.ndim
    shape[settings["axis"]] = -1
    arrays = [array.reshape(shape) for array in weights]
    mean, variance = arrays[-2:]
    factor = 1 / np.sqrt(variance + x.dtype.type(settings["epsilon"]))
    if settings["scale"]:
        factor = factor * arrays[0]
    y: np.ndarray = (x - mean) * factor
    return y + arrays[-3] if settings["center"] else y


def _normalization(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    mean, variance = weights
    deviation = np.maximum(np.sqrt(variance), x.dtype.type(settings["epsilon"]))
    y: np.ndarray = mean + x * deviation if settings["invert"] else (x - mean) / deviation
    return y


def _rescaling(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    scale, offset = (np.asarray(settings[name], x.dtype) for name in ("scale", "offset"))
    y: np.ndarray = x * scale + offset
    return y


def _embedding(x: np.ndarray, weights: Weights, settings: Settings) -> np.ndarray:
    codes, n_rows = x.astype(np.int64), len(weights[0])
    outside = (codes < 0) | (codes >= n_rows)
    if outside.any():
        raise ValueError(
            f"The Embedding layer {settings['name']!r} has vectors for the codes 0 to "
            f"{n_rows - 1}. Got the code {codes[outside][0]} in X: give it a larger input_dim, and "
            "fit again."
        )
    vectors: np.ndarray = weights[0][codes]
    return vectors


FORMULAS: dict[str, Callable[[np.ndarray, Weights, Settings], np.ndarray]] = {
    "activation": _activation,
    "batch_normalization": _batch_normalization,
    "dense": _dense,
    "elu": _elu,
    "embedding": _embedding,
    "flatten": _flatten,
    "identity": _identity,
    "normalization": _normalization,
    "prelu": _prelu,
    "relu": _relu,
    "rescaling": _rescaling,
    "reshape": _reshape,
    "softmax": _softmax,
}
# Formulas that keep whole numbers as they are, because Keras converts only floats for a layer.
_OF_ANY_DTYPE = {"embedding", "flatten", "identity", "reshape"}
