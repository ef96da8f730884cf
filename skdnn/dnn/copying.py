"""Clones and pickles of the DNN estimators, whose parameters may be objects of Keras."""

import copy
import inspect
from typing import Any, Self

from sklearn.base import clone

from skdnn._utils.boolean_keys import with_plain_dicts, with_wrapped_dicts
from skdnn._utils.callback_copies import clone_callbacks
from skdnn._utils.keras_losses import LossPickle, is_keras_loss
from skdnn._utils.keras_optimizers import OptimizerPickle, is_plain_optimizer
from skdnn._utils.pickle_version import SAVE_FILE, checked_version, with_version
from skdnn.dnn.typed_estimator import TypedEstimator


class CopyableEstimator(TypedEstimator):
    """Base class that clones and pickles an estimator with its loss, optimizer and callbacks."""

    loss: Any
    optimizer: Any
    callbacks: Any

    def __sklearn_clone__(self) -> Self:
        # Clones share a loss, because Keras's copy may lose settings, and what callbacks refer to.
        bare = copy.copy(self)
        bare.loss, bare.callbacks = "auto", None
        copied: Self = super(CopyableEstimator, bare).__sklearn_clone__()
        copied.loss = self.loss if is_keras_loss(self.loss) else clone(self.loss, safe=False)
        copied.callbacks = clone_callbacks(self.callbacks)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        # Callbacks may hold open files, which no other process could use.
        state = with_wrapped_dicts(with_version(super().__getstate__()))
        state.pop("callbacks_", None)
        if is_plain_optimizer(self.optimizer):
            state["optimizer"] = OptimizerPickle(self.optimizer)
        return {**state, "loss": LossPickle(self.loss)} if is_keras_loss(self.loss) else state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = with_plain_dicts(checked_version(state, type(self).__name__, SAVE_FILE))
        loss, optimizer = state.get("loss"), state.get("optimizer")
        if type(optimizer) is OptimizerPickle:
            state["optimizer"] = optimizer.optimizer
        if type(loss) is LossPickle:
            state["loss"] = loss.loss
        # A pickle of an earlier version lacks the parameters that were added since.
        constructor = inspect.signature(type(self).__init__).parameters
        defaults = {name: x.default for name, x in constructor.items() if x.default is not x.empty}
        super().__setstate__({**defaults, **state})
