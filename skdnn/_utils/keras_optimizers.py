"""Keras optimizers as parameters, in the state of an estimator."""

from typing import Any

from skdnn._utils.keras_losses import is_of_keras
from skdnn._utils.user_code import in_the_open, opened


class OptimizerPickle:
    """Wrapper of a Keras optimizer in the state of an estimator.

    Its own state is the class and the settings. An optimizer that is a parameter is never trained
    with, and skops cannot write its variables.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        The optimizer.
    """

    def __init__(self, optimizer: Any):
        self.optimizer = optimizer

    def __getstate__(self) -> dict[str, Any]:
        from skdnn._utils.keras_internals import learning_rate_rule

        config = self.optimizer.get_config()
        rule = learning_rate_rule(self.optimizer)
        if rule is not None:  # a schedule or a function, of which Keras would save the name
            config["learning_rate"] = rule
        return {"kind": in_the_open(type(self.optimizer)), "config": config}

    def __setstate__(self, state: dict[str, Any]) -> None:
        config = state["config"]
        if any(isinstance(value, dict) for value in config.values()):
            # Keras would import what such a dict names.
            raise ValueError("The settings of a saved optimizer hold no dict.")
        self.optimizer = opened(state["kind"]).from_config(config)


def is_plain_optimizer(value: Any) -> bool:
    """Return whether a value is a Keras optimizer, and none that wraps another one."""
    is_one = any(cls.__name__ == "Optimizer" and is_of_keras(cls) for cls in type(value).__mro__)
    return is_one and not hasattr(value, "inner_optimizer")
