"""`NetworkSpec` -> Keras model, and the weights it starts from."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from skdnn._network.initializers import resolve_initializer
from skdnn._network.spec import (
    Activate,
    Ascending,
    BatchNormalization,
    CategoryEmbedding,
    ColumnTransform,
    Dense,
    Dropout,
    Flatten,
    LearnedScale,
    Mean,
    Members,
    MixedActivation,
    NetworkSpec,
    OneHot,
    Parallel,
    Periodic,
    PiecewiseLinear,
    ScaledDense,
    Scaling,
    SmoothClip,
)
from skdnn._utils.tensorflow import keras

ops = keras.ops
_EMBEDDING_RANGE = 0.05  # Keras's own for an `Embedding`


def _own() -> Any:
    # They register themselves with Keras: only where there is one of them in a network.
    from skdnn._network import keras_layers

    return keras_layers


def _ascending(layer: Ascending, dtype: str, *before: None) -> Any:
    # Of Keras's operations alone, so that a saved model can be loaded without skdnn.
    x = keras.Input((*before, layer.units), dtype=dtype)
    steps = keras.ops.concatenate([x[..., :1], keras.ops.softplus(x[..., 1:])], axis=-1)
    return keras.Model(x, keras.ops.cumsum(steps, axis=-1), name=layer.name)


def _columns(layer: ColumnTransform, shape: tuple[int, ...], fill: np.ndarray, dtype: str) -> Any:
    row = keras.Input(shape, dtype=dtype)
    positions = layer.numbers, layer.signed, layer.codes
    numbers, signed, codes = (ops.take(row, np.array(p, np.int32), axis=1) for p in positions)
    numbers = ops.where(ops.isnan(numbers), fill.astype(dtype), numbers)
    parts = [numbers, ops.cast(ops.isnan(signed), dtype), codes]
    return keras.Model(row, ops.concatenate(parts, axis=1), name=layer.name)


def _embedding(layer: CategoryEmbedding, shape: tuple[int, ...], dtype: str) -> Any:
    """Build it of Keras's own parts, so that Keras can load it wherever it runs."""
    column, stride, base = layer.addresses
    ((n_values, _),) = layer.weight_shapes(shape)
    start = shape[0] - len(layer.sizes)
    row = keras.Input(shape, dtype=dtype)
    codes = ops.take(row, start + column, axis=1)
    address = ops.maximum(ops.cast(codes, "int32") * stride + base, 0)
    vectors = keras.layers.Embedding(
        n_values, 1, embeddings_initializer="zeros", name=layer.name, dtype=dtype
    )(address)
    known = ops.minimum(codes, 1)
    parts = [row[:, :start], ops.squeeze(vectors, axis=2) * known]
    return keras.Model(row, ops.concatenate(parts, axis=1), name=layer.name)


