"""Zeros and a one in the place of category codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape, TrainingSample


def one_hot(sizes: Sequence[int], width: int) -> list[np.ndarray]:
    """Lay out which category of which column each value of a one-hot encoding stands for.

    Parameters
    ----------
    sizes : sequence of int
        Number of categories of each column; their codes begin with 1.
    width : int
        Number of values; those that are too many stand for no code.

    Returns
    -------
    column : ndarray of shape (n_columns, width), float64
        Of 1 where a value stands for a code of the column, else 0.
    code : ndarray of shape (width,), float64
    """
    n_values = sum(sizes)
    column, code = np.zeros((len(sizes), width)), np.full(width, -1.0)
    column[np.arange(len(sizes)).repeat(sizes), np.arange(n_values)] = 1
    code[:n_values] = np.concatenate([np.arange(1, size + 1) for size in sizes])
    return [column, code]


@dataclass(frozen=True)
class OneHot(Layer):
    """Turns category codes into zeros and a one; the other columns stay.

    Each value of the encoding stands for a code in a column. Constants of the layer select the
    column, (n_codes, width), and the code, (width,). Code 0 is a category that was not there
    in training: all its values are zero. The width is that of all categories or a little more, so
    that it does not depend on a rare one, and folds share a compiled program.

    Parameters
    ----------
    start, n_codes : int
        Position of the first column of codes, and number of these.
    width : int
        Number of values in their place.
    """

    start: int
    n_codes: int
    width: int
    name: str = "one_hot"

    is_trained: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row with the encoding in the place of codes."""
        return (shape[0] - self.n_codes + self.width,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return those of `column` and `code`."""
        return (self.n_codes, self.width), (self.width,)

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Lay out the categories of the training rows."""
        if len(sample.category_sizes) != self.n_codes:
            raise ValueError(
                f"Layer {self.name!r} one-hot encodes {self.n_codes} columns, but the training "
                f"sample has the category_sizes of {len(sample.category_sizes)}."
            )
        return one_hot(sample.category_sizes, self.width)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Encode: (n_samples, n_inputs) -> (n_samples, n_inputs - n_codes + width)."""
        column, code = weights
        stop = self.start + self.n_codes
        ones = (x[:, self.start : stop] @ column == code).astype(x.dtype)
        return np.concatenate([x[:, : self.start], ones, x[:, stop:]], axis=1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return our Keras layer."""
        from skdnn._network import keras_layers

        return keras_layers.OneHot(
            self.start, self.n_codes, self.width, name=self.name, dtype=context.dtype
        )
