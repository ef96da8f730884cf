"""Wrappers that turn user-defined Keras networks into scikit-learn estimators.

Code written for `scikeras.wrappers` can import the same names from `skdnn.wrappers` instead.
"""

from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.classifier import KerasClassifier
from skdnn.wrappers.regressor import KerasRegressor

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
