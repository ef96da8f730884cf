"""A network as plain data: what `_network` builds in Keras and `_inference` computes in NumPy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np

from skdnn._text import Column, align

Shape = tuple[int, ...]
Activation = str | Callable


@dataclass(frozen=True)
class Flatten:
    """Turns one sample of any rank into one row."""

    name: str = "flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ()


@dataclass(frozen=True)
class Elementwise:
    """A layer that keeps the shape of what it gets and learns nothing by gradient descent."""

    name: str

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ()


@dataclass(frozen=True)
class Scaling(Elementwise):
    """(x - offset) * scale, constants that were read off the training rows."""

    name: str = "scaling"


@dataclass(frozen=True)
class ColumnTransform:
    """Sorts the columns of a table: numbers, then signs of missing ones, then codes of categories.

    A missing number (NaN) becomes a constant that was read off the training rows. The column of
    its sign is 1 where it was missing, else 0.

    Parameters
    ----------
    numbers, signed, codes : tuple of int
        Positions in the row that comes in: of numbers, of those among them that have a sign, and
        of codes.
    """

    numbers: tuple[int, ...]
    signed: tuple[int, ...]
    codes: tuple[int, ...]
    name: str = "columns"

    def output_shape(self, shape: Shape) -> Shape:
        return (len(self.numbers) + len(self.signed) + len(self.codes),)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ()


@dataclass(frozen=True)
class CategoryEmbedding:
    """Turns the codes at the end of a row into vectors, which are learned; the rest goes through.

    Code 0 is a category that was not there in training: its vector is zero and stays so. One
    array holds all other vectors, because a step of the optimizer on each of many small arrays
    takes longer than one on their sum.

    Parameters
    ----------
    sizes : tuple of int
        Number of categories of each column, without code 0.
    dims : tuple of int
        Length of the vectors of each.
    """

    sizes: tuple[int, ...]
    dims: tuple[int, ...]
    name: str = "embedding"

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] - len(self.sizes) + sum(self.dims),)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        # The trailing 1 is that of a Keras embedding into one dimension.
        return ((sum(n * d for n, d in zip(self.sizes, self.dims, strict=True)), 1),)

    @cached_property
    def addresses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where each value that is put out comes from.

        Returns
        -------
        column, stride, base : ndarray of shape (sum(dims),), int32
            The value of code c is element c * stride + base of the array of all vectors, where c
            is the code in that column of codes; below zero for no code but 0.
        """
        dims = np.array(self.dims)
        column = np.arange(len(dims)).repeat(dims)
        stride = dims[column]
        ends = np.cumsum(dims * self.sizes)
        within = np.arange(len(column)) - (np.cumsum(dims) - dims)[column]
        base = (ends - dims * self.sizes)[column] + within - stride
        return column.astype(np.int32), stride.astype(np.int32), base.astype(np.int32)


