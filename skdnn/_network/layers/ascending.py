"""Outputs in ascending order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skdnn._network.activations import softplus
from skdnn._network.layers.base import KerasContext, Layer


@dataclass(frozen=True)
class Ascending(Layer):
    """Turns outputs into ascending ones, as quantiles are.

    The first stays; each of the others is its predecessor plus a softplus.
    """

    name: str
    units: int = 1

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Add up: keeps (..., n_samples, units)."""
        x[..., 1:] = softplus(x[..., 1:])
        return np.cumsum(x, axis=-1, out=x)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a model of Keras's own operations, so that a saved model loads without skdnn."""
        from skdnn._utils.tensorflow import keras

        ops = keras.ops
        before = (None,) if context.n_members else ()
        x = keras.Input((*before, self.units), dtype=context.dtype)
        steps = ops.concatenate([x[..., :1], ops.softplus(x[..., 1:])], axis=-1)
        return keras.Model(x, ops.cumsum(steps, axis=-1), name=self.name)
