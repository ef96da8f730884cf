"""Steps of a fit that check and encode the data, and build, compile and train the network."""

import inspect
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdnn._data.sample_weight import check_class_weights
from skdnn._training.process import check_not_forked
from skdnn._utils.callback_copies import model_released
from skdnn._utils.sklearn_compat import validate_parameters
from skdnn.wrappers import (
    build,
    fit_predict,
    network_errors,
    prediction,
    text_layers,
    unknown_names,
)
from skdnn.wrappers.build_options import BuildOptions, build_options, build_options_of
from skdnn.wrappers.callback_parameters import callback_params, make_callbacks
from skdnn.wrappers.checks import (
    as_loss_weights,
    check_validation_data,
    drop_rows_without_weight,
    encode_data,
)
from skdnn.wrappers.default_network import dense_model, fit_scaling
from skdnn.wrappers.draft import drafted, fitted_model
from skdnn.wrappers.ignored_parameters import warn_if_ignored
from skdnn.wrappers.parameters import (
    check_arguments,
    check_one_epoch,
    fit_arguments,
    params_at_hand,
    predict_arguments,
)
from skdnn.wrappers.scikeras_compat import keras, route_params
from skdnn.wrappers.seeding import draw_seed, seeded
from skdnn.wrappers.target_encoders import (
    LOSSES_OF_ERRORS,
    Identity,
    RegressorTargetEncoder,
    encode,
    metadata_of,
    name_of_loss,
)

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


@dataclass(frozen=True)
class FitCall:
    """Arguments of one call of `fit` or `partial_fit`, without the data.

    Parameters
    ----------
    epochs : int
        Number of epochs.
    initial_epoch : int
        Index of the first epoch.
    warm_start : bool
        Whether to continue training the existing network, if the wrapper has one.
    fit_args : dict
        Arguments of Keras's `fit` that were passed to the call.
    options : BuildOptions
        Options that are used if a network is built.
    """

    epochs: int
    initial_epoch: int
    warm_start: bool
    fit_args: dict[str, Any]
    options: BuildOptions


def train(wrapper: "BaseWrapper", X: Any, y: Any, sample_weight: Any, call: FitCall) -> None:
    """Train the network of a wrapper, after building a new network if necessary.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper, which is unchanged if training fails or is interrupted.
    X, y, sample_weight : object
        The arguments of `fit`.
    call : FitCall
        The other arguments of `fit`.
    """
    check_not_forked()
    resumes = call.warm_start and wrapper.initialized_
    with drafted(wrapper, trains_further=resumes) as draft, network_errors.plain_errors():
        _train(draft, X, y, sample_weight, call, resumes)


def _train(
    wrapper: "BaseWrapper", X: Any, y: Any, sample_weight: Any, call: FitCall, resumes: bool
) -> None:
    if resumes:
        X, y = resume(wrapper, X, y)
    else:
        X, y = _initialize(wrapper, X, y, call.options)
    build.check_compiled(wrapper.model_, type(wrapper).__name__)
    X, y, weight = drop_rows_without_weight(X, y, sample_weight, type(wrapper).__name__)
    weight = None if weight is None else as_loss_weights(weight)
    if not resumes:
        _fit_default_network(wrapper, X, y, weight)
    X, y = encode_data(wrapper, X, y)
    wrapper._check_model_compatibility(y)
    with model_released(wrapper._fit_callbacks):
        history = fit_predict.fit(
            wrapper.model_,
            X,
            y,
            weight,
            epochs=call.initial_epoch + call.epochs,
            initial_epoch=call.initial_epoch,
            seed=wrapper._random_state,
            fit_args=_fit_arguments(wrapper, X, call.fit_args),
        )
    before = getattr(wrapper, "history_", {}) if resumes else {}
    wrapper.history_ = fit_predict.extend_history(before, history)


def train_one_epoch(
    wrapper: "BaseWrapper",
    X: Any,
    y: Any,
    sample_weight: Any,
    fit_args: dict[str, Any],
    options: BuildOptions,
) -> None:
    """Train the network of a wrapper for one more epoch, as `partial_fit` does.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper, which is unchanged if training fails or is interrupted.
    X, y, sample_weight : object
        The arguments of `partial_fit`.
    fit_args : dict
        Arguments of Keras's `fit` that were passed to the call.
    options : BuildOptions
        Options that are used if a network is built.
    """
    validate_parameters(wrapper)
    check_arguments("fit", wrapper.get_params(), fit_args, type(wrapper).__name__)
    check_one_epoch(fit_args, type(wrapper).__name__)
    call = FitCall(1, wrapper.current_epoch, True, fit_args, options)
    train(wrapper, X, y, sample_weight, call)


