"""Dense layers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar, Self

import numpy as np
from scipy.sparse import issparse

from skdnn._network.activations import NUMPY_ACTIVATIONS, Activation, with_activation
from skdnn._network.layers.base import DrawKernel, KerasContext, Layer, Shape
from skdnn._network.onnx_activations import activate
from skdnn._network.onnx_graph import OnnxGraph


@dataclass(frozen=True)
class Dense(Layer):
    """Computes activation(x @ kernel + bias), with a kernel and bias for each ensemble member."""

    name: str
    units: int
    activation: Activation = "linear"

    takes_sparse_rows: ClassVar[bool] = True

    @property
    def kernel_gain(self) -> float:
        """The factor by which the learned kernel is multiplied."""
        return 1.0

    @property
    def bias_gain(self) -> float:
        """The factor by which the learned bias is multiplied."""
        return 1.0

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of the layer, in a tuple of length 1."""
        return (self.activation,)

    def without_activation(self) -> Self:
        """Return the same layer with the activation "linear"."""
        return replace(self, activation="linear")

    @property
    def label(self) -> str:
        """The type of the layer with the activation in brackets."""
        return with_activation(type(self).__name__, self.activation)

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output, (..., units)."""
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the kernel, (..., n_inputs, units), and the bias, (..., units)."""
        *members, width = shape
        return ((*members, width, self.units), (*members, self.units))

    def output_layers(self, shape: Shape) -> list[tuple["Dense", int, int]]:
        """Return this layer with index 0 for the kernel and index 1 for the bias."""
        return [(self, 0, 1)]

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return a kernel sampled for each ensemble member, and biases of zero."""
        kernel, bias = self.weight_shapes(shape)
        kernels = [draw_kernel(kernel[-2:]) for _ in range(prod(kernel[:-2]))]
        return [np.reshape(kernels, kernel), np.zeros(bias)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute activation(x @ kernel + bias).

        The shape changes from (n_samples, n_inputs) to (n_samples, units). Ensemble members are a
        leading axis. Rows that all members share have shape (1, n_samples, n_inputs) or are a
        sparse matrix.
        """
        kernel, bias = weights
        # SciPy has no product with several matrices at once.
        x = np.stack([x @ k for k in kernel]) if issparse(x) and kernel.ndim > 2 else x @ kernel
        x += bias[..., None, :] if bias.ndim > 1 else bias
        return NUMPY_ACTIVATIONS[self.activation](x)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `Dense` layer, or a layer of skdnn for ensemble members."""
        options = {"name": self.name, "dtype": context.dtype}
        if context.n_members:
            from skdnn._network import keras_layers

            n_members = context.n_members
            return keras_layers.MemberDense(n_members, self.units, self.activation, **options)
        from skdnn._utils.tensorflow import keras

        return keras.layers.Dense(
            self.units, self.activation, kernel_initializer="zeros", **options
        )

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add nodes that compute activation(x @ kernel + bias)."""
        kernel, bias = weights
        x = graph.add("MatMul", x, graph.weight(kernel, f"{self.name}_kernel"))
        if self.kernel_gain != 1:
            x = graph.add("Mul", x, self.kernel_gain)
        bias = self.bias_gain * graph.array(bias)
        x = graph.add("Add", x, bias[..., None, :] if bias.ndim > 1 else bias)
        return activate(graph, x, self.activation, len(shape) + 1)


@dataclass(frozen=True)
class ScaledDense(Dense):
    """Computes activation(x @ (kernel_gain * Q) + bias_gain * b), with learned Q and b.

    Q is the kernel and b is the bias.

    The gains act as factors of the learning rate, because Adam's steps do not depend on the scale
    of gradients. If q is trained at rate r, then p = g * q changes as if p were trained at rate
    g * r, up to Adam's epsilon. With kernel_gain = 1 / sqrt(fan-in) this is the neural tangent
    parametrisation (Jacot et al. 2018, "Neural Tangent Kernel", section 3).

    Parameters
    ----------
    kernel_gain, bias_gain : float, default=1.0
        The factors by which Q and b are multiplied.
    kernel_std, bias_std : float, default=0.0
        Standard deviations of the normal distributions from which the initial Q and b are
        sampled. A standard deviation of 0 gives zeros.
    """

    kernel_gain: float = 1.0
    bias_gain: float = 1.0
    kernel_std: float = 0.0
    bias_std: float = 0.0

    takes_sparse_rows: ClassVar[bool] = False

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return a kernel Q and a bias b sampled from normal distributions."""
        stds = self.kernel_std, self.bias_std
        shapes = self.weight_shapes(shape)
        return [rng.normal(0, std, size) for std, size in zip(stds, shapes, strict=True)]

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute activation(x @ (kernel_gain * Q) + bias_gain * b).

        The shape changes from (..., n_samples, n_inputs) to (..., n_samples, units).
        """
        kernel, bias = weights
        x = x @ kernel
        x *= self.kernel_gain
        x += self.bias_gain * bias[..., None, :]
        return NUMPY_ACTIVATIONS[self.activation](x)

    def to_keras(self, context: KerasContext) -> Any:
        """Return a Keras `ScaledDense` layer of skdnn."""
        from skdnn._network import keras_layers

        return keras_layers.ScaledDense(
            context.n_members,
            self.units,
            self.activation,
            self.kernel_gain,
            self.bias_gain,
            name=self.name,
            dtype=context.dtype,
        )
