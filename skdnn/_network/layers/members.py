"""Layers that pass rows to ensemble members and average the outputs of the members."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Members(Layer):
    """Passes each row to several ensemble members, which later layers compute together."""

    name: str
    n_members: int

    takes_sparse_rows: ClassVar[bool] = True
    keeps_sparse_rows: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the input shape with a leading axis for the ensemble members."""
        return (self.n_members, *shape)

    def member_count(self) -> int:
        """Return the number of ensemble members."""
        return self.n_members

    def with_members(self, n_members: int) -> Self:
        """Return the same layer with another number of ensemble members."""
        return replace(self, n_members=n_members)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Add a leading axis of length 1. Sparse rows are returned unchanged.

        The next layer with weights computes one result for each ensemble member.
        """
        return x if issparse(x) else x[None]

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Members` layer of skdnn."""
        from skdnn._network import keras_layers

        make = context.members or keras_layers.Members
        return make(self.n_members, name=self.name, dtype=context.dtype)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Return the input unchanged. The weights of the next layers bring the axis of members."""
        return x


@dataclass(frozen=True)
class Mean(Layer):
    """Averages the outputs of the ensemble members, with ensemble weights if `weighted`."""

    name: str
    weighted: bool = False

    is_trained: ClassVar[bool] = False
    averages_members: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the input shape without the axis of the ensemble members."""
        return shape[1:]

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shape of the ensemble weights, (n_members,). Empty if not weighted."""
        return (shape[:1],) if self.weighted else ()

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return equal ensemble weights for all ensemble members."""
        return [np.full(size, 1 / size[0]) for size in self.weight_shapes(shape)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Average the outputs over the ensemble members.

        The shape changes from (n_members, n_samples, n_outputs) to (n_samples, n_outputs).
        """
        return np.tensordot(weights[0], x, axes=1) if self.weighted else x.mean(axis=0)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Mean` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.Mean(self.weighted, name=self.name, dtype=context.dtype)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that average the outputs, as a product with the ensemble weights."""
        n_members = shape[0]
        share = weights[0] if self.weighted else np.full(n_members, 1 / n_members)
        x = graph.add("Transpose", x, perm=[1, 2, 0])
        return graph.add("MatMul", x, graph.array(share))
