"""Which parts of a Keras callback an estimator, its clones and its fits share.

A callback may refer to objects outside the network, such as the trial of a search, a logger or a
connection to a database. A copy of such an object would not reach the original. Therefore the
attributes of a callback are never copied, except the state that Keras itself keeps in it.

Keras is not imported, because no callback object exists before Keras is imported.
"""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from skdnn._utils.keras_internals import forget_model, model_of

# Callbacks of Keras that keep nothing from one fit to the next.
_STATELESS = {"Callback", "LambdaCallback"}


def holds_training_state(callback: Any) -> bool:
    """Return whether a callback is of a class of Keras that keeps state, or is derived from one."""
    return any(cls.__name__ not in _STATELESS for cls in _classes_of_keras(callback))


def clone_callbacks(value: Any) -> Any:
    """Return the value of a parameter `callbacks` for a clone of an estimator.

    Callback objects are copied by `clone_callback`, also in lists, tuples and dicts. All other
    values, such as classes, functions and arguments of classes, are shared.
    """
    if type(value) in (list, tuple):
        return type(value)(clone_callbacks(item) for item in value)
    if type(value) is dict:
        return {key: clone_callbacks(item) for key, item in value.items()}
    return clone_callback(value) if _classes_of_keras(value) else value


def clone_callback(callback: Any) -> Any:
    """Return a new callback object without a model, which shares the attributes of `callback`."""
    new = copy.copy(callback)
    _forget_model(new)
    if any(cls.__name__ == "History" for cls in _classes_of_keras(new)):
        new.history = {name: list(values) for name, values in new.history.items()}
    return new


@contextmanager
def model_released(callbacks: Iterable[Any]) -> Iterator[None]:
    """Context manager that removes the model from callbacks on exit, also after an error.

    A pickle of a callback would otherwise contain the model, too.
    """
    try:
        yield
    finally:
        for callback in callbacks:
            _forget_model(callback)


def _forget_model(callback: Any) -> None:
    if _classes_of_keras(model_of(callback), "Model"):
        forget_model(callback)


def _classes_of_keras(value: Any, base: str = "Callback") -> list[type]:
    """Return the classes of Keras of a value, if one of them has the name `base`."""
    # By name, because the module of the public name differs between versions of Keras.
    mro = type(value).__mro__
    of_keras = [cls for cls in mro if cls.__module__.partition(".")[0] == "keras"]
    return of_keras if any(cls.__name__ == base for cls in of_keras) else []
