"""The architectures of `DNNClassifier` and `DNNRegressor`: dense, RealMLP, or both in one."""

from collections.abc import Sequence
from math import prod, sqrt
from typing import NamedTuple

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
    """What RealMLP needs to know, where a network contains it.

    Parameters
    ----------
    hidden : sequence of (units, activation, dropout rate)
        Its hidden layers.
    n_numeric : int
        How many columns, the first ones, are numbers to clip.
    rate : float
        Factor of the optimizer's learning rate.
    """

    hidden: Hidden
    n_numeric: int
    rate: float


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
    """Lay out the network of an estimator.

    Parameters
    ----------
    input_shape : tuple of int
        Shape of one sample.
    hidden : sequence of (units, activation, dropout rate) or None
        One entry per hidden layer; None where all are those of `realmlp`.
    output : (units, activation)
        The output layer.
    scaled : bool
        Whether there is a scaling layer.
    entry : sequence of layers, default=()
        What a table needs: preparation of its columns, which comes before scaling, and layers that
        encode columns, behind it.
    realmlp : Realmlp or None, default=None
        Adds the RealMLP architecture, beside that of `hidden`, if there is one. It takes numbers
        without embeddings.
    n_members : int, default=1
        How many ensemble members each architecture has; their outputs are averaged.
    weighted : bool, default=False
        Whether members have ensemble weights in the average.
    batch_norm : bool, default=False
        Whether each hidden layer is normalised over the batch, before its activation (Ioffe &
        Szegedy 2015, "Batch Normalization", section 3.2).
    ascending : bool, default=False
        Whether the outputs are made to ascend, as quantiles do.
    dtype : {"float32", "float64"}, default="float32"
        What the network computes in.
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
    """Lay out hidden layers and the output: see `dense_network`.

    Parameters
    ----------
    hidden, output, batch_norm
        As in `dense_network`.
    prefix : str, default=""
        What names begin with, to differ from those of another stack.
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
    """Lay out RealMLP, or ensemble members of it (Holzmüller et al. 2024, "Better by Default").

    Numbers are clipped smoothly, columns have a learned scale, and weights are in the neural
    tangent parametrisation: kernels begin as N(0, 1) / sqrt(fan-in), biases as N(0, 1), the output
    as zero. Kernels learn at `rate` times the optimizer's own, scales at 6 times that, biases and
    what mixes the activations in at a tenth.

    Parameters
    ----------
    hidden : list of (units, activation, dropout rate)
        One entry per hidden layer.
    output : (units, activation)
        The output layer.
    n_inputs : int
        Number of columns.
    n_numeric : int, default=0
        How many of them, the first ones, are numbers to clip.
    n_members : int, default=0
        How many ensemble members there are; 0 is one network that is not a member.
    rate : float, default=1.0
        Factor of the optimizer's learning rate.
    prefix : str, default=""
        What names begin with, to differ from those of another stack.
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
