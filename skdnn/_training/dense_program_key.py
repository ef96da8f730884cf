"""The key of the compiled program of a `NetworkSpec`, and the numbers passed to the program.

This module does not import TensorFlow.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skdnn._network.spec import NetworkSpec

if TYPE_CHECKING:
    from skdnn._training.losses import LossSpec
    from skdnn._training.optimizers import OptimizerSpec


@dataclass(frozen=True)
class ProgramKey:
    """The settings that determine a compiled program. They are the key in the program cache.

    All other values are data, which may change without compilation. Data are the learning rate and
    the learning-rate schedule, network weights, seeds, rows, the batch size, the number of epochs,
    scaling, class weights, quantile levels, and the hyperparameters in `Constants`.
    """

    spec: NetworkSpec
    optimizer: "OptimizerSpec"
    loss: "str | LossSpec"  # a key of `LOSSES`, or another loss
    metric: str  # a key of `METRICS`
    y_dtype: str
    y_ndim: int
    weighted: bool  # whether rows have sample weights
    penalized: bool  # whether the loss has an L2 penalty
    scheduled: bool = False  # whether each step receives a learning rate
    smoothed: bool = False  # whether labels are smoothed in training
    tempered: bool = False  # whether an evaluation also returns losses at `TEMPERATURES`
    by_member: bool = False  # whether each ensemble member is evaluated on a fold of its own

    @property
    def n_folds(self) -> int:
        """The number of folds if the key is `by_member`. Member i has fold i % n_folds."""
        return self.spec.n_members // len(self.spec.outputs) if self.by_member else 1


class Constants(NamedTuple):
    """The numbers that are passed to a program with each call and are constant during a fit.

    Attributes
    ----------
    unit, center : array of shape (n_outputs,) or (1,)
        The scale and the offset of the targets. A network trains on scaled targets. If the output
        activation is linear, the output times `unit` plus `center` is the prediction in the
        original units of y.
    alpha : float
        The strength of the L2 penalty.
    levels : array of shape (n_levels,)
        The quantile levels.
    clipnorm, weight_decay, ema_momentum, label_smoothing : float
        The estimator parameters of the same names. The key of the program determines whether a
        value is used.
    first_member : float
        The position, in the whole ensemble, of the first ensemble member of each architecture.
        Greater than 0 if a program trains a part of an ensemble.
    """

    unit: Any
    alpha: Any
    center: Any = (0.0,)
    levels: Any = (0.5,)
    clipnorm: Any = 0.0
    weight_decay: Any = 0.0
    ema_momentum: Any = 0.0
    label_smoothing: Any = 0.0
    first_member: Any = 0.0


# The temperatures by which logits are divided before the cross-entropies of an evaluation.
TEMPERATURES = tuple(2.0 ** np.linspace(-2, 2, 9))

VECTORS = ("unit", "center", "levels")  # constants with one dimension
