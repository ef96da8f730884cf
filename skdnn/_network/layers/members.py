"""Where ensemble members start, and where they are averaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape


@dataclass(frozen=True)
class Members(Layer):
    """Passes each row to several ensemble members, which the layers behind it compute together."""

    name: str
    n_members: int

    takes_sparse_rows: ClassVar[bool] = True
    keeps_sparse_rows: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape with an axis for the members in front."""
        return (self.n_members, *shape)

    def member_count(self) -> int:
        """Return the number of members."""
        return self.n_members

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Put an axis of length 1 in front: the matrix product behind it is one per member."""
        return x if issparse(x) else x[None]

    def to_keras(self, context: KerasContext) -> Any:
        """Return our Keras layer."""
        from skdnn._network import keras_layers

        return keras_layers.Members(self.n_members, name=self.name, dtype=context.dtype)


@dataclass(frozen=True)
class Mean(Layer):
    """Averages the outputs of the ensemble members, with ensemble weights where it is weighted."""

    name: str
    weighted: bool = False

    is_trained: ClassVar[bool] = False
    averages_members: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape without the axis of the members."""
        return shape[1:]

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return that of the ensemble weights, (n_members,)."""
        return (shape[:1],) if self.weighted else ()

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Give all members the same weight."""
        return [np.full(size, 1 / size[0]) for size in self.weight_shapes(shape)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Average: (n_members, n_samples, n_outputs) -> (n_samples, n_outputs)."""
        return np.tensordot(weights[0], x, axes=1) if self.weighted else x.mean(axis=0)

    def to_keras(self, context: KerasContext) -> Any:
        """Return our Keras layer."""
        from skdnn._network import keras_layers

        return keras_layers.Mean(self.weighted, name=self.name, dtype=context.dtype)
