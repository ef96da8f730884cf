"""Text as X of networks that start with a layer such as TextVectorization or StringLookup."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from skdnn._data.frames import is_missing
from skdnn._utils.keras_internals import all_layers
from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.structures import has_text, inputs_of

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


def keeps_text(wrapper: "BaseWrapper", X: Any, *, reset: bool) -> bool:
    """Return whether one input of X is text that is passed to the network as it is.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper.
    X : array-like
        One input.
    reset : bool
        Whether X is the X of `fit`. Otherwise X is text if the X of `fit` was text.
    """
    values = _objects(X)
    is_text = [isinstance(value, str) for value in values]
    if not any(is_text):
        return False
    expects = _expects_text(wrapper, reset)
    if expects and not all(is_text) and all(map(is_missing, values[np.invert(is_text)])):
        raise ValueError(
            f"The X of {type(wrapper).__name__} holds missing text: replace it with '', such as "
            "with SimpleImputer(strategy='constant', fill_value='') in a pipeline."
        )
    return all(is_text) and (expects or (expects is None and not _are_numbers(values)))


def _objects(X: Any) -> np.ndarray:
    """Return the values of X in one dimension if they may be text, or an empty array."""
    if issparse(X) or not (hasattr(X, "shape") or isinstance(X, list)):
        return np.empty(0, object)
    if isinstance(X, list) and not isinstance(next(iter(X), None), str | list | None):
        return np.empty(0, object)
    values = X if isinstance(X, np.ndarray) else np.array(X, dtype=object)
    return values.astype(object).ravel() if values.dtype.kind in "OU" else np.empty(0, object)


def _expects_text(wrapper: "BaseWrapper", reset: bool) -> bool | None:
    """Return whether a wrapper takes text. None if only a network that is built can tell."""
    if not reset:
        return any(dtype.kind == "O" for dtype in inputs_of(wrapper.X_dtype_))
    given = wrapper.model if wrapper.model is not None else wrapper.build_fn
    if isinstance(given, keras.Model):
        return takes_text(given)
    if isinstance(given, list | tuple):
        return any(map(_takes_text, given))
    return None if callable(given) or hasattr(wrapper, "_keras_build_fn") else False


def takes_text(model: keras.Model) -> bool:
    """Return whether a model has an input of text or a layer that takes text."""
    inputs = getattr(model, "inputs", None) or ()
    return any(map(_takes_text, inputs)) or any(map(_takes_text, all_layers(model)))


def _takes_text(layer: Any) -> bool:
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.Hashing)
    return isinstance(layer, kinds) or getattr(layer, "dtype", None) == "string"


def as_text(X: Any) -> np.ndarray:
    """Return text as an array of objects, in one column if X has one dimension."""
    values = np.array(X, dtype=object)
    return values.reshape(-1, 1) if values.ndim == 1 else values


def _are_numbers(values: np.ndarray) -> bool:
    try:
        values.astype(float)
    except ValueError:
        return False
    return True


def _is_lookup(layer: Any) -> bool:
    return hasattr(layer, "adapt") and hasattr(layer, "get_vocabulary")


def _has_vocabulary(layer: Any) -> bool:
    return len(layer.get_vocabulary(include_special_tokens=False)) > 0


def ready_lookup(layer: Any, new: Callable[[Any], Any], rows: Any) -> Any:
    """Return a layer with a vocabulary for a new network.

    Parameters
    ----------
    layer : keras.layers.Layer
        A layer of the user. With a vocabulary it is shared by all networks, because training does
        not change it, and Keras's copy would have no vocabulary.
    new : callable
        Function that returns a copy of a layer.
    rows : ndarray or None
        Rows of X to which a copy without a vocabulary is adapted. None leaves it as it is.
    """
    if not _is_lookup(layer):
        return new(layer)
    if _has_vocabulary(layer):
        return layer
    copied = new(layer)
    if rows is not None:
        copied.adapt(rows)
    return copied


def first_layer(model: keras.Model) -> Any:
    """Return the layer that takes X. None if the model has several inputs, or is not a graph."""
    if isinstance(model, keras.Sequential):
        return model.layers[0] if model.layers else None
    inputs = list(getattr(model, "inputs", None) or [])
    if len(inputs) != 1:
        return None
    after = (x for x in model.layers if not isinstance(x, keras.layers.InputLayer))
    return next((x for x in after if getattr(x, "input", None) is inputs[0]), None)


def has_lookup(model: keras.Model) -> bool:
    """Return whether a layer of a model has a vocabulary, or needs one."""
    return any(map(_is_lookup, all_layers(model)))


def check_text(model: keras.Model, X: Any, owner: str) -> None:
    """Raise an error for text that a network does not take, or for a missing vocabulary.

    A layer without a vocabulary that is the first of a stack is adapted to X.

    Parameters
    ----------
    model : keras.Model
        The new network.
    X : array, sparse matrix, or structure of arrays
        Encoded samples.
    owner : str
        Name of the estimator.
    """
    if has_text(X) and not takes_text(model):
        raise ValueError(
            f"X holds text, but the network of {owner} takes numbers: start the network with "
            "keras.layers.TextVectorization or StringLookup, or encode X before the network, "
            "such as with OneHotEncoder in a pipeline."
        )
    for layer in filter(_is_lookup, all_layers(model)):
        if _has_vocabulary(layer):
            continue
        if layer is not first_layer(model) or not isinstance(X, np.ndarray):
            kind = type(layer).__name__
            raise ValueError(
                f"The {kind} layer {layer.name!r} of the network of {owner} has no vocabulary: "
                f"call its adapt(...) with training data before you pass it."
            )
        layer.adapt(X)