@dataclass(frozen=True)
class OneHot:
    """Turns codes of categories into zeros and a one; the rest goes through.

    Code 0 is a category that was not there in training: it has no one.

    Parameters
    ----------
    start : int
        Position of the first column of codes.
    sizes : tuple of int
        Number of categories of each column, without code 0.
    """

    start: int
    sizes: tuple[int, ...]
    name: str = "one_hot"

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] - len(self.sizes) + sum(self.sizes),)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ()

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The column and the code that each value put out stands for: two of (sum(sizes),), int."""
        columns = self.start + np.arange(len(self.sizes)).repeat(self.sizes)
        return columns, np.concatenate([np.arange(1, size + 1) for size in self.sizes])


def embedding_length(n_categories: int) -> int:
    """Return how long the vectors of a column's categories are.

    fast.ai's rule (`emb_sz_rule` in `fastai/tabular/model.py`; Howard and Gugger, "fastai: A
    Layered API for Deep Learning", Information 11(2), 2020): 1.6 times the number of categories to
    the power of 0.56, and 600 at most.
    """
    return min(600, round(1.6 * n_categories**0.56))


@dataclass(frozen=True)
class Activate(Elementwise):
    """An activation as a layer of its own, where batch normalisation comes before it."""

    activation: Activation = "linear"


@dataclass(frozen=True)
class Dropout(Elementwise):
    """Zeroes a share of its inputs while training."""

    rate: float = 0.5


@dataclass(frozen=True)
class BatchNormalization(Elementwise):
    """Normalises each unit over the batch; over a moving average when predicting.

    Keras's default momentum of 0.99 needs some 500 steps to forget where it started, more than
    many small fits have; with 0.9 the averages are right after 50.
    """

    momentum: float = 0.9
    epsilon: float = 1e-3

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape,) * 4  # gamma, beta, moving mean, moving variance: Keras's order


@dataclass(frozen=True)
class Ascending(Elementwise):
    """Turns numbers into ascending ones: the first is itself, each softplus is a step upward."""

    units: int = 1


@dataclass(frozen=True)
class Dense:
    """Every unit sees every input: activation(x @ kernel + bias); each member has its own."""

    name: str
    units: int
    activation: Activation = "linear"

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        *members, width = shape
        return ((*members, width, self.units), (*members, self.units))


@dataclass(frozen=True)
class PiecewiseLinear:
    """Adds to each of the first columns how far it is through each of its bins.

    Bin b of a column, from edge e_b to e_(b+1), adds (x - e_b) / (e_(b+1) - e_b), no less than 0
    and no more than 1; but the first bin is open below and the last above (Gorishniy et al. 2022,
    "On Embeddings for Numerical Features in Tabular Deep Learning", equation 1).
    """

    name: str
    n_columns: int
    n_bins: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[-1] + self.n_columns * self.n_bins,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.n_columns, self.n_bins),) * 4  # edge, slope, least and greatest value


@dataclass(frozen=True)
class Periodic:
    """Adds to each of the first columns sin(2 pi f x) and cos(2 pi f x) for learned frequencies f.

    Gorishniy et al. 2022, equation 2.
    """

    name: str
    n_columns: int
    n_frequencies: int

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[-1] + 2 * self.n_columns * self.n_frequencies,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.n_columns, self.n_frequencies),)


@dataclass(frozen=True)
class Members:
    """Hands each row to several networks, which go on side by side."""

    name: str
    n_members: int

    def output_shape(self, shape: Shape) -> Shape:
        return (self.n_members, *shape)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ()


@dataclass(frozen=True)
class Mean:
    """Averages what the members put out."""

    name: str

    def output_shape(self, shape: Shape) -> Shape:
        return shape[1:]

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ()


NumericEmbedding = PiecewiseLinear | Periodic
Layer = (
    Flatten
    | Elementwise
    | ColumnTransform
    | CategoryEmbedding
    | OneHot
    | NumericEmbedding
    | Dense
    | Members
    | Mean
)
# What is done to rows before they enter the loop: nothing of it is trained.
_PREPARATION = Flatten | ColumnTransform | Scaling


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

    @property
    def n_inputs(self) -> int:
        """Number of values in one sample."""
        return prod(self.input_shape)

    @property
    def n_outputs(self) -> int:
        """Number of values that come out for one sample."""
        return [shape for _, shape, _ in self.walk()][-1][-1]

    @property
    def n_members(self) -> int:
        """Number of networks side by side."""
        return next((x.n_members for x in self.layers if isinstance(x, Members)), 1)

    @property
    def widest(self) -> int:
        """Number of values in the widest layer, the input counted as one."""
        return max(self.n_inputs, *(prod(shape) for _, shape, _ in self.walk()))

    @cached_property
    def body(self) -> "NetworkSpec":
        """The layers behind sorting and scaling of values: all that training changes."""
        layers = tuple(x for x in self.layers if not isinstance(x, _PREPARATION))
        before = [shape for layer, shape, _ in self.walk() if isinstance(layer, _PREPARATION)]
        n_inputs = prod(before[-1]) if before else self.n_inputs
        return NetworkSpec((n_inputs,), layers, self.dtype)

    def without_mean(self) -> "NetworkSpec":
        """Return the same network without the mean of its members."""
        return replace(self, layers=tuple(x for x in self.layers if not isinstance(x, Mean)))

    def without_output_activation(self) -> "NetworkSpec":
        """Return the same network up to its last activation; of members, each one's output."""
        *layers, output = self.without_mean().layers
        if isinstance(output, Dense | Activate):
            output = replace(output, activation="linear")
        return replace(self, layers=(*layers, output))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer that has one."""
        return tuple(x.activation for x in self.layers if isinstance(x, Dense | Activate))

    def walk(self) -> Iterator[tuple[Layer, Shape, tuple[Shape, ...]]]:
        """Yield each layer with its output shape and the shapes of its weights."""
        shape = self.input_shape
        for layer in self.layers:
            weight_shapes = layer.weight_shapes(shape)
            shape = layer.output_shape(shape)
            yield layer, shape, weight_shapes

    def deal(self, weights: list[np.ndarray]) -> Iterator[tuple[Layer, list[np.ndarray]]]:
        """Yield each layer with its own arrays, out of one list for the whole network."""
        start = 0
        for layer, _, weight_shapes in self.walk():
            stop = start + len(weight_shapes)
            yield layer, weights[start:stop]
            start = stop

    def summary(self) -> str:
        """Lay out the layers as a table: output shapes (None for the batch), parameter counts."""
        layers, shapes, weight_shapes = zip(*self.walk(), strict=True)
        counts = [sum(map(prod, own)) for own in weight_shapes]
        fixed = sum(_n_fixed(*pair) for pair in zip(layers, counts, strict=True))
        columns = [
            Column("Layer", [layer.name for layer in layers], left=True),
            Column("Type", [label(layer) for layer in layers], left=True),
            Column("Output shape", [str((None, *shape)) for shape in shapes], left=True),
            Column("Parameters", [f"{n:,}" for n in counts]),
        ]
        table = align(columns)
        return "\n".join(
            [
                *table,
                table[1],
                f"Total parameters: {sum(counts):,}",
                f"Trainable parameters: {sum(counts) - fixed:,}",
                f"Non-trainable parameters: {fixed:,}",
            ]
        )


@dataclass
class State:
    """All that training changes, as arrays: enough to go on where it stopped."""

    weights: list[np.ndarray]
    optimizer: list[np.ndarray] | None = None  # None: as a new optimizer starts
    seeds: list[np.ndarray] | None = None  # of the dropout layers; None: to be drawn


def dense_network(
    input_shape: Shape,
    hidden: list[tuple[int, Activation, float]],
    output: tuple[int, str],
    *,
    scaled: bool,
    entry: tuple[ColumnTransform | CategoryEmbedding | OneHot | NumericEmbedding, ...] = (),
    n_members: int = 1,
    batch_norm: bool = False,
    ascending: bool = False,
    dtype: str = "float32",
) -> NetworkSpec:
    """Lay out the network of `DNNClassifier` and `DNNRegressor`.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample.
    hidden : list of (units, activation, dropout rate)
        One entry per hidden layer.
    output : (units, activation)
        The output layer.
    scaled : bool
        Whether there is a scaling layer.
    entry : tuple of layers, default=()
        What a table needs: sorting of its columns, which comes before scaling, and layers that
        represent columns, behind it.
    n_members : int, default=1
        How many of these networks stand side by side; their outputs are averaged.
    batch_norm : bool, default=False
        Whether each hidden layer is normalised over the batch, before its activation (Ioffe &
        Szegedy 2015, "Batch Normalization", section 3.2).
    ascending : bool, default=False
        Whether the outputs are made to ascend, as quantiles do.
    dtype : {"float32", "float64"}, default="float32"
        What the network computes in.
    """
    layers: list[Layer] = [Flatten()] if len(input_shape) > 1 else []
    layers.extend(x for x in entry if isinstance(x, ColumnTransform))
    if scaled:
        layers.append(Scaling())
    layers.extend(x for x in entry if not isinstance(x, ColumnTransform))
    if n_members > 1:
        layers.append(Members("members", n_members))
    for number, (units, activation, rate) in enumerate(hidden, start=1):
        name = f"hidden_{number}"
        if batch_norm:
            layers.append(Dense(name, units))
            layers.append(BatchNormalization(f"{name}_batch_norm"))
            layers.append(Activate(f"{name}_activation", activation))
        else:
            layers.append(Dense(name, units, activation))
        if rate > 0:
            layers.append(Dropout(f"{name}_dropout", rate))
    layers.append(Dense("output", *output))
    if ascending:
        layers.append(Ascending("quantiles", output[0]))
    if n_members > 1:
        layers.append(Mean("mean"))
    return NetworkSpec(input_shape, tuple(layers), dtype)


def _n_fixed(layer: Layer, n_parameters: int) -> int:
    """Return how many parameters of a layer follow the data and not the gradient."""
    if isinstance(layer, BatchNormalization):
        return n_parameters // 2  # the two moving averages
    return n_parameters if isinstance(layer, PiecewiseLinear) else 0


def label(layer: Layer) -> str:
    """Name the type of a layer, with its activation."""
    activation = getattr(layer, "activation", "linear")
    kind = "Activation" if isinstance(layer, Activate) else type(layer).__name__
    if activation == "linear":
        return kind
    if not isinstance(activation, str):
        activation = getattr(activation, "__name__", type(activation).__name__)
    return f"{kind} ({activation})"
