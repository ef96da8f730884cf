"""`fit` and `partial_fit` on chunks, for data larger than memory."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import Bunch

from skdnn._data.chunks import Chunk, Chunks
from skdnn._data.splits import ValidationData
from skdnn._network.spec import State
from skdnn._training.callbacks import ProgressLines, Report, ReportList
from skdnn._training.early_stopping import EarlyStopping
from skdnn._training.training_job import all_epochs
from skdnn._utils.sklearn_compat import has_callbacks
from skdnn.dnn.checks import warn_if_regression
from skdnn.dnn.fit import fit, with_best_epoch, without_foreign_state
from skdnn.dnn.fit_result import FitResult, Request
from skdnn.dnn.held_out_score import with_score
from skdnn.dnn.prepare import draw_seed, start_training, weigh_rows
from skdnn.dnn.presets import WHOLE_FIT_PARAMETERS, Data
from skdnn.dnn.run import best_of, early_stopping, report_time_limit, run, time_limit
from skdnn.dnn.settings import Settings, parameters, resolve_settings
from skdnn.dnn.trainer_input import make_inputs

History = dict[str, list[float]]


def fit_chunks(
    draft: BaseEstimator, chunks: Chunks, validation: ValidationData, previous: FitResult | None
) -> FitResult:
    """Train a network for several epochs, each over all chunks.

    Parameters
    ----------
    draft : BaseEstimator
        An unfitted copy of the estimator, as for `fit`.
    chunks : Chunks
        The training rows.
    validation : ValidationData
        The validation data, which is evaluated after each epoch.
    previous : FitResult or None
        The result of the fit to continue. None if training starts from new weights.

    Returns
    -------
    FitResult
        The result of the fit.
    """
    from skdnn._training.process import check_process

    begin = time.perf_counter()
    chunks.check_repeatable()
    check_process()
    known = None if previous is None else previous.resolved_params
    data = Data(0, 0, is_given=validation.X is not None, comes_in_parts=True)
    settings = resolve_settings(draft, data, known)
    resolved = settings.resolved
    _check_for_chunks(draft, settings, validation)
    if previous is None:
        start = _start(draft, chunks)
    else:
        start = replace(
            previous,
            network=without_foreign_state(previous, settings),
            resolved_params=resolved,
            best_epoch=None,
        )
    stopping = None
    if resolved.early_stopping:
        metric = start.network.targets.metric
        stopping = early_stopping(settings, metric, resumes=previous is not None)
        if previous is not None:
            _evaluate_start(draft, next(iter(chunks)), validation, start, stopping)
    n_epochs = int(resolved.epochs)
    lines = ProgressLines(n_epochs) if settings.params.verbose else None
    if lines is not None:
        lines.write_line(settings.header)
    limit = time_limit(settings, begin, n_epochs)
    report = ReportList([part for part in (limit, lines, stopping) if part is not None])
    trained, history = _epochs(draft, chunks, validation, start, n_epochs, report)
    if limit is not None:
        report_time_limit(limit, history, settings.owner, lines)
    result = replace(
        start.after(trained.network.state, history),
        network=trained.network,
        continuation=trained.continuation,
    )
    if stopping is not None:
        outcome = best_of(stopping, start.network.state, history, settings)
        before = start if previous is None else previous
        result = replace(result, network=replace(result.network, state=outcome.state))
        result = with_best_epoch(result, before, outcome, settings)
    final = Bunch(**trained.resolved_params)
    final |= {name: resolved[name] for name in WHOLE_FIT_PARAMETERS if name in resolved}
    return replace(result, resolved_params=final)


def partial_fit_chunks(
    draft: BaseEstimator, chunks: Chunks, classes: Any, previous: FitResult | None
) -> FitResult:
    """Train a network for one epoch on each chunk."""
    result, verbose = previous, bool(parameters(draft).verbose)
    for X, y, weight in chunks:
        request = Request(X, y, weight, classes=classes, is_whole=False, verbose=verbose)
        result = fit(draft, request, result)
    assert result is not None  # without any chunk, the iteration has raised an error
    return result


def _start(draft: BaseEstimator, chunks: Chunks) -> FitResult:
    """Fit target encoding and preprocessing on sampled rows, and create the initial network."""
    rng = np.random.default_rng(draw_seed(parameters(draft).random_state))
    sample, labels = chunks.sample(rng, is_classifier(draft))
    if labels is not None:
        warn_if_regression(labels, len(sample[1]))
    request = Request(*sample, classes=labels, is_whole=False)
    return start_training(draft, request, None).before


def _epochs(
    draft: BaseEstimator,
    chunks: Chunks,
    validation: ValidationData,
    start: FitResult,
    n_epochs: int,
    report: Report | ReportList,
) -> tuple[FitResult, History]:
    """Train a network for some epochs, chunk by chunk.

    Returns
    -------
    result : FitResult
        The result after the last chunk.
    history : dict of list of float
        One value per epoch. Training metrics are means over the rows of all chunks. Validation
        metrics are computed after the last chunk of the epoch.
    """
    history: History = {}
    n_chunks = chunks.n_chunks or sum(1 for _ in chunks)
    result, progress = start, _Progress(n_epochs)
    while progress.n_trained < progress.n_epochs:
        report.epoch_begins(progress.n_trained + 1, n_chunks)
        logs_of_chunks, n_rows = [], []
        for number, chunk in enumerate(chunks, start=1):
            own = validation if number == n_chunks else ValidationData()
            request = Request(*chunk, validation=own, is_whole=False)
            result = fit(draft, request, replace(result, history={}, n_iter=0))
            logs_of_chunks.append({name: values[-1] for name, values in result.history.items()})
            n_rows.append(chunk.n_rows)
            report.steps_done(1)
        progress.n_trained, progress.state = progress.n_trained + 1, result.network.state
        report.steps_end(progress)
        logs = _mean_logs(logs_of_chunks, n_rows)
        for name, value in logs.items():
            history.setdefault(name, []).append(value)
        if report.epoch_ends(logs, progress):
            break
    return result, history


@dataclass
class _Progress:
    """The progress of a fit, with the attributes of `Training` that the reports use."""

    n_epochs: int
    n_trained: int = 0
    state: State | None = None

    def read(self) -> State | None:
        """Return the state after the last epoch."""
        return self.state


def _mean_logs(logs: list[dict[str, float]], n_rows: list[int]) -> dict[str, float]:
    return {
        name: value
        if name.startswith("val_")
        else float(np.average([part[name] for part in logs], weights=n_rows))
        for name, value in logs[-1].items()
    }


def _evaluate_start(
    draft: BaseEstimator,
    chunk: Chunk,
    validation: ValidationData,
    previous: FitResult,
    stopping: EarlyStopping,
) -> None:
    """Evaluate the network of the earlier fit, because early stopping may restore its weights."""
    request = Request(*chunk, validation=validation, is_whole=False)
    start = start_training(draft, request, previous)
    network = without_foreign_state(start.before, start.settings)
    data = weigh_rows(draft, request, start)
    inputs = make_inputs(network, start.settings, data, n_epochs=0)
    inputs = with_score(inputs, draft, request, start, data, all_epochs)
    run(network, start.settings, inputs, start.before.continuation.rng, reports=[stopping])


def _check_for_chunks(draft: BaseEstimator, settings: Settings, validation: ValidationData) -> None:
    """Raise an error if a parameter or argument requires all rows at once."""
    params, resolved = settings.params, settings.resolved
    balanced = isinstance(params.get("class_weight"), str)
    troubles = {
        "early stopping without X_val and y_val": resolved.early_stopping and validation.X is None,
        "validation: pass X_val and y_val": params.validation is not None,
        "a validation_fraction: pass X_val and y_val": params.validation_fraction is not None,
        "groups": validation.groups is not None,
        "class_weight='balanced': pass a dict": balanced,
        "calibration and blend": resolved.get("calibration") is not None
        or resolved.blend is not None,
        "callbacks": params.callbacks is not None or has_callbacks(draft),
        "a learning_rate_schedule or warmup": resolved.learning_rate_schedule != "constant"
        or resolved.warmup > 0,
        "n_iter_no_change='cycle': pass a number": resolved.n_iter_no_change == "cycle",
    }
    for what in (name for name, is_so in troubles.items() if is_so):
        raise ValueError(f"{settings.owner} was given X in chunks, which excludes {what}.")
