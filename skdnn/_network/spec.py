"""A network as plain data: what `_network` builds in Keras and `_inference` computes in NumPy."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from skdnn._utils.text import Column, align

Shape = tuple[int, ...]
Activation = str | Callable[..., Any]


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

    Each value that is put out stands for a code in a column. Constants of the layer select the
    column, (n_codes, width), and tell the code, (width,). Code 0 is a category that was not there
    in training: it has no one. The width is that of all categories or a little more, so that it
    does not depend on a rare one, and folds share a compiled program.

    Parameters
    ----------
    start, n_codes : int
        Position of the first column of codes, and number of these.
    width : int
        Number of values that are put out.
    """

    start: int
    n_codes: int
    width: int
    name: str = "one_hot"

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0] - self.n_codes + self.width,)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (self.n_codes, self.width), (self.width,)


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

    @property
    def bias_gain(self) -> float:
        """What the bias that is learned is multiplied by."""
        return 1.0

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        *members, width = shape
        return ((*members, width, self.units), (*members, self.units))


@dataclass(frozen=True)
class ScaledDense(Dense):
    """A dense layer of scaled weights: activation(x @ (kernel_gain Q) + bias_gain b).

    Gains are factors of the learning rate. Adam's steps do not depend on the scale of gradients:
    where q is trained at rate r, p = g q moves as p trained at rate g r would, up to Adam's
    epsilon. With kernel_gain = 1 / sqrt(fan-in) this is the neural tangent parametrisation (Jacot
    et al. 2018, "Neural Tangent Kernel", section 3).

    Parameters
    ----------
    kernel_gain, bias_gain : float, default=1.0
        What Q and b are multiplied by.
    kernel_std, bias_std : float, default=0.0
        Standard deviations of the normal distributions that Q and b are drawn from to begin with;
        those of 0 are zero.
    """

    kernel_gain: float = 1.0
    bias_gain: float = 1.0
    kernel_std: float = 0.0
    bias_std: float = 0.0


@dataclass(frozen=True)
class LearnedScale(Elementwise):
    """Multiplies each column by gain * q for a learned q, `start` to begin with in all.

    The gain is a factor of the learning rate: see `ScaledDense`.
    """

    gain: float = 1.0
    start: float = 1.0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape,)


@dataclass(frozen=True)
class MixedActivation(Activate):
    """h + (activation(h) - h) * gain * a for a learned a of each unit: the activation, at first.

    The gain is a factor of the learning rate: see `ScaledDense`.
    """

    gain: float = 1.0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape,)


@dataclass(frozen=True)
class SmoothClip(Elementwise):
    """Draws outliers of the first columns in: z = (x - center) * factor to z / sqrt(1 + (z/3)^2).

    Centers and factors are constants that were read off the training rows (Holzmüller et al. 2024,
    "Better by Default", section 3).
    """

    n_columns: int = 0

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return ((self.n_columns,),) * 2  # center, factor


