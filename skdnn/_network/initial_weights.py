"""The initial weights of a network."""

import inspect
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from skdnn._network.layers.base import Shape, TrainingSample
from skdnn._network.spec import NetworkSpec
from skdnn._utils.memory_errors import is_out_of_memory, sizes_noted
from skdnn._utils.text import OPTIONS, classes_of, unknown


def initial_weights(
    spec: NetworkSpec,
    initializer: Any,
    rng: np.random.Generator,
    owner: str,
    sample: TrainingSample | None = None,
) -> list[np.ndarray]:
    """Return the initial weights of a network.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    initializer : str, class or Keras initialiser
        The initialiser of the kernels of `Dense` layers. Their biases are zero.
    rng : numpy.random.Generator
        Random number generator. The generator is first used for weights that are drawn before all
        kernels. After that, the generator is used layer by layer, for one seed per kernel of a
        `Dense` layer and for the initial weights of other layers.
    owner : str
        The name of the estimator, for error messages.
    sample : TrainingSample, default=None
        The training data from which layers compute weights. None is accepted if no layer needs
        training data.

    Returns
    -------
    list of ndarray
        The weight arrays, in the order of the weights of the Keras model.
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
    """Draws kernels with the user's initialiser and a new seed for each kernel."""

    initializer: Any
    rng: np.random.Generator
    dtype: str
    owner: str

    def draw(self, shape: Shape) -> np.ndarray:
        function = resolve_initializer(self.initializer, int(self.rng.integers(2**31)), self.owner)
        try:
            with sizes_noted("A kernel", shape, self.dtype):
                kernel = np.asarray(function(shape, dtype=self.dtype))
            trouble = "" if kernel.shape == shape else f"for shape {shape} it gave {kernel.shape}."
        except Exception as error:
            if is_out_of_memory(error):
                raise
            trouble = str(error)
        if trouble:
            raise TypeError(
                f"The 'kernel_initializer' parameter of {self.owner} must be a name, a Keras "
                f"initializer or a function of a shape and a dtype. Got {function!r}: {trouble}"
            )
        return kernel


def resolve_initializer(value: Any, seed: int, owner: str) -> Any:
    """Return a Keras initialiser that uses `seed`, unless the user's initialiser has a seed.

    Every initialiser is given a seed, because Keras would take a missing seed from Python's global
    generator.

    Parameters
    ----------
    value : str, class, Keras initialiser or function of a shape and a dtype
        The initialiser of the user.
    seed : int
        The seed of an initialiser without a seed.
    owner : str
        The name of the estimator, for error messages.
    """
    from skdnn._utils.tensorflow import keras

    base = keras.initializers.Initializer
    if isinstance(value, str):
        known = {
            n: c for n, c in classes_of(keras.initializers).items() if n.islower() and n != "stft"
        }
        if value not in known:
            raise unknown("kernel_initializer", owner, value, known, OPTIONS)
        value = known[value]
    if isinstance(value, type) and issubclass(value, base):
        return value(seed=seed) if "seed" in inspect.signature(value).parameters else value()
    if not isinstance(value, base):
        return value  # any function of a shape and a dtype
    config = value.get_config()
    if config.get("seed", 0) is None:
        return type(value).from_config({**config, "seed": seed})
    return value
