"""The nodes of a fitted network, from the columns of X to predictions."""

import copy
from collections.abc import Sequence

import numpy as np

from skdnn._data.targets import Classes, Labels, NumericTargets
from skdnn._network.layers import ColumnTransform, Scaling
from skdnn._network.onnx_activations import has_onnx_form
from skdnn._network.onnx_graph import OnnxGraph, Tensor
from skdnn.dnn.fitted import FittedNetwork
from skdnn.persistence.onnx_categories import check_unicode
from skdnn.persistence.onnx_inputs import (
    dtypes_of,
    encode,
    fits_float32,
    kinds_of_columns,
)


def add_network(graph: OnnxGraph, fitted: FittedNetwork, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Add the nodes of a fitted network, with its preprocessing, to a graph.

    Parameters
    ----------
    graph : OnnxGraph
        The graph. Its dtype must be `dtypes_of(fitted, inputs).network`.
    fitted : FittedNetwork
        The network.
    inputs : sequence of Tensor
        The values of the graph that are the columns of X, in their order: one value for each
        column, one for all columns, or several for several columns each. The shape of a value is
        that of one sample, such as (1,) for one column.

    Returns
    -------
    list of Tensor
        The outputs: `label` and `probabilities` of a classifier, or `variable` of a regressor.

    Raises
    ------
    ValueError
        If ONNX has no form of an activation, or no type of a category or a class.
    """
    check_activations(fitted)
    scaling, network = dtypes_of(fitted, inputs)
    assert graph.dtype == network, (graph.dtype, network)
    x = encode(graph, fitted, inputs, scaling)
    x = _prepare(graph, fitted, x, scaling, may_miss=_may_miss(inputs))
    x = fitted.spec.body.to_onnx(graph, graph.cast(x, scaling, network), fitted.weights)
    targets = fitted.targets
    if isinstance(targets, Classes):
        return _classes(graph, targets, x, fitted.columns.owner)
    if isinstance(targets, Labels):
        return _labels(graph, targets, x)
    return _numbers(graph, targets, x)


def check_activations(fitted: FittedNetwork) -> None:
    """Raise an error if ONNX nodes cannot compute an activation of the network."""
    for activation in fitted.spec.activations:
        if not has_onnx_form(activation):
            raise ValueError(
                f"The 'activation' parameter of {fitted.columns.owner} is {activation!r}, which "
                "ONNX cannot express: fit with another activation, such as 'relu'."
            )


def _may_miss(inputs: Sequence[Tensor]) -> bool:
    return any(kind.startswith("float") for kind in kinds_of_columns(inputs))


def _prepare(graph: OnnxGraph, fitted: FittedNetwork, x: str, dtype: str, *, may_miss: bool) -> str:
    """Add the nodes of imputation and scaling, as `Inputs.apply` does."""
    inputs = copy.copy(fitted.inputs)
    inputs.origin = None  # subtracted already
    offset, scale, limit, fill = (None if x is None else x.astype(dtype) for x in inputs.constants)
    assert fill is not None
    if may_miss and not inputs.sorts:
        x = graph.impute(x, fill)
    shape: tuple[int, ...] = (fitted.spec.n_inputs,)
    for layer in fitted.spec.layers:
        constants: Sequence[np.ndarray | None] | None = None
        if isinstance(layer, ColumnTransform):
            constants = [fill]
        elif isinstance(layer, Scaling):
            constants = [offset, scale, limit]
        if constants is not None:
            x = layer.to_onnx(graph, x, [c for c in constants if c is not None], shape)
            shape = layer.output_shape(shape)
    return x


def _classes(graph: OnnxGraph, targets: Classes, x: str, owner: str) -> list[Tensor]:
    kind, labels = _label_constants(targets.classes, owner)
    if graph.dtype == "float64":
        graph.require(11)  # older versions of onnxruntime need this version of ArgMax
    index = graph.add("ArgMax", x, axis=1, keepdims=0)
    label = graph.add("Gather", graph.constant(labels, "classes"), index, name="label", axis=0)
    probabilities = graph.add("Identity", x, name="probabilities")
    return [
        Tensor(label, kind, ()),
        Tensor(probabilities, graph.dtype, (targets.n_outputs,)),
    ]


def _label_constants(classes: np.ndarray, owner: str) -> tuple[str, np.ndarray]:
    """Return the kind of the labels, and the labels as an array that ONNX can hold."""
    labels = classes.tolist()
    if all(isinstance(label, bytes) for label in labels):
        labels = [label.decode() for label in labels]
    if all(isinstance(label, str) for label in labels):
        check_unicode(labels, f"{owner} has the class")
        return "text", np.array(labels, object)
    if all(isinstance(label, int | float) and label == int(label) for label in labels):
        whole = [int(label) for label in labels]
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= min(whole) and max(whole) <= np.iinfo(dtype).max:
                return np.dtype(dtype).name, np.array(whole, dtype)
    if all(isinstance(label, int | float) and float(label) == label for label in labels):
        return "float64", np.array(labels, np.float64)
    raise ValueError(
        f"The classes of {owner} are {classes[:3].tolist()!r}, for which ONNX has no type: fit "
        "with labels that are all text or all numbers."
    )


def _labels(graph: OnnxGraph, targets: Labels, x: str) -> list[Tensor]:
    is_on = graph.add("Greater", x, 0.5)
    label = graph.add("Cast", is_on, name="label", to="int64")
    probabilities = graph.add("Identity", x, name="probabilities")
    shape = (targets.n_outputs,)
    return [Tensor(label, "int64", shape), Tensor(probabilities, graph.dtype, shape)]


def _numbers(graph: OnnxGraph, targets: NumericTargets, x: str) -> list[Tensor]:
    """Add the nodes that convert outputs to the units of y, in float64 as `decode` does."""
    kind = graph.dtype if fits_float32(targets.mean, targets.unit) else "float64"
    x = graph.cast(x, graph.dtype, "float64")
    x = graph.add("Add", graph.add("Mul", x, targets.unit), targets.mean)
    if targets.bounds is not None:
        least, greatest = (np.asarray(bound, np.float64) for bound in targets.bounds)
        x = graph.add("Min", graph.add("Max", x, least), greatest)
    name = graph.add("Cast", x, name="variable", to=kind)
    return [Tensor(name, kind, (targets.n_outputs,))]