def _initialize(wrapper: "BaseWrapper", X: Any, y: Any, options: BuildOptions) -> tuple[Any, Any]:
    with build_options(wrapper, options):
        return wrapper._initialize(X, y)


def initialize(wrapper: "BaseWrapper", X: Any, y: Any) -> tuple[Any, Any]:
    """Check the data, fit the encoders, and build and compile the network.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper, which stores the fitted state. Methods of a subclass, such as
        `_keras_build_fn`, read the fitted attributes of the wrapper.
    X, y : object
        The arguments of `fit`.

    Returns
    -------
    X, y : ndarray, sparse matrix, or structure of ndarrays
        The checked data.
    """
    wrapper._random_state = draw_seed(wrapper.random_state)
    X, y = wrapper._validate_data(X, y, reset=True)
    wrapper.target_encoder_ = wrapper.target_encoder.fit(y)
    wrapper.__dict__.update(metadata_of(wrapper.target_encoder_))
    wrapper.feature_encoder_ = wrapper.feature_encoder.fit(X)
    wrapper.__dict__.update(metadata_of(wrapper.feature_encoder_))
    with seeded(wrapper._random_state):
        encoded, owner = encode(wrapper.feature_encoder_, X), type(wrapper).__name__
        built = _build(wrapper, encoded if isinstance(encoded, np.ndarray) else None)
        text_layers.check_text(built.model, encoded, owner)
        build.build_from_sample(built.model, X, wrapper.feature_encoder_, owner)
    wrapper.model_ = built.model
    if built.model.compiled and not built.sees_parameters and _is_network_given(wrapper):
        signature, arguments = inspect.signature(type(wrapper)), wrapper._get_compile_kwargs
        warn_if_ignored(built.model, wrapper.get_params(deep=False), arguments, signature)
    infer_loss = wrapper._infer_loss if built.infers_loss else None
    build.compile_model(built.model, wrapper._get_compile_kwargs, infer_loss)
    shape = build.output_shape(built.model, X, wrapper.feature_encoder_)
    wrapper._fit_target_encoder_to_model(shape)
    _set_callbacks(wrapper)
    return X, y


def initialize_alone(wrapper: "BaseWrapper", X: Any, y: Any) -> None:
    """Build the network without training, and keep the weights of a model passed as `model=`.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper, which is unchanged if building the network fails.
    X, y : object
        The arguments of `initialize`.
    """
    validate_parameters(wrapper)
    given = wrapper.model if wrapper.model is not None else wrapper.build_fn
    options = BuildOptions(keep_weights=isinstance(given, keras.Model))
    check_not_forked()
    with drafted(wrapper) as draft, network_errors.plain_errors():
        X, y = _initialize(draft, X, y, options)
        _fit_default_network(draft, X, y, None)


def resume(wrapper: "BaseWrapper", X: Any, y: Any) -> tuple[Any, Any]:
    """Check the data for continuing to train the network, and update changed callbacks.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper. New callbacks are created if the callback parameters have changed since the
        previous call.
    X, y : object
        The arguments of `fit`.
    """
    X, y = wrapper._validate_data(X, y)
    if wrapper._callbacks_of != callback_params(wrapper.get_params(deep=False)):
        _set_callbacks(wrapper)
    build.compile_model(wrapper.model_, wrapper._get_compile_kwargs)
    return X, y


def _set_callbacks(wrapper: "BaseWrapper") -> None:
    params = wrapper.get_params(deep=False)
    wrapper._fit_callbacks, wrapper._predict_callbacks = make_callbacks(params)
    wrapper._callbacks_of = callback_params(params)


def _fit_arguments(wrapper: "BaseWrapper", X: Any, given: dict[str, Any]) -> dict[str, Any]:
    arguments = fit_arguments(wrapper.get_params(), wrapper._fit_kwargs, given, X)
    _check_names(wrapper, wrapper.model_.fit, arguments)
    if "class_weight" in arguments:
        owner = type(wrapper).__name__
        arguments["class_weight"] = check_class_weights(arguments["class_weight"], owner)
    if "validation_data" in arguments:
        arguments["validation_data"] = check_validation_data(wrapper, arguments["validation_data"])
    return {**arguments, "callbacks": wrapper._fit_callbacks}


def _check_names(wrapper: "BaseWrapper", method: Any, arguments: dict[str, Any]) -> None:
    known, owner = known_parameters(wrapper), type(wrapper).__name__
    unknown_names.check_names(method, arguments, owner, known)


def check_is_fitted_for(wrapper: "BaseWrapper", method: str) -> None:
    """Raise an error if a wrapper has no network, which a method needs."""
    message = (
        f"Estimator needs to be fit before `{method}` can be called: call fit(X, y) of this "
        f"{type(wrapper).__name__} first."
    )
    check_is_fitted(wrapper, msg=message)


