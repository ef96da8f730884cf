"""A deep neural network as a scikit-learn estimator.

The public names are imported at their first use. Importing skdnn does not import TensorFlow, Keras
or scikit-learn.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import skdnn.datasets as datasets
    import skdnn.exceptions as exceptions
    from skdnn._training.program_cache import clear_program_cache
    from skdnn.comparison import Comparison, ComparisonDisplay
    from skdnn.comparison.compare import compare
    from skdnn.dnn.classifier import DNNClassifier
    from skdnn.dnn.regressor import DNNRegressor
    from skdnn.dnn.search_space import search_space
    from skdnn.dnn.suggest_params import suggest_params
    from skdnn.persistence.load import load
    from skdnn.persistence.onnx_export import to_onnx
    from skdnn.persistence.save import save
    from skdnn.persistence.skl2onnx_converters import register_onnx_converters
    from skdnn.plotting.network_diagram import NetworkDisplay
    from skdnn.plotting.training_history import TrainingHistoryDisplay
    from skdnn.wrappers import KerasClassifier, KerasRegressor

__version__ = "0.1.0"

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
    "exceptions",
    "load",
    "register_onnx_converters",
    "save",
    "search_space",
    "suggest_params",
    "to_onnx",
]

# The module of each public name. `datasets` and `exceptions` are themselves modules.
_MODULES = {
    "Comparison": "comparison.result",
    "ComparisonDisplay": "comparison.display",
    "DNNClassifier": "dnn.classifier",
    "DNNRegressor": "dnn.regressor",
    "KerasClassifier": "wrappers.classifier",
    "KerasRegressor": "wrappers.regressor",
    "NetworkDisplay": "plotting.network_diagram",
    "TrainingHistoryDisplay": "plotting.training_history",
    "clear_program_cache": "_training.program_cache",
    "compare": "comparison.compare",
    "load": "persistence.load",
    "register_onnx_converters": "persistence.skl2onnx_converters",
    "save": "persistence.save",
    "search_space": "dnn.search_space",
    "suggest_params": "dnn.suggest_params",
    "to_onnx": "persistence.onnx_export",
}


if not TYPE_CHECKING:  # type checkers would accept any name

    def __getattr__(name: str) -> Any:
        if name in ("datasets", "exceptions"):
            return import_module(f"skdnn.{name}")
        if name in _MODULES:
            return getattr(import_module(f"skdnn.{_MODULES[name]}"), name)
        raise AttributeError(f"module 'skdnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
