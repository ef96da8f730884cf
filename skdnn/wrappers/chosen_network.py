"""Which network the parameters of a wrapper stand for, and which parameters this network has."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from skdnn.wrappers import build, unknown_names
from skdnn.wrappers.build_options import build_options_of
from skdnn.wrappers.default_network import dense_model
from skdnn.wrappers.scikeras_compat import keras, route_params
from skdnn.wrappers.target_encoders import Identity

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


def build_network(wrapper: "BaseWrapper", rows: Any) -> build.BuiltModel:
    """Build the network that the parameters of a wrapper stand for.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper, with the fitted attributes that a build function may read.
    rows : ndarray or None
        Encoded samples, if X is one array.
    """
    on_request = {
        "meta": wrapper._get_metadata,
        "compile_kwargs": wrapper._get_compile_kwargs,
        "params": wrapper.get_params,
    }
    function = _build_function(wrapper, rows)
    suggest = partial(
        unknown_names.hint_of_parameter,
        known=known_parameters(wrapper),
        prefixes=wrapper._routing_prefixes,
    )
    return build.build_model(
        function, _build_arguments(wrapper), on_request, type(wrapper).__name__, suggest
    )


def known_parameters(wrapper: "BaseWrapper") -> dict[str, str]:
    """Return the names of the parameters of a wrapper, as `names_of_parameters` does."""
    function = wrapper.model if wrapper.model is not None else wrapper.build_fn
    if function is None:
        default = dense_model if has_default_network(wrapper) else None
        function = getattr(wrapper, "_keras_build_fn", default)
    is_function = callable(function) and not isinstance(function, keras.Model)
    return unknown_names.names_of_parameters(wrapper, function if is_function else None)


def check_is_known(wrapper: "BaseWrapper", parameter: str) -> None:
    """Raise an error if the part of a parameter name before "__" is not a known parameter."""
    if parameter.partition("__")[0] in wrapper.get_params(deep=False):
        return
    known, prefixes = known_parameters(wrapper), wrapper._routing_prefixes
    hint = unknown_names.hint_of_parameter(parameter, known, prefixes)
    raise ValueError(
        f"Invalid parameter {parameter} for estimator {type(wrapper).__name__}{hint or '.'} All "
        "parameters are in `get_params()`, and model__<argument> sets an argument of the build "
        "function."
    )


def _build_arguments(wrapper: "BaseWrapper") -> dict[str, Any]:
    own = wrapper._user_params
    unknown_names.check_routing(own, known_parameters(wrapper), wrapper._routing_prefixes)
    return dict(route_params(wrapper.get_params(), "model", pass_filter=own, strict=True))


def _build_function(wrapper: "BaseWrapper", rows: Any) -> Any:
    owner, shape = type(wrapper).__name__, _sample_shape(wrapper)
    if not has_default_network(wrapper):
        return build.build_function(
            build.given_model(wrapper.model, wrapper.build_fn),
            getattr(wrapper, "_keras_build_fn", None),
            owner,
            sample_shape=shape,
            rows=rows,
            keep_weights=build_options_of(wrapper).keep_weights,
        )
    if shape is None:
        raise ValueError(
            f"{owner} without model= takes one array as X, with no feature encoder: give a "
            "function that builds your network as model=."
        )
    return partial(dense_model, shape, wrapper._output_layer())


def _sample_shape(wrapper: "BaseWrapper") -> tuple[int, ...] | None:
    """Return the shape of one sample, or None for several inputs or with a feature encoder."""
    is_one_input = isinstance(wrapper.X_dtype_, np.dtype)
    is_encoded = not isinstance(wrapper.feature_encoder_, Identity)
    return tuple(wrapper.X_shape_[1:]) if is_one_input and not is_encoded else None


def has_default_network(wrapper: "BaseWrapper") -> bool:
    """Return whether to build the default dense network.

    The dense network is built if the class has a dense network and the user sets no other network.
    Base classes are not checked, because the method `_keras_build_fn` of a user-defined subclass
    builds the network of that subclass.
    """
    return not is_network_given(wrapper) and bool(
        vars(type(wrapper)).get("_has_dense_network", False)
    )


def is_network_given(wrapper: "BaseWrapper") -> bool:
    """Return whether a network is a parameter, and not built by a method of a subclass."""
    return wrapper.model is not None or wrapper.build_fn is not None


def scaling_of(wrapper: "BaseWrapper") -> str | None:
    """Return the scaling of the default dense network."""
    scaling: str | None = _build_arguments(wrapper).get("scaling", "auto")
    return scaling


def check_names(wrapper: "BaseWrapper", method: Any, arguments: dict[str, Any]) -> None:
    """Raise an error if a method of Keras does not have arguments of the given names."""
    known, owner = known_parameters(wrapper), type(wrapper).__name__
    unknown_names.check_names(method, arguments, owner, known)
