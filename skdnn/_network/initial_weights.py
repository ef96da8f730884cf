"""The weights that training starts from."""

import inspect
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from skdnn._network.activations import _OPTIONS, _classes
from skdnn._network.layers.base import Shape, TrainingSample
from skdnn._network.spec import NetworkSpec
from skdnn._utils.text import unknown


def initial_weights(
    spec: NetworkSpec,
    initializer: Any,
    rng: np.random.Generator,
    owner: str,
    sample: TrainingSample | None = None,
) -> list[np.ndarray]:
    """Draw the weights that training starts from.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    initializer : str, class or Keras initialiser
        For the kernels of `Dense` layers; their biases are zero.
    rng : numpy.random.Generator
        Draws what layers draw ahead of all kernels; then gives one seed per kernel.
    owner : str
        The estimator's name, for errors.
    sample : TrainingSample, default=None
        What layers read off the training data. It may be None where none of them does.

    Returns
    -------
    list of ndarray
        In Keras's order.
    """
    sample = TrainingSample(_no_numbers) if sample is None else sample
    sample = replace(sample, numbers=cache(sample.numbers))
    rows = [row for row in spec.rows() if row.weight_shapes]
    fitted = [row.layer.fitted_weights(sample, rng) for row in rows]
    kernels = _Kernels(initializer, rng, spec.dtype, owner)
    weights: list[np.ndarray] = []
    for row, arrays in zip(rows, fitted, strict=True):
        if arrays is None:
            arrays = row.layer.initial_weights(row.input_shape, rng, kernels.draw)
        weights.extend(array.astype(spec.dtype) for array in arrays)
    return weights


def _no_numbers() -> np.ndarray:
    raise ValueError(
        "The network has a layer that reads its weights off training rows: pass initial_weights "
        "a TrainingSample."
    )


@dataclass(frozen=True)
class _Kernels:
    """Draws kernels with the user's initialiser, each with a seed of its own."""

    initializer: Any
    rng: np.random.Generator
    dtype: str
    owner: str

    def draw(self, shape: Shape) -> np.ndarray:
        function = resolve_initializer(self.initializer, int(self.rng.integers(2**31)), self.owner)
        try:
            kernel = np.asarray(function(shape, dtype=self.dtype))
            trouble = "" if kernel.shape == shape else f"for shape {shape} it gave {kernel.shape}."
        except Exception as error:
            trouble = str(error)
        if trouble:
            raise TypeError(
                f"The 'kernel_initializer' parameter of {self.owner} must be a name, a Keras "
                f"initializer or a function of a shape and a dtype. Got {function!r}: {trouble}"
            )
        return kernel


def resolve_initializer(value: Any, seed: int, owner: str) -> Any:
    """Return a Keras initialiser that draws with `seed`, unless the user gave it a seed.

    Keras seeds what it makes without a seed from Python's global generator: none is made so.

    Parameters
    ----------
    value : str, class, Keras initialiser or function of a shape and a dtype
        What the user gave.
    seed : int
        For an initialiser without one.
    owner : str
        The estimator's name, for errors.
    """
    from skdnn._utils.tensorflow import keras

    base = keras.initializers.Initializer
    if isinstance(value, str):
        known = {
            n: c for n, c in _classes(keras.initializers).items() if n.islower() and n != "stft"
        }
        if value not in known:
            raise unknown("kernel_initializer", owner, value, known, _OPTIONS)
        value = known[value]
    if isinstance(value, type) and issubclass(value, base):
        return value(seed=seed) if "seed" in inspect.signature(value).parameters else value()
    if not isinstance(value, base):
        return value  # any function of a shape and a dtype
    config = value.get_config()
    if config.get("seed", 0) is None:
        return type(value).from_config({**config, "seed": seed})
    return value
