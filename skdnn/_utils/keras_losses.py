"""Keras losses as parameters of an estimator, with settings that Keras's configuration lacks.

`get_config` of some losses omits settings, such as the delta of Huber's loss. Losses have no state,
so that clones of an estimator share a loss, and a pickle holds all attributes of a loss.

Keras is not imported, because no loss object exists before Keras is imported. Losses of Keras are
recognised by name and module, because the module of a public name differs between versions.
"""

from collections.abc import Callable
from functools import partial
from inspect import isclass, isfunction
from typing import Any

from skdnn._utils.user_code import in_the_open, opened

# What losses of Keras compare with the outputs of a classifier (see `loss_kind`), by the name of
# the function or class, in lower case without underscores.
_KINDS = {
    "sparsecategoricalcrossentropy": "indices",
    "categoricalgeneralizedcrossentropy": "flat indices",
    "categoricalcrossentropy": "categorical",
    "categoricalfocalcrossentropy": "categorical",
    "categoricalhinge": "categorical",
    "kldivergence": "categorical",
    "binarycrossentropy": "binary",
    "binaryfocalcrossentropy": "binary",
    "hinge": "hinge",
    "squaredhinge": "hinge",
}
INDICES = ("indices", "flat indices")
# The kinds of losses for exactly one class in each row.
ONE_CLASS = (*INDICES, "categorical")
_BASES = ("Loss", "LossFunctionWrapper")


def loss_kind(loss: Any) -> str:
    """Return what a loss compares with the outputs of a classifier.

    A user-defined loss may have an attribute `takes_class_indices`, which takes precedence.

    Parameters
    ----------
    loss : function, functools.partial, Keras loss or class of losses
        The loss. Its name matters only if the loss is one of Keras's.

    Returns
    -------
    {"indices", "flat indices", "categorical", "binary", "hinge", "elementwise", "own"}
        "indices" for class indices of shape (n_rows,) or (n_rows, 1), "flat indices" for class
        indices of shape (n_rows,) alone, "categorical" for one-hot rows with one class per row,
        "binary" for one 0 or 1 per output, "hinge" for the same and scores from -1 to 1,
        "elementwise" for any other loss of Keras, and "own" for a user-defined loss.
    """
    if isinstance(loss, partial):
        return loss_kind(loss.func)
    takes_indices = getattr(loss, "takes_class_indices", None)
    if takes_indices is not None:
        return "indices" if takes_indices else "elementwise"
    if isfunction(getattr(loss, "fn", None)):  # a Keras loss that wraps a function
        return loss_kind(loss.fn)
    name = _name_in_keras(loss)
    return "own" if name is None else _KINDS.get(name.replace("_", "").lower(), "elementwise")


def _name_in_keras(loss: Any) -> str | None:
    """Return the name of a function of Keras, or of the nearest class of Keras among the bases."""
    if isfunction(loss):
        candidates: tuple[Any, ...] = (loss,)
    else:
        candidates = (loss if isclass(loss) else type(loss)).__mro__
    for candidate in candidates:
        if is_of_keras(candidate) and candidate.__name__ not in _BASES:
            return str(candidate.__name__)
    return None


def is_of_keras(value: Any) -> bool:
    """Return whether a class or function is defined by Keras."""
    return str(value.__module__).partition(".")[0] == "keras"


def takes_logits(loss: Any) -> bool:
    """Return whether a loss has `from_logits=True`."""
    if isinstance(loss, partial):
        return bool(loss.keywords.get("from_logits", takes_logits(loss.func)))
    return bool(getattr(loss, "from_logits", False))


def is_keras_loss(value: Any) -> bool:
    """Return whether a value is a Keras loss object."""
    return any(cls.__name__ == "Loss" and is_of_keras(cls) for cls in type(value).__mro__)


class LossPickle:
    """Wrapper of a Keras loss in a pickle of an estimator. Unpickling returns an equal loss.

    Parameters
    ----------
    loss : keras.losses.Loss
        The loss.
    """

    def __init__(self, loss: Any):
        self.loss = loss

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, dict[str, Any]]]:
        attributes = {name: in_the_open(value) for name, value in vars(self.loss).items()}
        return _restored_loss, (in_the_open(type(self.loss)), attributes)


def _restored_loss(cls: Any, attributes: dict[str, Any]) -> Any:
    loss: Any = object.__new__(opened(cls))
    loss.__dict__.update({name: opened(value) for name, value in attributes.items()})
    return loss
