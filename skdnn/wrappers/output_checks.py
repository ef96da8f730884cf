"""Checks that the outputs and the loss of a network are those that y needs."""

import inspect
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from skdnn.wrappers.scikeras_compat import keras, loss_name

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


def check_network(wrapper: "BaseWrapper", y: Any) -> None:
    """Raise an error if the number of outputs or the loss of the network is not as expected."""
    owner, model = type(wrapper).__name__, wrapper.model_
    # A model of a user-defined class may not know its outputs before the first call.
    if not getattr(model, "outputs", None):
        return
    _check_one_output_per_sample(model, y, owner)
    _check_number_of_outputs(model, getattr(wrapper, "n_outputs_expected_", None), owner)
    parameter = inspect.signature(type(wrapper)).parameters.get("loss")
    if parameter is not None:
        default = None if parameter.default is parameter.empty else parameter.default
        _check_loss_matches(wrapper.loss, default, model.loss, owner)


def check_classes(model: keras.Model, n_classes: int, owner: str) -> None:
    """Raise an error if a model has fewer units than y has classes."""
    layer = f'Dense({n_classes}, "softmax")'
    _check_units(model, n_classes, owner, values=f"{n_classes} classes", layer=layer, exact=False)


def check_columns(model: keras.Model, y: Any, n_outputs: int, owner: str) -> None:
    """Raise an error if the outputs of a model do not have the shape of a numeric y.

    Parameters
    ----------
    model : keras.Model
        The network.
    y : ndarray or structure of ndarrays
        Encoded targets. Only an array is checked.
    n_outputs : int
        Number of columns of y.
    owner : str
        Name of the estimator, for error messages.
    """
    if not isinstance(y, np.ndarray):
        return
    _check_target_shape(model, y, owner)
    if y.ndim <= 2 and len(getattr(model, "output_shape", None) or ()) == 2:
        layer = f"Dense({n_outputs})"
        _check_units(model, n_outputs, owner, values=str(n_outputs), layer=layer, exact=True)


def _check_units(
    model: keras.Model, n_units: int, owner: str, *, values: str, layer: str, exact: bool
) -> None:
    """Raise an error if a model with one output does not have the number of units that y needs.

    Parameters
    ----------
    model : keras.Model
        The network. Nothing is checked if the network has several or unknown outputs.
    n_units : int
        The number of units that y needs.
    owner : str
        Name of the estimator, for error messages.
    values : str
        Description of y for one sample, such as "3 classes", for error messages.
    layer : str
        The output layer that error messages recommend.
    exact : bool
        Whether more units than `n_units` are an error, too.
    """
    shape = getattr(model, "output_shape", None)
    units = shape[-1] if isinstance(shape, tuple) and shape else None
    if units and (units < n_units or (exact and units != n_units)):
        raise ValueError(
            f"The network of {owner} returns {units} value{'s' if units > 1 else ''} for each "
            f"sample, but y has {values}: end it with {layer}."
        )


def _check_number_of_outputs(model: keras.Model, n_expected: int | None, owner: str) -> None:
    """Raise an error if a model does not have as many outputs as the target encoder expects.

    Parameters
    ----------
    model : keras.Model
        The network.
    n_expected : int or None
        The expected number of outputs. None or 0 allows any number.
    owner : str
        Name of the estimator, for error messages.
    """
    if n_expected and n_expected != len(model.outputs):
        raise ValueError(
            f"The target encoder of {owner} expects a network of {n_expected} "
            f"output{'s' if n_expected > 1 else ''}, but {model.name!r} has {len(model.outputs)}: "
            "change the network, or override ``target_encoder``."
        )


def _check_target_shape(model: keras.Model, y: np.ndarray, owner: str) -> None:
    """Raise an error if y has several dimensions, and the network outputs another shape."""
    shape = tuple(getattr(model, "output_shape", None) or ())
    if y.ndim < 3 or None in shape[1:] or not shape or shape[1:] == y.shape[1:]:
        return
    raise ValueError(
        f"y of {owner} has shape {y.shape}, but the network returns {shape[1:]} for each sample: "
        "pass y.reshape(len(y), -1), or a network that ends in "
        f"keras.layers.Reshape({y.shape[1:]})."
    )


def _check_one_output_per_sample(model: keras.Model, y: Any, owner: str) -> None:
    """Raise an error if a network returns rows of outputs for each sample, and y does not.

    Parameters
    ----------
    model : keras.Model
        The network. Nothing is checked if it has several outputs or dimensions of unknown size.
    y : ndarray or other
        Encoded targets. Only arrays of one or two dimensions are checked.
    owner : str
        Name of the estimator.
    """
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) < 3 or not isinstance(y, np.ndarray):
        return
    outer, columns = shape[1:-1], y.shape[1] if y.ndim == 2 else 1
    if y.ndim > 2 or None in outer or prod(outer) in (1, columns):
        return
    raise ValueError(
        f"The network of {owner} returns an array of shape {shape[1:]} for each sample, but y has "
        f"{'one value' if columns == 1 else f'{columns} values'} for each: put "
        f"keras.layers.Flatten() before the last layer, or before all layers."
    )


def _check_loss_matches(given: Any, default: Any, compiled: Any, owner: str) -> None:
    """Raise an error if the loss of a compiled network differs from the `loss` parameter.

    Parameters
    ----------
    given, default : str, class, keras.losses.Loss or other
        The `loss` parameter of the wrapper, and the default value of this parameter. The default
        value matches every loss.
    compiled : object
        The loss of the network.
    owner : str
        Name of the estimator, for error messages.
    """
    if not all(isinstance(x, str | type | keras.losses.Loss) for x in (given, compiled)):
        return
    expected = loss_name(given)
    is_default = default is not None and expected == loss_name(default)
    if not is_default and expected != loss_name(compiled):
        raise ValueError(
            f"loss={given} but model compiled with {compiled}. Data may not match loss function! "
            f"Give {owner} the loss that the network is compiled with, or leave it out."
        )
