"""The state that training starts from: weights that are drawn, or read off training rows."""

from typing import Any

import numpy as np

from skdnn._data.preprocessing import Inputs
from skdnn._data.table import Columns
from skdnn._data.targets import Targets
from skdnn._network.initial_constants import bins, frequencies, one_hot, robust_scale
from skdnn._network.spec import NetworkSpec, OneHot, Periodic, PiecewiseLinear, SmoothClip, State
from skdnn.dnn.architecture import split_categories
from skdnn.dnn.settings import Settings

_SAMPLE = 2**25  # values of the rows that the weights of layers are read off


def initial_state(
    settings: Settings,
    spec: NetworkSpec,
    X: Any,
    rows: np.ndarray,
    columns: Columns,
    inputs: Inputs,
    targets: Targets,
    rng: np.random.Generator,
) -> State:
    """Draw the weights of a network.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    spec : NetworkSpec
        The network.
    X : ndarray or CSR matrix of shape (n_samples, n_inputs)
        Numbers, and codes of categories.
    rows : ndarray of int
        The rows to train on.
    columns, inputs, targets
        Fitted on these rows.
    rng : numpy.random.Generator
        Draws the weights.
    """
    from skdnn._network.keras_model import initial_weights

    constants = _read_constants(settings, spec, X, rows, columns, inputs, rng)
    body = spec.without_mean()
    weights = initial_weights(
        body, settings.resolved.kernel_initializer, rng, settings.owner, constants
    )
    for layer, _, bias in body.outputs:
        start = np.asarray(targets.start / layer.bias_gain)
        weights[bias] += start.astype(spec.dtype)
    return State(weights)


def _read_constants(
    settings: Settings,
    spec: NetworkSpec,
    X: Any,
    rows: np.ndarray,
    columns: Columns,
    inputs: Inputs,
    rng: np.random.Generator,
) -> dict[type, list[np.ndarray]]:
    """Return what layers start from that is read off the training rows."""
    constants: dict[type, list[np.ndarray]] = {}
    layers = {type(row.layer): row.layer for row in spec.rows()}
    if OneHot in layers:
        few, _ = split_categories(settings, columns)
        sizes = [columns.sizes[i] for i in few]
        one_hot_layer: Any = layers[OneHot]
        constants[OneHot] = one_hot(sizes, one_hot_layer.width)
    if Periodic in layers:
        periodic: Any = layers[Periodic]
        shape = periodic.n_columns, periodic.n_frequencies
        constants[Periodic] = frequencies(*shape, rng)
    if {PiecewiseLinear, SmoothClip} & set(layers):
        sample = rows[:: -(-len(rows) // max(1000, _SAMPLE // spec.n_inputs))]
        numbers = inputs.fetch_from(X, "float64")(sample)
        numbers = numbers[:, : len(inputs.numbers)]
        if PiecewiseLinear in layers:
            binned: Any = layers[PiecewiseLinear]
            constants[PiecewiseLinear] = bins(numbers, binned.n_bins)
        if SmoothClip in layers:
            constants[SmoothClip] = robust_scale(numbers)
    return constants
