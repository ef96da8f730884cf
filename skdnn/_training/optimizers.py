"""Optimizers: from what a user names to a Keras optimizer, and faster steps for Adam and SGD.

A fused step is one kernel of TensorFlow instead of a dozen small operations. It computes
Keras's own formulas in one pass over memory.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from typing import Any

from skdnn._network.activations import _OPTIONS, _classes
from skdnn._utils.keras_internals import (
    Decay,
    Step,
    adam_slots,
    learning_rate_rule,
    slot,
    tf_variable,
    uses_weight_decay,
    with_step,
)
from skdnn._utils.tensorflow import keras, tf
from skdnn._utils.text import unknown


def _step_of_adam(optimizer: Any, gradients: Any, variables: Any, learning_rate: Any) -> bool:
    """Take Adam's step (Kingma & Ba 2015, algorithm 1, in the order of section 2)."""
    if any(isinstance(gradient, tf.IndexedSlices) for gradient in gradients):
        # Of rows that come twice Keras squares each gradient, and the kernel their sum.
        return False
    moments = adam_slots(optimizer)
    if moments is None:
        return False
    dtype = gradients[0].dtype
    step = tf.cast(optimizer.iterations + 1, dtype)
    # A cast loses digits of constants in float64; Keras casts only where it takes powers.
    decays = optimizer.beta_1, optimizer.beta_2
    betas = [tf.constant(beta, dtype) for beta in decays]
    powers = [tf.pow(tf.cast(beta, dtype), step) for beta in decays]
    rate, epsilon = tf.cast(learning_rate, dtype), tf.constant(optimizer.epsilon, dtype)
    for gradient, variable in zip(gradients, variables, strict=True):
        first, second = (slot(optimizer, slots, variable) for slots in moments)
        tf.raw_ops.ResourceApplyAdam(
            var=tf_variable(variable).handle,
            m=tf_variable(first).handle,
            v=tf_variable(second).handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=betas[0],
            beta2=betas[1],
            epsilon=epsilon,
            grad=gradient,
        )
    return True


def _decay(optimizer: Any, variables: Any) -> None:
    """Let variables decay (Loshchilov & Hutter 2019, algorithm 2, line 12)."""
    if optimizer.weight_decay is None:
        return
    # A step of gradient descent down the variable itself: two operations instead of six.
    for variable in variables:
        if uses_weight_decay(optimizer, variable):
            rate, decay = (
                tf.cast(x, variable.dtype)
                for x in (optimizer.learning_rate, optimizer.weight_decay)
            )
            tf.raw_ops.ResourceApplyGradientDescent(
                var=tf_variable(variable).handle,
                alpha=rate * decay,
                delta=tf.convert_to_tensor(variable),
            )


def _step_with_momentum(optimizer: Any, gradients: Any, variables: Any, learning_rate: Any) -> bool:
    """Take the step of SGD with momentum (Sutskever et al. 2013, equations 1 to 4)."""
    dtype = gradients[0].dtype
    rate, momentum = tf.cast(learning_rate, dtype), tf.cast(optimizer.momentum, dtype)
    for gradient, variable in zip(gradients, variables, strict=True):
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=tf_variable(variable).handle,
            accum=tf_variable(slot(optimizer, optimizer.momentums, variable)).handle,
            lr=rate,
            grad=gradient,
            momentum=momentum,
            use_nesterov=optimizer.nesterov,
        )
    return True


# The class, which of its settings must be on or off for the kernels to compute the same, the step,
# and the weight decay.
_STEPS: list[tuple[type, str, bool, Step, Decay | None]] = [
    (keras.optimizers.Adam, "amsgrad", False, _step_of_adam, _decay),
    (keras.optimizers.AdamW, "amsgrad", False, _step_of_adam, _decay),
    (keras.optimizers.SGD, "momentum", True, _step_with_momentum, None),
]
_FUSED = {
    kind: (setting, needed, with_step(kind, step, decay))
    for kind, setting, needed, step, decay in _STEPS
}


def fused(kind: type, config: dict[str, Any]) -> Any:
    """Return the class with a fused step for an optimizer class, where one computes the same.

    Parameters
    ----------
    kind : type
        A class of Keras or of the user's own.
    config : dict
        Its configuration.

    Returns
    -------
    type
        A subclass of `kind`, or `kind` itself.
    """
    if kind not in _FUSED:
        return kind
    setting, needed, faster = _FUSED[kind]
    return faster if bool(config[setting]) == needed else kind


# Names that courses use and Keras has no class for: its class, and what it is given.
OPTIMIZER_ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
}


# The base class, and classes that wrap other optimizers.
_NO_OPTIMIZERS = {"lossscaleoptimizer", "multioptimizer", "optimizer", "optimizermap"}


@dataclass(frozen=True)
class OptimizerSpec:
    """How to make an optimizer, and which of its settings a compiled program depends on.

    Parameters
    ----------
    kind : type
        The Keras class.
    baked : str
        Its configuration as JSON, without a constant learning rate: that one is data.
    config : dict
        Its whole configuration.
    given : tuple of str
        Names of the settings whose values are data as well.
    """

    kind: type
    baked: str
    config: dict[str, Any] = field(compare=False)
    given: tuple[str, ...] = ()

    def build(
        self, choose: Callable[[type, dict[str, Any]], Any] = lambda kind, config: kind
    ) -> Any:
        """Make a new optimizer, of the class that `choose` returns: none is ever used twice."""
        return choose(self.kind, self.config).from_config(copy.deepcopy(self.config))

    @property
    def learning_rate(self) -> float | None:
        """The constant learning rate; None where it follows a schedule."""
        rate = self.config["learning_rate"]
        return rate if isinstance(rate, float) else None


