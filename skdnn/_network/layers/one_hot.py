"""A layer that one-hot encodes category codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape, TrainingSample
from skdnn._network.onnx_graph import OnnxGraph


def one_hot(sizes: Sequence[int], width: int) -> list[np.ndarray]:
    """Return the column and the code to which each value of a one-hot encoding belongs.

    Parameters
    ----------
    sizes : sequence of int
        Number of categories of each column. The codes of a column start with 1.
    width : int
        Number of values of the encoding. Surplus values belong to no code.

    Returns
    -------
    column : ndarray of shape (n_columns, width), float64
        1 if the value belongs to a code of the column, and 0 otherwise.
    code : ndarray of shape (width,), float64
        The code of each value. -1 for surplus values.
    """
    n_values = sum(sizes)
    column, code = np.zeros((len(sizes), width)), np.full(width, -1.0)
    column[np.arange(len(sizes)).repeat(sizes), np.arange(n_values)] = 1
    code[:n_values] = np.concatenate([np.arange(1, size + 1) for size in sizes])
    return [column, code]


@dataclass(frozen=True)
class OneHot(Layer):
    """Replaces category codes by their one-hot encoding. The other columns are unchanged.

    Each output column stands for one code of one input column. Two constant arrays describe the
    assignment: an array of shape (n_codes, width) maps input columns to output columns, and an
    array of shape (width,) holds the code of each output column. Code 0 is a category that is
    absent from the training data. All output columns are zero for code 0. The width is the
    total number of categories, rounded up. Because of the rounding, the width is usually the
    same in all folds, even if rare categories are absent from some folds. Folds of equal width
    share a compiled program.

    Parameters
    ----------
    start : int
        Position of the first column of codes.
    n_codes : int
        Number of columns of codes.
    width : int
        Number of values of the encoding.
    """

    start: int
    n_codes: int
    width: int
    name: str = "one_hot"

    is_trained: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row whose codes are replaced by their encoding."""
        return (shape[0] - self.n_codes + self.width,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the constants that assign each value to a column and a code."""
        return (self.n_codes, self.width), (self.width,)

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Return the constants for the categories of the training rows."""
        if len(sample.category_sizes) != self.n_codes:
            raise ValueError(
                f"Layer {self.name!r} one-hot encodes {self.n_codes} columns, but the training "
                f"sample has the category_sizes of {len(sample.category_sizes)}."
            )
        return one_hot(sample.category_sizes, self.width)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """One-hot encode the category codes.

        The shape changes from (n_samples, n_inputs) to (n_samples, n_inputs - n_codes + width).
        """
        column, code = weights
        stop = self.start + self.n_codes
        ones = (x[:, self.start : stop] @ column == code).astype(x.dtype)
        return np.concatenate([x[:, : self.start], ones, x[:, stop:]], axis=1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `OneHot` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.OneHot(
            self.start, self.n_codes, self.width, name=self.name, dtype=context.dtype
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that compare the codes with those of the output columns."""
        column, code = weights
        stop = self.start + self.n_codes
        codes = graph.take(x, range(self.start, stop))
        codes = graph.add("MatMul", codes, graph.weight(column, f"{self.name}_columns"))
        codes = graph.add("Cast", codes, to="int64")
        ones = graph.add("Cast", graph.add("Equal", codes, code.astype(np.int64)), to=graph.dtype)
        before = graph.take(x, range(self.start)) if self.start else None
        after = graph.take(x, range(stop, shape[0])) if stop < shape[0] else None
        return graph.add("Concat", *filter(None, (before, ones, after)), axis=1)
