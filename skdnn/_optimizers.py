"""Keras optimizers whose step is one kernel of TensorFlow instead of a dozen small operations.

The formulas are Keras's own; the kernels compute the same ones in one pass over memory.
"""

from typing import Any

from skdnn._keras import keras, tf


class _FusedAdam:
    """Adam's step (Kingma & Ba 2015, algorithm 1, in the order of computation of section 2)."""

    def _apply_weight_decay(self: Any, variables: Any) -> None:
        if self.weight_decay is None:
            return
        # A step of gradient descent down the variable itself: two operations instead of six.
        for variable in filter(self._use_weight_decay, variables):
            rate, decay = (
                tf.cast(x, variable.dtype) for x in (self.learning_rate, self.weight_decay)
            )
            tf.raw_ops.ResourceApplyGradientDescent(
                var=_handle(variable), alpha=rate * decay, delta=tf.convert_to_tensor(variable)
            )

    def _backend_update_step(
        self: Any, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        if any(isinstance(gradient, tf.IndexedSlices) for gradient in grads):
            # Of rows that come twice Keras squares each gradient, and the kernel their sum.
            super()._backend_update_step(grads, trainable_variables, learning_rate)  # type: ignore[misc]
            return
        dtype = grads[0].dtype
        step = tf.cast(self.iterations + 1, dtype)
        # A cast loses digits of constants in float64; Keras casts only where it takes powers.
        betas = [tf.constant(beta, dtype) for beta in (self.beta_1, self.beta_2)]
        powers = [tf.pow(tf.cast(beta, dtype), step) for beta in (self.beta_1, self.beta_2)]
        rate, epsilon = tf.cast(learning_rate, dtype), tf.constant(self.epsilon, dtype)
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            index = self._get_variable_index(variable)
            tf.raw_ops.ResourceApplyAdam(
                var=_handle(variable),
                m=_handle(self._momentums[index]),
                v=_handle(self._velocities[index]),
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=betas[0],
                beta2=betas[1],
                epsilon=epsilon,
                grad=gradient,
            )


class _FusedMomentum:
    """The step of SGD with momentum (Sutskever et al. 2013, equations 1 to 4)."""

    def _backend_update_step(
        self: Any, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        dtype = grads[0].dtype
        rate, momentum = tf.cast(learning_rate, dtype), tf.cast(self.momentum, dtype)
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=_handle(variable),
                accum=_handle(self.momentums[self._get_variable_index(variable)]),
                lr=rate,
                grad=gradient,
                momentum=momentum,
                use_nesterov=self.nesterov,
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


def fused(kind: type, config: dict[str, Any]) -> Any:
    """Return the twin of an optimizer class, where it has one for a configuration; else itself.

    Parameters
    ----------
    kind : type
        A Keras class, or one of the user's own, which is given back as it is.
    config : dict
        Its configuration.
    """
    if kind not in _TWINS:
        return kind
    setting, needed, twin = _TWINS[kind]
    return twin if bool(config[setting]) == needed else kind