@dataclass(frozen=True)
class PiecewiseLinear:
    """Adds to each of the first columns how far it is through each of its bins.

    Bin b of a column, from edge e_b to e_(b+1), adds (x - e_b) / (e_(b+1) - e_b), no less than 0
    and no more than 1; but the first bin may be open below and the last above (Gorishniy et al.
    2022, "On Embeddings for Numerical Features in Tabular Deep Learning", equation 1).
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
class Parallel:
    """Gives the same rows to several stacks of layers; the members of all go on side by side.

    Parameters
    ----------
    stacks : tuple of tuple of layers
        Each with `Members` in it, and as many outputs as the others.
    """

    name: str
    stacks: tuple[tuple["Layer", ...], ...]

    @property
    def n_members(self) -> int:
        return sum(map(_n_members, self.stacks))

    def networks(self, shape: Shape, dtype: str = "float32") -> list["NetworkSpec"]:
        """Return each stack as a network of its own."""
        if (shape, dtype) not in self._networks:
            made = [NetworkSpec(shape, stack, dtype) for stack in self.stacks]
            self._networks[shape, dtype] = made
        return self._networks[shape, dtype]

    @cached_property
    def _networks(self) -> dict[tuple[Shape, str], list["NetworkSpec"]]:
        return {}

    def output_shape(self, shape: Shape) -> Shape:
        return (self.n_members, self.networks(shape)[0].n_outputs)

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        walks = [network.walk() for network in self.networks(shape)]
        return tuple(own for walk in walks for _, _, shapes in walk for own in shapes)


@dataclass(frozen=True)
class Mean:
    """Averages what the members put out, by their shares where they are weighted."""

    name: str
    weighted: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        return shape[1:]

    def weight_shapes(self, shape: Shape) -> tuple[Shape, ...]:
        return (shape[:1],) if self.weighted else ()


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
    | Parallel
    | Mean
)
Entry = ColumnTransform | CategoryEmbedding | OneHot | NumericEmbedding
# What is done to rows before they enter the loop: nothing of it is trained.
_PREPARATION = Flatten | ColumnTransform | Scaling


INPUT = -1  # in place of a layer's number


class Row(NamedTuple):
    """A layer in a network, where it may stand within a stack."""

    layer: Layer
    shape: Shape  # of what it puts out
    weight_shapes: tuple[Shape, ...]  # its own: none of layers within
    sources: tuple[int, ...]  # numbers of the rows that it takes its input from


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

    @cached_property
    def n_arrays(self) -> int:
        """Number of weight arrays."""
        return sum(len(shapes) for _, _, shapes in self.walk())

    @cached_property
    def is_weighted(self) -> bool:
        """Whether members have shares in their mean: the last of all arrays."""
        return any(isinstance(layer, Mean) and layer.weighted for layer in self.layers)

    @property
    def output_shape(self) -> Shape:
        """Shape of what comes out for one sample."""
        return [self.input_shape, *(shape for _, shape, _ in self.walk())][-1]

    @cached_property
    def outputs(self) -> list[tuple[Dense, int, int]]:
        """The output layer, of each stack, and where its kernel and bias are among all arrays."""
        found: list[tuple[Dense, int, int]] = []
        start, before = 0, self.input_shape
        for layer, shape, weight_shapes in self.walk():
            if isinstance(layer, Parallel):
                first = start
                for network in layer.networks(before):
                    found += [(own, first + i, first + j) for own, i, j in network.outputs]
                    first += network.n_arrays
            elif isinstance(layer, Dense):
                found = [(layer, start, start + 1)]
            start, before = start + len(weight_shapes), shape
        return found

    @property
    def n_outputs(self) -> int:
        """Number of values that come out for one sample."""
        return self.output_shape[-1]

    @property
    def n_members(self) -> int:
        """Number of networks side by side."""
        return _n_members(self.layers)

    @property
    def widest(self) -> int:
        """Number of values in the widest layer, the input counted as one."""
        return max(self.n_inputs, *(prod(row.shape) for row in self.rows()))

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
        return replace(self, layers=_without_last_activation(self.without_mean().layers))

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer that has one."""
        return tuple(x.activation for x in _flat(self.layers) if isinstance(x, Dense | Activate))

    def walk(self) -> Iterator[tuple[Layer, Shape, tuple[Shape, ...]]]:
        """Yield each layer with its output shape and the shapes of its weights."""
        return iter(self._walked)

    @cached_property
    def _walked(self) -> list[tuple[Layer, Shape, tuple[Shape, ...]]]:
        # Kept, because the prediction of a single row would take longer to find it out than to
        # compute.
        walked, shape = [], self.input_shape
        for layer in self.layers:
            weight_shapes = layer.weight_shapes(shape)
            shape = layer.output_shape(shape)
            walked.append((layer, shape, weight_shapes))
        return walked

    def rows(self) -> Iterator["Row"]:
        """Yield each layer, the layers of stacks before the `Parallel` that joins them."""
        shape, number, before = self.input_shape, 0, INPUT
        for layer, output_shape, weight_shapes in self.walk():
            sources: tuple[int, ...] = (before,)
            if isinstance(layer, Parallel):
                sources, weight_shapes = (), ()
                for network in layer.networks(shape):
                    start = number
                    for row in network.rows():
                        own = tuple(before if x == INPUT else start + x for x in row.sources)
                        yield row._replace(sources=own)
                        number += 1
                    sources += (number - 1,)
            yield Row(layer, output_shape, weight_shapes, sources)
            shape, before = output_shape, number
            number += 1

    def deal(self, weights: list[np.ndarray]) -> Iterator[tuple[Layer, list[np.ndarray]]]:
        """Yield each layer with its own arrays, out of one list for the whole network."""
        start = 0
        for layer, _, weight_shapes in self.walk():
            stop = start + len(weight_shapes)
            yield layer, weights[start:stop]
            start = stop

    def summary(self) -> str:
        """Lay out the layers as a table: output shapes (None for the batch), parameter counts."""
        layers, shapes, weight_shapes, _ = zip(*self.rows(), strict=True)
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


def _flat(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    """Yield all layers, those within stacks too."""
    for layer in layers:
        if isinstance(layer, Parallel):
            for stack in layer.stacks:
                yield from _flat(stack)
        yield layer


def _n_members(layers: tuple[Layer, ...]) -> int:
    return next((x.n_members for x in layers if isinstance(x, Members | Parallel)), 1)


def _without_last_activation(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    *before, last = layers
    if isinstance(last, Parallel):
        last = replace(last, stacks=tuple(map(_without_last_activation, last.stacks)))
    elif isinstance(last, Dense | Activate):
        last = replace(last, activation="linear")
    return (*before, last)


def _n_fixed(layer: Layer, n_parameters: int) -> int:
    """Return how many parameters of a layer follow the data and not the gradient."""
    if isinstance(layer, BatchNormalization):
        return n_parameters // 2  # the two moving averages
    return n_parameters if isinstance(layer, OneHot | PiecewiseLinear | SmoothClip | Mean) else 0


def label(layer: Layer) -> str:
    """Name the type of a layer, with its activation."""
    activation = getattr(layer, "activation", "linear")
    kind = "Activation" if type(layer) is Activate else type(layer).__name__
    if activation == "linear":
        return kind
    if not isinstance(activation, str):
        activation = getattr(activation, "__name__", type(activation).__name__)
    return f"{kind} ({activation})"


def in_units(
    convert: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    outputs: Sequence[tuple[Any, int, int]],
    weights: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Return the weights of a network that puts out what `decode` starts from, or the result of it.

    Parameters
    ----------
    convert : callable
        The `in_units` of some targets.
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
