"""The state that training starts from: weights that are drawn, or read off training rows."""

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
