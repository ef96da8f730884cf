"""Steps of a fit that check and encode the data, and build, compile and train the network."""

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skdnn._data.class_weight import check_class_weights
from skdnn._training.process import check_not_forked
from skdnn._utils.callback_copies import model_released
from skdnn._utils.sklearn_compat import validate_parameters
from skdnn.wrappers import build, network_errors, text_layers, training
from skdnn.wrappers.build_options import BuildOptions, build_options
from skdnn.wrappers.callback_parameters import callback_params, make_callbacks
from skdnn.wrappers.changed_parameters import network_parameters, warn_if_changed
from skdnn.wrappers.checks import (
    as_loss_weights,
    drop_rows_without_weight,
    encode_data,
)
from skdnn.wrappers.chosen_network import (
    build_network,
    check_names,
    has_default_network,
    is_network_given,
    scaling_of,
)
from skdnn.wrappers.default_network import fit_scaling
from skdnn.wrappers.draft import drafted
from skdnn.wrappers.ignored_parameters import warn_if_ignored
from skdnn.wrappers.parameters import check_arguments, check_one_epoch, fit_arguments
from skdnn.wrappers.scikeras_compat import keras
from skdnn.wrappers.seeding import draw_seed, seeded
from skdnn.wrappers.target_encoders import (
    LOSSES_OF_ERRORS,
    RegressorTargetEncoder,
    encode,
    metadata_of,
    name_of_loss,
)
from skdnn.wrappers.validation_data import check_validation_data

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
        history = training.fit(
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
    wrapper.history_ = training.extend_history(before, history)


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
        X, y = wrapper._initialize(X, y)
    wrapper._network_parameters = network_parameters(wrapper)
    return X, y


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
        built = build_network(wrapper, encoded if isinstance(encoded, np.ndarray) else None)
        text_layers.check_text(built.model, encoded, owner)
        build.build_from_sample(built.model, X, wrapper.feature_encoder_, owner)
    wrapper.model_ = built.model
    if built.model.compiled and not built.sees_parameters and is_network_given(wrapper):
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
        previous call. The wrapper may have been unpickled from SciKeras or an earlier version.
    X, y : object
        The arguments of `fit`.
    """
    X, y = wrapper._validate_data(X, y)
    attributes = vars(wrapper)
    if attributes.get("_callbacks_of") != callback_params(wrapper.get_params(deep=False)):
        _set_callbacks(wrapper)
    warn_if_changed(wrapper, attributes.get("_network_parameters"))
    build.compile_model(wrapper.model_, wrapper._get_compile_kwargs)
    return X, y


def _set_callbacks(wrapper: "BaseWrapper") -> None:
    params = wrapper.get_params(deep=False)
    wrapper._fit_callbacks, wrapper._predict_callbacks = make_callbacks(params)
    wrapper._callbacks_of = callback_params(params)


def _fit_arguments(wrapper: "BaseWrapper", X: Any, given: dict[str, Any]) -> dict[str, Any]:
    arguments = fit_arguments(wrapper.get_params(), wrapper._fit_kwargs, given, X)
    check_names(wrapper, wrapper.model_.fit, arguments)
    if "class_weight" in arguments:
        owner = type(wrapper).__name__
        arguments["class_weight"] = check_class_weights(arguments["class_weight"], owner)
    if "validation_data" in arguments:
        arguments["validation_data"] = check_validation_data(wrapper, arguments["validation_data"])
    return {**arguments, "callbacks": wrapper._fit_callbacks}


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
