"""Every name of scikit-learn that is private, or that not all supported versions have."""

from collections.abc import Callable
from typing import TypeVar

_Method = TypeVar("_Method", bound=Callable[..., object])

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in for the base class that this version of scikit-learn does not have."""

    def with_callbacks(method: _Method) -> _Method:
        """Return a method as it is: this version of scikit-learn has no callbacks to call."""
        return method


__all__ = ["CallbackSupportMixin", "with_callbacks"]
