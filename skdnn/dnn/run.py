"""One training run, with reports between epochs, early stopping and the best epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from skdnn._network.spec import State
from skdnn._training.callbacks import (
    Plateau,
    ProgressLines,
    Report,
    ReportList,
    SklearnCallbacks,
)
from skdnn._training.early_stopping import EarlyStopping
from skdnn._training.time_limit import TimeLimit
from skdnn._training.training_job import EpochSet, Plan, all_epochs
from skdnn._utils.sklearn_compat import callback_context, has_callbacks, safe_indexing
from skdnn._utils.text import counted
from skdnn._utils.user_warning import warn_user
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.settings import Settings
from skdnn.dnn.trainer_input import TrainerInput

# Weight of the loss in the measure "accuracy", which selects among epochs of nearly equal accuracy.
_LOSS_WEIGHT = 0.1


@dataclass(frozen=True)
class Outcome:
    """The final state, the history and the best epoch of a training run.

    Parameters
    ----------
    state : State
        The final state, or with early stopping the state of the best epoch.
    history : dict of list of float
        Losses and metrics, with one value per epoch. Empty if no epoch was trained.
    best_epoch : int or None
        The best epoch, whose state is kept. The first epoch is 1, and 0 means the initial state.
        None without early stopping.
    best_score : float or None
        Validation score of the best epoch, for which higher is better. None without early stopping.
    """

    state: State
    history: dict[str, list[float]]
    best_epoch: int | None = None
    best_score: float | None = None


def run(
    network: FittedNetwork,
    settings: Settings,
    inputs: TrainerInput,
    rng: np.random.Generator,
    *,
    stopping: EarlyStopping | None = None,
    limit: TimeLimit | None = None,
    reports: Sequence[Report] = (),
    verbose: bool = False,
    header: str = "",
) -> Outcome:
    """Train a network.

    Parameters
    ----------
    network : FittedNetwork
        The network before training. This object is not changed.
    settings : Settings
        The resolved parameters.
    inputs : TrainerInput
        The arguments of the trainer, as `make_inputs` returned them.
    rng : numpy.random.Generator
        Random number generator for the order of rows and for dropout seeds.
    stopping : EarlyStopping or None, default=None
        Report that ends training early and selects the best epoch. None trains all epochs.
    limit : TimeLimit or None, default=None
        Report that shortens training to a time limit. None trains without a limit.
    reports : sequence of Report, default=()
        Further objects that are called between steps and epochs.
    verbose : bool, default=False
        Whether to print a line for each epoch.
    header : str, default=""
        Line to print before the lines of the epochs. None is printed if the text is empty.

    Raises
    ------
    ValueError
        If training diverges, so that the loss is not finite.
    """
    from skdnn._training.trainer import train

    plan = inputs.plan
    lines = ProgressLines(plan.epochs) if verbose else None
    if lines is not None and header:
        lines.write_line(header)
    parts = [limit, lines, _plateau(settings), stopping, *reports]
    report = ReportList([part for part in parts if part is not None])
    state, history = train(
        inputs.key, inputs.fetch, inputs.constants, network.state, plan, rng, report
    )
    if not history:  # zero epochs, or a callback removed all logs
        return Outcome(state, history)
    if limit is not None:
        report_time_limit(limit, history, settings.owner, lines)
    if stopping is None:
        _warn_if_diverged(history["loss"][-1], network, settings.owner)
        return Outcome(state, history)
    outcome = best_of(stopping, network.state, history, settings)
    if lines is not None:
        lines.write_line(stopping.summary())
    if outcome.best_epoch:
        _warn_if_diverged(history["loss"][outcome.best_epoch - 1], network, settings.owner)
    return outcome


def time_limit(settings: Settings, begin: float, n_epochs: int) -> TimeLimit | None:
    """Return the report that shortens training to `time_limit`, or None without a limit.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    begin : float
        The value of `time.perf_counter()` at the start of the fit.
    n_epochs : int
        The number of epochs without a limit.
    """
    seconds = settings.params.time_limit
    return None if seconds is None else TimeLimit(float(seconds), begin, n_epochs)


def report_time_limit(
    limit: TimeLimit, history: dict[str, list[float]], owner: str, lines: ProgressLines | None
) -> None:
    """Warn, and print if the fit prints, that the time limit has ended training, if it has."""
    n_epochs = len(next(iter(history.values())))
    if not limit.is_reached(n_epochs):
        return
    text = (
        f"time_limit={limit.seconds:g} ended the training of {owner} after "
        f"{n_epochs} of {counted(limit.planned, 'epoch')}"
    )
    if lines is not None:
        lines.write_line(f"{text}.")
    warn_user(
        f"{text}. A learning-rate schedule was shortened to these epochs. For a longer training, "
        "raise time_limit.",
        ConvergenceWarning,
    )


def best_of(
    stopping: EarlyStopping, start: State, history: dict[str, list[float]], settings: Settings
) -> Outcome:
    """Return the outcome with the state of the best epoch, or `start` if no epoch was better."""
    if not np.isfinite(stopping.best_loss):
        if settings.scorer is not None and np.isfinite(history["val_loss"][-1]):
            raise ValueError(
                f"monitor={settings.params.monitor!r} of {settings.owner} was not a finite number "
                "after any epoch. Set monitor to another scorer, or to 'loss'."
            )
        raise ValueError(
            "Training diverged: the validation loss was not finite after any epoch. Lower "
            "learning_rate, or look for huge values among the rows to validate on."
        )
    best = start if stopping.best is None else stopping.best
    return Outcome(best, history, stopping.best_epoch, -stopping.best_loss)


def early_stopping(
    settings: Settings, metric: str, *, resumes: bool, among: EpochSet = all_epochs
) -> EarlyStopping:
    """Return the report that stops training early and selects the best epoch.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    metric : str
        Name of the metric in the logs.
    resumes : bool
        Whether training continues an earlier fit. The initial state may then be selected.
    among : callable, default=all_epochs
        Takes the planned number of epochs, and returns the epochs that may be selected. The first
        epoch is 1. None means all epochs.
    """
    measure = validation_measure(settings, metric)
    patience = settings.resolved.n_iter_no_change
    patience = None if patience == "cycle" else patience
    return EarlyStopping(measure, patience, settings.params.tol, resumes, among)


def validation_measure(settings: Settings, metric: str) -> Callable[[dict[str, Any]], Any]:
    """Return a function that computes, from the logs, the measure that early stopping minimises.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    metric : str
        Name of the metric in the logs.
    """
    monitor = settings.resolved.get("monitor", "loss")

    def measure(logs: dict[str, Any]) -> Any:
        if settings.scorer is not None:
            return -logs.get("val_score", np.nan)  # not all epochs are scored
        if monitor != "accuracy":
            return logs[f"val_{monitor}"]
        loss = logs.get("val_refinement", logs["val_loss"])
        return 1 - logs[f"val_{metric}"] + _LOSS_WEIGHT * loss

    return measure


def candidate_epochs(settings: Settings, n_epochs: int) -> EpochSet:
    """Return the epochs that early stopping may select, as a function of the planned epochs.

    If the learning rate is cyclic and training runs for whole cycles, these are the epochs near the
    end of a cycle. Other epochs are excluded because among many epochs at a high learning rate, one
    may have a low loss by chance. A time limit may lower the planned number of epochs, and with it
    the ends of the cycles.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    n_epochs : int
        The number of epochs without a time limit.

    Returns
    -------
    callable
        Takes the planned number of epochs, and returns a set of epochs, or None for all epochs.
    """
    patience = settings.resolved.n_iter_no_change
    if settings.schedule is None or (patience != "cycle" and patience < n_epochs):
        return all_epochs
    return cache(settings.schedule.ends_of_cycles)


def is_plateau(settings: Settings) -> bool:
    """Return whether the learning rate is reduced when the loss no longer falls."""
    return settings.schedule is not None and settings.schedule.name == "reduce_on_plateau"


def _plateau(settings: Settings) -> Plateau | None:
    if not is_plateau(settings):
        return None
    return Plateau(max(1, settings.resolved.n_iter_no_change // 2), settings.params.tol)


def keras_callbacks(
    callbacks: list[Any], network: FittedNetwork, settings: Settings, inputs: TrainerInput
) -> Report | None:
    """Return the report that calls the Keras callbacks of a fit, or None without callbacks."""
    if not callbacks:
        return None
    from skdnn._training.keras_callbacks import KerasCallbacks

    plan = inputs.plan
    return KerasCallbacks(
        callbacks,
        network.keras_model(settings.loss, settings.optimizer),
        network.targets.in_units,
        network.spec.outputs,
        inputs.fetch(plan.rows[:1])[1],
        n_epochs=plan.epochs,
        n_steps=-(-len(plan.rows) // plan.batch_size),
        scheduled=plan.schedule is not None,
        owner=settings.owner,
        verbose=int(settings.params.verbose),
    )


def sklearn_callbacks(
    estimator: BaseEstimator,
    plan: Plan,
    as_given: tuple[Any, Any, Any],
    n_rows: int,
    attributes: Callable[[State, dict[str, list[float]]], dict[str, Any]],
) -> SklearnCallbacks | None:
    """Return the report that calls the callbacks of scikit-learn, or None without callbacks.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator that is fitted.
    plan : Plan
        Number of epochs, batch size, and indices of the training and held-out rows.
    as_given : tuple of (X, y, sample_weight)
        The arguments of `fit`. Callbacks receive only the training rows.
    n_rows : int
        Number of rows of X.
    attributes : callable
        Function that maps a state and the history to the attributes of an estimator fitted so far.
    """
    if not has_callbacks(estimator):
        return None
    X, y, weight = as_given
    rows = None if len(plan.rows) == n_rows else plan.rows

    def part(data: Any) -> Callable[[], Any]:
        return cache(lambda: data if rows is None else safe_indexing(data, rows))

    data: dict[str, Any] = {"X": part(X), "y": part(y)}
    if weight is not None:
        data["metadata"] = cache(lambda: {"sample_weight": part(np.asarray(weight))()})
    context = callback_context(estimator, plan.epochs)
    return SklearnCallbacks(estimator, context, data, attributes)


def _warn_if_diverged(loss: float, network: FittedNetwork, owner: str) -> None:
    # A loss may be finite after divergence, because units with an output of 0 limit the loss.
    chance = network.targets.chance_loss
    if loss > 1000 * chance:
        warn_user(
            f"The loss of {owner} is {loss:.3g} after the last epoch, where a "
            f"guess has at most {chance:.3g}: training diverged. Lower "
            "learning_rate or alpha, or scale the inputs (scaling='standard').",
            ConvergenceWarning,
        )
