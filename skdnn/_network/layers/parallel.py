"""A layer that contains several architectures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from skdnn._network.activations import Activation
from skdnn._network.layers.base import KerasContext, Layer, Shape
from skdnn._network.layers.dense import Dense
from skdnn._network.onnx_graph import OnnxGraph
from skdnn._network.spec import NetworkSpec, count_members


@dataclass(frozen=True)
class Parallel(Layer):
    """Passes rows to several stacks of layers and concatenates the outputs of all members.

    Parameters
    ----------
    stacks : tuple of tuple of layers
        The stacks. Each stack contains a `Members` layer, and all have the same number of outputs.
    """

    name: str
    stacks: tuple[tuple[Layer, ...], ...]

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activations of all stacks, in the order of the stacks."""
        return tuple(a for stack in self.stacks for layer in stack for a in layer.activations)

    def without_activation(self) -> Self:
        """Return the same layer without the output activation of each stack."""
        stacks = tuple((*layers, last.without_activation()) for *layers, last in self.stacks)
        return replace(self, stacks=stacks)

    def member_count(self) -> int:
        """Return the total number of ensemble members of all stacks."""
        return sum(map(count_members, self.stacks))

    def with_members(self, n_members: int) -> Self:
        """Return the same layer with another number of ensemble members of each stack."""
        stacks = (tuple(x.with_members(n_members) for x in stack) for stack in self.stacks)
        return replace(self, stacks=tuple(stacks))

    def networks(self, shape: Shape, dtype: str = "float32") -> Sequence[NetworkSpec]:
        """Return each stack as a separate network."""
        if (shape, dtype) not in self._networks:
            made = [NetworkSpec(shape, stack, dtype) for stack in self.stacks]
            self._networks[shape, dtype] = made
        return self._networks[shape, dtype]

    @cached_property
    def _networks(self) -> dict[tuple[Shape, str], list[NetworkSpec]]:
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        """Return the output shape, (n_members, n_outputs)."""
        return (self.member_count(), self.networks(shape)[0].n_outputs)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the weight arrays of all stacks, in the order of the stacks."""
        walks = [network.walk() for network in self.networks(shape)]
        return tuple(own for walk in walks for _, _, shapes in walk for own in shapes)

    def output_layers(self, shape: Shape) -> list[tuple[Dense, int, int]]:
        """Return the output layer of each stack, with the indices of kernel and bias."""
        found: list[tuple[Dense, int, int]] = []
        first = 0
        for network in self.networks(shape):
            found += [(layer, first + i, first + j) for layer, i, j in network.outputs]
            first += network.n_arrays
        return found

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute the outputs of all stacks.

        The shape changes from (n_samples, n_inputs) to (n_members, n_samples, n_outputs).
        """
        outputs, start = [], 0
        for network in self.networks(x.shape[1:]):
            stop = start + network.n_arrays
            outputs.append(network.forward(weights[start:stop], x))
            start = stop
        return np.concatenate(outputs)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras model that contains one Keras model for each stack."""
        from skdnn._network.keras_model import build
        from skdnn._utils.tensorflow import keras

        x = keras.Input(context.shape, dtype=context.dtype)
        outputs = []
        for number, network in enumerate(self.networks(context.shape, context.dtype), start=1):
            name = f"{self.name}_{number}"
            model = build(network, dropout=context.dropout, name=name, members=context.members)
            outputs.append(model(x))
        return keras.Model(x, keras.ops.concatenate(outputs, axis=0), name=self.name)

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add the nodes of all stacks, and one that concatenates the outputs."""
        outputs, start = [], 0
        for network in self.networks(shape):
            stop = start + network.n_arrays
            outputs.append(network.to_onnx(graph, x, weights[start:stop]))
            start = stop
        return graph.add("Concat", *outputs, axis=0)
