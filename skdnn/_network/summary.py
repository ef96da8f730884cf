"""The layers of a fitted network, in rows that a person reads, and as a table in HTML.

Keras models are only looked at here, by their attributes, so that nothing starts TensorFlow.
"""

from html import escape
from math import prod
from typing import Any, NamedTuple

from skdnn._network.spec import NetworkSpec, label

INPUT = "Input"
# The table of a network of more layers is folded.
_OPEN = 20


class LayerRow(NamedTuple):
    """What there is to tell of a layer."""

    name: str
    kind: str  # with its activation
    shape: str  # of what it puts out, None for the batch
    n_parameters: int
    sources: tuple[int, ...]  # which rows it takes its input from


def layers_of(estimator: Any) -> list[LayerRow] | None:
    """Return the layers of an estimator's network from its input on; None where it has none yet."""
    learned = vars(estimator)
    if "_spec" in learned:
        return _layers_of_spec(learned["_spec"])
    return _layers_of_model(learned["model_"]) if "model_" in learned else None


def _layers_of_spec(spec: NetworkSpec) -> list[LayerRow]:
    rows = [LayerRow("input", INPUT, _shape_text(spec.input_shape), 0, ())]
    for layer, shape, weight_shapes, sources in spec.rows():
        count = sum(map(prod, weight_shapes))
        before = tuple(number + 1 for number in sources)  # the input is row 0 here
        rows.append(LayerRow(layer.name, label(layer), _shape_text(shape), count, before))
    return rows


def _shape_text(shape: tuple[int, ...]) -> str:
    return str((None, *shape))


def _layers_of_model(model: Any) -> list[LayerRow]:
    """Read the layers of a Keras model; where its code alone knows how they hang together, bare."""
    graph = getattr(model, "_functional", None) or model  # a Sequential has one inside
    depths = getattr(graph, "_nodes_by_depth", None)
    if depths is None:
        return [_keras_row(x, [], ()) for x in model.layers]
    own = {id(node) for nodes in depths.values() for node in nodes}
    rows: list[LayerRow] = []
    number: dict[int, int] = {}
    for operation in graph.operations:  # sources come first
        calls = [node for node in operation._inbound_nodes if id(node) in own]
        before = {number.get(id(x.operation)) for call in calls for x in call.parent_nodes}
        sources = tuple(sorted(x for x in before if x is not None))
        outputs = [tensor for call in calls[:1] for tensor in call.output_tensors]
        number[id(operation)] = len(rows)
        rows.append(_keras_row(operation, outputs, sources))
    return rows


def _keras_row(layer: Any, outputs: list[Any], sources: tuple[int, ...]) -> LayerRow:
    kind = type(layer).__name__
    kind = INPUT if kind == "InputLayer" else kind
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", type(activation).__name__)
    if activation is not None and name != "linear":
        kind = f"{kind} ({name})"
    shape = ", ".join(str(tuple(tensor.shape)) for tensor in outputs)
    count = sum(prod(variable.shape) for variable in getattr(layer, "weights", ()))
    return LayerRow(layer.name, kind, shape, count, sources)


def network_html(rows: list[LayerRow]) -> str:
    """Write the layers as a table that looks like scikit-learn's table of parameters.

    Its classes of CSS are scikit-learn's, so it has whatever colours, light or dark, that one has.
    """
    rows = [row for row in rows if row.kind != INPUT]
    total = f"{sum(row.n_parameters for row in rows):,}"
    head = "".join(f"<th>{x}</th>" for x in ("Layer", "Type", "Output shape", "Parameters"))
    body = "".join(
        f'<tr class="default"><td>{escape(row.name)}</td><td>{escape(row.kind)}</td>'
        f"<td>{escape(row.shape)}</td>"
        f'<td style="text-align: right !important">{row.n_parameters:,}</td></tr>'
        for row in rows
    )
    fold = " open" if len(rows) <= _OPEN else ""
    count = f"{len(rows)} layer{'s' * (len(rows) != 1)}"
    return (
        f'<div class="estimator-table"><details{fold}>'
        f"<summary>Network: {count}, {total} parameters</summary>"
        f'<table class="parameters-table"><tbody><tr>{head}</tr>{body}</tbody></table>'
        "</details></div>"
    )


class NetworkTableMixin:
    """Shows the network beneath the parameters in scikit-learn's HTML representation.

    From 1.7 on scikit-learn asks each estimator of a diagram for its table of parameters, within
    pipelines and searches too. Before, there is no such table, and nothing is shown.
    """

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        table = super()._get_params_html(*args, **kwargs)  # type: ignore[misc]
        rows = layers_of(self)
        if rows is not None:
            parameters = table._html_repr
            table._html_repr = lambda: parameters() + network_html(rows)
        return table
