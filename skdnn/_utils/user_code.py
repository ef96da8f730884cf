"""Classes and functions of the user in pickles: by name where possible, by their code otherwise."""

import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

try:
    import cloudpickle
except ImportError:  # joblib before 1.6 includes cloudpickle
    from joblib.externals import cloudpickle


@dataclass
class ByValue:
    """A class or function that another process cannot import, in the state of an object.

    A pickle names `cloudpickle.loads` for it in the open, and restores the class or function.
    Tools that run no code, such as skops, see the class or function itself and cannot restore it.

    Parameters
    ----------
    value : type or callable
        The class or function.
    """

    value: Any

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[bytes]]:
        return cloudpickle.loads, (cloudpickle.dumps(self.value),)

    def __deepcopy__(self, memo: dict[int, Any]) -> "ByValue":
        return self


def in_the_open(value: Any) -> Any:
    """Return a class or function as a pickle is to hold it, and any other value unchanged."""
    if isinstance(value, type | types.FunctionType) and not _can_be_imported(value):
        return ByValue(value)
    return value


def opened(value: Any) -> Any:
    """Return the class or function that `in_the_open` has wrapped."""
    return value.value if isinstance(value, ByValue) else value


def _can_be_imported(named: Any) -> bool:
    module = sys.modules.get(named.__module__)
    if module is None or named.__module__ == "__main__" or _is_by_value(named.__module__):
        return False
    found: Any = module
    for name in named.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is named


def _is_by_value(module: str) -> bool:
    """Return whether the user has registered a module or its package with cloudpickle."""
    registered = cloudpickle.list_registry_pickle_by_value()
    return any(module == name or module.startswith(f"{name}.") for name in registered)
