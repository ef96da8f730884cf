"""Keras optimizers whose step is one kernel of TensorFlow instead of a dozen small operations.

The formulas are Keras's own; the kernels compute the same ones in one pass over memory.
"""

from typing import Any

from skdnn._keras import keras, tf


def _power(beta: float, step: Any, dtype: Any) -> Any:
    return tf.pow(tf.cast(beta, dtype), step)


class _FusedAdam:
    """One step of Adam (Kingma & Ba 2015, algorithm 1, with section 2's order of computation)."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable in place."""
        dtype = variable.dtype
        step = tf.cast(self.iterations + 1, dtype)  # type: ignore[attr-defined]
        index = self._get_variable_index(variable)  # type: ignore[attr-defined]
        slots = [getattr(self, name)[index] for name in ("_momentums", "_velocities")]
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(slots[0]),
            v=_handle(slots[1]),
            beta1_power=_power(self.beta_1, step, dtype),  # type: ignore[attr-defined]
            beta2_power=_power(self.beta_2, step, dtype),  # type: ignore[attr-defined]
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),  # type: ignore[attr-defined]
            beta2=tf.cast(self.beta_2, dtype),  # type: ignore[attr-defined]
            epsilon=tf.cast(self.epsilon, dtype),  # type: ignore[attr-defined]
            grad=tf.cast(gradient, dtype),
        )


class _FusedMomentum:
    """One step of SGD with momentum (Sutskever et al. 2013, equations 1 to 4)."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable in place."""
        dtype = variable.dtype
        index = self._get_variable_index(variable)  # type: ignore[attr-defined]
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=_handle(variable),
            accum=_handle(self.momentums[index]),  # type: ignore[attr-defined]
            lr=tf.cast(learning_rate, dtype),
            grad=tf.cast(gradient, dtype),
            momentum=tf.cast(self.momentum, dtype),  # type: ignore[attr-defined]
            use_nesterov=self.nesterov,  # type: ignore[attr-defined]
        )


def _handle(variable: Any) -> Any:
    # A Keras variable holds TensorFlow's as its value.
    return getattr(variable, "_value", variable).handle


class Adam(_FusedAdam, keras.optimizers.Adam):
    """`keras.optimizers.Adam` without `amsgrad`."""


class AdamW(_FusedAdam, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW` without `amsgrad`."""


class SGD(_FusedMomentum, keras.optimizers.SGD):
    """`keras.optimizers.SGD` with momentum."""


# The class, which setting must be on or off for its kernel to compute the same, and its twin.
_TWINS: dict[type, tuple[str, bool, type]] = {
    keras.optimizers.Adam: ("amsgrad", False, Adam),
    keras.optimizers.AdamW: ("amsgrad", False, AdamW),
    keras.optimizers.SGD: ("momentum", True, SGD),
}


def fused(optimizer: Any) -> Any:
    """Return the twin of a new optimizer, where it has one; else the optimizer itself.

    Parameters
    ----------
    optimizer : keras.optimizers.Optimizer
        Not built yet. A subclass of the user's own is given back as it is.
    """
    setting, needed, twin = _TWINS.get(type(optimizer), ("", False, type(None)))
    if twin is type(None) or bool(getattr(optimizer, setting)) != needed:
        return optimizer
    return twin.from_config(optimizer.get_config())  # type: ignore[attr-defined]
