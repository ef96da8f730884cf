"""The parameters of one fit, as given and with "auto" resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import Bunch

from skdnn._network.activations import Activation, resolve_activation
from skdnn._network.architectures import value_per_layer
from skdnn._training.schedules import Schedule
from skdnn.dnn.loss_and_targets import describe_loss, resolve_loss
from skdnn.dnn.monitor import Scorer, resolve_scorer
from skdnn.dnn.presets import (
    NAMES,
    NETWORK_PARAMETERS,
    WHOLE_FIT_PARAMETERS,
    Data,
    Task,
    choose,
    is_auto,
    resolve,
    why_preset,
)

if TYPE_CHECKING:
    from skdnn._training.losses import LossSpec
    from skdnn._training.optimizers import OptimizerSpec

# Settings of the optimizer that are parameters, and whose values a compiled program reads as data.
_OPTIMIZER_PARAMETERS = ("clipnorm", "weight_decay", "ema_momentum")

# The resolved parameters that verbose output starts with.
_IN_HEADER = (
    "hidden_layer_sizes",
    "n_members",
    "parametrization",
    "epochs",
    "batch_size",
    "early_stopping",
)

Hidden = list[tuple[int, Activation, float]]


@dataclass(frozen=True)
class Settings:
    """The parameters of one fit.

    Parameters
    ----------
    owner : str
        The estimator's name, for errors.
    classifies : bool
        Whether the estimator is a classifier.
    params : Bunch
        The parameters that were passed to the constructor.
    resolved : Bunch
        The preset, and the value of each parameter that may be "auto", as in `resolved_params_`.
    loss : str or LossSpec
        The return value of `resolve_loss`.
    optimizer : OptimizerSpec
        Specification of the optimizer.
    schedule : Schedule or None
        Schedule of the learning rate. None if the learning rate is constant.
    hidden : list of (units, activation, dropout rate)
        The hidden layers.
    why : str
        The reason for the preset, as `why_preset` returns it.
    scorer : callable or None
        The scorer that `monitor` stands for. None for a measure of the training loop.
    """

    owner: str
    classifies: bool
    params: Bunch
    resolved: Bunch
    loss: "str | LossSpec"
    optimizer: "OptimizerSpec"
    schedule: Schedule | None
    hidden: Hidden
    why: str
    scorer: Scorer | None = None

    @property
    def header(self) -> str:
        """The preset, the reason for it, and the main values, as verbose output starts with them.

        The values are written like arguments of the constructor.
        """
        values = ", ".join(f"{name}={self.resolved[name]!r}" for name in _IN_HEADER)
        return f"{self.owner} uses preset={self.resolved.preset!r}{self.why}: {values}"

    @property
    def loss_text(self) -> str:
        """A text that identifies the loss."""
        return describe_loss(self.loss, self.params, self.owner)

    @property
    def optimizer_text(self) -> str:
        """A text that identifies the optimizer and its settings.

        The state of an optimizer cannot be used to continue training with a different optimizer.
        """
        return f"{self.optimizer.kind.__qualname__} {self.optimizer.key}"


def parameters(estimator: BaseEstimator) -> Bunch:
    """Return all parameters of an estimator by name.

    They are read from the attributes, because the constructor of a subclass may have fewer
    parameters.
    """
    return Bunch(**vars(estimator))


def resolve_settings(estimator: BaseEstimator, data: Data, known: Bunch | None) -> Settings:
    """Resolve all parameters of an estimator for some data.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator, which is not changed.
    data : Data
        Properties of the data on which presets depend.
    known : Bunch or None
        The resolved parameters of the fit to continue. None if training does not continue.
    """
    owner, classifies = type(estimator).__name__, is_classifier(estimator)
    params = parameters(estimator)
    resolved = resolve_params(params, classifies, data, known)
    loss = resolve_loss(params, owner, classifies)
    optimizer = optimizer_spec(params, resolved, owner)
    schedule = None
    if not data.comes_in_parts:
        _drop_unused_schedule(params, resolved, optimizer)
        schedule = _schedule(params, resolved, optimizer, owner)
        _check_cycles(params, resolved, schedule, owner)
    hidden = _hidden_layers(resolved, owner)
    why = why_preset(params.preset, params, data, continues=known is not None)
    scorer = resolve_scorer(resolved.get("monitor", "loss"), owner, classifies)
    return Settings(
        owner, classifies, params, resolved, loss, optimizer, schedule, hidden, why, scorer
    )


def resolve_params(
    params: Mapping[str, Any], classifies: bool, data: Data, known: Bunch | None
) -> Bunch:
    """Resolve "auto" parameters, and keep the resolved values of a fit that is continued."""
    given = {name: params[name] for name in NAMES if name in params}
    preset = choose(params["preset"], given, data)
    if known is not None and params["preset"] == "auto":
        preset = known.preset
    task = task_of(params, classifies)
    resolved = resolve(given, preset, data, task)
    if known is not None and preset == known.preset:
        # Later parts use the values that were resolved for the first part. A whole fit after parts
        # resolves the number of epochs again.
        kept = set(NAMES) if data.comes_in_parts else set(NETWORK_PARAMETERS)
        kept -= set(WHOLE_FIT_PARAMETERS) if data.n_rows == 0 else set()
        kept -= {"learning_rate", "weight_decay"} if not task.adam else set()
        # A file of an older version lacks `n_features_to_select`, which is then None.
        resolved |= {n: known.get(n) for n in given if n in kept and is_auto(given[n])}
    return resolved


def task_of(params: Mapping[str, Any], classifies: bool) -> Task:
    """Return the properties of an estimator with these parameters on which presets depend."""
    loss, optimizer = params["loss"], params["optimizer"]
    return Task(
        classifies=classifies,
        adam=isinstance(optimizer, str) and optimizer.lower() == "adam",
        cross_entropy=classifies and isinstance(loss, str) and loss in ("auto", "log_loss"),
        batch_norm=bool(params["batch_norm"]),
    )


def optimizer_spec(params: Mapping[str, Any], resolved: Bunch, owner: str) -> "OptimizerSpec":
    """Return the specification of the optimizer that the parameters describe."""
    from skdnn._training.optimizers import resolve_optimizer

    own = {name: resolved.get(name, params[name]) for name in _OPTIMIZER_PARAMETERS}
    return resolve_optimizer(
        params["optimizer"], resolved.learning_rate, params["momentum"], owner, **own
    )


def _drop_unused_schedule(
    params: Mapping[str, Any], resolved: Bunch, optimizer: "OptimizerSpec"
) -> None:
    """Resolve "auto" to no schedule and no warmup if the learning rate is a schedule of Keras."""
    if optimizer.learning_rate is None:
        if is_auto(params["learning_rate_schedule"]):
            resolved.learning_rate_schedule = "constant"
        if is_auto(params["warmup"]):
            resolved.warmup = 0.0


def _schedule(
    params: Mapping[str, Any], resolved: Bunch, optimizer: "OptimizerSpec", owner: str
) -> Schedule | None:
    """Return the schedule of the learning rate, or None if the learning rate is constant."""
    name, warmup = resolved.learning_rate_schedule, float(resolved.warmup)
    if name == "constant" and not warmup:
        return None
    if optimizer.learning_rate is None:
        raise ValueError(
            f"The 'learning_rate_schedule' and 'warmup' parameters of {owner} "
            "need a learning rate that is a number, but the optimizer's follows a schedule of "
            f"Keras: {optimizer.config['learning_rate']!r}. Give learning_rate a number, or "
            "leave learning_rate_schedule at 'constant' and warmup at 0. Got "
            f"{name!r} and {warmup!r}."
        )
    return Schedule(name, warmup)


def _check_cycles(
    params: Mapping[str, Any], resolved: Bunch, schedule: Schedule | None, owner: str
) -> None:
    """Raise an error if training should stop at the end of a cycle and there are no cycles."""
    if resolved.n_iter_no_change != "cycle" or (schedule is not None and schedule.has_cycles):
        return
    if is_auto(params["n_iter_no_change"]):  # the learning rate is a schedule of Keras
        resolved.n_iter_no_change = int(resolved.epochs)
        return
    raise ValueError(
        f"n_iter_no_change='cycle' of {owner} needs a learning rate with cycles: set "
        "learning_rate_schedule='coslog4', or n_iter_no_change to a number of epochs. Got "
        f"learning_rate_schedule={resolved.learning_rate_schedule!r}."
    )


def _hidden_layers(resolved: Bunch, owner: str) -> Hidden:
    """Return the units, the activation and the dropout rate of each hidden layer."""
    sizes = np.atleast_1d(np.asarray(resolved.hidden_layer_sizes, dtype=object)).tolist()
    if any(not _is_count(size) for size in sizes):
        raise ValueError(
            f"The 'hidden_layer_sizes' parameter of {owner} must be ints of at least 1, one "
            f"per hidden layer. Got {resolved.hidden_layer_sizes!r} instead."
        )
    rates = _per_layer(resolved, owner, "dropout", len(sizes))
    if any(not isinstance(rate, Real) or not 0 <= float(rate) < 1 for rate in rates):
        raise ValueError(
            f"The 'dropout' parameter of {owner} must be floats in the range [0, 1), one per "
            f"hidden layer. Got {resolved.dropout!r} instead."
        )
    activations = _per_layer(resolved, owner, "activation", len(sizes))
    activations = [resolve_activation(x, owner) for x in activations]
    return list(zip(map(int, sizes), activations, map(float, rates), strict=True))


def _per_layer(resolved: Bunch, owner: str, parameter: str, n_layers: int) -> list[Any]:
    message = (
        f"The {parameter!r} parameter of {owner} must be one value, or one per hidden layer: "
        f"{n_layers} of them for hidden_layer_sizes={resolved.hidden_layer_sizes!r}."
    )
    return value_per_layer(resolved[parameter], n_layers, message)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
