"""The initial state of training: network weights that are random or fitted on training rows."""

from typing import Any

import numpy as np

from skdnn._data.preprocessing import Inputs
from skdnn._data.table import Columns
from skdnn._data.targets import Targets
from skdnn._network.initial_weights import initial_weights
from skdnn._network.layers import TrainingSample
from skdnn._network.spec import NetworkSpec, State
from skdnn.dnn.architecture import split_categories
from skdnn.dnn.settings import Settings

_SAMPLE = 2**25  # maximum number of values of the rows on which weights are fitted


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
    """Return a state with the initial weights of a network.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    spec : NetworkSpec
        The network.
    X : ndarray or CSR matrix of shape (n_samples, n_inputs)
        Numbers and category codes.
    rows : ndarray of int
        Indices of the training rows.
    columns : Columns
        The encoder of the categorical columns, fitted on the training rows.
    inputs : Inputs
        The preprocessing, fitted on the training rows.
    targets : Targets
        The encoding of y, fitted on the training rows.
    rng : numpy.random.Generator
        Random number generator of the initial weights.
    """

    def numbers() -> np.ndarray:
        sample = rows[:: -(-len(rows) // max(1000, _SAMPLE // spec.n_inputs))]
        return inputs.fetch_from(X, "float64")(sample)[:, : len(inputs.numbers)]

    few, _ = split_categories(settings, columns)
    sample = TrainingSample(numbers, [columns.sizes[i] for i in few])
    body = spec.without_mean()
    initializer = settings.resolved.kernel_initializer
    weights = initial_weights(body, initializer, rng, settings.owner, sample)
    for layer, _, bias in body.outputs:
        start = np.asarray(targets.start / layer.bias_gain)
        weights[bias] += start.astype(spec.dtype)
    return State(weights)
