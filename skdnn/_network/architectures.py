"""The dense, RealMLP and combined architectures of `DNNClassifier` and `DNNRegressor`."""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any, NamedTuple

import numpy as np

from skdnn._network.activations import Activation
from skdnn._network.layers import (
    Activate,
    Ascending,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LearnedScale,
    Mean,
    Members,
    MixedActivation,
    NumericEmbedding,
    Parallel,
    ScaledDense,
    Scaling,
    Shape,
    SmoothClip,
)
from skdnn._network.spec import NetworkSpec

Hidden = Sequence[tuple[int, Activation, float]]


class Realmlp(NamedTuple):
    """The configuration of the RealMLP architecture in a network.

    Parameters
    ----------
    hidden : sequence of (units, activation, dropout rate)
        The hidden layers of RealMLP.
    n_numeric : int
        Number of leading columns that are numeric and clipped.
    rate : float
        Learning rate of the kernels of RealMLP divided by the learning rate of the optimizer.
    """

    hidden: Hidden
    n_numeric: int
    rate: float


def value_per_layer(value: Any, n_layers: int, message: str) -> list[Any]:
    """Return a list of one value per layer.

    Parameters
    ----------
    value : object or sequence of objects
        One value for all layers, or a sequence of one value per layer.
    n_layers : int
        Number of layers.
    message : str
        Start of the error message if a sequence does not have `n_layers` values.
    """
    if isinstance(value, str) or np.ndim(value) == 0:
        return [value] * n_layers
    if len(value) != n_layers:
        raise ValueError(f"{message} Got {value!r} instead.")
    return list(value)


def dense_network(
    input_shape: Shape,
    hidden: Hidden | None,
    output: tuple[int, str],
    *,
    scaled: bool,
    entry: Sequence[Layer] = (),
    realmlp: Realmlp | None = None,
    n_members: int = 1,
    weighted: bool = False,
    batch_norm: bool = False,
    ascending: bool = False,
    dtype: str = "float32",
) -> NetworkSpec:
    """Return the network of an estimator as a `NetworkSpec`.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample.
    hidden : sequence of (units, activation, dropout rate) or None
        One entry per hidden layer of the dense architecture. None if the network has only the
        RealMLP architecture.
    output : (units, activation)
        The output layer.
    scaled : bool
        Whether the network has a layer that scales the inputs.
    entry : sequence of layers, default=()
        Layers that prepare or encode the columns of a table. Layers that prepare columns are placed
        before the scaling layer. Layers that encode columns are placed after the scaling layer.
    realmlp : Realmlp or None, default=None
        Configuration of the RealMLP architecture, which is added to the dense architecture of
        `hidden`, if there is one. RealMLP receives numeric columns without embeddings.
    n_members : int, default=1
        Number of ensemble members of each architecture. The outputs of the members are averaged.
    weighted : bool, default=False
        Whether the outputs of the ensemble members are averaged with ensemble weights.
    batch_norm : bool, default=False
        Whether the hidden layers of the dense architecture have batch normalisation before the
        activation (Ioffe & Szegedy 2015, "Batch Normalization", section 3.2).
    ascending : bool, default=False
        Whether the outputs of each sample are converted to ascending values, such as quantiles.
    dtype : {"float32", "float64"}, default="float32"
        The dtype of the computation.
    """
    layers: list[Layer] = [Flatten()] if len(input_shape) > 1 else []
    layers.extend(x for x in entry if x.is_preparation)
    if scaled:
        layers.append(Scaling())
    numeric = [x for x in entry if isinstance(x, NumericEmbedding)]
    layers.extend(x for x in entry if not (x.is_preparation or x in numeric))
    stacks: list[tuple[Layer, ...]] = []
    n_architectures = int(hidden is not None) + int(realmlp is not None)
    is_ensemble = n_members > 1 or n_architectures > 1
    if hidden is not None:
        prefix = "dense_" if n_architectures > 1 else ""
        members = [Members(f"{prefix}members", n_members)] if is_ensemble else []
        own = dense_stack(hidden, output, batch_norm=batch_norm, prefix=prefix)
        stacks.append((*numeric, *members, *own))
    if realmlp is not None:
        width = prod(NetworkSpec(input_shape, tuple(layers), dtype).output_shape)
        stacks.append(
            realmlp_stack(
                realmlp.hidden,
                output,
                n_inputs=width,
                n_numeric=realmlp.n_numeric,
                n_members=n_members if is_ensemble else 0,
                rate=realmlp.rate,
                prefix="realmlp_" if n_architectures > 1 else "",
            )
        )
    layers.extend(stacks[0] if n_architectures == 1 else [Parallel("groups", tuple(stacks))])
    if ascending:
        layers.append(Ascending("quantiles", output[0]))
    if is_ensemble:
        layers.append(Mean("mean", weighted))
    return NetworkSpec(input_shape, tuple(layers), dtype)


