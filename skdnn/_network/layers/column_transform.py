"""The columns of a table in the order that later layers take."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape


@dataclass(frozen=True)
class ColumnTransform(Layer):
    """Sorts the columns of a table: numbers, then indicators of missing ones, then category codes.

    A missing number (NaN) becomes a constant that was read off the training rows. Its indicator
    column is 1 where it was missing, else 0.

    Parameters
    ----------
    numbers, signed, codes : tuple of int
        Positions in the row that comes in: of numbers, of those among them that have an indicator
        column, and of category codes.
    """

    numbers: tuple[int, ...]
    signed: tuple[int, ...]
    codes: tuple[int, ...]
    name: str = "columns"

    is_preparation: ClassVar[bool] = True
    needs_float64: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a sorted row."""
        return (len(self.numbers) + len(self.signed) + len(self.codes),)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return rows that preprocessing has sorted."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return a model of Keras's own operations, which Keras can load wherever it runs."""
        from skdnn._utils.tensorflow import keras

        ops, dtype = keras.ops, context.dtype
        if context.fill is None:
            raise ValueError("A network with a ColumnTransform layer is built with its fill.")
        row = keras.Input(context.shape, dtype=dtype)
        positions = self.numbers, self.signed, self.codes
        numbers, signed, codes = (ops.take(row, np.array(p, np.int32), axis=1) for p in positions)
        numbers = ops.where(ops.isnan(numbers), context.fill.astype(dtype), numbers)
        parts = [numbers, ops.cast(ops.isnan(signed), dtype), codes]
        return keras.Model(row, ops.concatenate(parts, axis=1), name=self.name)
