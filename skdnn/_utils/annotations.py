"""Types in the annotations of public functions and methods.

Type checkers see the exact types. At run time, the types of optional and slow libraries are `Any`,
and types with many names are `str`, so that signatures stay short and `typing.get_type_hints` works
without these libraries.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from skdnn import typing

if TYPE_CHECKING:
    from keras import Model as KerasModel
    from keras import Sequential as KerasSequential
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import FancyBboxPatch
    from onnx import ModelProto
    from pandas import DataFrame

    from skdnn.typing import (
        ActivationName,
        BaselineName,
        ClassificationLossName,
        InitializerName,
        OptimizerName,
        RegressionLossName,
        ScorerName,
    )
else:
    Axes = DataFrame = FancyBboxPatch = Figure = KerasModel = KerasSequential = Any
    Line2D = ModelProto = Any
    ActivationName = BaselineName = InitializerName = OptimizerName = str
    ClassificationLossName = RegressionLossName = ScorerName = str

__all__ = [
    "Activation",
    "Array",
    "Axes",
    "BaselineName",
    "ClassWeight",
    "ClassificationLoss",
    "Columns",
    "DataFrame",
    "FancyBboxPatch",
    "Figure",
    "Floats",
    "Initializer",
    "Integers",
    "KerasFunctions",
    "KerasModel",
    "KerasNetwork",
    "KerasOptimizer",
    "KerasSequential",
    "Line2D",
    "ModelProto",
    "Monitor",
    "Optimizer",
    "Rate",
    "RegressionLoss",
    "RegressionMonitor",
    "Request",
    "Splitter",
    "ValidationRows",
]


class Array(Protocol):
    """An array, or an object such as a Series or an Index that NumPy converts to an array."""

    def __array__(self) -> Any:
        """Return the array."""


class KerasOptimizer(Protocol):
    """An optimizer of Keras. Keras has no types."""

    def get_config(self) -> Any:
        """Return the configuration."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Update variables."""


class Splitter(Protocol):
    """A splitter of scikit-learn, such as `KFold()`."""

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Any:
        """Return pairs of row indices."""

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> Any:
        """Return the number of pairs."""


Rate = float | Callable[[Any], Any]
Activation = ActivationName | Callable[[Any], Any]
Initializer = InitializerName | str | type | Callable[..., Any]
Optimizer = OptimizerName | str | type | KerasOptimizer
ClassificationLoss = ClassificationLossName | str | Callable[..., Any]
RegressionLoss = RegressionLossName | str | Callable[..., Any]
Monitor = typing.Monitor | ScorerName | Callable[..., Any]
RegressionMonitor = Literal["auto", "loss"] | ScorerName | Callable[..., Any]
ValidationRows = typing.Validation | int | Splitter | list[Any] | tuple[Any, ...] | Iterator[Any]
Integers = Sequence[int] | Array
Floats = Sequence[float] | Array
Columns = Sequence[int] | list[Any] | tuple[Any, ...] | Array
LabelWeights = dict[Any, float] | dict[Any, int]
ClassWeight = LabelWeights | list[LabelWeights] | Literal["balanced"]
KerasNetwork = Callable[..., Any] | list[Any] | tuple[Any, ...]
# A loss or metric, or one for each output of a network.
KerasFunctions = str | Callable[..., Any] | list[Any] | tuple[Any, ...] | dict[str, Any]
Request = bool | str | None  # of metadata, see scikit-learn's metadata routing
