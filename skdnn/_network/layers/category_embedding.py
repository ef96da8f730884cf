"""Learned vectors in the place of category codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape

_RANGE = 0.05  # vectors start uniform between -0.05 and 0.05: Keras's own for an `Embedding`


def embedding_length(n_categories: int) -> int:
    """Return how long the vectors of a column's categories are.

    fast.ai's rule (`emb_sz_rule` in `fastai/tabular/model.py`; Howard and Gugger, "fastai: A
    Layered API for Deep Learning", Information 11(2), 2020): 1.6 times the number of categories to
    the power of 0.56, and 600 at most.
    """
    length: float = 1.6 * n_categories**0.56
    return min(600, round(length))


@dataclass(frozen=True)
class CategoryEmbedding(Layer):
    """Turns the codes at the end of a row into learned vectors; the other columns stay.

    Code 0 is a category that was not there in training: its vector is zero and stays so. One
    array holds all other vectors, because a step of the optimizer on each of many small arrays
    takes longer than one on their sum.

    Parameters
    ----------
    sizes : tuple of int
        Number of categories of each column, without code 0.
    dims : tuple of int
        Length of the vectors of each.
    """

    sizes: tuple[int, ...]
    dims: tuple[int, ...]
    name: str = "embedding"

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row with vectors in the place of codes."""
        return (shape[0] - len(self.sizes) + sum(self.dims),)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return that of all vectors in one column: the 1 is of a Keras embedding of length 1."""
        return ((sum(n * d for n, d in zip(self.sizes, self.dims, strict=True)), 1),)

    @cached_property
    def addresses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each value of the output comes from.

        Returns
        -------
        column, stride, base : ndarray of shape (sum(dims),), int32
            The value of code c is element c * stride + base of the array of all vectors, where c
            is the code in that column of codes; below zero for no code but 0.
        """
        dims = np.array(self.dims)
        column = np.arange(len(dims)).repeat(dims)
        stride = dims[column]
        ends = np.cumsum(dims * self.sizes)
        within = np.arange(len(column)) - (np.cumsum(dims) - dims)[column]
        base = (ends - dims * self.sizes)[column] + within - stride
        return column.astype(np.int32), stride.astype(np.int32), base.astype(np.int32)

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Draw all vectors from a uniform distribution."""
        return [rng.uniform(-_RANGE, _RANGE, size) for size in self.weight_shapes(shape)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Look up the vectors: (n_samples, n_inputs) -> (n_samples, n_outputs)."""
        column, stride, base = self.addresses
        start = x.shape[1] - len(self.sizes)
        codes = x[:, start:].astype(np.int32)[:, column]
        vectors = weights[0].ravel()[np.maximum(codes * stride + base, 0)]
        vectors[codes == 0] = 0
        return np.concatenate([x[:, :start], vectors], axis=1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a model of Keras's own parts, which Keras can load wherever it runs."""
        from skdnn._utils.tensorflow import keras

        ops, dtype = keras.ops, context.dtype
        column, stride, base = self.addresses
        ((n_values, _),) = self.weight_shapes(context.shape)
        start = context.shape[0] - len(self.sizes)
        row = keras.Input(context.shape, dtype=dtype)
        codes = ops.take(row, start + column, axis=1)
        address = ops.maximum(ops.cast(codes, "int32") * stride + base, 0)
        vectors = keras.layers.Embedding(
            n_values, 1, embeddings_initializer="zeros", name=self.name, dtype=dtype
        )(address)
        known = ops.minimum(codes, 1)
        parts = [row[:, :start], ops.squeeze(vectors, axis=2) * known]
        return keras.Model(row, ops.concatenate(parts, axis=1), name=self.name)
