"""What every layer can do, with the defaults of one that keeps the shape and has no weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from skdnn._network.activations import Activation
    from skdnn._network.layers.dense import Dense
    from skdnn._network.spec import NetworkSpec

Shape = tuple[int, ...]
# Draws a kernel of shape (n_inputs, units) with the initialiser that the user asked for.
DrawKernel = Callable[[Shape], np.ndarray]


@dataclass(frozen=True)
class TrainingSample:
    """What layers may read off the training data before training starts.

    Parameters
    ----------
    numbers : callable
        Returns the scaled numeric columns of some training rows without missing values, an
        ndarray of shape (n_samples, n_columns), float64. It is called at most once, and only
        where a layer needs it.
    category_sizes : sequence of int, default=()
        Number of categories of each one-hot encoded column.
    """

    numbers: Callable[[], np.ndarray]
    category_sizes: Sequence[int] = ()


@dataclass(frozen=True)
class KerasContext:
    """What a layer needs to know about its network to make its Keras layer.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample as the layer receives it.
    dtype : str
        What the layer computes in.
    n_members : int
        Number of ensemble members behind `Members` or `Parallel`; 0 before them, or where there
        are none.
    dropout : callable
        Class of dropout layers.
    offset, scale : ndarray of shape (n_inputs,) or (1,), float64, or None
        The constants of `Scaling`.
    fill : ndarray of shape (n_numbers,), float64, or None
        What `ColumnTransform` puts in the place of missing numbers.
    """

    shape: Shape
    dtype: str
    n_members: int
    dropout: Callable[..., Any]
    offset: np.ndarray | None = None
    scale: np.ndarray | None = None
    fill: np.ndarray | None = None


class Layer:
    """A layer as plain data: its fields are its whole configuration.

    Each layer is a frozen dataclass in a file of its own, with a field `name`. It overrides
    those of the methods below whose default is not right for it; nothing else in the package
    lists the layers. Shapes are those of one sample, without the batch.
    """

    name: str

    # Whether it comes before everything that is trained. Preprocessing has computed it before rows
    # enter the network, so `forward` returns them as they are.
    is_preparation: ClassVar[bool] = False
    # Whether the network has to take its input in float64 where this layer is in it.
    needs_float64: ClassVar[bool] = False
    # Whether gradient descent changes the weights.
    is_trained: ClassVar[bool] = True
    # Whether it reduces the outputs of all ensemble members to one.
    averages_members: ClassVar[bool] = False
    # Whether `forward` takes a sparse matrix, and whether it then returns one.
    takes_sparse_rows: ClassVar[bool] = False
    keeps_sparse_rows: ClassVar[bool] = False

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output for an input of `shape`."""
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        """Return the shapes of the weight arrays for an input of `shape`, in Keras's order."""
        return ()

    def n_fixed_parameters(self, shape: Shape) -> int:
        """Return how many parameters follow the data and not the gradient."""
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
        """The type, with the activation, as the summary shows it."""
        return type(self).__name__

    def member_count(self) -> int:
        """Return the number of ensemble members that start here; 0 where none do."""
        return 0

    def networks(self, shape: Shape, dtype: str = "float32") -> Sequence[NetworkSpec]:
        """Return the networks within the layer, for an input of `shape`."""
        return ()

    def output_layers(self, shape: Shape) -> list[tuple[Dense, int, int]]:
        """Return the layers that compute the outputs if the network has no other after this one.

        Each comes with the positions of its kernel and its bias among the weights of this layer.
        """
        return []

    def fitted_weights(
        self, sample: TrainingSample, rng: np.random.Generator
    ) -> list[np.ndarray] | None:
        """Return weights that are read off the training data or drawn ahead of all kernels.

        None where there are none: `initial_weights` is asked then.
        """
        return None

    def initial_weights(
        self, shape: Shape, rng: np.random.Generator, draw_kernel: DrawKernel
    ) -> list[np.ndarray]:
        """Return the weights that training starts from, of the shapes in `weight_shapes`."""
        raise NotImplementedError

    def forward(self, x: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
        """Compute the output in NumPy, as the Keras layer does when it predicts.

        Parameters
        ----------
        x : ndarray of shape (n_samples, ...), or (n_members, n_samples, ...) behind `Members`
            The layer may change it in place; the dtype of the output is the same.
        weights : sequence of ndarray
            In the order of `weight_shapes`.
        """
        raise NotImplementedError

    def to_keras(self, context: KerasContext) -> Any:
        """Return the layer as a Keras layer, whose weights are still to be set.

        Keras is imported in here, so that prediction in NumPy does without it. Whatever Keras
        would draw from Python's global generator is given a value: weights start as zeros.
        """
        raise NotImplementedError