def dense_stack(
    hidden: Hidden,
    output: tuple[int, Activation],
    *,
    batch_norm: bool = False,
    prefix: str = "",
) -> tuple[Layer, ...]:
    """Return the hidden layers and the output layer of the dense architecture.

    Parameters
    ----------
    hidden, output, batch_norm
        As in `dense_network`.
    prefix : str, default=""
        Prefix of the layer names, to distinguish the layers from the layers of another stack.
    """
    layers: list[Layer] = []
    for number, (units, activation, rate) in enumerate(hidden, start=1):
        name = f"{prefix}hidden_{number}"
        if batch_norm:
            layers.append(Dense(name, units))
            layers.append(BatchNormalization(f"{name}_batch_norm"))
            layers.append(Activate(f"{name}_activation", activation))
        else:
            layers.append(Dense(name, units, activation))
        if rate > 0:
            layers.append(Dropout(f"{name}_dropout", rate))
    return (*layers, Dense(f"{prefix}output", *output))


def realmlp_stack(
    hidden: Hidden,
    output: tuple[int, Activation],
    *,
    n_inputs: int,
    n_numeric: int = 0,
    n_members: int = 0,
    rate: float = 1.0,
    prefix: str = "",
) -> tuple[Layer, ...]:
    """Return the layers of RealMLP (Holzmüller et al. 2024, "Better by Default").

    Numeric columns are clipped smoothly, and all columns have a learned scale. The weights are in
    the neural tangent parametrisation, in which the effective kernel or bias is the product of a
    constant gain and a trained array. The effective kernels of the hidden layers are initially
    sampled from N(0, 1) / sqrt(fan-in), and the effective biases from N(0, 1). The kernel and the
    bias of the output layer are initially zero. The learning rate of the kernels is `rate` times
    the learning rate of the optimizer. The scales have 6 times the learning rate of the kernels.
    The biases and the weights of `MixedActivation` have a tenth of the learning rate of the
    kernels.

    Parameters
    ----------
    hidden : list of (units, activation, dropout rate)
        One entry per hidden layer.
    output : (units, activation)
        The output layer.
    n_inputs : int
        Number of columns.
    n_numeric : int, default=0
        Number of leading columns that are numeric and clipped.
    n_members : int, default=0
        Number of ensemble members. 0 means a single network without an axis for ensemble members.
    rate : float, default=1.0
        Learning rate of the kernels divided by the learning rate of the optimizer.
    prefix : str, default=""
        Prefix of the layer names, to distinguish the layers from the layers of another stack.
    """
    layers: list[Layer] = [SmoothClip(f"{prefix}clip", n_numeric)] if n_numeric else []
    if n_members:
        layers.append(Members(f"{prefix}members", n_members))
    layers.append(LearnedScale(f"{prefix}scale", gain=6 * rate))
    slow, fan_in = 0.1 * rate, n_inputs
    for number, (units, activation, dropout) in enumerate(hidden, start=1):
        name, gain = f"{prefix}hidden_{number}", rate / sqrt(fan_in)
        layers.append(ScaledDense(name, units, "linear", gain, slow, 1 / rate, 1 / slow))
        layers.append(MixedActivation(f"{name}_activation", activation, slow))
        if dropout > 0:
            layers.append(Dropout(f"{name}_dropout", dropout))
        fan_in = units
    return (*layers, ScaledDense(f"{prefix}output", *output, rate / sqrt(fan_in), slow))
