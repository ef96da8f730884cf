"""A layer that multiplies each column by a learned factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class LearnedScale(Layer):
    """Multiplies each column by gain * q, with a learned q for each column.

    Holzmüller et al. 2024, "Better by Default", section 3. The gain acts as a factor of the
    learning rate, as in `ScaledDense`.

    Parameters
    ----------
    gain : float, default=1.0
        The constant by which q is multiplied.
    start : float, default=1.0
        The initial value of gain * q.
    """

    name: str
    gain: float = 1.0
    start: float = 1.0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shape of the array of all q, which is the shape of the input."""
        return (shape,)

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return the initial values of q, for which gain * q is `start`."""
        return [np.full(shape, self.start / self.gain)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Multiply each column by gain * q. The shape (..., n_samples, n_inputs) is preserved."""
        return x * (self.gain * weights[0][..., None, :])

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `LearnedScale` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.LearnedScale(
            context.n_members, self.gain, name=self.name, dtype=context.dtype
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add a node that multiplies each column by gain * q."""
        return graph.add("Mul", x, self.gain * graph.array(weights[0])[..., None, :])
