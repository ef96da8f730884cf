"""A layer that replaces category codes by learned vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph

_RANGE = 0.05  # vectors start uniform in [-0.05, 0.05], the default of Keras's `Embedding`


def embedding_length(n_categories: int) -> int:
    """Return the length of the vectors for a column with `n_categories` categories.

    The length is 1.6 times the number of categories to the power of 0.56, clipped to a maximum of
    600. This is the rule of fast.ai (`emb_sz_rule` in `fastai/tabular/model.py`; Howard and
    Gugger, "fastai: A Layered API for Deep Learning", Information 11(2), 2020).
    """
    length: float = 1.6 * n_categories**0.56
    return min(600, round(length))


@dataclass(frozen=True)
class CategoryEmbedding(Layer):
    """Replaces the category codes at the end of a row by learned vectors.

    The other columns are unchanged. Code 0 is a category that is absent from the training data.
    The vector of code 0 is always zero. One array holds all other vectors, because an optimizer
    step on many small arrays takes longer than a step on one array of the same total size.

    Parameters
    ----------
    sizes : tuple of int
        Number of categories of each column, without code 0.
    dims : tuple of int
        Length of the vectors of each column.
    """

    sizes: tuple[int, ...]
    dims: tuple[int, ...]
    name: str = "embedding"

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row whose codes are replaced by vectors."""
        return (shape[0] - len(self.sizes) + sum(self.dims),)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shape of the array of all vectors, (n_values, 1), as in a Keras embedding."""
        return ((sum(n * d for n, d in zip(self.sizes, self.dims, strict=True)), 1),)

    @cached_property
    def addresses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The constants that give the index of each output value in the array of all vectors.

        Returns
        -------
        column, stride, base : ndarray of shape (sum(dims),), int32
            Each output value belongs to a column of codes, whose number is `column`. If c is the
            code of a row in this column, the output value is element c * stride + base of the array
            of all vectors. Only code 0 can have a negative index.
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
        """Return vectors sampled from a uniform distribution."""
        return [rng.uniform(-_RANGE, _RANGE, size) for size in self.weight_shapes(shape)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Replace the category codes by their vectors.

        The shape changes from (n_samples, n_inputs) to (n_samples, n_outputs).
        """
        column, stride, base = self.addresses
        start = x.shape[1] - len(self.sizes)
        codes = x[:, start:].astype(np.int32)[:, column]
        vectors = weights[0].ravel()[np.maximum(codes * stride + base, 0)]
        vectors[codes == 0] = 0
        return np.concatenate([x[:, :start], vectors], axis=1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras model of Keras layers, so that a saved model loads without skdnn."""
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

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that look the vectors up in one array, whose first value, 0, is for code 0."""
        column, stride, base = (a.astype(np.int64) for a in self.addresses)
        start = shape[0] - len(self.sizes)
        codes = graph.take(x, start + column)
        address = graph.add("Mul", graph.add("Cast", codes, to="int64"), stride)
        address = graph.add("Add", address, base + 1)
        address = graph.add("Where", graph.add("Greater", codes, 0.0), address, np.array(0))
        table = graph.weight(np.append(weights[0].dtype.type(0), weights[0]), self.name)
        vectors = graph.add("Gather", table, address, axis=0)
        if not start:
            return vectors
        return graph.add("Concat", graph.take(x, range(start)), vectors, axis=1)
