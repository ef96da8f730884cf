"""Activations by name, in NumPy and in Keras. Keras is imported only inside functions."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from skdnn._utils.memory_errors import is_out_of_memory
from skdnn._utils.text import OPTIONS, unknown

# A name, or a function of a tensor.
Activation = str | Callable[[Any], Any]
NumpyActivation = Callable[[np.ndarray], np.ndarray]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al. 2017

# scikit-learn's names of activations -> Keras's names.
ACTIVATION_ALIASES = {"identity": "linear", "logistic": "sigmoid"}
# glu halves the number of units, threshold requires arguments, and the others are not activations.
_NO_ACTIVATIONS = {"deserialize", "get", "glu", "serialize", "threshold"}


def softplus(x: np.ndarray) -> np.ndarray:
    """Compute the softplus, log(1 + exp(x))."""
    y: np.ndarray = np.logaddexp(x, 0)
    return y


def _elu(x: np.ndarray) -> np.ndarray:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def _relu6(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = np.clip(x, 0, 6)
    return y


def _hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return _relu6(x + 3) / 6


def _gelu(x: np.ndarray) -> np.ndarray:
    y: np.ndarray = x * special.ndtr(x)
    return y


def _softmax(x: np.ndarray) -> np.ndarray:
    x -= x.max(axis=-1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=-1, keepdims=True)
    return x


# Keras's activations with Keras's constants. Each function preserves the dtype of its argument and
# may change the argument in place. sparsemax has no NumPy form, because Keras 3.15 does not compute
# the published formula and a network must predict with the activation of its training.
NUMPY_ACTIVATIONS: dict[Activation, NumpyActivation] = {
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
    "log_sigmoid": lambda x: -softplus(-x),
    "log_softmax": lambda x: special.log_softmax(x, axis=-1),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "relu": lambda x: np.maximum(x, 0, out=x),
    "relu6": _relu6,
    "selu": lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x: special.expit(x, out=x),
    "silu": lambda x: x * special.expit(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": _softmax,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "swish": lambda x: x * special.expit(x),
    "tanh": lambda x: np.tanh(x, out=x),
    "tanh_shrink": lambda x: x - np.tanh(x),
}


def has_numpy_form(activation: Activation) -> bool:
    """Return whether skdnn can compute an activation in NumPy. False for a custom function."""
    return isinstance(activation, str) and activation in NUMPY_ACTIVATIONS


def with_activation(kind: str, activation: Activation) -> str:
    """Return the type of a layer with the activation in brackets.

    A linear activation is omitted.
    """
    if activation == "linear":
        return kind
    if not isinstance(activation, str):
        activation = getattr(activation, "__name__", type(activation).__name__)
    return f"{kind} ({activation})"


def activation_names() -> dict[str, Callable[[Any], Any]]:
    """Return the activations of Keras by name."""
    from skdnn._utils.tensorflow import keras

    functions = vars(keras.activations).items()
    return {n: f for n, f in functions if inspect.isfunction(f) and n not in _NO_ACTIVATIONS}


def resolve_activation(value: Activation, owner: str) -> Activation:
    """Return Keras's name of an activation, or the callable itself if it is a custom function.

    Parameters
    ----------
    value : str or callable
        Keras's or scikit-learn's name of an activation, or a function of a tensor.
    owner : str
        The name of the estimator, for error messages.
    """
    known = activation_names()
    if callable(value):
        name = getattr(value, "__name__", "")
        if known.get(name) is value:
            return str(name)
        _try_activation(value, owner)
        return value
    name = ACTIVATION_ALIASES.get(value, value) if isinstance(value, str) else None
    if name not in known:
        raise unknown("activation", owner, value, {*known, *ACTIVATION_ALIASES}, OPTIONS)
    return str(name)


def _try_activation(value: Any, owner: str) -> None:
    from skdnn._utils.tensorflow import tf

    try:
        trial = tf.function(lambda x: value(x), autograph=False)
        traced = trial.get_concrete_function(tf.TensorSpec([None, 3]))
        shape = traced.structured_outputs.shape
        trouble = "" if shape == (None, 3) else f": it turns shape (None, 3) into {shape}."
    except Exception as error:
        if is_out_of_memory(error):
            raise
        trouble = f": {error}"
    if isinstance(value, type):
        trouble = f": it is a class, write {value.__name__}()."
    elif type(value).__hash__ is None:
        trouble = ": it must be hashable, to tell one compiled network from another."
    elif not trouble and any(t.dtype == tf.resource for t, _ in traced.graph.captures):
        trouble = ": it has a variable of its own."
    if trouble:
        raise TypeError(
            f"The 'activation' parameter of {owner} must be a name, or a function of a tensor that "
            f"keeps its shape, written with keras.ops or TensorFlow. Got {value!r}{trouble}"
        )
