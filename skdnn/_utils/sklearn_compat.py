"""Names of scikit-learn that are private, or that older versions lack, each in one place.

Tested with scikit-learn 1.6 to 1.9.
"""

from collections.abc import Callable
from typing import Any

from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """An estimator without callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method as it is."""
        return method


__all__ = ["CallbackSupportMixin", "check_sample_weight", "check_y", "with_callbacks"]
