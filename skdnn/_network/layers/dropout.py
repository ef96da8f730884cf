"""A dropout layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Dropout(Layer):
    """Sets a random fraction of the inputs to zero during training.

    Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting".
    """

    name: str
    rate: float = 0.5

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return the input unchanged, because inputs are dropped only in training."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras dropout layer, whose seed is set when a fit starts."""
        return context.dropout(self.rate, seed=0, name=self.name, dtype=context.dtype)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Return the input unchanged."""
        return x
