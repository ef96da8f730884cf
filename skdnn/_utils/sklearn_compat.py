"""All private names of scikit-learn that skdnn uses, and replacements for older versions.

Tested with scikit-learn 1.6 to 1.9.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

# Validates the constructor's parameters before a method runs.
from sklearn.base import _fit_context as fit_context

# Selects rows of arrays, lists and DataFrames of any library.
from sklearn.utils import _safe_indexing as safe_indexing

# The constraints of `_parameter_constraints`, and the same validation for functions.
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions, validate_params

# Validate sample weights, and y apart from X, with scikit-learn's own messages.
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Mixin of estimators without callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method unchanged."""
        return method


_Function = TypeVar("_Function", bound=Callable[..., object])


def validated(constraints: Mapping[str, list[Any]]) -> Callable[[_Function], _Function]:
    """Return a decorator that validates the parameters of a function.

    Parameters
    ----------
    constraints : mapping of str to list
        The accepted types and values of each parameter, as in `_parameter_constraints`.
    """
    decorator: Callable[[_Function], _Function] = validate_params(
        dict(constraints), prefer_skip_nested_validation=True
    )
    return decorator


def has_callbacks(estimator: Any) -> bool:
    """Whether scikit-learn callbacks were set on an estimator with `set_callbacks`."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def callback_context(estimator: Any, n_epochs: int) -> Any:
    """Return the root task of a fit for scikit-learn callbacks, with one subtask per epoch."""
    return estimator._init_callback_context(max_subtasks=n_epochs)


def validate_parameters(estimator: Any) -> None:
    """Validate the constructor parameters of an estimator against `_parameter_constraints`."""
    estimator._validate_params()


__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "StrOptions",
    "callback_context",
    "check_sample_weight",
    "check_y",
    "fit_context",
    "has_callbacks",
    "safe_indexing",
    "validate_parameters",
    "validated",
    "with_callbacks",
]
