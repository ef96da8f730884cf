"""The inputs of an ONNX model, and the nodes that encode them as one matrix."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from skdnn._data.exact_integers import LARGEST_EXACT
from skdnn._network.layers import Flatten, PiecewiseLinear
from skdnn._network.onnx_graph import TYPES, OnnxGraph, Tensor, UniqueNames
from skdnn.dnn.fitted import FittedNetwork
from skdnn.persistence.onnx_categories import check_unicode, encode_categories, is_exact

# The largest offset, in units of the spread. A float32 loses 2**-24 of it: of an input, up to 4e-6
# of the spread. Targets are rounded after everything else is computed.
_LARGEST_OFFSET = 2**6
_LARGEST_TARGET_OFFSET = 2**10
_LARGE, _SMALL = 1e30, 1e-30


class Dtypes(NamedTuple):
    """The dtypes of a computation, which are those that `predict` uses for the same inputs.

    Parameters
    ----------
    scaling : str
        The dtype of imputation and scaling.
    network : str
        The dtype of the layers and of the outputs.
    """

    scaling: str
    network: str


def dtypes_of(fitted: FittedNetwork, inputs: Sequence[Tensor]) -> Dtypes:
    """Return the dtypes in which a model computes, "float32" or "float64" each."""
    kinds = kinds_of_columns(inputs)
    numbers = {kind for i, kind in enumerate(kinds) if i not in fitted.columns.encoders}
    network = np.result_type(fitted.spec.dtype, *(numbers - {"text"}))
    return Dtypes("float64" if fitted.inputs.needs_float64 else str(network), str(network))


def kinds_of_columns(inputs: Sequence[Tensor]) -> list[str]:
    """Return the kind of each column of a table, or of each value of a sample."""
    return [tensor.kind for tensor in inputs for _ in range(int(np.prod(tensor.shape)))]


def model_inputs(
    fitted: FittedNetwork, names: Sequence[str] | None, kinds: Sequence[str] = ()
) -> list[Tensor]:
    """Return the inputs of a model.

    Parameters
    ----------
    fitted : FittedNetwork
        The network.
    names : sequence of str or None
        The names of the columns, each of which becomes an input. None if columns have no names.
    kinds : sequence of str, default=()
        The kinds of the columns, as in `skdnn._data.frames.Column`, or of all columns together.
        Empty for the kinds of the training data.

    Returns
    -------
    list of Tensor
        One input for each column of a table. One input, `X`, for an array.
    """
    shape = fitted.spec.input_shape
    n_columns = len(names) if names is not None else int(np.prod(shape))
    kinds = kinds or _fitted_kinds(fitted, are_named=names is not None)
    kinds = list(kinds) * n_columns if len(kinds) == 1 else kinds
    _check_kinds(kinds, names, fitted.columns.owner)
    if names is None and len(set(kinds)) == 1:
        return [Tensor("X", kinds[0], shape)]
    names = [f"x{i}" for i in range(n_columns)] if names is None else names
    check_unicode(names, f"X of {fitted.columns.owner} has a column named")
    unique = UniqueNames()
    pairs = zip(names, kinds, strict=True)
    return [Tensor(unique(name or "x"), kind, (1,)) for name, kind in pairs]


def _check_kinds(kinds: Sequence[str], names: Sequence[str] | None, owner: str) -> None:
    for i, kind in enumerate(kinds):
        if kind not in TYPES:
            name = i if names is None else names[i]
            raise ValueError(
                f"Column {name!r} of the X of {owner} has the dtype {kind}, for which ONNX has no "
                "type: pass X as float64."
            )


def _fitted_kinds(fitted: FittedNetwork, *, are_named: bool) -> Sequence[str]:
    kinds, origin = fitted.columns.kinds, fitted.inputs.origin
    if are_named and kinds:
        return kinds
    if origin is not None:
        return (str(origin.dtype),)
    if set(kinds) <= {"float16", "float32", "float64"}:
        return ("float32" if _fits_float32(fitted) else "float64",)
    return kinds


def _fits_float32(fitted: FittedNetwork) -> bool:
    """Return whether inputs in float32 keep the digits that the network needs."""
    inputs = fitted.inputs
    keys = [key for x in fitted.columns.encoders.values() for key in x.values]
    if inputs.needs_float64 or not all(is_exact(key, "float32") for key in keys):
        return False
    offset = 0.0
    if inputs.offset is not None and inputs.scale is not None:
        offset = float(np.abs(inputs.offset * inputs.scale).max())
    steepest = max((slope * (offset + abs(edge)) for edge, slope in _bins(fitted)), default=offset)
    return max(offset, steepest) <= _LARGEST_OFFSET


def _bins(fitted: FittedNetwork) -> Iterator[tuple[float, float]]:
    """Yield the edge and the slope of each bin that values are compared with."""
    start = 0
    for row in fitted.spec.body.rows():
        stop = start + len(row.weight_shapes)
        if isinstance(row.layer, PiecewiseLinear):
            edges, slopes = fitted.weights[start:stop][:2]
            yield from zip(edges.ravel().tolist(), slopes.ravel().tolist(), strict=True)
        start = stop


def fits_float32(center: np.ndarray, unit: np.ndarray) -> bool:
    """Return whether float32 keeps the digits of targets with this center and unit."""
    sizes = np.abs(center), unit
    is_small = max(map(np.max, sizes)) < _LARGE and unit.min() > _SMALL
    return bool(is_small and np.max(np.abs(center) / unit) <= _LARGEST_TARGET_OFFSET)


def encode(graph: OnnxGraph, fitted: FittedNetwork, inputs: Sequence[Tensor], dtype: str) -> str:
    """Add the nodes that convert all inputs to one matrix, as `FittedNetwork.encode` does.

    Parameters
    ----------
    graph : OnnxGraph
        The graph.
    fitted : FittedNetwork
        The network with its encoder of categories.
    inputs : sequence of Tensor
        The inputs, whose columns are those of X in training.
    dtype : str
        The dtype of the matrix.

    Returns
    -------
    str
        Name of the matrix of shape (n_samples, n_inputs), from which `Inputs.origin` has been
        subtracted.
    """
    n_columns = len(kinds_of_columns(inputs))
    if n_columns != fitted.spec.n_inputs:
        raise ValueError(
            f"{fitted.columns.owner} expects {fitted.spec.n_inputs} columns, but the inputs of the "
            f"ONNX graph have {n_columns}: declare one input for each column, or one for all."
        )
    parts = []
    for start, tensor in _with_starts(inputs):
        parts += _encoded(graph, fitted, tensor, start, dtype)
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _with_starts(inputs: Sequence[Tensor]) -> Iterator[tuple[int, Tensor]]:
    start = 0
    for tensor in inputs:
        yield start, tensor
        start += int(np.prod(tensor.shape))


def _encoded(
    graph: OnnxGraph, fitted: FittedNetwork, tensor: Tensor, start: int, dtype: str
) -> list[str]:
    """Encode the columns of one input. Neighbouring columns of numbers stay together."""
    x, width = tensor.name, int(np.prod(tensor.shape))
    if len(tensor.shape) > 1:
        x = Flatten().to_onnx(graph, x, [], tensor.shape)
    encoders, parts = fitted.columns.encoders, []
    for is_category, group in groupby(range(start, start + width), encoders.__contains__):
        positions = list(group)
        for chosen in [[i] for i in positions] if is_category else [positions]:
            own = x if len(chosen) == width else graph.take(x, [i - start for i in chosen])
            about = f"Column {tensor.name!r}" if width == 1 else f"Column {chosen[0]}"
            if is_category:
                codes = encode_categories(graph, own, tensor.kind, encoders[chosen[0]], about)
                parts.append(graph.cast(codes, "int64", dtype))
            else:
                parts.append(_numbers(graph, fitted, own, tensor.kind, chosen, dtype, about))
    return parts


def _numbers(
    graph: OnnxGraph,
    fitted: FittedNetwork,
    x: str,
    kind: str,
    positions: list[int],
    dtype: str,
    about: str,
) -> str:
    if kind == "text":
        raise ValueError(
            f"{about} was numeric when {fitted.columns.owner} was fitted, but its ONNX input is "
            "text: declare an input of numbers."
        )
    if fitted.inputs.origin is None:
        return graph.cast(x, kind, dtype)
    return graph.cast(_distances(graph, x, kind, fitted.inputs.origin[positions]), "float64", dtype)


def _distances(graph: OnnxGraph, x: str, kind: str, origin: np.ndarray) -> str:
    """Subtract the origin, exactly for integers that are close to it, as `distances` does."""
    rough = graph.add("Sub", graph.cast(x, kind, "float64"), origin.astype(np.float64))
    if np.dtype(kind).kind not in "iu":
        return rough
    exact = graph.add("Sub", graph.cast(x, kind, "int64"), origin.astype(np.int64))
    is_near = graph.add("Greater", np.array(float(LARGEST_EXACT)), graph.add("Abs", rough))
    return graph.add("Where", is_near, graph.cast(exact, "int64", "float64"), rough)


def kinds_in(X: Any, fitted: FittedNetwork) -> Sequence[str]:
    """Return the kinds of the columns of X, or of all values of an array."""
    if hasattr(X, "dtype") and X.dtype.kind in "biuf":
        return (str(X.dtype),)
    return fitted.columns.kinds_of(X)