def predict(wrapper: "BaseWrapper", X: Any, given: dict[str, Any]) -> Any:
    """Return the network outputs for samples.

    Parameters
    ----------
    wrapper : BaseWrapper
        A fitted or initialized wrapper.
    X : object
        The argument of `predict`.
    given : dict
        Arguments of Keras's `predict` that were passed to the call.
    """
    check_is_fitted_for(wrapper, "predict")
    fitted: Any = fitted_model(wrapper)
    params = params_at_hand(wrapper)
    check_arguments("predict", params, given, type(wrapper).__name__)
    X, _ = wrapper._validate_data(X=X, y=None)
    X = encode(wrapper.feature_encoder_, X)
    names, callbacks = wrapper._predict_kwargs, wrapper._predict_callbacks
    arguments = predict_arguments(params, names, given, X)
    if not arguments.keys() <= names:
        _check_names(wrapper, wrapper.model_.predict, arguments)
    with model_released(callbacks), network_errors.plain_errors():
        return prediction.predict(fitted, X, {"callbacks": callbacks, **arguments})


def missing_activation(wrapper: "BaseWrapper") -> str | None:
    """Return the activation that turns the outputs of the network into probabilities, or None."""
    fitted = fitted_model(wrapper)
    return None if fitted is None else fitted.missing_activation


def copy_of_network(wrapper: "BaseWrapper") -> keras.Model:
    """Return a copy of the network of a fitted or initialized wrapper."""
    check_is_fitted_for(wrapper, "to_keras")
    fitted = fitted_model(wrapper)
    return None if fitted is None else fitted.saved().restore()


def has_network(wrapper: "BaseWrapper") -> bool:
    """Return whether a wrapper has a network, which is not built if it has been unpickled."""
    return "model_" in vars(wrapper) or "_fitted_model" in vars(wrapper)


def score(wrapper: "BaseWrapper", X: Any, y: Any, sample_weight: Any) -> float:
    """Return the score that the `scorer` of a wrapper computes from the predictions.

    Parameters
    ----------
    wrapper : BaseWrapper
        A fitted or initialized wrapper.
    X, y, sample_weight : object
        The arguments of `score`.
    """
    y_pred = wrapper.predict(X)  # first, to raise the error for an unfitted estimator
    _, y = wrapper._validate_data(X=None, y=y)
    owner = type(wrapper).__name__
    y_pred, y, weight = drop_rows_without_weight(y_pred, y, sample_weight, owner, signed=True)
    arguments = route_params(params_at_hand(wrapper), destination="score", pass_filter=set())
    return wrapper.scorer(y, y_pred, sample_weight=weight, **arguments)


# -------------------------------------------------------------------------------------- the network


def _build(wrapper: "BaseWrapper", rows: Any) -> build.BuiltModel:
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
    return not _is_network_given(wrapper) and bool(
        vars(type(wrapper)).get("_has_dense_network", False)
    )


def _is_network_given(wrapper: "BaseWrapper") -> bool:
    """Return whether a network is a parameter, and not built by a method of a subclass."""
    return wrapper.model is not None or wrapper.build_fn is not None


def scaling_of(wrapper: "BaseWrapper") -> str | None:
    """Return the scaling of the default dense network."""
    scaling: str | None = _build_arguments(wrapper).get("scaling", "auto")
    return scaling


def _fit_default_network(wrapper: "BaseWrapper", X: Any, y: Any, weight: np.ndarray | None) -> None:
    """Fit the scaling of X in the default network, and of y if the loss allows it."""
    if not has_default_network(wrapper):
        return
    names = getattr(wrapper, "feature_names_in_", None)
    scaling = scaling_of(wrapper)
    scaler = fit_scaling(wrapper.model_, X, weight, scaling, type(wrapper).__name__, names)
    wrapper.feature_encoder_ = wrapper.feature_encoder_ if scaler is None else scaler
    encoder = wrapper.target_encoder_
    loss = name_of_loss(wrapper.model_.loss)
    if type(encoder) is RegressorTargetEncoder and loss in LOSSES_OF_ERRORS:
        encoder.standardise(y, weight)


def check_compatibility(wrapper: "BaseWrapper", y: Any) -> None:
    """Raise an error if the number of outputs or the loss of the network is not as expected."""
    owner, model = type(wrapper).__name__, wrapper.model_
    # A model of a user-defined class may not know its outputs before the first call.
    if not getattr(model, "outputs", None):
        return
    network_errors.check_one_output_per_sample(model, y, owner)
    build.check_outputs(model, getattr(wrapper, "n_outputs_expected_", None), owner)
    parameter = inspect.signature(type(wrapper)).parameters.get("loss")
    if parameter is not None:
        default = None if parameter.default is parameter.empty else parameter.default
        build.check_loss_matches(wrapper.loss, default, model.loss, owner)
