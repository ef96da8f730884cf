"""The variables of an optimizer, their initial values, and the averages of network weights."""

from typing import Any

import numpy as np

from skdnn._utils.keras_internals import weight_averages
from skdnn._utils.overrides import overrides
from skdnn._utils.tensorflow import keras


def build_optimizer(optimizer: Any, model: Any) -> list[np.ndarray | int]:
    """Build the variables of an optimizer, and return the initial value of each variable.

    Some optimizers, such as schedule-free optimizers, initialise a variable with the value of a
    network weight. The function detects such variables by setting the network weights to unique
    random values.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        An optimizer that is not built yet.
    model : keras.Model
        The model to train. The trainable weights of the model are set to random values.

    Returns
    -------
    list of ndarray or int
        One entry for each variable of the optimizer. An entry is the initial value of the variable,
        or an int if the initial value is that of a network weight. The int is the position of the
        network weight in `model.weights`.
    """
    rng = np.random.default_rng(0)
    variables = model.trainable_variables
    marks = [rng.uniform(1, 2, v.shape).astype(v.dtype) for v in variables]
    for variable, mark in zip(variables, marks, strict=True):
        variable.assign(mark)
    optimizer.build(variables)
    positions = {id(v): i for i, v in enumerate(model.weights)}
    starts: list[np.ndarray | int] = []
    for slot in optimizer.variables:
        value = np.array(slot.numpy())
        same = [v for v, m in zip(variables, marks, strict=True) if np.array_equal(m, value)]
        starts.append(positions[id(same[0])] if same else value)
    return starts


def averaged_pairs(
    optimizer: Any, trainable: list[Any], variables: list[Any]
) -> list[tuple[int, int]]:
    """Return pairs of positions in `variables`, of a network weight and of its moving average.

    The list is empty unless the optimizer averages network weights.
    """
    if not optimizer.use_ema:
        return []
    positions = {id(v): i for i, v in enumerate(variables)}
    pairs = zip(trainable, weight_averages(optimizer), strict=True)
    return [(positions[id(weight)], positions[id(average)]) for weight, average in pairs]


def sets_final_weights(optimizer: Any) -> bool:
    """Return whether an optimizer overrides the method that computes the final network weights."""
    return overrides(optimizer, keras.optimizers.Optimizer, "finalize_variable_values")
