"""A learned factor of each column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape


@dataclass(frozen=True)
class LearnedScale(Layer):
    """Multiplies each column by gain * q for a learned q (Holzmüller et al. 2024, section 3).

    The gain is a factor of the learning rate: see `ScaledDense`.

    Parameters
    ----------
    gain : float, default=1.0
        What q is multiplied by.
    start : float, default=1.0
        What gain * q is before training.
    """

    name: str
    gain: float = 1.0
    start: float = 1.0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return that of q."""
        return (shape,)

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Start from gain * q = start."""
        return [np.full(shape, self.start / self.gain)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Multiply each column: keeps (..., n_samples, n_inputs)."""
        return x * (self.gain * weights[0][..., None, :])

    def to_keras(self, context: KerasContext) -> Any:
        """Return our Keras layer."""
        from skdnn._network import keras_layers

        return keras_layers.LearnedScale(
            context.n_members, self.gain, name=self.name, dtype=context.dtype
        )