# Each layer is given all that it would else draw from Python's global generator: its weights are
# loaded, and its dropout seed set, at the start of a fit.
_BUILDERS: dict[type, Callable[..., Any]] = {
    Activate: lambda x, dtype: keras.layers.Activation(x.activation, name=x.name, dtype=dtype),
    Ascending: _ascending,
    BatchNormalization: lambda x, dtype: keras.layers.BatchNormalization(
        momentum=x.momentum, epsilon=x.epsilon, name=x.name, dtype=dtype
    ),
    Dense: lambda x, dtype: keras.layers.Dense(
        x.units, x.activation, kernel_initializer="zeros", name=x.name, dtype=dtype
    ),
    Flatten: lambda x, dtype: keras.layers.Flatten("channels_last", name=x.name, dtype=dtype),
    LearnedScale: lambda x, dtype, n=0: _own().LearnedScale(n, x.gain, name=x.name, dtype=dtype),
    Mean: lambda x, dtype: _own().Mean(x.weighted, name=x.name, dtype=dtype),
    Members: lambda x, dtype: _own().Members(x.n_members, name=x.name, dtype=dtype),
    MixedActivation: lambda x, dtype, n=0: _own().MixedActivation(
        n, x.activation, x.gain, name=x.name, dtype=dtype
    ),
    Periodic: lambda x, dtype: _own().Periodic(
        x.n_columns, x.n_frequencies, name=x.name, dtype=dtype
    ),
    PiecewiseLinear: lambda x, dtype: _own().PiecewiseLinear(
        x.n_columns, x.n_bins, name=x.name, dtype=dtype
    ),
    OneHot: lambda x, dtype: _own().OneHot(x.start, x.n_codes, x.width, name=x.name, dtype=dtype),
    ScaledDense: lambda x, dtype, n=0: _own().ScaledDense(
        n, x.units, x.activation, x.kernel_gain, x.bias_gain, name=x.name, dtype=dtype
    ),
    SmoothClip: lambda x, dtype: _own().SmoothClip(x.n_columns, name=x.name, dtype=dtype),
}
# Behind `Members`, in place of the above: networks side by side.
_MEMBER_BUILDERS: dict[type, Callable[[Any, str, int], Any]] = {
    Ascending: lambda x, dtype, n: _ascending(x, dtype, None),
    BatchNormalization: lambda x, dtype, n: _own().MemberBatchNormalization(
        x.momentum, x.epsilon, name=x.name, dtype=dtype
    ),
    Dense: lambda x, dtype, n: _own().MemberDense(
        n, x.units, x.activation, name=x.name, dtype=dtype
    ),
    **{kind: _BUILDERS[kind] for kind in (LearnedScale, MixedActivation, ScaledDense)},
}


def build(
    spec: NetworkSpec,
    offset: Any = None,
    scale: Any = None,
    fill: Any = None,
    dropout: type = keras.layers.Dropout,
    name: str | None = None,
) -> Any:
    """Build the Keras model of a network, with weights that are still to be set.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    offset, scale : ndarray of shape (n_inputs,) or (1,), float64, default=None
        The constants of its `Scaling` layer, where it has one.
    fill : ndarray of shape (n_numbers,), float64, default=None
        What its `ColumnTransform` layer puts in the place of missing numbers, where it has one.
    dropout : type, default=keras.layers.Dropout
        Class of its dropout layers.
    name : str, default=None
        Of the model; Keras finds one if it is None.

    Returns
    -------
    keras.Sequential
    """
    prepared = any(isinstance(layer, ColumnTransform | Scaling) for layer in spec.layers)
    # Scaling is done in float64, so that it loses nothing of a table in float64.
    entry = "float64" if prepared else spec.dtype
    stack = [keras.Input(spec.input_shape, dtype=entry)]
    n_members, shape = 0, spec.input_shape
    for layer, output_shape, _ in spec.walk():
        if isinstance(layer, Scaling):
            factors = [x.item() if x.size == 1 else x for x in (scale, -offset * scale)]
            made = keras.layers.Rescaling(*factors, name=layer.name, dtype="float64")
        elif isinstance(layer, Dropout):
            made = dropout(layer.rate, seed=0, name=layer.name, dtype=spec.dtype)
        elif n_members and type(layer) in _MEMBER_BUILDERS:
            made = _MEMBER_BUILDERS[type(layer)](layer, spec.dtype, n_members)
        elif isinstance(layer, ColumnTransform):
            made = _columns(layer, shape, fill, entry)
        elif isinstance(layer, CategoryEmbedding):
            made = _embedding(layer, shape, spec.dtype)
        elif isinstance(layer, Parallel):
            made = _parallel(layer, shape, spec.dtype, dropout)
        else:
            dtype = entry if isinstance(layer, Flatten) else spec.dtype
            made = _BUILDERS[type(layer)](layer, dtype)
        if isinstance(layer, Members | Parallel):
            n_members = layer.n_members
        stack.append(made)
        shape = output_shape
    return keras.Sequential(stack, name=name)


def _parallel(layer: Parallel, shape: tuple[int, ...], dtype: str, dropout: type) -> Any:
    x = keras.Input(shape, dtype=dtype)
    networks = enumerate(layer.networks(shape, dtype), start=1)
    stacks = [build(n, dropout=dropout, name=f"{layer.name}_{number}") for number, n in networks]
    return keras.Model(x, ops.concatenate([stack(x) for stack in stacks], axis=0), name=layer.name)


