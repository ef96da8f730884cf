"""Every private name of scikit-learn, with its public fallback if there is one."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

# Constraints of parameters and the decorator that validates them, as scikit-learn's estimators and
# functions use. Tested with scikit-learn 1.6 to 1.9. There is no public counterpart.
from sklearn.utils._param_validation import StrOptions, validate_params

__all__ = ["StrOptions", "validated"]

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