def optimizer_names() -> dict[str, type]:
    """Keras's optimizers by lower-case name."""
    classes = {name.lower(): kind for name, kind in _classes(keras.optimizers).items()}
    return {name: kind for name, kind in classes.items() if name not in _NO_OPTIMIZERS}


# What else has to be set for a hyperparameter to have an effect.
_SETTINGS: dict[str, dict[str, Any]] = {
    "clipnorm": {"clipvalue": None, "global_clipnorm": None},  # Keras takes one of the three
    "weight_decay": {},
    "ema_momentum": {"use_ema": True},
}


def resolve_optimizer(
    optimizer: Any,
    learning_rate: Any,
    momentum: float | None,
    owner: str,
    **hyperparameters: float | None,
) -> OptimizerSpec:
    """Describe the optimizer that a user means.

    Parameters
    ----------
    optimizer : str, Keras optimizer class or Keras optimizer
        An object is only read; another one is trained with.
    learning_rate : float, Keras schedule or None
        Overrides the optimizer's own, unless None.
    momentum : float or None
        Overrides the optimizer's own, unless None.
    owner : str
        The estimator's name, for errors.
    **hyperparameters : float or None
        `clipnorm`, `weight_decay` and `ema_momentum`: override the optimizer's own, unless None.
    """
    kind, config = _optimizer_config(optimizer, owner)
    if learning_rate is not None:
        config["learning_rate"] = _rate(learning_rate, owner)
    if momentum is not None:
        if "momentum" not in config:
            raise ValueError(
                f"The 'momentum' parameter of {owner} has no meaning for optimizer "
                f"{kind.__name__}: leave it at None, or use an optimizer that has one, such as "
                f"'sgd', 'momentum', 'nesterov' or 'rmsprop'. Got momentum={momentum!r}."
            )
        config["momentum"] = float(momentum)
    given = tuple(name for name, value in hyperparameters.items() if value is not None)
    for name in given:
        if not {name, *_SETTINGS[name]} <= config.keys():
            raise ValueError(
                f"The {name!r} parameter of {owner} has no meaning for optimizer {kind.__name__}, "
                f"whose configuration has none: leave it at None. Got {hyperparameters[name]!r}."
            )
        config |= {name: float(hyperparameters[name]), **_SETTINGS[name]}  # type: ignore[arg-type]
    config = {key: value for key, value in config.items() if key != "name"}
    baked = dict(config)
    # A class of the user's own may read the rate once and for all.
    if isinstance(config["learning_rate"], float) and kind.__module__.startswith("keras."):
        del baked["learning_rate"]
    baked |= dict.fromkeys(given, "given")
    return OptimizerSpec(kind, json.dumps(baked, sort_keys=True, default=_as_json), config, given)


def _rate(learning_rate: Any, owner: str) -> Any:
    if isinstance(learning_rate, Real):
        return float(learning_rate)
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return learning_rate
    raise TypeError(
        f"The 'learning_rate' parameter of {owner} must be a number, a schedule from "
        f"keras.optimizers.schedules or None. Got {learning_rate!r} instead."
    )


def _optimizer_config(optimizer: Any, owner: str) -> tuple[type, dict[str, Any]]:
    if isinstance(optimizer, str):
        known = optimizer_names()
        name, options = OPTIMIZER_ALIASES.get(optimizer.lower(), (optimizer.lower(), {}))
        if name not in known:
            raise unknown("optimizer", owner, optimizer, {*known, *OPTIMIZER_ALIASES}, _OPTIONS)
        return known[name], {**_default_config(known[name]), **options}
    if isinstance(optimizer, type) and issubclass(optimizer, keras.optimizers.Optimizer):
        return optimizer, dict(_default_config(optimizer))
    is_one = isinstance(optimizer, keras.optimizers.Optimizer)
    if not is_one or type(optimizer).__name__.lower() in _NO_OPTIMIZERS:
        raise TypeError(
            f"The 'optimizer' parameter of {owner} must be a name, a Keras optimizer or a Keras "
            f"optimizer class, and none that wraps another. Got {optimizer!r} instead."
        )
    config = optimizer.get_config()
    rule = learning_rate_rule(optimizer)
    if isinstance(rule, keras.optimizers.schedules.LearningRateSchedule):
        # Itself, because a class of the user's own could not be made again from a configuration.
        config["learning_rate"] = rule
    return type(optimizer), config


@cache
def _default_config(kind: type) -> dict[str, Any]:
    # Made once: an optimizer has variables, of each of which TensorFlow keeps a trace for ever.
    config: dict[str, Any] = kind().get_config()
    return config


def _as_json(value: Any) -> Any:
    """Describe a configured object, such as a schedule, by its class and configuration."""
    if hasattr(value, "get_config"):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        return [kind, value.get_config(), vars(value)]  # not every configuration is complete
    return repr(value)
