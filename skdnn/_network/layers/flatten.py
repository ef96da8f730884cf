"""Samples of any rank -> rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape


@dataclass(frozen=True)
class Flatten(Layer):
    """Turns one sample of any rank into one row."""

    name: str = "flatten"

    is_preparation: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row of all values."""
        return (prod(shape),)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return rows that preprocessing has flattened."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return Keras's own layer."""
        from skdnn._utils.tensorflow import keras

        return keras.layers.Flatten("channels_last", name=self.name, dtype=context.dtype)
