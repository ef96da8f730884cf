"""The steps of a fit.

The steps are to check the data, resolve the parameters, split the rows, prepare the inputs, design
the network, train the network, and calibrate the predictions.
"""

from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from skdnn._network.spec import State
from skdnn._training.callbacks import Report, SklearnCallbacks
from skdnn._training.training_job import EpochSet, all_epochs
from skdnn._utils.callback_copies import model_released
from skdnn._utils.sklearn_compat import has_callbacks, with_callbacks
from skdnn.dnn.calibration import calibrate, check_can_calibrate
from skdnn.dnn.fit_result import FitResult, Request
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.held_out_score import with_score
from skdnn.dnn.prepare import Start, start_training, weigh_rows
from skdnn.dnn.run import (
    Outcome,
    candidate_epochs,
    early_stopping,
    is_plateau,
    keras_callbacks,
    run,
    sklearn_callbacks,
    time_limit,
    validation_measure,
)
from skdnn.dnn.settings import Settings, parameters
from skdnn.dnn.trainer_input import TrainerInput, TrainingRows, make_inputs

# About how many times the folds of the ensemble members are evaluated in a fit.
_N_EVALUATIONS = 40


@with_callbacks
def fit(draft: BaseEstimator, request: Request, previous: FitResult | None) -> FitResult:
    """Train a network by all steps of `fit` or `partial_fit`.

    Parameters
    ----------
    draft : BaseEstimator
        An unfitted copy of the estimator, which is passed to callbacks. It has `n_features_in_` and
        `feature_names_in_` if training continues.
    request : Request
        The arguments of `fit` or `partial_fit`.
    previous : FitResult or None
        The result of the fit to continue. None if training starts from new weights.

    Returns
    -------
    FitResult
        The result of the fit.
    """
    from skdnn._training.process import check_process

    check_process()
    callbacks = _renew_callbacks(draft) if request.is_whole else []
    start = start_training(draft, request, previous)
    data = weigh_rows(draft, request, start)
    epochs = _plan_epochs(draft, request, start, data, callbacks)
    inputs = make_inputs(
        start.before.network, start.settings, data, epochs.number, epochs.evaluated
    )
    inputs = with_score(inputs, draft, request, start, data, epochs.scored)
    if request.is_whole:
        check_can_calibrate(start.settings, len(data.held_out))
    with model_released(callbacks):
        outcome, tasks = _run(draft, request, start, inputs, callbacks, epochs)
    result = _fit_result(start, outcome, callbacks)
    if request.is_whole and len(data.held_out):
        network = calibrate(
            result.network, start.settings, inputs.fetch, data.held_out, data.by_member
        )
        result = replace(result, network=network)
    if tasks is not None:
        tasks.end(result.attributes())
    return result


class Epochs(NamedTuple):
    """The epochs of a training run.

    Parameters
    ----------
    number : int
        The largest number of epochs to train.
    candidates : callable
        Takes the planned number of epochs, and returns the epochs that early stopping may keep.
        They are counted from 1, and None is all epochs.
    evaluated : callable
        Takes the planned number of epochs, and returns the epochs after which held-out rows are
        evaluated. None is all epochs.
    scored : callable
        Takes the planned number of epochs, and returns the epochs after which the scorer of
        `monitor` is called, if the epoch is evaluated. None is all epochs.
    """

    number: int
    candidates: EpochSet
    evaluated: EpochSet
    scored: EpochSet


def _plan_epochs(
    draft: BaseEstimator,
    request: Request,
    start: Start,
    data: TrainingRows,
    callbacks: list[Any],
) -> Epochs:
    settings = start.settings
    n_epochs = int(settings.resolved.epochs) if request.is_whole else 1
    candidates = candidate_epochs(settings, n_epochs)
    # Callbacks and the plateau read the validation loss of every epoch, and may stop after any.
    every = callbacks or has_callbacks(draft) or is_plateau(settings)
    if every:
        return Epochs(n_epochs, candidates, evaluated=all_epochs, scored=all_epochs)
    if not data.by_member:
        return Epochs(n_epochs, candidates, evaluated=all_epochs, scored=candidates)

    @cache
    def evaluated(planned: int) -> frozenset[int]:
        some = frozenset(range(planned, 0, -max(1, planned // _N_EVALUATIONS)))
        own = candidates(planned)
        return some if own is None else some & own

    return Epochs(n_epochs, candidates, evaluated, scored=candidates)


def _run(
    draft: BaseEstimator,
    request: Request,
    start: Start,
    inputs: TrainerInput,
    callbacks: list[Any],
    epochs: Epochs,
) -> tuple[Outcome, SklearnCallbacks | None]:
    settings, before = start.settings, start.before
    network = without_foreign_state(before, settings)
    stopping = None
    if request.is_whole and settings.resolved.early_stopping:
        metric, resumes = network.targets.metric, before.n_iter > 0
        stopping = early_stopping(settings, metric, resumes=resumes, among=epochs.candidates)

    def so_far(state: State, history: dict[str, list[float]]) -> dict[str, Any]:
        return _fit_result(start, Outcome(state, history), callbacks).attributes()

    as_given = request.X, request.y, request.sample_weight
    tasks = sklearn_callbacks(draft, inputs.plan, as_given, len(start.data.y), so_far)
    reports: list[Report | None] = [keras_callbacks(callbacks, network, settings, inputs), tasks]
    outcome = run(
        network,
        settings,
        inputs,
        before.continuation.rng,
        stopping=stopping,
        limit=time_limit(settings, request.begin, epochs.number) if request.is_whole else None,
        reports=[report for report in reports if report is not None],
        verbose=request.verbose,
        header=settings.header if request.is_whole else "",
    )
    return outcome, tasks


def without_foreign_state(before: FitResult, settings: Settings) -> FittedNetwork:
    """Return the network to train, without optimizer state if another optimizer computed it."""
    network, optimizer = before.network, before.continuation.optimizer
    if optimizer is None or optimizer == settings.optimizer_text:
        return network
    return replace(network, state=replace(network.state, optimizer=None))


def _fit_result(start: Start, outcome: Outcome, callbacks: list[Any]) -> FitResult:
    """Return the result of a fit, with the attributes of early stopping if it is used."""
    settings, before = start.settings, start.before
    continuation = replace(before.continuation, optimizer=settings.optimizer_text)
    result = replace(
        before.after(outcome.state, outcome.history),
        continuation=continuation,
        callbacks=callbacks,
    )
    if outcome.best_epoch is None:
        return result
    return with_best_epoch(result, before, outcome, settings)


def with_best_epoch(
    result: FitResult, before: FitResult, outcome: Outcome, settings: Settings
) -> FitResult:
    """Return a result with the attributes that early stopping sets.

    Parameters
    ----------
    result : FitResult
        The result after training.
    before : FitResult
        The result before training.
    outcome : Outcome
        The final state, the history and the best epoch of training.
    settings : Settings
        The resolved parameters.
    """
    best = before.n_iter + outcome.best_epoch if outcome.best_epoch else before.start_epoch
    logs = {name: np.array(values) for name, values in result.history.items()}
    measure = validation_measure(settings, result.network.targets.metric)
    return replace(
        result,
        best_epoch=best,
        best_score=outcome.best_score,
        validation_scores=-measure(logs),
    )


def _renew_callbacks(estimator: BaseEstimator) -> list[Any]:
    callbacks = parameters(estimator).callbacks
    if callbacks is None:
        return []
    from skdnn._training.keras_callbacks import renew

    return renew(callbacks, type(estimator).__name__)
