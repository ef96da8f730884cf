"""Cross-validated comparison of deep networks with other estimators."""

from skdnn.comparison.baselines import default_models
from skdnn.comparison.compare import compare
from skdnn.comparison.display import ComparisonDisplay
from skdnn.comparison.result import Comparison

__all__ = ["Comparison", "ComparisonDisplay", "compare", "default_models"]


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
