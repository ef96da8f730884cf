"""Robust scaling with smooth clipping of outliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape, TrainingSample

_LEAST_SPREAD = 1 / 1e30  # columns of less count as constant; weights have to be finite


def robust_scale(x: np.ndarray) -> list[np.ndarray]:
    """Find the constants of a smooth clipping: medians, and factors to the same spread.

    A factor is one by the distance of the quartiles; where that is 0, two by that of the extremes;
    and 0 for a column that is constant, or next to it (Holzmüller et al. 2024, "Better by Default",
    section 3).

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns), floating
        Scaled rows without missing values.

    Returns
    -------
    center, factor : ndarray of shape (n_columns,), float64
    """
    least, low, center, high, greatest = np.quantile(x.astype(float), np.linspace(0, 1, 5), axis=0)
    spread = np.where(high > low, high - low, (greatest - least) / 2)
    factor = np.divide(1, spread, out=np.zeros(len(spread)), where=spread > _LEAST_SPREAD)
    return [center, factor]


@dataclass(frozen=True)
class SmoothClip(Layer):
    """Clips the first columns smoothly: z = (x - center) * factor becomes z / sqrt(1 + (z/3)^2).

    Centers and factors are constants that were read off the training rows (Holzmüller et al. 2024,
    "Better by Default", section 3).
    """

    name: str
    n_columns: int = 0

    is_trained: ClassVar[bool] = False

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return those of center and factor."""
        return ((self.n_columns,),) * 2

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Read centers and factors off the training rows."""
        return robust_scale(sample.numbers())

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Clip the first columns: keeps (..., n_samples, n_inputs)."""
        center, factor = weights
        z = (x[..., : self.n_columns] - center) * factor
        z /= np.sqrt(1 + (z / 3) ** 2)
        return np.concatenate([z, x[..., self.n_columns :]], axis=-1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return our Keras layer."""
        from skdnn._network import keras_layers

        return keras_layers.SmoothClip(self.n_columns, name=self.name, dtype=context.dtype)
