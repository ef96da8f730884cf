"""Steps of prediction and scoring, and other uses of the network that a fit has left."""

from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from skdnn._utils.callback_copies import model_released
from skdnn.wrappers import network_errors, prediction
from skdnn.wrappers.checks import drop_rows_without_weight
from skdnn.wrappers.chosen_network import check_names
from skdnn.wrappers.draft import fitted_model
from skdnn.wrappers.parameters import check_arguments, params_at_hand, predict_arguments
from skdnn.wrappers.scikeras_compat import keras, route_params
from skdnn.wrappers.target_encoders import encode

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper


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
        check_names(wrapper, wrapper.model_.predict, arguments)
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
