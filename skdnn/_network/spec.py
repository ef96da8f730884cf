"""A network as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from skdnn._network.activations import Activation, has_numpy_form

if TYPE_CHECKING:
    # Layers that contain networks import this module. It needs none of them in particular: all
    # that it asks of a layer is a method of `Layer`.
    from skdnn._network.layers.base import Layer, Shape
    from skdnn._network.layers.dense import Dense

INPUT = -1  # in place of a layer's number


class Row(NamedTuple):
    """A layer in a network, where it may stand within a stack."""

    layer: Layer
    shape: Shape  # of its output
    weight_shapes: tuple[Shape, ...]  # its own: none of the layers within it
    sources: tuple[int, ...]  # numbers of the rows that it takes its input from
    input_shape: Shape


@dataclass(frozen=True)
class NetworkSpec:
    """A stack of layers, and the shape and dtype of what goes through them.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample, without the batch.
    layers : tuple of layers
        From the input to the output.
    dtype : {"float32", "float64"}, default="float32"
        What the network computes in.
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
        """Number of values in the output for one sample."""
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
        """Number of values in the widest layer, the input counted as one."""
        return max(self.n_inputs, *(prod(row.shape) for row in self.rows()))

    # ---------------------------------------------------------------------------- layers

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer that has one."""
        return tuple(x for layer in self.layers for x in layer.activations)

    @cached_property
    def is_weighted(self) -> bool:
        """Whether the mean of the members has ensemble weights: the last of all arrays."""
        return any(layer.averages_members and shapes for layer, _, shapes in self.walk())

    @cached_property
    def outputs(self) -> list[tuple[Dense, int, int]]:
        """The output layer, of each stack, and where its kernel and bias are among all arrays."""
        found: list[tuple[Dense, int, int]] = []
        start, before = 0, self.input_shape
        for layer, shape, weight_shapes in self.walk():
            own = layer.output_layers(before)
            found = [(x, start + i, start + j) for x, i, j in own] or found
            start, before = start + len(weight_shapes), shape
        return found

    @cached_property
    def body(self) -> NetworkSpec:
        """The network behind its preparation of rows: all that training changes."""
        layers = tuple(x for x in self.layers if not x.is_preparation)
        before = [shape for layer, shape, _ in self.walk() if layer.is_preparation]
        n_inputs = prod(before[-1]) if before else self.n_inputs
        return NetworkSpec((n_inputs,), layers, self.dtype)

    def without_mean(self) -> NetworkSpec:
        """Return the same network without the mean of its members."""
        return replace(self, layers=tuple(x for x in self.layers if not x.averages_members))

    def without_output_activation(self) -> NetworkSpec:
        """Return the same network up to its last activation; of members, each one's output."""
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
        """Yield each layer, those of networks within a layer before the layer itself."""
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
        """Yield each layer with its own arrays, out of one list for the whole network."""
        for layer, own in self._slices:
            yield layer, weights[own]

    @cached_property
    def _slices(self) -> list[tuple[Layer, slice]]:
        # Kept, because the prediction of a single row would take longer to find it out than to
        # compute.
        slices, start = [], 0
        for layer, _, weight_shapes in self.walk():
            stop = start + len(weight_shapes)
            slices.append((layer, slice(start, stop)))
            start = stop
        return slices

    # ------------------------------------------------------------------------- computing

    @cached_property
    def has_numpy_forward(self) -> bool:
        """Whether `forward` can compute the network: not where an activation is the user's own."""
        return all(map(has_numpy_form, self.activations))

    @cached_property
    def takes_sparse_rows(self) -> bool:
        """Whether `forward` takes sparse rows: only where a matrix product comes first."""
        first = next(x for x in self.layers if not x.keeps_sparse_rows)
        return first.takes_sparse_rows and self.has_numpy_forward

    def forward(self, weights: Sequence[np.ndarray], x: np.ndarray) -> np.ndarray:
        """Compute the outputs of rows in NumPy.

        Parameters
        ----------
        weights : sequence of ndarray
            In Keras's order.
        x : ndarray of shape (n_samples, n_inputs), float32 or float64
            Flattened and scaled rows. The result is computed in this dtype. Or a CSR matrix of
            them, where the network takes one.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), or (n_members, n_samples, n_outputs) where the
        spec does not average its members
        """
        weights = [w.astype(x.dtype, copy=False) for w in weights]
        # What overflows is infinite or NaN in the result, without a warning, as in Keras.
        with np.errstate(over="ignore", invalid="ignore"):
            for layer, own in self._slices:
                x = layer.forward(x, weights[own])
        return x


@dataclass
class State:
    """All that training changes, as arrays: enough to continue training."""

    weights: list[np.ndarray]
    optimizer: list[np.ndarray] | None = None  # None: as a new optimizer starts
    seeds: list[np.ndarray] | None = None  # of the dropout layers; None: to be drawn


def count_members(layers: Iterable[Layer]) -> int:
    """Return how many ensemble members a stack of layers has; 1 where it is no ensemble."""
    return next((n for n in (layer.member_count() for layer in layers) if n), 1)


def rescale_output_layers(
    convert: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    outputs: Sequence[tuple[Dense, int, int]],
    weights: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Return weights whose outputs are in units of the targets, where `convert` can do that.

    Parameters
    ----------
    convert : callable
        Turns kernel and bias of an output layer: the `in_units` of some targets.
    outputs : sequence of (Dense, int, int)
        See `NetworkSpec.outputs`.
    weights : sequence of ndarray
        As they are trained; they are not changed.
    """
    weights = list(weights)
    for layer, i, j in outputs:
        weights[i], bias = convert(weights[i], weights[j] * layer.bias_gain)
        weights[j] = bias / layer.bias_gain
    return weights
