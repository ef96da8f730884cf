"""What displays share: matplotlib, once something is drawn, and the estimator inside another."""

from typing import Any

from sklearn.utils.validation import check_is_fitted

# Where estimators keep the one that they have fitted; a pipeline has it as its last step.
_INSIDE = ("best_estimator_", "regressor_", "estimator_")


def pyplot(method: str) -> Any:
    """Import matplotlib, or say what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f'{method} needs matplotlib: pip install "skdnn[plot]".') from error
    return plt


def innermost(estimator: Any) -> Any:
    """Return the fitted estimator at the heart of a pipeline, a search or another wrapper.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    """
    inner = estimator
    while True:
        if getattr(inner, "steps", None):
            deeper = inner.steps[-1][1]
        else:
            deeper = next((getattr(inner, x) for x in _INSIDE if hasattr(inner, x)), None)
        if deeper is None:
            check_is_fitted(inner)
            return inner
        inner = deeper
