"""A layer that flattens samples to rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Flatten(Layer):
    """Flattens a sample with any number of dimensions to one row."""

    name: str = "flatten"

    is_preparation: ClassVar[bool] = True

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a row that holds all values of a sample."""
        return (prod(shape),)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return the input unchanged, because preprocessing has already flattened the samples."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Flatten` layer."""
        from skdnn._utils.tensorflow import keras

        return keras.layers.Flatten("channels_last", name=self.name, dtype=context.dtype)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add a node that flattens each sample."""
        return graph.add("Flatten", x, axis=1)
