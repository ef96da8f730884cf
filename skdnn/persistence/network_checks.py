"""Whether the layers of a file fit each other, the preprocessing and the targets.

Only shapes are computed, with Python's integers, so that no number in a file allocates memory.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from skdnn._data.preprocessing import Inputs
from skdnn._data.table import Columns
from skdnn._data.targets import Targets
from skdnn._network.layers import (
    Ascending,
    CategoryEmbedding,
    ColumnTransform,
    Dense,
    Flatten,
    Layer,
    Mean,
    Members,
    NumericEmbedding,
    OneHot,
    Parallel,
    Scaling,
    Shape,
    SmoothClip,
)
from skdnn._network.layers.one_hot import one_hot
from skdnn._network.spec import NetworkSpec
from skdnn.exceptions import InvalidFileError

_LARGEST = 2**40  # values of one sample in a layer


def check_layers(spec: NetworkSpec, columns: Columns, inputs: Inputs, targets: Targets) -> None:
    """Raise an error unless the layers fit each other, the preprocessing and the targets.

    Parameters
    ----------
    spec : NetworkSpec
        The network, of which no shape was computed yet.
    columns : Columns
        The encoder of the table.
    inputs : Inputs
        The preprocessing.
    targets : Targets
        The encoding of y.
    """
    _check_preparation(spec, inputs)
    shape = _check_stack(spec.layers, spec.input_shape, "network.layers")
    if shape != (targets.n_outputs,):
        raise InvalidFileError(f"the network has the output {shape}, not {(targets.n_outputs,)}")
    if not spec.outputs:
        raise InvalidFileError("the network has no output layer")
    for layer, _, _ in spec.outputs:
        if layer.activation != targets.activation or layer.units != targets.n_outputs:
            raise InvalidFileError(
                f"the output layer {layer.name!r} has {layer.units} units and the activation "
                f"{layer.activation!r}, not {targets.n_outputs} and {targets.activation!r}"
            )
    _check_codes(spec, columns, inputs)
    _check_numbers(spec.layers, len(inputs.numbers))
    _check_order(spec.layers, ascending=targets.ascending)


def _check_preparation(spec: NetworkSpec, inputs: Inputs) -> None:
    """Check that the first layers are those of the preprocessing, and all others come later."""
    expected: list[type] = [Flatten] if len(inputs.shape) > 1 else []
    expected += [ColumnTransform] if inputs.sorts else []
    expected += [Scaling] if inputs.offset is not None else []
    first = [type(layer) for layer in spec.layers[: len(expected)]]
    if first != expected or any(x.is_preparation for x in spec.layers[len(expected) :]):
        names = ", ".join(kind.__name__ for kind in expected) or "none"
        raise InvalidFileError(f"network.layers must begin with the layers of the inputs: {names}")


def _check_stack(layers: Sequence[Layer], shape: Shape, where: str) -> Shape:
    """Return the output shape of a stack of layers after a check of each."""
    for i, layer in enumerate(layers):
        place = f"{where}[{i}]"
        if not _RULES.get(type(layer), _takes_all)(layer, shape):
            raise InvalidFileError(f"{place}, {layer.name!r}, does not take the input {shape}")
        if isinstance(layer, Parallel):
            _check_parallel(layer, shape, place)
        shape = layer.output_shape(shape)
        if prod(shape) > _LARGEST:
            raise InvalidFileError(f"{place}, {layer.name!r}, is too large: {shape}")
    return shape


def _check_parallel(layer: Parallel, shape: Shape, where: str) -> None:
    outputs = set()
    for i, stack in enumerate(layer.stacks):
        place = f"{where}.stacks[{i}]"
        output = _check_stack(stack, shape, place)
        if len(output) != 2 or not isinstance(stack[-1], Dense):
            raise InvalidFileError(f"{place} must have members, and end with an output layer")
        if any(isinstance(x, Ascending | Mean | Parallel) for x in stack):
            raise InvalidFileError(f"{place} has layers that come after its output layer")
        outputs.add(output[1])
    if len(outputs) != 1:
        raise InvalidFileError(f"{where} must have stacks of equally many outputs")


# --------------------------------------------------------------------------- rules of each layer


def _takes_all(layer: Any, shape: Shape) -> bool:
    return len(shape) <= 2


def _takes_rows(layer: Any, shape: Shape) -> bool:
    return len(shape) == 1


def _takes_members(layer: Any, shape: Shape) -> bool:
    return len(shape) == 2


def _takes_samples(layer: Any, shape: Shape) -> bool:
    return len(shape) > 1


def _takes_codes(layer: CategoryEmbedding, shape: Shape) -> bool:
    return len(layer.sizes) == len(layer.dims) and len(shape) == 1 and len(layer.sizes) <= shape[0]


def _takes_one_hot(layer: OneHot, shape: Shape) -> bool:
    return len(shape) == 1 and layer.start + layer.n_codes <= shape[0]


def _takes_columns(layer: Any, shape: Shape) -> bool:
    return len(shape) == 1 and layer.n_columns <= shape[0]


def _takes_units(layer: Ascending, shape: Shape) -> bool:
    return len(shape) <= 2 and layer.units == shape[-1]


_RULES: dict[type, Callable[[Any, Shape], bool]] = {
    Ascending: _takes_units,
    CategoryEmbedding: _takes_codes,
    ColumnTransform: _takes_rows,
    Flatten: _takes_samples,
    Mean: _takes_members,
    Members: _takes_rows,
    OneHot: _takes_one_hot,
    Parallel: _takes_rows,
    SmoothClip: _takes_columns,
    **dict.fromkeys(NumericEmbedding.__subclasses__(), _takes_columns),
}


# ------------------------------------------------------------------ layers, columns and inputs


def _check_codes(spec: NetworkSpec, columns: Columns, inputs: Inputs) -> None:
    """Check that each category code is encoded, and has a place in the weights."""
    few, many = encoded_columns(spec.layers)
    n_few = few.n_codes if few else 0
    sizes = [columns.encoders[i].size for i in inputs.codes.tolist()]
    embedded = many.sizes if many else ()
    if n_few + len(embedded) != len(sizes):
        raise InvalidFileError(
            f"the network encodes {n_few + len(embedded)} columns of categories, not {len(sizes)}"
        )
    n_dense = len(inputs.numbers) + len(inputs.signed)
    if few and (few.start != n_dense or few.width < sum(sizes[:n_few])):
        raise InvalidFileError(f"the layer {few.name!r} does not fit the categories")
    if any(n < size for n, size in zip(embedded, sizes[n_few:], strict=True)):
        raise InvalidFileError(f"columns have more categories than the network encodes: {embedded}")


def encoded_columns(layers: Sequence[Layer]) -> tuple[OneHot | None, CategoryEmbedding | None]:
    """Return the layers that encode categories, each of which a network has once at most.

    They come before all other layers that change rows, because they know the codes by position.
    """
    body = [layer for layer in layers if not layer.is_preparation]
    many = next((x for x in body[:1] if isinstance(x, CategoryEmbedding)), None)
    body = body[1:] if many else body
    few = next((x for x in body[:1] if isinstance(x, OneHot)), None)
    body = body[1:] if few else body
    nested = [x for layer in body if isinstance(layer, Parallel) for s in layer.stacks for x in s]
    if any(isinstance(layer, OneHot | CategoryEmbedding) for layer in [*body, *nested]):
        raise InvalidFileError("network.layers must begin with the layers that encode categories")
    return few, many


def _check_numbers(layers: Sequence[Layer], n_numbers: int) -> None:
    for layer in layers:
        if isinstance(layer, Parallel):
            for stack in layer.stacks:
                _check_numbers(stack, n_numbers)
        if isinstance(layer, NumericEmbedding | SmoothClip) and layer.n_columns != n_numbers:
            raise InvalidFileError(
                f"the layer {layer.name!r} has {layer.n_columns} numbers, not {n_numbers}"
            )


def _check_order(layers: Sequence[Layer], *, ascending: bool) -> None:
    """Check what follows the output layers: `Ascending` if outputs are, then `Mean` of members."""
    rest = list(layers)
    members = sum(layer.member_count() > 0 for layer in rest)
    if isinstance(rest[-1], Mean) != bool(members):
        raise InvalidFileError("the network must end with the mean of its members, if it has any")
    if members:
        rest.pop()
    if rest and ascending and not isinstance(rest.pop(), Ascending):
        raise InvalidFileError("the outputs of the network must be made ascending")
    if not rest or not isinstance(rest[-1], Dense | Parallel):
        raise InvalidFileError("the network must end with its output layer")
    if any(isinstance(layer, Ascending | Mean) for layer in rest):
        raise InvalidFileError("the network must end with the layers after its output layer")


# --------------------------------------------------------------------------------------- weights


def check_one_hot(
    spec: NetworkSpec, columns: Columns, inputs: Inputs, weights: Sequence[np.ndarray]
) -> None:
    """Raise an error unless the constants of the one-hot encoding are those of the categories."""
    for layer, own in spec.without_mean().split_weights(weights):
        if isinstance(layer, OneHot):
            codes = inputs.codes[: layer.n_codes].tolist()
            expected = one_hot([columns.encoders[i].size for i in codes], layer.width)
            if not all(map(np.array_equal, own, expected)):
                raise InvalidFileError(f"the weights of {layer.name!r} do not fit the categories")