def dropout_layers(model: Any) -> list[Any]:
    """Return the dropout layers of a model, those within stacks too, from input to output."""
    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += dropout_layers(layer)
        elif isinstance(layer, keras.layers.Dropout):
            found.append(layer)
    return found


def rescale_outputs(model: Any, unit: np.ndarray, center: np.ndarray) -> None:
    """Have a model put out output * unit + center, for a unit and a center of one value."""
    layer = keras.layers.Rescaling(
        unit.item(), center.item(), name="units", dtype=model.layers[-1].dtype
    )
    model.add(layer)


def clip_outputs(model: Any, least: np.ndarray, greatest: np.ndarray) -> None:
    """Have a model put out nothing outside of a range, (n_outputs,) each or (1,)."""
    dtype = model.layers[-1].dtype
    model.add(_own().Range(least.tolist(), greatest.tolist(), name="range", dtype=dtype))


# What the weights of a layer start from, where that does not depend on what the user asks for or on
# the rows.
_STARTS: dict[type, Callable[[Any, tuple, np.random.Generator], list[np.ndarray]]] = {
    BatchNormalization: lambda x, shapes, rng: [
        np.full(shape, value) for shape, value in zip(shapes, (1.0, 0.0, 0.0, 1.0), strict=True)
    ],
    CategoryEmbedding: lambda x, shapes, rng: [
        rng.uniform(-_EMBEDDING_RANGE, _EMBEDDING_RANGE, shapes[0])
    ],
    LearnedScale: lambda x, shapes, rng: [np.full(shapes[0], x.start / x.gain)],
    Mean: lambda x, shapes, rng: [np.full(shape, 1 / shape[0]) for shape in shapes],
    MixedActivation: lambda x, shapes, rng: [np.full(shapes[0], 1 / x.gain)],
    ScaledDense: lambda x, shapes, rng: [
        rng.normal(0, std, shape)
        for shape, std in zip(shapes, (x.kernel_std, x.bias_std), strict=True)
    ],
}


def initial_weights(
    spec: NetworkSpec,
    initializer: Any,
    rng: np.random.Generator,
    owner: str,
    constants: Mapping[type, Sequence[np.ndarray]] | None = None,
) -> list[np.ndarray]:
    """Draw the weights that training starts from.

    Parameters
    ----------
    spec : NetworkSpec
        The network.
    initializer : str, class or Keras initialiser
        For the kernels of `Dense` layers; their biases are zero.
    rng : numpy.random.Generator
        Gives one seed per kernel.
    owner : str
        The estimator's name, for errors.
    constants : mapping of type to sequence of ndarray, default=None
        What layers of a class start from that is read off the training rows.

    Returns
    -------
    list of ndarray
        In Keras's order.
    """
    weights: list[np.ndarray] = []
    for layer, _, shapes, _ in spec.rows():
        if type(layer) is Dense:
            (*members, width, units), bias = shapes
            kernels = []
            for _ in range(prod(members)):
                draw = resolve_initializer(initializer, int(rng.integers(2**31)), owner)
                kernels.append(_draw_kernel(draw, (width, units), spec.dtype, owner))
            arrays: Sequence[np.ndarray] = [np.reshape(kernels, shapes[0]), np.zeros(bias)]
        elif type(layer) in _STARTS:
            arrays = _STARTS[type(layer)](layer, shapes, rng)
        else:
            arrays = (constants or {}).get(type(layer), ())
        weights.extend(array.astype(spec.dtype) for array in arrays)
    return weights


def _draw_kernel(draw: Any, shape: tuple[int, ...], dtype: str, owner: str) -> np.ndarray:
    try:
        kernel = np.asarray(draw(shape, dtype=dtype))
        trouble = "" if kernel.shape == shape else f"for shape {shape} it gave {kernel.shape}."
    except Exception as error:
        trouble = str(error)
    if trouble:
        raise TypeError(
            f"The 'kernel_initializer' parameter of {owner} must be a name, a Keras initializer or "
            f"a function of a shape and a dtype. Got {draw!r}: {trouble}"
        )
    return kernel
