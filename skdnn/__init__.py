"""A deep neural network as a scikit-learn estimator.

The public names are loaded when first asked for: importing skdnn starts neither TensorFlow nor
Keras, and not even scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import skdnn.datasets as datasets
    from skdnn._history_display import TrainingHistoryDisplay
    from skdnn._network_display import NetworkDisplay
    from skdnn._programs import clear_program_cache
    from skdnn.classifier import DNNClassifier
    from skdnn.comparison import Comparison, compare
    from skdnn.display import ComparisonDisplay
    from skdnn.regressor import DNNRegressor
    from skdnn.wrappers import KerasClassifier, KerasRegressor

__version__ = "0.1.0.dev0"

__all__ = [
    "Comparison",
    "ComparisonDisplay",
    "DNNClassifier",
    "DNNRegressor",
    "KerasClassifier",
    "KerasRegressor",
    "NetworkDisplay",
    "TrainingHistoryDisplay",
    "clear_program_cache",
    "compare",
    "datasets",
]

_ROOMS = {
    "Comparison": "comparison",
    "ComparisonDisplay": "display",
    "DNNClassifier": "classifier",
    "DNNRegressor": "regressor",
    "KerasClassifier": "wrappers",
    "KerasRegressor": "wrappers",
    "NetworkDisplay": "_network_display",
    "TrainingHistoryDisplay": "_history_display",
    "clear_program_cache": "_programs",
    "compare": "comparison",
}


def __getattr__(name: str) -> Any:
    if name == "datasets":
        return import_module("skdnn.datasets")
    if name in _ROOMS:
        return getattr(import_module(f"skdnn.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'skdnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
