"""The error for a network whose loss or weights are no longer finite."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from skdnn._training.training_job import divergence_error
from skdnn.wrappers.scikeras_compat import as_array, keras


def advice_on_divergence(model: keras.Model) -> str:
    """Return what to do if training diverges, with the learning rate of the optimizer."""
    try:
        rate = f"; it was {float(as_array(model.optimizer.learning_rate)):.3g}"
    except (AttributeError, TypeError, ValueError):  # a user-defined optimizer
        rate = ""
    return (
        f"Lower the learning rate (optimizer__learning_rate{rate}), or scale X, and numeric "
        "targets y, with StandardScaler."
    )


class RequireFiniteLoss(keras.callbacks.Callback):
    """Callback that raises an error at the end of the first epoch whose loss is not finite."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Raise an error if the loss of the epoch is not finite."""
        if not _is_finite((logs or {}).get("loss", 0.0)):
            raise divergence_error(epoch + 1, advice_on_divergence(self.model))


def check_finite(
    model: keras.Model, history: Mapping[str, Sequence[float]], initial_epoch: int
) -> None:
    """Raise an error if a loss in the history or a trained weight of the network is not finite.

    The last step changes the weights after the last loss was computed.

    Parameters
    ----------
    model : keras.Model
        The trained network.
    history : dict of list of float
        Values per epoch, by Keras's names of the loss and the metrics.
    initial_epoch : int
        Index of the first epoch of the history.
    """
    losses = history.get("loss", [])
    for epoch, loss in enumerate(losses, start=initial_epoch + 1):
        if not _is_finite(loss):
            raise divergence_error(epoch, advice_on_divergence(model))
    if not all(np.isfinite(as_array(w)).all() for w in model.trainable_variables):
        raise divergence_error(initial_epoch + len(losses), advice_on_divergence(model))


def _is_finite(loss: Any) -> bool:
    return isfinite(np.mean(np.asarray(loss, dtype=np.float64)))
