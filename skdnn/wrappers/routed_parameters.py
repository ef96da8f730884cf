"""`RoutedParameters`: parameters of a wrapper that are not arguments of the constructor."""

from typing import Any, Self

from skdnn._utils.sklearn_compat import ExplainedValuesMixin
from skdnn.wrappers import parameters
from skdnn.wrappers.chosen_network import check_is_known
from skdnn.wrappers.typed_estimator import TypedEstimator


class RoutedParameters(ExplainedValuesMixin, TypedEstimator):
    """Base class of estimators with routed parameters, such as `optimizer__learning_rate`."""

    # Prefixes of routed parameters, and the parameters that are arguments of Keras's methods.
    _routing_prefixes = parameters.ROUTING_PREFIXES
    _fit_kwargs = parameters.FIT_ARGUMENTS
    _predict_kwargs = parameters.PREDICT_ARGUMENTS
    _compile_kwargs = parameters.COMPILE_ARGUMENTS
    _user_params: frozenset[str] = frozenset()
    _instead_of_values = parameters.INSTEAD_OF_VALUES

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters of the estimator, including routed parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to also return the parameters of nested estimators.

        Returns
        -------
        params : dict
            Parameter values by name.
        """
        return parameters.params_of(self, deep=deep)

    def set_params(self, **params: Any) -> Self:
        """Set parameters of the estimator, including routed parameters.

        Parameters
        ----------
        **params : dict
            Parameter values by name, such as `optimizer__learning_rate=0.01`.

        Returns
        -------
        self : object
            The estimator.
        """
        for name, value in params.items():
            if parameters.is_routed(name, self._routing_prefixes):
                setattr(self, name, value)
            else:
                check_is_known(self, name)
                super().set_params(**{name: value})
        return self

    def __sklearn_clone__(self) -> Self:
        return parameters.unfitted_copy(self)
