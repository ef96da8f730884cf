"""Activations as layers of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from skdnn._network.activations import NUMPY_ACTIVATIONS, Activation, with_activation
from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape
from skdnn._network.onnx_activations import activate
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Activate(Layer):
    """An activation as a layer of its own, used after batch normalisation."""

    name: str
    activation: Activation = "linear"

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of the layer, in a tuple of length 1."""
        return (self.activation,)

    def without_activation(self) -> Self:
        """Return the layer with the activation "linear", which returns the input unchanged."""
        return replace(self, activation="linear")

    @property
    def label(self) -> str:
        """The type of the Keras layer with the activation in brackets."""
        return with_activation("Activation", self.activation)

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute activation(x)."""
        return NUMPY_ACTIVATIONS[self.activation](x)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Activation` layer."""
        from skdnn._utils.tensorflow import keras

        return keras.layers.Activation(self.activation, name=self.name, dtype=context.dtype)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add the nodes of the activation."""
        return activate(graph, x, self.activation, len(shape) + 1)


@dataclass(frozen=True)
class MixedActivation(Activate):
    """Computes x + (activation(x) - x) * gain * a, with a learned weight a for each unit.

    The product gain * a is initially 1, so that the layer initially computes activation(x)
    (Holzmüller et al. 2024, "Better by Default", section 3). The gain acts as a factor of the
    learning rate, as in `ScaledDense`.
    """

    gain: float = 1.0

    @property
    def label(self) -> str:
        """The type of the layer with the activation in brackets."""
        return with_activation("MixedActivation", self.activation)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shape of the array of all a, which is the shape of the input."""
        return (shape,)

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return the initial weights a, for which gain * a is 1."""
        return [np.full(shape, 1 / self.gain)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute x + (activation(x) - x) * gain * a, with a trained weight a for each unit.

        The shape (..., n_samples, units) is preserved.
        """
        bent = NUMPY_ACTIVATIONS[self.activation](x.copy())
        y: np.ndarray = x + (bent - x) * (self.gain * weights[0][..., None, :])
        return y

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `MixedActivation` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.MixedActivation(
            context.n_members, self.activation, self.gain, name=self.name, dtype=context.dtype
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that compute x + (activation(x) - x) * gain * a."""
        bent = activate(graph, x, self.activation, len(shape) + 1)
        factor = self.gain * graph.array(weights[0])[..., None, :]
        return graph.add("Add", x, graph.add("Mul", graph.add("Sub", bent, x), factor))
