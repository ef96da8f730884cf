"""Resolution of the `optimizer` parameter to a Keras optimizer, and fused steps of Adam and SGD.

A fused step updates a variable with one TensorFlow kernel instead of a dozen small operations. The
kernel computes the formulas of Keras in one pass over memory.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from typing import Any

from skdnn._training.settings_key import settings_key
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
from skdnn._utils.text import OPTIONS, classes_of, unknown


def _step_of_adam(optimizer: Any, gradients: Any, variables: Any, learning_rate: Any) -> bool:
    """Take one fused Adam step, and return whether the fused step was possible.

    The step is algorithm 1 of Kingma & Ba (2015), computed in the order of section 2.
    """
    if any(isinstance(gradient, tf.IndexedSlices) for gradient in gradients):
        # For rows that occur twice, Keras squares each gradient, but the kernel squares their sum.
        return False
    moments = adam_slots(optimizer)
    if moments is None:
        return False
    dtype = gradients[0].dtype
    step = tf.cast(optimizer.iterations + 1, dtype)
    # A cast loses digits of constants in float64, and Keras casts only to compute powers.
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
    """Apply weight decay to variables (Loshchilov & Hutter 2019, algorithm 2, line 12)."""
    if optimizer.weight_decay is None:
        return
    # Weight decay is a gradient step with the variable as gradient, which takes two operations
    # instead of six.
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
    """Take one fused step of SGD with momentum, and return True.

    The step is given by equations 1 to 4 of Sutskever et al. (2013).
    """
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


# Each entry has the optimizer class, the name of a setting, the truth value of the setting with
# which the kernel computes the same result as Keras, the fused step, and the weight decay.
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
    """Return the fused version of an optimizer class, or the class itself if there is none.

    The fused version computes the same steps. Some settings have no fused version.

    Parameters
    ----------
    kind : type
        A Keras optimizer class or a custom optimizer class.
    config : dict
        The configuration of the optimizer.

    Returns
    -------
    type
        A subclass of `kind` with fused steps, or `kind` itself.
    """
    if kind not in _FUSED:
        return kind
    setting, needed, faster = _FUSED[kind]
    return faster if bool(config[setting]) == needed else kind


# Common names without a Keras class, mapped to the name of a Keras class and its settings.
OPTIMIZER_ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
}


# The base class and the classes that wrap other optimizers cannot be used.
_NO_OPTIMIZERS = {"lossscaleoptimizer", "multioptimizer", "optimizer", "optimizermap"}


@dataclass(frozen=True)
class OptimizerSpec:
    """The class and configuration of an optimizer, and the settings that a program depends on.

    Parameters
    ----------
    kind : type
        The optimizer class.
    key : str
        The settings that are compiled into a program, as JSON. A constant learning rate of a Keras
        optimizer is left out because programs receive such a learning rate as data.
    config : dict
        The whole configuration of the optimizer.
    given : tuple of str
        The names of further settings whose values are passed to a program as data.
    """

    kind: type
    key: str
    config: dict[str, Any] = field(compare=False)
    given: tuple[str, ...] = ()

    def build(
        self, choose: Callable[[type, dict[str, Any]], Any] = lambda kind, config: kind
    ) -> Any:
        """Return a new optimizer, which can be used for one model only.

        `choose` takes the class and configuration, and returns the class of the new optimizer.
        """
        return choose(self.kind, self.config).from_config(copy.deepcopy(self.config))

    @property
    def learning_rate(self) -> float | None:
        """The constant learning rate, or None if the learning rate follows a schedule."""
        rate = self.config["learning_rate"]
        return rate if isinstance(rate, float) else None


def optimizer_names() -> dict[str, type]:
    """Return a dict of lower-case names to Keras optimizer classes."""
    classes = {name.lower(): kind for name, kind in classes_of(keras.optimizers).items()}
    return {name: kind for name, kind in classes.items() if name not in _NO_OPTIMIZERS}


# The values of other settings that are required for a hyperparameter to take effect.
_SETTINGS: dict[str, dict[str, Any]] = {
    "clipnorm": {"clipvalue": None, "global_clipnorm": None},  # Keras accepts one of the three
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
    """Return the class and configuration of the optimizer that the parameters specify.

    Parameters
    ----------
    optimizer : str, Keras optimizer class or Keras optimizer
        A name, a class or an object. An object is only read, and training uses a copy.
    learning_rate : float, Keras schedule or None
        The learning rate. None to keep the learning rate of the optimizer.
    momentum : float or None
        The momentum. None to keep the momentum of the optimizer.
    owner : str
        The name of the estimator, for error messages.
    **hyperparameters : float or None
        The values of `clipnorm`, `weight_decay` and `ema_momentum`. None to keep the value of the
        optimizer.

    Returns
    -------
    OptimizerSpec
        The class and the configuration, into which the other parameters are merged.
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
    config = {name: value for name, value in config.items() if name != "name"}
    compiled = dict(config)
    # A custom class may read the learning rate only once, when the program is compiled.
    if isinstance(config["learning_rate"], float) and kind.__module__.startswith("keras."):
        del compiled["learning_rate"]
    compiled |= dict.fromkeys(given, "given")
    return OptimizerSpec(kind, settings_key(compiled), config, given)


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
            raise unknown("optimizer", owner, optimizer, {*known, *OPTIMIZER_ALIASES}, OPTIONS)
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
        # The schedule is kept as an object because a custom class may not be recreated from a
        # configuration.
        config["learning_rate"] = rule
    return type(optimizer), config


@cache
def _default_config(kind: type) -> dict[str, Any]:
    # The optimizer is created once because TensorFlow keeps a trace of each of its variables until
    # the process ends.
    config: dict[str, Any] = kind().get_config()
    return config
