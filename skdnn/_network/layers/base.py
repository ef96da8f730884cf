"""The interface of all layers, with defaults for a layer without weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from skdnn._utils.field_state import FieldState

if TYPE_CHECKING:
    from skdnn._network.activations import Activation
    from skdnn._network.layers.dense import Dense
    from skdnn._network.onnx_graph import OnnxGraph
    from skdnn._network.spec import NetworkSpec

Shape = tuple[int, ...]
# Draws a kernel of shape (n_inputs, units) with the initialiser chosen by the user.
DrawKernel = Callable[[Shape], np.ndarray]


@dataclass(frozen=True)
class TrainingSample:
    """The training data from which layers compute weights before training starts.

    Parameters
    ----------
    numbers : callable
        Returns the scaled numeric columns of a sample of the training rows, an ndarray of shape
        (n_samples, n_columns), float64. Missing values are imputed. The function is called at most
        once, and only if a layer needs the numbers.
    category_sizes : sequence of int, default=()
        Number of categories of each one-hot encoded column.
    """

    numbers: Callable[[], np.ndarray]
    category_sizes: Sequence[int] = ()


@dataclass(frozen=True)
class KerasContext:
    """The properties of a network from which a layer creates its Keras layer.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample of the layer's input.
    dtype : str
        The dtype of the computation.
    n_members : int
        Number of ensemble members if a `Members` or `Parallel` layer precedes the layer, and 0
        otherwise.
    dropout : callable
        Class of dropout layers.
    offset, scale : ndarray of shape (n_inputs,) or (1,), float64, or None
        The constants of the `Scaling` layer.
    fill : ndarray of shape (n_numbers,), float64, or None
        The numbers that replace missing values in the `ColumnTransform` layer.
    limit : ndarray of shape (n_inputs,), float64, or None
        The `Scaling` layer clips its outputs to [-limit, limit].
    members : callable or None
        Class of `Members` layers. None means `keras_layers.Members`.
    """

    shape: Shape
    dtype: str
    n_members: int
    dropout: Callable[..., Any]
    offset: np.ndarray | None = None
    scale: np.ndarray | None = None
    fill: np.ndarray | None = None
    limit: np.ndarray | None = None
    members: Callable[..., Any] | None = None


class Layer(FieldState):
    """Base class of the layers, which are plain data.

    The fields of a layer are its whole configuration. Each layer is a frozen dataclass in a file
    of its own, with a field `name`. A layer overrides the methods below if their defaults do not
    apply to the layer. All shapes are shapes of one sample, without the batch.
    """

    name: str

    # Whether the layer comes before all trained layers. Preprocessing has already computed the
    # output, so `forward` returns rows unchanged.
    is_preparation: ClassVar[bool] = False
    # Whether a network with this layer requires an input in float64.
    needs_float64: ClassVar[bool] = False
    # Whether gradient descent changes the weights.
    is_trained: ClassVar[bool] = True
    # Whether the layer averages the outputs of the ensemble members.
    averages_members: ClassVar[bool] = False
    # Whether `forward` accepts a sparse matrix, and whether the output is then sparse too.
    takes_sparse_rows: ClassVar[bool] = False
    keeps_sparse_rows: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`."""
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the weight arrays for an input of `shape`, in Keras's order."""
        return ()

    def n_fixed_parameters(self, shape: Shape) -> int:
        """Return the number of non-trainable parameters, which gradient descent does not change."""
        return 0 if self.is_trained else sum(map(prod, self.weight_shapes(shape)))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activations in the layer, from input to output."""
        return ()

    def without_activation(self) -> Layer:
        """Return the same layer with the activation "linear"."""
        return self

    @property
    def label(self) -> str:
        """The type of the layer with the activation, as displayed in the summary."""
        return type(self).__name__

    def member_count(self) -> int:
        """Return the number of ensemble members that this layer creates. 0 for most layers."""
        return 0

    def with_members(self, n_members: int) -> Layer:
        """Return the same layer with another number of ensemble members of each architecture."""
        return self

    def networks(self, shape: Shape, dtype: str = "float32") -> Sequence[NetworkSpec]:
        """Return the networks within the layer, for an input of `shape`."""
        return ()

    def output_layers(self, shape: Shape) -> list[tuple[Dense, int, int]]:
        """Return the output layers of a network whose last layer with a kernel is this layer.

        Each entry is a layer and the indices of the kernel and the bias in the list of the weight
        arrays of this layer. The list is empty for a layer without a kernel.
        """
        return []

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Return weights that are computed from the training data or drawn before all kernels.

        None if the layer has no such weights. The initial weights are then the result of
        `initial_weights`.
        """
        return None

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return the initial weights, with the shapes of `weight_shapes`."""
        raise NotImplementedError

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute the output in NumPy, with the formula of the Keras layer in prediction.

        Parameters
        ----------
        x : ndarray of shape (n_samples, ...), or (n_members, n_samples, ...) after `Members`
            The input, which the layer may change in place. The output has the same dtype.
        weights : sequence of ndarray
            The weights of the layer, in the order of `weight_shapes`.
        """
        raise NotImplementedError

    def to_keras(self, context: KerasContext) -> Any:
        """Return the Keras counterpart of the layer. The caller then sets the weights.

        Keras is imported inside this method, so that prediction in NumPy does not import Keras.
        The Keras weights are created as zeros, because the default initialisers of Keras would
        use Python's global generator.
        """
        raise NotImplementedError

    def to_onnx(self, graph: OnnxGraph, x: str, weights: Sequence[np.ndarray], shape: Shape) -> str:
        """Add the ONNX nodes of the layer to a graph, which compute the same as `forward`.

        Parameters
        ----------
        graph : OnnxGraph
            The graph, whose dtype is the one of the computation.
        x : str
            Name of the input. Ensemble members are a leading axis, which may be missing as long as
            all members have the same input.
        weights : sequence of ndarray
            The weights of the layer, in the order of `weight_shapes`. The constants of
            preprocessing if `is_preparation` is True. A layer with such constants names them.
        shape : tuple of int
            Shape of one sample of the input.

        Returns
        -------
        str
            Name of the output.
        """
        raise NotImplementedError
