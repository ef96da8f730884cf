"""The variables of an optimizer: what they start from, and which average the weights."""

from typing import Any

import numpy as np

from skdnn._utils.keras_internals import weight_averages
from skdnn._utils.tensorflow import keras


def build_optimizer(optimizer: Any, model: Any) -> list[np.ndarray | int]:
    """Make the variables of an optimizer, and return what each of them starts from.

    Some optimizers (schedule-free ones) start a variable of theirs at the weights. They are found
    by giving the weights values that nothing else has.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Not built yet.
    model : keras.Model
        Its trainable weights get random values.

    Returns
    -------
    list of ndarray or int
        One entry for each variable of the optimizer: an array, or the position in `model.weights`
        of the weight whose value it starts from.
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
    """Return the position of each averaged weight in `variables`, and that of its average."""
    if not optimizer.use_ema:
        return []
    positions = {id(v): i for i, v in enumerate(variables)}
    pairs = zip(trainable, weight_averages(optimizer), strict=True)
    return [(positions[id(weight)], positions[id(average)]) for weight, average in pairs]


def sets_final_weights(optimizer: Any) -> bool:
    """Whether a user's own optimizer computes the weights to predict with after training."""
    kind, base = type(optimizer), keras.optimizers.Optimizer
    return kind.finalize_variable_values is not base.finalize_variable_values
