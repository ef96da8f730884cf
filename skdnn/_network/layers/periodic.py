"""The periodic embedding of numeric columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.layers.base import KerasContext, Shape, TrainingSample
from skdnn._network.layers.numeric_embedding import NumericEmbedding
from skdnn._network.onnx_activations import cosine
from skdnn._network.onnx_graph import OnnxGraph


def frequencies(
    n_columns: int, n_frequencies: int, rng: np.random.Generator, scale: float = 0.5
) -> list[np.ndarray]:
    """Sample the frequencies of a periodic embedding from a normal distribution.

    Parameters
    ----------
    n_columns, n_frequencies : int
        Number of columns, and number of frequencies of each column.
    rng : numpy.random.Generator
        Random number generator.
    scale : float, default=0.5
        Standard deviation of the frequencies. With smaller frequencies, the output of the
        untrained network is a smoother function of the numeric columns.
    """
    return [scale * rng.standard_normal((n_columns, n_frequencies))]


@dataclass(frozen=True)
class Periodic(NumericEmbedding):
    """Appends sin(2 pi f x) and cos(2 pi f x) of each numeric column x, with learned f.

    Gorishniy et al. 2022, equation 2.
    """

    n_frequencies: int

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the row with all sines and cosines appended."""
        return (shape[-1] + 2 * self.n_columns * self.n_frequencies,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shape of the frequencies, (n_columns, n_frequencies)."""
        return ((self.n_columns, self.n_frequencies),)

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Return frequencies sampled from a normal distribution, before all kernels are drawn."""
        return frequencies(self.n_columns, self.n_frequencies, rng)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Append the sines and then the cosines to rows of shape (n_samples, n_inputs)."""
        angle = x.dtype.type(2 * np.pi) * x[:, : self.n_columns, None] * weights[0]
        angle = angle.reshape(len(x), -1)
        return np.concatenate([x, np.sin(angle), np.cos(angle)], axis=1)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Periodic` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.Periodic(
            self.n_columns, self.n_frequencies, name=self.name, dtype=context.dtype
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that append the sines and the cosines."""
        angle = graph.take(x, np.arange(self.n_columns).repeat(self.n_frequencies))
        angle = graph.add(
            "Mul", graph.add("Mul", angle, 2 * np.pi), graph.array(weights[0]).ravel()
        )
        return graph.add("Concat", x, graph.add("Sin", angle), cosine(graph, angle), axis=1)
