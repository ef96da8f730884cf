"""Tables of the layers of a network, as text and as HTML.

Only attributes of Keras models are read, so that TensorFlow is not imported.
"""

import re
from collections.abc import Callable, Sequence
from html import escape
from math import prod
from typing import Any, NamedTuple

from skdnn._network.spec import NetworkSpec
from skdnn._utils.keras_internals import model_nodes
from skdnn._utils.text import Column, align, fit_columns, terminal_width

INPUT = "Input"
_HEADERS = ("Layer", "Type", "Output shape", "Parameters")
_RANKS = {"Output shape": 1, "Type": 2}  # a narrow terminal loses the larger rank first
# The HTML table of a network with more layers is collapsed at first.
_MOST_UNFOLDED = 20


class LayerRow(NamedTuple):
    """The row of one layer in a table of the layers of a network."""

    name: str
    kind: str  # type of the layer with the activation
    shape: str  # output shape with None for the batch
    n_parameters: int
    sources: tuple[int, ...]  # indices of the rows whose outputs are the input of the layer


def layers_of(estimator: Any) -> list[LayerRow] | None:
    """Return the table rows of the layers of an estimator's network, starting with the input.

    The result is None if the estimator has no network yet.
    """
    fitted = vars(estimator)
    if "_network" in fitted:
        return rows_of_spec(fitted["_network"].spec)
    wrapped = fitted.get("_fitted_model")
    model = fitted.get("model_") if wrapped is None else wrapped.model_to_read()
    return None if model is None else rows_of_model(model)


def rows_of_spec(spec: NetworkSpec) -> list[LayerRow]:
    """Return the table rows of the input and the layers of a network.

    Layers nested in another layer come before that layer.
    """
    rows = [LayerRow("input", INPUT, _shape_text(spec.input_shape), 0, ())]
    for row in spec.rows():
        count = sum(map(prod, row.weight_shapes))
        sources = tuple(number + 1 for number in row.sources)  # the input is row 0 here
        layer = row.layer
        rows.append(LayerRow(layer.name, layer.label, _shape_text(row.shape), count, sources))
    return rows


def _shape_text(shape: tuple[int, ...]) -> str:
    return str((None, *shape))


def rows_of_model(model: Any) -> list[LayerRow]:
    """Return the table rows of the layers of a Keras model.

    The rows have no shapes and no sources if the model is subclassed, because the connections of
    the layers are then defined only by code.
    """
    return [_keras_row(*node) for node in model_nodes(model)]


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


def text_table(spec: NetworkSpec) -> str:
    """Return a text table of the layers with output shapes and numbers of parameters."""
    return text_table_of(rows_of_spec(spec), _count_fixed(spec))


def text_table_of(rows: Sequence[LayerRow], n_fixed: int) -> str:
    """Return a text table of the layers with output shapes and numbers of parameters.

    Parameters
    ----------
    rows : sequence of LayerRow
        The rows of the layers. Rows of inputs are left out.
    n_fixed : int
        The number of parameters that are not trained.
    """
    rows = [row for row in rows if row.kind != INPUT]
    total = sum(row.n_parameters for row in rows)
    cells = [
        [row.name for row in rows],
        [row.kind for row in rows],
        [row.shape for row in rows],
        [f"{row.n_parameters:,}" for row in rows],
    ]
    columns = [
        Column(header, column, left=header != _HEADERS[-1], rank=_RANKS.get(header, 0))
        for header, column in zip(_HEADERS, cells, strict=True)
    ]
    table = align(fit_columns(columns, terminal_width()))
    return "\n".join(
        [
            *table,
            table[1],
            f"Total parameters: {total:,}",
            f"Trainable parameters: {total - n_fixed:,}",
            f"Non-trainable parameters: {n_fixed:,}",
        ]
    )


def network_html(rows: Sequence[LayerRow]) -> str:
    """Return an HTML table of the layers in the style of scikit-learn's table of parameters.

    The CSS classes are those of scikit-learn, so that both tables have the same colours in light
    and dark themes.
    """
    rows = [row for row in rows if row.kind != INPUT]
    total = f"{sum(row.n_parameters for row in rows):,}"
    head = "".join(f"<th>{x}</th>" for x in _HEADERS)
    body = "".join(
        f'<tr class="default">{_wrapped_cell(row.name)}{_wrapped_cell(row.kind)}'
        f"<td>{escape(row.shape)}</td>"
        f'<td style="text-align: right !important">{row.n_parameters:,}</td></tr>'
        for row in rows
    )
    fold = " open" if len(rows) <= _MOST_UNFOLDED else ""
    count = f"{len(rows)} layer{'s' * (len(rows) != 1)}"
    return (
        f'<div class="estimator-table"><details{fold}>'
        f"<summary>Network: {count}, {total} parameters</summary>"
        f'<table class="parameters-table"><tbody><tr>{head}</tr>{body}</tbody></table>'
        "</details></div>"
    )


def _wrapped_cell(text: str) -> str:
    """Return an HTML cell whose text continues below if the page is narrow, such as on a phone."""
    parts = re.sub(r"(?<=_)(?=.)|(?<=[a-z])(?=[A-Z])", "<wbr>", escape(text))  # breaks here first
    return f'<td style="overflow-wrap: anywhere; min-width: 5em">{parts}</td>'


def _count_fixed(spec: NetworkSpec) -> int:
    return sum(row.layer.n_fixed_parameters(row.input_shape) for row in spec.rows())


def text_table_of_model(model: Any) -> str:
    """Return a text table of the layers of a Keras model, like `text_table`."""
    n_fixed = sum(prod(variable.shape) for variable in model.non_trainable_weights)
    return text_table_of(rows_of_model(model), n_fixed)


class NetworkTableMixin:
    """Mixin with the table of layers, as text and for scikit-learn's HTML representation."""

    def summary(self, print_fn: Callable[[str], Any] | None = None) -> None:
        """Print a table of the layers with their output shapes and numbers of parameters.

        The batch dimension of the output shapes is None.

        Parameters
        ----------
        print_fn : callable, default=None
            Function that is called with the text of the table. None prints the text.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted, because the shapes of the layers depend on X and y.
        """
        self._check_has_shapes("summary")
        (print_fn or print)(self._text_table())

    def _text_table(self) -> str:
        """Return the text table of a fitted estimator."""
        fitted = vars(self)
        if "_network" in fitted:
            return text_table(fitted["_network"].spec)
        wrapped = fitted.get("_fitted_model")
        return text_table_of_model(fitted["model_"] if wrapped is None else wrapped.model)

    def _check_has_shapes(self, what: str) -> None:
        """Raise an error if the estimator has no network yet. Subclasses override this method."""

    def _html_after_parameters(self) -> str:
        rows = layers_of(self)
        return "" if rows is None else network_html(rows)
