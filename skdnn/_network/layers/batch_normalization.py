"""Batch normalisation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class BatchNormalization(Layer):
    """Normalises each unit by the moments of the batch in training, or else by moving averages.

    Ioffe & Szegedy 2015, "Batch Normalization", algorithms 1 and 2. With Keras's default momentum
    of 0.99, the moving averages depend on their initial values for about 500 steps. Training on a
    small data set often has fewer steps. With a momentum of 0.9, about 50 steps are sufficient.
    """

    name: str
    momentum: float = 0.9
    epsilon: float = 1e-3

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of gamma, beta, moving mean and moving variance, in Keras's order."""
        return (shape,) * 4

    def n_fixed_parameters(self, shape: Shape) -> int:
        """Return the number of values in the two moving averages."""
        return 2 * int(np.prod(shape))

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return Keras's initial values: gamma 1, beta 0, mean 0 and variance 1."""
        return [np.full(shape, value) for value in (1.0, 0.0, 0.0, 1.0)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Normalise by the moving averages. The shape (..., n_samples, units) is preserved."""
        gamma, beta, mean, variance = (w[:, None] if w.ndim > 1 else w for w in weights)
        y: np.ndarray = (x - mean) * (gamma / np.sqrt(variance + self.epsilon)) + beta
        return y

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `BatchNormalization` layer, or a layer of skdnn for ensemble members."""
        options = {"name": self.name, "dtype": context.dtype}
        if context.n_members:
            from skdnn._network import keras_layers

            return keras_layers.MemberBatchNormalization(self.momentum, self.epsilon, **options)
        from skdnn._utils.tensorflow import keras

        return keras.layers.BatchNormalization(
            momentum=self.momentum, epsilon=self.epsilon, **options
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that normalise by the moving averages."""
        arrays = map(graph.array, weights)
        gamma, beta, mean, variance = (w[:, None] if w.ndim > 1 else w for w in arrays)
        centered = graph.add("Sub", x, mean)
        scaled = graph.add("Mul", centered, gamma / np.sqrt(variance + self.epsilon))
        return graph.add("Add", scaled, beta)
