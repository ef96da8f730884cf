"""The trained network <-> a record and arrays: its layers, weights and calibration."""

from math import prod
from typing import Any

import numpy as np

from skdnn._data.preprocessing import Inputs
from skdnn._data.table import Columns
from skdnn._data.targets import Classes, Labels, NumericTargets, Quantile, Targets
from skdnn._network.spec import NetworkSpec, State
from skdnn.dnn.fitted import FittedNetwork
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import Fields
from skdnn.persistence.layer_records import MOST_LAYERS, layer_record, read_layers
from skdnn.persistence.network_checks import check_layers, check_one_hot

_DTYPES = ("float32", "float64")
_MOST_DIMENSIONS = 32
_ROUNDING = 1e-9  # of a sum of ensemble weights


def network_record(
    network: FittedNetwork, owner: str, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Return the record of a network, and add its arrays to those of the file.

    Parameters
    ----------
    network : FittedNetwork
        The network.
    owner : str
        The name of the estimator, for errors.
    arrays : dict of ndarray
        The arrays of the file.
    """
    spec = network.spec
    for i, weight in enumerate(network.state.weights):
        arrays[f"network.weights[{i}]"] = weight
    for name in ("temperatures", "ensemble_weights", "residual_variance"):
        value = getattr(network, name)
        if value is not None:
            arrays[f"network.{name}"] = np.asarray(value, np.float64)
    return {
        "dtype": spec.dtype,
        "input_shape": list(map(int, spec.input_shape)),
        "layers": [layer_record(layer, owner) for layer in spec.layers],
    }


def read_network(
    fields: Fields, columns: Columns, inputs: Inputs, targets: Targets
) -> FittedNetwork:
    """Return the network, which fits the preprocessing and the targets."""
    dtype = fields.choice("dtype", _DTYPES)
    shape = fields.integers("input_shape", 1)
    if shape != inputs.shape:
        raise fields.error("input_shape", list(shape), f"{list(inputs.shape)} is expected")
    layers = read_layers(fields.records("layers", MOST_LAYERS), inputs)
    if not layers:
        raise fields.error("layers", [], "a layer is expected")
    spec = NetworkSpec(shape, layers, dtype)
    check_layers(spec, columns, inputs, targets)
    weights = _read_weights(fields, spec)
    check_one_hot(spec, columns, inputs, weights)
    network = FittedNetwork(
        columns, inputs, targets, spec, State(weights), **_read_calibration(fields, spec, targets)
    )
    fields.end()
    return network


def _read_weights(fields: Fields, spec: NetworkSpec) -> list[np.ndarray]:
    shapes = [shape for _, _, shapes in spec.without_mean().walk() for shape in shapes]
    names = [f"weights[{i}]" for i in range(len(shapes))]
    return [fields.array(n, spec.dtype, shape) for n, shape in zip(names, shapes, strict=True)]


def _read_calibration(
    fields: Fields, spec: NetworkSpec, targets: Targets
) -> dict[str, np.ndarray | None]:
    found: dict[str, np.ndarray | None] = {}
    is_mean = isinstance(targets, NumericTargets) and not isinstance(targets, Quantile)
    if fields.has_array("temperatures"):
        if not isinstance(targets, Classes | Labels):
            raise InvalidFileError("the array 'network.temperatures' is for classifiers")
        shape = (len(spec.outputs),)
        found["temperatures"] = fields.array("temperatures", "float64", shape, least=1e-3, most=1e3)
    if fields.has_array("ensemble_weights"):
        weights = fields.array("ensemble_weights", "float64", (spec.n_members,), least=0, most=1)
        if abs(weights.sum() - 1) > _ROUNDING:
            raise InvalidFileError("the array 'network.ensemble_weights' has not the sum 1")
        found["ensemble_weights"] = weights
    if fields.has_array("residual_variance"):
        if not is_mean:
            raise InvalidFileError("the array 'network.residual_variance' is for predicted means")
        shape = (targets.n_outputs,)
        found["residual_variance"] = fields.array("residual_variance", "float64", shape, least=0)
    return found


def n_parameters(spec: NetworkSpec) -> int:
    """Return the number of values in all weights of a network."""
    return sum(prod(shape) for _, _, shapes in spec.walk() for shape in shapes)
