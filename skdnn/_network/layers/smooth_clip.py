"""A layer that scales columns robustly and clips outliers smoothly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape, TrainingSample
from skdnn._network.onnx_graph import OnnxGraph

_LEAST_SPREAD = 1 / 1e30  # columns with a smaller spread count as constant: factors stay finite


def robust_scale(x: np.ndarray) -> list[np.ndarray]:
    """Return the constants of the smooth clipping, which are medians and scale factors.

    The factor is 1 / (interquartile range). If the interquartile range is 0, the factor is
    2 / (maximum - minimum). For a column that is constant or almost constant, the factor is 0
    (Holzmüller et al. 2024, "Better by Default", section 3).

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns), floating
        Scaled rows without missing values.

    Returns
    -------
    center, factor : ndarray of shape (n_columns,), float64
        Median and scale factor of each column.
    """
    least, low, center, high, greatest = np.quantile(x.astype(float), np.linspace(0, 1, 5), axis=0)
    spread = np.where(high > low, high - low, (greatest - least) / 2)
    factor = np.divide(1, spread, out=np.zeros(len(spread)), where=spread > _LEAST_SPREAD)
    return [center, factor]


@dataclass(frozen=True)
class SmoothClip(Layer):
    """Scales the numeric columns robustly and clips them smoothly to (-3, 3).

    The result is z / sqrt(1 + (z/3)^2) with z = (x - center) * factor. Centers and factors are
    constants that were computed from the training rows (Holzmüller et al. 2024, "Better by
    Default", section 3).
    """

    name: str
    n_columns: int = 0

    is_trained: ClassVar[bool] = False

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the centers and the factors."""
        return ((self.n_columns,),) * 2

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Return the centers and factors of the training rows."""
        return robust_scale(sample.numbers())

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Scale and clip the numeric columns. The shape (..., n_samples, n_inputs) is preserved."""
        center, factor = weights
        z = (x[..., : self.n_columns] - center) * factor
        z /= np.sqrt(1 + (z / 3) ** 2)
        return np.concatenate([z, x[..., self.n_columns :]], axis=-1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `SmoothClip` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.SmoothClip(self.n_columns, name=self.name, dtype=context.dtype)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that scale and clip the numeric columns."""
        n_others = shape[-1] - self.n_columns
        rest = np.zeros(n_others, graph.dtype)
        center, factor = (np.append(graph.array(w), rest) for w in weights)
        z = graph.add("Mul", graph.add("Sub", x, center), factor)
        third = graph.add("Div", z, 3.0)
        square = graph.add("Add", graph.add("Mul", third, third), 1.0)
        z = graph.add("Div", z, graph.add("Sqrt", square))
        return graph.add("Where", np.arange(shape[-1]) < self.n_columns, z, x) if n_others else z
