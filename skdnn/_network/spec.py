"""A network as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skdnn._network.activations import Activation, has_numpy_form
from skdnn._utils.field_state import FieldState

if TYPE_CHECKING:
    # Layers that contain networks import this module, so an import at run time would be circular.
    # The module uses only the methods of `Layer` and no particular layer.
    from skdnn._network.layers.base import Layer, Shape
    from skdnn._network.layers.dense import Dense
    from skdnn._network.onnx_graph import OnnxGraph

INPUT = -1  # the source of a row whose input is the input of the network


class Row(NamedTuple):
    """One entry in the list of all layers of a network, including layers nested in a layer."""

    layer: Layer
    shape: Shape  # shape of the output
    weight_shapes: tuple[Shape, ...]  # without the weights of layers within the layer
    sources: tuple[int, ...]  # indices of the rows whose outputs are the input of the layer
    input_shape: Shape


@dataclass(frozen=True)
class NetworkSpec(FieldState):
    """A network as plain data, defined by its layers, input shape and dtype.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, without the batch.
    layers : tuple of layers
        The layers from the input to the output.
    dtype : {"float32", "float64"}, default="float32"
        The dtype of the computation.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    dtype: str = "float32"

    # ----------------------------------------------------------------------------- sizes

    @property
    def n_inputs(self) -> int:
        """Number of values in one sample."""
        return prod(self.input_shape)

    @property
    def output_shape(self) -> Shape:
        """Shape of the output for one sample."""
        return [self.input_shape, *(shape for _, shape, _ in self.walk())][-1]

    @property
    def n_outputs(self) -> int:
        """Number of outputs for one sample, or per ensemble member if members are not averaged."""
        return self.output_shape[-1]

    @cached_property
    def n_members(self) -> int:
        """Number of ensemble members."""
        return count_members(self.layers)

    @cached_property
    def n_arrays(self) -> int:
        """Number of weight arrays."""
        return sum(len(shapes) for _, _, shapes in self.walk())

    @property
    def widest(self) -> int:
        """Largest number of values that the input or the output of a layer has for one sample."""
        return max(self.n_inputs, *(prod(row.shape) for row in self.rows()))

    # ---------------------------------------------------------------------------- layers

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer that has one."""
        return tuple(x for layer in self.layers for x in layer.activations)

    @cached_property
    def is_weighted(self) -> bool:
        """Whether the outputs of the ensemble members are averaged with ensemble weights.

        The ensemble weights are then the last weight array.
        """
        return any(layer.averages_members and shapes for layer, _, shapes in self.walk())

    @cached_property
    def outputs(self) -> list[tuple[Dense, int, int]]:
        """The output layer of each architecture, with the indices of the layer's kernel and bias.

        The indices are positions in the list of all weight arrays.
        """
        found: list[tuple[Dense, int, int]] = []
        start, before = 0, self.input_shape
        for layer, shape, weight_shapes in self.walk():
            own = layer.output_layers(before)
            found = [(x, start + i, start + j) for x, i, j in own] or found
            start, before = start + len(weight_shapes), shape
        return found

    @cached_property
    def body(self) -> NetworkSpec:
        """The network without the layers that prepare rows, which is the part that is trained."""
        layers = tuple(x for x in self.layers if not x.is_preparation)
        before = [shape for layer, shape, _ in self.walk() if layer.is_preparation]
        n_inputs = prod(before[-1]) if before else self.n_inputs
        return NetworkSpec((n_inputs,), layers, self.dtype)

    @cached_property
    def has_member_axis(self) -> list[bool]:
        """Whether the first axis of each weight array is that of the ensemble members."""
        return [len(row.input_shape) > 1 for row in self.rows() for _ in row.weight_shapes]

    @cached_property
    def shares_trained_weights(self) -> bool:
        """Whether ensemble members share weights that are trained."""
        shared = (row for row in self.rows() if len(row.input_shape) == 1)
        return any(row.layer.is_trained and row.weight_shapes for row in shared)

    def select_members(self, weights: Sequence[np.ndarray], members: slice) -> list[np.ndarray]:
        """Return the arrays of some ensemble members of each architecture.

        `weights` are all arrays but the weights of a layer that averages the members.
        """
        pairs = zip(weights, self.has_member_axis, strict=False)
        return [array[members] if has_axis else array for array, has_axis in pairs]

    def with_members(self, n_members: int) -> NetworkSpec:
        """Return the network with another number of ensemble members of each architecture."""
        return replace(self, layers=tuple(x.with_members(n_members) for x in self.layers))

    def without_mean(self) -> NetworkSpec:
        """Return the network without the layer that averages the ensemble members."""
        return replace(self, layers=tuple(x for x in self.layers if not x.averages_members))

    def without_output_activation(self) -> NetworkSpec:
        """Return the network without output activation and without averaging of ensemble members.

        The outputs of an ensemble then have a leading axis for the ensemble members.
        """
        *before, last = self.without_mean().layers
        return replace(self, layers=(*before, last.without_activation()))

    # --------------------------------------------------------------------------- walking

    def walk(self) -> Iterator[tuple[Layer, Shape, tuple[Shape, ...]]]:
        """Yield each layer with its output shape and the shapes of its weights."""
        return iter(self._walked)

    @cached_property
    def _walked(self) -> list[tuple[Layer, Shape, tuple[Shape, ...]]]:
        walked, shape = [], self.input_shape
        for layer in self.layers:
            weight_shapes = layer.weight_shapes(shape)
            shape = layer.output_shape(shape)
            walked.append((layer, shape, weight_shapes))
        return walked

    def rows(self) -> Iterator[Row]:
        """Yield each layer as a `Row`. Layers nested in another layer come before that layer."""
        shape, number, before = self.input_shape, 0, INPUT
        for layer, output_shape, weight_shapes in self.walk():
            sources: tuple[int, ...] = ()
            for network in layer.networks(shape):
                start = number
                for row in network.rows():
                    own = tuple(before if x == INPUT else start + x for x in row.sources)
                    yield row._replace(sources=own)
                    number += 1
                sources += (number - 1,)
            if sources:
                weight_shapes = ()
            yield Row(layer, output_shape, weight_shapes, sources or (before,), shape)
            shape, before = output_shape, number
            number += 1

    def split_weights(
        self, weights: Sequence[np.ndarray]
    ) -> Iterator[tuple[Layer, Sequence[np.ndarray]]]:
        """Yield each layer with the arrays of the layer in the list of all weight arrays."""
        for layer, own in self._slices:
            yield layer, weights[own]

    @cached_property
    def _slices(self) -> list[tuple[Layer, slice]]:
        # Cached, because for a single row the search for the slices would take longer than the
        # prediction.
        slices, start = [], 0
        for layer, _, weight_shapes in self.walk():
            stop = start + len(weight_shapes)
            slices.append((layer, slice(start, stop)))
            start = stop
        return slices

    # ------------------------------------------------------------------------- computing

    @cached_property
    def has_numpy_forward(self) -> bool:
        """Whether `forward` can compute the network.

        False if an activation is a custom function or has no NumPy form.
        """
        return all(map(has_numpy_form, self.activations))

    @cached_property
    def takes_sparse_rows(self) -> bool:
        """Whether `forward` accepts sparse rows.

        True only if the first computation is a matrix product.
        """
        first = next(x for x in self.layers if not x.keeps_sparse_rows)
        return first.takes_sparse_rows and self.has_numpy_forward

    def forward(self, weights: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
        """Compute the outputs of the network for rows, in NumPy.

        Parameters
        ----------
        weights : sequence of ndarray
            The network weights, in the order of the weights of the Keras model.
        x : ndarray of shape (n_samples, n_inputs), float32 or float64
            Flattened and scaled rows. The outputs are computed in the dtype of `x`. A CSR matrix of
            rows is accepted if `takes_sparse_rows` is True.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), or (n_members, n_samples, n_outputs) if the
        network does not average its ensemble members
        """
        weights = [w.astype(x.dtype, copy=False) for w in weights]
        # As in Keras, an overflow gives infinity or NaN without a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, own in self._slices:
                x = layer.forward(x, weights[own])
        return x

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray]) -> str:
        """Add the ONNX nodes of the network to a graph, and return the name of the output.

        Parameters
        ----------
        graph : OnnxGraph
            The graph.
        x : str
            Name of the input, flattened and scaled rows in the dtype of the graph.
        weights : sequence of ndarray
            The network weights, as for `forward`.
        """
        shape = self.input_shape
        for (layer, own), (_, output_shape, _) in zip(
            self.split_weights(weights), self.walk(), strict=True
        ):
            x, shape = layer.to_onnx(graph, x, own, shape), output_shape
        return x


@dataclass
class State:
    """The network weights, optimizer state and dropout seeds, from which training can continue."""

    weights: list[np.ndarray]
    optimizer: list[np.ndarray] | None = None  # None: the state of a new optimizer
    seeds: list[np.ndarray] | None = None  # one per dropout layer; None: new seeds are drawn


def count_members(layers: Iterable[Layer]) -> int:
    """Return the number of ensemble members of a stack of layers. 1 for a single network."""
    return next((n for n in (layer.member_count() for layer in layers) if n), 1)


def rescale_output_layers(
    convert: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    outputs: Sequence[tuple[Dense, int, int]],
    weights: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Return network weights with the converted kernel and bias of each output layer.

    Parameters
    ----------
    convert : callable
        Returns the converted kernel and bias of an output layer. An example is the method
        `in_units` of targets, which converts from standardised targets to the original scale of y.
    outputs : sequence of (Dense, int, int)
        The output layers, as in `NetworkSpec.outputs`.
    weights : sequence of ndarray
        The trained network weights. The list and the arrays are not changed in place.
    """
    weights = list(weights)
    for layer, i, j in outputs:
        weights[i], bias = convert(weights[i], weights[j] * layer.bias_gain)
        weights[j] = bias / layer.bias_gain
    return weights
