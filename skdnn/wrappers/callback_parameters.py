"""Create the callbacks of a wrapper from parameters."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from skdnn._utils.text import classes_of, similar
from skdnn.wrappers.parameters import instantiate
from skdnn.wrappers.scikeras_compat import keras, route_params


class Callbacks(NamedTuple):
    """Callbacks for training (`fit`) and callbacks for prediction (`predict`)."""

    fit: list[keras.callbacks.Callback]
    predict: list[keras.callbacks.Callback]


def make_callbacks(params: dict[str, Any]) -> Callbacks:
    """Create callbacks from the parameters `callbacks`, `fit__callbacks`, `predict__callbacks`.

    Parameters
    ----------
    params : dict
        All parameters of the wrapper.
    """
    of_both = _callbacks_of("callbacks", params)
    return Callbacks(
        fit=of_both + _callbacks_of("fit__callbacks", params),
        predict=of_both + _callbacks_of("predict__callbacks", params),
    )


def callback_params(params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that are callbacks, or arguments of callbacks."""
    return {name: value for name, value in params.items() if _is_of_callbacks(name)}


def _is_of_callbacks(parameter: str) -> bool:
    first, *rest = parameter.split("__")
    return first == "callbacks" or (first in ("fit", "predict") and rest[:1] == ["callbacks"])


def _callbacks_of(parameter: str, params: dict[str, Any]) -> list[keras.callbacks.Callback]:
    given = params.get(parameter)
    if given is None:
        return []
    made = instantiate(given, dict(route_params(params, parameter, pass_filter=set())))
    callbacks = list(made.values()) if isinstance(made, Mapping) else made
    callbacks = keras.tree.flatten(callbacks)
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise TypeError(
                f"``{parameter}`` must be a Keras callback, a class of callbacks, or a list or "
                f"dict of them. Got {callback!r} in it: {_advice(callback)}."
            )
    return list(callbacks)


def _advice(value: Any) -> str:
    named = similar(value, classes_of(keras.callbacks)) if isinstance(value, str) else []
    if named:
        return f"give the class, keras.callbacks.{named[0]}"
    return "derive it from keras.callbacks.Callback"
