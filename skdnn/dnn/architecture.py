"""Design of the network from resolved parameters and fitted preprocessing."""

import numpy as np

from skdnn._data.preprocessing import Inputs
from skdnn._data.table import Columns
from skdnn._data.targets import Targets
from skdnn._network.architectures import Realmlp, dense_network
from skdnn._network.layers import (
    CategoryEmbedding,
    ColumnTransform,
    Layer,
    NumericEmbedding,
    OneHot,
    Periodic,
    PiecewiseLinear,
)
from skdnn._network.layers.category_embedding import embedding_length
from skdnn._network.spec import NetworkSpec
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.presets import RATE, is_auto, realmlp_activation, realmlp_rate
from skdnn.dnn.settings import Settings

# Maximum number of bins of one column, and of all columns together. Each column has at least 2.
_MOST_BINS, _ALL_BINS = 16, 512
_FREQUENCIES = 16
_STEP = 16  # the number of one-hot encoded categories is rounded up to a multiple of this number


def design_network(
    settings: Settings, shape: tuple[int, ...], columns: Columns, inputs: Inputs, targets: Targets
) -> NetworkSpec:
    """Return the specification of the network for the resolved parameters and the data.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    shape : tuple of int
        Shape of one sample.
    columns : Columns
        The fitted encoder of the categorical columns.
    inputs : Inputs
        The fitted preprocessing.
    targets : Targets
        The fitted encoding of y, which determines the output layer.
    """
    params, resolved = settings.params, settings.resolved
    n_numbers = len(inputs.numbers)
    _check_parametrization(settings)
    kind = resolved.parametrization
    hidden = settings.hidden
    realmlp = None
    if kind != "standard":
        # If ensemble members of both architectures are trained, the RealMLP members use a multiple
        # of the learning rate of the standard members.
        rate = 1.0 if kind == "realmlp" else realmlp_rate(settings.classifies) / RATE
        realmlp_hidden = hidden
        if kind == "both" and is_auto(params.activation):
            activation = realmlp_activation(settings.classifies)
            realmlp_hidden = [(units, activation, dropout) for units, _, dropout in hidden]
        realmlp = Realmlp(realmlp_hidden, n_numbers, rate)
    return dense_network(
        shape,
        None if kind == "realmlp" else hidden,
        (targets.n_outputs, targets.activation),
        scaled=inputs.offset is not None,
        entry=_entry_layers(settings, columns, inputs),
        realmlp=realmlp,
        n_members=int(resolved.n_members),
        weighted=resolved.blend is not None,
        batch_norm=bool(params.batch_norm),
        ascending=targets.ascending,
        dtype=params.dtype,
    )


def _check_parametrization(settings: Settings) -> None:
    resolved, kind = settings.resolved, settings.resolved.parametrization
    if kind == "realmlp" and resolved.numeric_embedding is not None:
        raise ValueError(
            f"numeric_embedding={resolved.numeric_embedding!r} of {settings.owner} is for "
            "parametrization='standard' or 'both': RealMLP takes numbers as they are. Leave it "
            "at 'auto'."
        )
    if kind != "standard" and settings.params.batch_norm:
        raise ValueError(
            f"batch_norm=True of {settings.owner} is for parametrization='standard': "
            f"RealMLP has no batch normalisation. Got parametrization={kind!r}."
        )


def _entry_layers(settings: Settings, columns: Columns, inputs: Inputs) -> list[Layer]:
    """Return the layers that transform the columns of a table to inputs of the hidden layers."""
    n_numbers, n_dense = len(inputs.numbers), len(inputs.numbers) + len(inputs.signed)
    entry: list[Layer] = []
    if inputs.sorts:
        positions = [inputs.numbers, inputs.signed, inputs.codes]
        numbers, signed, codes = (tuple(p.tolist()) for p in positions)
        entry.append(ColumnTransform(numbers, signed, codes))
    few, many = split_categories(settings, columns)
    if many:
        sizes = tuple(_padded(columns.sizes[i]) for i in many)
        entry.append(CategoryEmbedding(sizes, tuple(map(embedding_length, sizes))))
    if few:
        width = -(-sum(columns.sizes[i] for i in few) // _STEP) * _STEP
        entry.append(OneHot(n_dense, len(few), width))
    if settings.resolved.numeric_embedding is not None and n_numbers:
        entry.append(_numeric_embedding(settings.resolved.numeric_embedding, n_numbers))
    return entry


def split_categories(settings: Settings, columns: Columns) -> tuple[list[int], list[int]]:
    """Return the indices in `columns.codes` of the one-hot encoded and of the embedded columns."""
    sizes, most = columns.sizes, settings.resolved.one_hot_max_size
    few = [i for i, size in enumerate(sizes) if size <= most]
    return few, [i for i, size in enumerate(sizes) if size > most]


def code_positions(settings: Settings, columns: Columns) -> list[int]:
    """Return the positions in X of the categorical columns, one-hot encoded columns first."""
    few, many = split_categories(settings, columns)
    return [columns.codes[i] for i in [*few, *many]]


def check_unchanged(settings: Settings, loss: str, previous: FittedNetwork) -> None:
    """Raise an error if the parameters no longer describe the network whose training continues.

    Parameters
    ----------
    settings : Settings
        The current resolved parameters.
    loss : str
        Text that identifies the loss on which the network was trained.
    previous : FittedNetwork
        The network whose training continues.
    """
    shape, columns, inputs = previous.spec.input_shape, previous.columns, previous.inputs
    if (
        design_network(settings, shape, columns, inputs, previous.targets) != previous.spec
        or settings.resolved.scaling != inputs.scaling
        or loss != settings.loss_text
        or not _selects_as_before(settings, inputs)
        or not np.array_equal(
            np.asarray(settings.params.categorical_features, object),
            np.asarray(columns.categorical_features, object),
        )
    ):
        raise ValueError(
            f"The network that {settings.owner} has begun to train is not the one that "
            "its parameters now describe (hidden_layer_sizes, activation, dropout, batch_norm, "
            "scaling, categorical_features, n_features_to_select, one_hot_max_size, "
            "numeric_embedding, n_members, parametrization, blend, preset, loss, quantile or dtype "
            "was changed): set them back, or start anew with fit and warm_start=False."
        )


def _selects_as_before(settings: Settings, inputs: Inputs) -> bool:
    """Return whether as many numeric columns are to be used as are used."""
    wanted, n_used = settings.resolved.get("n_features_to_select"), len(inputs.numbers)
    if inputs.selects:
        return bool(wanted == n_used)
    return wanted is None or (not is_auto(wanted) and wanted >= n_used)


def _numeric_embedding(name: str, n_columns: int) -> NumericEmbedding:
    if name == "periodic":
        return Periodic("periodic", n_columns, _FREQUENCIES)
    n_bins = max(2, min(_MOST_BINS, _ALL_BINS // n_columns))
    return PiecewiseLinear("piecewise_linear", n_columns, n_bins)


def _padded(size: int) -> int:
    """Return the number of categories of an embedded column, rounded up if above 16.

    The rounded number is a multiple of p / 8, where p is the largest power of two that is not above
    the original number. Therefore, a training set without a rare category usually leads to the same
    shapes of network weights as a training set with this category.
    """
    step = 1 if size <= _STEP else 2 ** (size.bit_length() - 4)
    return -(-size // step) * step
