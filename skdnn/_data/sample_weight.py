"""Sample weights and class weights that float32 can hold."""

from typing import Any

import numpy as np

_GREAT = 1e30  # sums of greater weights might overflow in float32


def within_float32(weight: np.ndarray) -> np.ndarray:
    """Return weights that float32 can hold, divided by their maximum if it is extreme.

    Only the ratios of weights matter, because weights are divided by their mean.
    """
    greatest = np.abs(weight).max()
    return weight if 1 / _GREAT < greatest < _GREAT else weight / greatest


def check_class_weights(class_weight: Any, owner: str) -> Any:
    """Return class weights that float32 can hold, or raise an error if they are no weights.

    Anything but a dict is returned unchanged.
    """
    if not isinstance(class_weight, dict):
        return class_weight
    try:
        values = np.array(list(class_weight.values()), np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.full(1, np.nan)
    if not np.all(values >= 0) or not np.isfinite(values).all():
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must hold finite weights that are not "
            f"negative. Got {class_weight!r} instead."
        )
    greatest = values.max(initial=0)
    if not greatest or 1 / _GREAT < greatest < _GREAT:
        return class_weight
    return {label: value / greatest for label, value in class_weight.items()}
