"""The steps of a fit. They are checks, resolve, split, prepare, design, run, and calibrate."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from skdnn._network.spec import State
from skdnn._training.callbacks import Report, SklearnCallbacks
from skdnn._utils.sklearn_compat import has_callbacks, with_callbacks
from skdnn.dnn.calibration import calibrate, check_can_calibrate
from skdnn.dnn.fit_result import FitResult, Request
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.prepare import Start, start_training, weigh_rows
from skdnn.dnn.run import (
    Outcome,
    candidate_epochs,
    early_stopping,
    is_plateau,
    keras_callbacks,
    run,
    sklearn_callbacks,
)
from skdnn.dnn.settings import Settings
from skdnn.dnn.trainer_input import Job, TrainingRows, make_job

# Approximate number of evaluations of the ensemble members' folds in a fit.
_N_EVALUATIONS = 40


# ------------------------------------------------------------------------------- the steps


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
    from skdnn._training.trainer import check_process

    check_process()
    callbacks = _renew_callbacks(draft) if request.is_whole else []
    start = start_training(draft, request, previous)
    data = weigh_rows(draft, request, start)
    job = _plan(draft, request, start, data, callbacks)
    outcome, tasks = _run(draft, request, start, job, callbacks)
    result = _keep(start, outcome, callbacks)
    if request.is_whole and len(data.held_out):
        network = calibrate(
            result.network, start.settings, job.fetch, data.held_out, data.by_member
        )
        result = replace(result, network=network)
    if tasks is not None:
        vars(draft).update(result.attributes())
        tasks.end()
    return result


def _plan(
    draft: BaseEstimator,
    request: Request,
    start: Start,
    data: TrainingRows,
    callbacks: list[Any],
) -> Job:
    settings = start.settings
    n_epochs = int(settings.resolved.epochs) if request.is_whole else 1
    among = candidate_epochs(settings, n_epochs)
    # Callbacks and the plateau schedule read the validation loss of every epoch, and callbacks may
    # stop training after any epoch.
    every = callbacks or has_callbacks(draft) or is_plateau(settings)
    evaluation_epochs = None
    if data.by_member and not every:
        some = frozenset(range(n_epochs, 0, -max(1, n_epochs // _N_EVALUATIONS)))
        evaluation_epochs = some if among is None else some & among
    job = make_job(
        start.result.network,
        settings,
        data,
        n_epochs=n_epochs,
        evaluation_epochs=evaluation_epochs,
    )
    if request.is_whole:
        check_can_calibrate(settings, len(data.held_out))
    return job


def _run(
    draft: BaseEstimator, request: Request, start: Start, job: Job, callbacks: list[Any]
) -> tuple[Outcome, SklearnCallbacks | None]:
    settings, result = start.settings, start.result
    network = usable_state(result, settings)
    stopping = None
    if request.is_whole and settings.resolved.early_stopping:
        stopping = early_stopping(
            settings,
            network.targets.metric,
            resumes=result.n_iter > 0,
            among=candidate_epochs(settings, job.plan.epochs),
        )

    def so_far(state: State, history: dict[str, list[float]]) -> dict[str, Any]:
        return _keep(start, Outcome(state, history), callbacks).attributes()

    as_given = request.X, request.y, request.sample_weight
    tasks = sklearn_callbacks(draft, job.plan, as_given, so_far)
    reports: list[Report | None] = [keras_callbacks(callbacks, network, settings, job), tasks]
    outcome = run(
        network,
        settings,
        job,
        result.continuation.rng,
        stopping=stopping,
        reports=[report for report in reports if report is not None],
        verbose=request.verbose,
    )
    return outcome, tasks


def usable_state(result: FitResult, settings: Settings) -> FittedNetwork:
    """Return the network to train, without optimizer state if the optimizer has changed."""
    network, before = result.network, result.continuation.optimizer
    if before is None or before == settings.optimizer_text:
        return network
    return replace(network, state=replace(network.state, optimizer=None))


def _keep(start: Start, outcome: Outcome, callbacks: list[Any]) -> FitResult:
    """Return the result of a fit, or with early stopping the result of the best epoch."""
    settings, before = start.settings, start.result
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
    """Return a copy of a result with the attributes that early stopping sets.

    Parameters
    ----------
    result : FitResult
        The result after training.
    before : FitResult
        The result before training.
    outcome : Outcome
        The final state and the best epoch of the training run.
    settings : Settings
        The resolved parameters.
    """
    best = before.n_iter + outcome.best_epoch if outcome.best_epoch else before.start_epoch
    logs = {name: np.array(values) for name, values in result.history.items()}
    measure = early_stopping(settings, result.network.targets.metric, resumes=False).measure
    return replace(
        result,
        best_epoch=best,
        best_score=outcome.best_score,
        validation_scores=-measure(logs),
    )


def _renew_callbacks(estimator: BaseEstimator) -> list[Any]:
    callbacks = estimator.get_params(deep=False)["callbacks"]
    if callbacks is None:
        return []
    from skdnn._training.keras_callbacks import renew

    return renew(callbacks, type(estimator).__name__)
