"""Keras losses as parameters of an estimator, with settings that Keras's configuration lacks.

`get_config` of some losses omits settings, such as the delta of Huber's loss. Losses have no state,
so that clones of an estimator share a loss, and a pickle holds all attributes of a loss.

Keras is not imported, because no loss object exists before Keras is imported.
"""

from collections.abc import Callable
from typing import Any


def is_keras_loss(value: Any) -> bool:
    """Return whether a value is a Keras loss object."""
    # By name, because the module of the public name differs between versions of Keras.
    return any(
        cls.__name__ == "Loss" and cls.__module__.partition(".")[0] == "keras"
        for cls in type(value).__mro__
    )


class LossPickle:
    """Wrapper of a Keras loss in a pickle of an estimator. Unpickling returns an equal loss.

    Parameters
    ----------
    loss : keras.losses.Loss
        The loss.
    """

    def __init__(self, loss: Any):
        self.loss = loss

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[type, dict[str, Any]]]:
        return _restored_loss, (type(self.loss), vars(self.loss))


def _restored_loss(cls: type, attributes: dict[str, Any]) -> Any:
    loss: Any = object.__new__(cls)
    loss.__dict__.update(attributes)
    return loss
