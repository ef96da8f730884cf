"""Keras networks of the user's own as scikit-learn estimators.

Code written for `scikeras.wrappers` runs with this module in its place.
"""

from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.classifier import KerasClassifier
from skdnn.wrappers.regressor import KerasRegressor

__all__ = ["BaseWrapper", "KerasClassifier", "KerasRegressor"]
