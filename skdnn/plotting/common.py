"""Shared functions of the displays, which import matplotlib and find nested estimators."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skdnn._utils.annotations import Axes

# Attributes in which meta-estimators store the fitted estimator. A pipeline has steps instead.
_INSIDE = ("best_estimator_", "regressor_", "estimator_")


def pyplot(method: str) -> ModuleType:
    """Return the module `matplotlib.pyplot`.

    Raises
    ------
    ImportError
        If matplotlib is not installed. The message names the package to install.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f'{method} needs matplotlib, of the extra plot: pip install ".[plot]" in a checkout of '
            "skdnn."
        ) from error
    return plt


def flat_axes(ax: Axes | Sequence[Axes]) -> list[Axes]:
    """Return a flat list of Axes from one Axes, or from an array or sequence of Axes."""
    axes: list[Axes] = np.asarray(ax, dtype=object).ravel().tolist()
    return axes


def innermost(estimator: Any) -> Any:
    """Return the innermost fitted estimator of a pipeline, a search or another meta-estimator.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
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
