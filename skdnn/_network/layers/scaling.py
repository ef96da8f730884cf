"""A layer that scales inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from skdnn._network.layers.base import KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph

_LARGE = 1e6  # the largest offset in units of the scale that x * scale - offset * scale allows


@dataclass(frozen=True)
class Scaling(Layer):
    """Computes (x - offset) * scale, with constants computed from the training rows.

    Columns with extreme values are clipped.

    The layer computes in float64 to keep the precision of a table in float64.
    """

    name: str = "scaling"

    is_preparation: ClassVar[bool] = True
    needs_float64: ClassVar[bool] = True

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Return the input unchanged, because preprocessing has already scaled the rows."""
        return x

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Rescaling` layer, which computes x * scale - offset * scale.

        If outputs are clipped, or if x * scale would lose digits, the steps are separate layers.
        """
        from skdnn._utils.tensorflow import keras

        offset, scale = context.offset, context.scale
        if offset is None or scale is None:
            raise ValueError("A network with a Scaling layer is built with its offset and scale.")
        if context.limit is not None or np.abs(offset * scale).max() > _LARGE:
            return _separate_steps(offset, scale, context.limit, self.name)
        factors = [_plain(x) for x in (scale, -offset * scale)]
        return keras.layers.Rescaling(*factors, name=self.name, dtype="float64")

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that scale and clip. The constants are the offset, the scale and the limit."""
        offset, scale, *limit = weights
        if offset.any():
            x = graph.add("Sub", x, offset)
        x = graph.add("Mul", x, scale)
        for bound in limit:
            x = graph.add("Min", graph.add("Max", x, -bound), bound)
        return x


def _separate_steps(
    offset: np.ndarray, scale: np.ndarray, limit: np.ndarray | None, name: str
) -> Any:
    from skdnn._network import keras_layers
    from skdnn._utils.tensorflow import keras

    layers = [
        keras.layers.Rescaling(1.0, _plain(-offset), name="subtract_offset", dtype="float64"),
        keras.layers.Rescaling(_plain(scale), name="multiply", dtype="float64"),
    ]
    if limit is not None:
        bound = np.minimum(limit, np.finfo(np.float64).max)  # JSON has no infinity
        bounds = (-bound).tolist(), bound.tolist()
        layers.append(keras_layers.Range(*bounds, name="clip", dtype="float64"))
    return keras.Sequential(layers, name=name)


def _plain(x: np.ndarray) -> Any:
    return x.item() if x.size == 1 else x
