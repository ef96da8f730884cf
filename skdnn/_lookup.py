"""From a user's name, class or object to the Keras thing: activations, initialisers, optimizers."""

import copy
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from numbers import Real
from typing import Any

from skdnn._keras import keras, tf
from skdnn._spec import Activation
from skdnn._text import unknown

_OPTIONS = "one of {}, or an object of that kind"

# scikit-learn's names for what Keras calls otherwise.
ACTIVATION_ALIASES = {"identity": "linear", "logistic": "sigmoid"}
# glu halves the number of units and threshold wants arguments; the others are no activations.
_NO_ACTIVATIONS = {"deserialize", "get", "glu", "serialize", "threshold"}

# Names that courses use and Keras has no class for: its class, and what it is given.
OPTIMIZER_ALIASES: dict[str, tuple[str, dict[str, Any]]] = {
    "momentum": ("sgd", {"momentum": 0.9}),
    "nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}),
}
# The base class, and those that wrap other optimizers.
_NO_OPTIMIZERS = {"lossscaleoptimizer", "multioptimizer", "optimizer", "optimizermap"}


def _classes(module: Any) -> dict[str, type]:
    return {name: thing for name, thing in vars(module).items() if isinstance(thing, type)}


def activation_names() -> dict[str, Any]:
    """Keras's activations by name."""
    functions = vars(keras.activations).items()
    return {n: f for n, f in functions if inspect.isfunction(f) and n not in _NO_ACTIVATIONS}


def resolve_activation(value: Activation, owner: str) -> Activation:
    """Return Keras's name of an activation, or the callable itself where it is the user's own."""
    known = activation_names()
    if callable(value):
        name = getattr(value, "__name__", "")
        if known.get(name) is value:
            return name
        _try_activation(value, owner)
        return value
    name = ACTIVATION_ALIASES.get(value, value) if isinstance(value, str) else None
    if name not in known:
        raise unknown("activation", owner, value, {*known, *ACTIVATION_ALIASES}, _OPTIONS)
    return name


def _try_activation(value: Any, owner: str) -> None:
    try:
        trial = tf.function(lambda x: value(x), autograph=False)
        traced = trial.get_concrete_function(tf.TensorSpec([None, 3]))
        shape = traced.structured_outputs.shape
        trouble = "" if shape == (None, 3) else f": it turns shape (None, 3) into {shape}."
    except Exception as error:
        trouble = f": {error}"
    if isinstance(value, type):
        trouble = f": it is a class, write {value.__name__}()."
    elif type(value).__hash__ is None:
        trouble = ": it must be hashable, to tell one compiled network from another."
    elif not trouble and any(t.dtype == tf.resource for t, _ in traced.graph.captures):
        trouble = ": it has a variable of its own."
    if trouble:
        raise TypeError(
            f"The 'activation' parameter of {owner} must be a name, or a function of a tensor that "
            f"keeps its shape, written with keras.ops or TensorFlow. Got {value!r}{trouble}"
        )


def resolve_initializer(value: Any, seed: int, owner: str) -> Any:
    """Return a Keras initialiser that draws with `seed`, unless the user gave it a seed.

    Keras seeds what it makes without a seed from Python's global generator: none is made so.
    """
    if isinstance(value, str):
        known = {
            n: c for n, c in _classes(keras.initializers).items() if n.islower() and n != "stft"
        }
        if value not in known:
            raise unknown("kernel_initializer", owner, value, known, _OPTIONS)
        value = known[value]
    if isinstance(value, type) and issubclass(value, keras.initializers.Initializer):
        return value(seed=seed) if "seed" in inspect.signature(value).parameters else value()
    if not isinstance(value, keras.initializers.Initializer):
        return value  # any function of a shape and a dtype
    config = value.get_config()
    if config.get("seed", 0) is None:
        return type(value).from_config({**config, "seed": seed})
    return value


@dataclass(frozen=True)
class OptimizerSpec:
    """How to make an optimizer anew, and what of it is baked into a compiled program.

    Parameters
    ----------
    kind : type
        The Keras class.
    baked : str
        Its configuration as JSON, but for a constant learning rate: that one is data.
    config : dict
        Its whole configuration.
    given : tuple of str
        Settings of it whose values are data as well.
    """

    kind: type
    baked: str
    config: dict[str, Any] = field(compare=False)
    given: tuple[str, ...] = ()

    def build(self, twin: Callable[[type, dict[str, Any]], Any] = lambda kind, config: kind) -> Any:
        """Make a new optimizer, of the class that `twin` names: none is ever used twice."""
        return twin(self.kind, self.config).from_config(copy.deepcopy(self.config))

    @property
    def learning_rate(self) -> float | None:
        """The constant learning rate; None where it follows a schedule."""
        rate = self.config["learning_rate"]
        return rate if isinstance(rate, float) else None


def optimizer_names() -> dict[str, type]:
    """Keras's optimizers by lower-case name."""
    classes = {name.lower(): kind for name, kind in _classes(keras.optimizers).items()}
    return {name: kind for name, kind in classes.items() if name not in _NO_OPTIMIZERS}


# What else has to be set for a strength to have an effect.
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
    **strengths: float | None,
) -> OptimizerSpec:
    """Describe the optimizer that a user means.

    Parameters
    ----------
    optimizer : str, Keras optimizer class or Keras optimizer
        An object is only read, never trained.
    learning_rate : float, Keras schedule or None
        Overrides the optimizer's own, unless None.
    momentum : float or None
        Overrides the optimizer's own, unless None.
    owner : str
        The estimator's name, for errors.
    **strengths : float or None
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
    given = tuple(name for name, value in strengths.items() if value is not None)
    for name in given:
        if not {name, *_SETTINGS[name]} <= config.keys():
            raise ValueError(
                f"The {name!r} parameter of {owner} has no meaning for optimizer {kind.__name__}, "
                f"whose configuration has none: leave it at None. Got {strengths[name]!r}."
            )
        config |= {name: float(strengths[name]), **_SETTINGS[name]}  # type: ignore[arg-type]
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
    if isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        # Itself, because a class of the user's own could not be made again from a configuration.
        config["learning_rate"] = optimizer._learning_rate
    return type(optimizer), config


@cache
def _default_config(kind: type) -> dict[str, Any]:
    # Made once: an optimizer has variables, of each of which TensorFlow keeps a trace for ever.
    return kind().get_config()  # type: ignore[attr-defined]


def _as_json(value: Any) -> Any:
    """Tell a configured object, such as a schedule, by its class and configuration."""
    if hasattr(value, "get_config"):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        return [kind, value.get_config(), vars(value)]  # not every configuration is complete
    return repr(value)
