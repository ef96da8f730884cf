"""A layer that reorders the columns of a table and imputes missing values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class ColumnTransform(Layer):
    """Reorders columns to numbers, then indicators of missing numbers, then category codes.

    A missing number (NaN) is imputed by a constant that was computed from the training rows. An
    indicator column is 1 if the number was missing, and 0 otherwise.

    Parameters
    ----------
    numbers : tuple of int
        Positions of the numbers in the input row.
    signed : tuple of int
        Positions of the numbers that have an indicator column.
    codes : tuple of int
        Positions of the category codes.
    """

    numbers: tuple[int, ...]
    signed: tuple[int, ...]
    codes: tuple[int, ...]
    name: str = "columns"

    is_preparation: ClassVar[bool] = True
    needs_float64: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row with reordered columns."""
        return (len(self.numbers) + len(self.signed) + len(self.codes),)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return the input unchanged, because preprocessing has already reordered the columns."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras model of Keras operations, so that a saved model loads without skdnn."""
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

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that impute and reorder the columns. The constant is the fill."""
        numbers = graph.impute(graph.take(x, self.numbers), weights[0]) if self.numbers else None
        signed = None
        if self.signed:
            is_missing = graph.add("IsNaN", graph.take(x, self.signed))
            signed = graph.add("Cast", is_missing, to=str(weights[0].dtype))
        codes = graph.take(x, self.codes) if self.codes else None
        return graph.add("Concat", *filter(None, (numbers, signed, codes)), axis=1)
