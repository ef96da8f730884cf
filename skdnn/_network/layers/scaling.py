"""A layer that scales inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer


@dataclass(frozen=True)
class Scaling(Layer):
    """Computes (x - offset) * scale, with constants computed from the training rows.

    The layer computes in float64 to keep the precision of a table in float64.
    """

    name: str = "scaling"

    is_preparation: ClassVar[bool] = True
    needs_float64: ClassVar[bool] = True

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return the input unchanged, because preprocessing has already scaled the rows."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Rescaling` layer, which computes x * scale - offset * scale."""
        from skdnn._utils.tensorflow import keras

        offset, scale = context.offset, context.scale
        if offset is None or scale is None:
            raise ValueError("A network with a Scaling layer is built with its offset and scale.")
        factors = [x.item() if x.size == 1 else x for x in (scale, -offset * scale)]
        return keras.layers.Rescaling(*factors, name=self.name, dtype="float64")
