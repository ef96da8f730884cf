"""A layer that converts outputs to ascending values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.activations import softplus
from skdnn._network.layers.base import KerasContext, Layer, Shape
from skdnn._network.onnx_activations import softplus as softplus_nodes
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Ascending(Layer):
    """Converts the outputs of each sample to ascending values, such as quantiles.

    The first output is unchanged. Each later output is replaced by the sum of the preceding
    ascending value and the softplus of the output.
    """

    name: str
    units: int = 1

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute the ascending outputs. The shape (..., n_samples, units) is preserved."""
        x[..., 1:] = softplus(x[..., 1:])
        return np.cumsum(x, axis=-1, out=x)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras model of Keras operations, so that a saved model loads without skdnn."""
        from skdnn._utils.tensorflow import keras

        ops = keras.ops
        before = (None,) if context.n_members else ()
        x = keras.Input((*before, self.units), dtype=context.dtype)
        steps = ops.concatenate([x[..., :1], ops.softplus(x[..., 1:])], axis=-1)
        return keras.Model(x, ops.cumsum(steps, axis=-1), name=self.name)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that compute the sums of the first output and the softplus of the others."""
        is_first = np.arange(self.units) == 0
        steps = graph.add("Where", is_first, x, softplus_nodes(graph, x))
        return graph.add("CumSum", steps, np.array(len(shape)))
