"""The scaling of inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer


@dataclass(frozen=True)
class Scaling(Layer):
    """(x - offset) * scale, with constants that were read off the training rows.

    It computes in float64, so that it loses no digits of a table in float64.
    """

    name: str = "scaling"

    is_preparation: ClassVar[bool] = True
    needs_float64: ClassVar[bool] = True

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return rows that preprocessing has scaled."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return Keras's layer x * scale + offset, with the offset of that formula."""
        from skdnn._utils.tensorflow import keras

        offset, scale = context.offset, context.scale
        if offset is None or scale is None:
            raise ValueError("A network with a Scaling layer is built with its offset and scale.")
        factors = [x.item() if x.size == 1 else x for x in (scale, -offset * scale)]
        return keras.layers.Rescaling(*factors, name=self.name, dtype="float64")
