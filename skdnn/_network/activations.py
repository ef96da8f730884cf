"""From a user's name, class or object to the Keras thing: activations, initialisers, optimizers."""

import inspect
from typing import Any

from skdnn._network.spec import Activation
from skdnn._utils.tensorflow import keras, tf
from skdnn._utils.text import unknown

_OPTIONS = "one of {}, or an object of that kind"

# scikit-learn's names for what Keras calls otherwise.
ACTIVATION_ALIASES = {"identity": "linear", "logistic": "sigmoid"}
# glu halves the number of units and threshold wants arguments; the others are no activations.
_NO_ACTIVATIONS = {"deserialize", "get", "glu", "serialize", "threshold"}


def _classes(module: Any) -> dict[str, type]:
    return {name: thing for name, thing in vars(module).items() if isinstance(thing, type)}


def activation_names() -> dict[str, Any]:
    """Keras's activations by name."""
    functions = vars(keras.activations).items()
    return {n: f for n, f in functions if inspect.isfunction(f) and n not in _NO_ACTIVATIONS}


def resolve_activation(value: Activation, owner: str) -> Activation:
    """Return Keras's name of an activation, or the callable itself where it is the user's own."""
    known = activation_names()
    if callable(value):
        name = getattr(value, "__name__", "")
        if known.get(name) is value:
            return name
        _try_activation(value, owner)
        return value
    name = ACTIVATION_ALIASES.get(value, value) if isinstance(value, str) else None
    if name not in known:
        raise unknown("activation", owner, value, {*known, *ACTIVATION_ALIASES}, _OPTIONS)
    return name


def _try_activation(value: Any, owner: str) -> None:
    try:
        trial = tf.function(lambda x: value(x), autograph=False)
        traced = trial.get_concrete_function(tf.TensorSpec([None, 3]))
        shape = traced.structured_outputs.shape
        trouble = "" if shape == (None, 3) else f": it turns shape (None, 3) into {shape}."
    except Exception as error:
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
