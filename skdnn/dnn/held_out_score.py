"""The score of a scorer on held-out rows, each predicted by members that were not trained on it."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from numbers import Number
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from skdnn._network.activations import NUMPY_ACTIVATIONS
from skdnn._network.spec import State
from skdnn._training.batches import Fetch, rows_per_fetch
from skdnn._training.training_job import EpochSet
from skdnn._utils.sklearn_compat import is_scorer, safe_indexing, takes_sample_weight
from skdnn._utils.snapshot import snapshot
from skdnn.dnn.fit_result import Request
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.prepare import Start
from skdnn.dnn.settings import Settings
from skdnn.dnn.trainer_input import TrainerInput, TrainingRows

# Errors of scorers and metrics, as opposed to those of memory and of the interpreter.
_ERRORS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class _Rows(NamedTuple):
    """Held-out rows as the user passed them, with their targets and sample weights."""

    X: Any
    y: np.ndarray
    weight: np.ndarray | None


def with_score(
    inputs: TrainerInput,
    draft: BaseEstimator,
    request: Request,
    start: Start,
    data: TrainingRows,
    scored: EpochSet,
) -> TrainerInput:
    """Return the arguments of the trainer with the score that `monitor` asks for, if it does.

    Parameters
    ----------
    inputs : TrainerInput
        The arguments of the trainer.
    draft : BaseEstimator
        The unfitted copy of the estimator, a copy of which is passed to the scorer.
    request : Request
        The arguments of the fit.
    start : Start
        The state at the start of training.
    data : TrainingRows
        The training rows and held-out rows.
    scored : callable
        Takes the planned number of epochs, and returns the epochs after which the score is
        computed.
    """
    settings = start.settings
    if settings.scorer is None or not len(data.held_out):
        return inputs
    fitted = snapshot(draft)
    fitted.__dict__ = {**vars(draft), **start.before.attributes()}
    rows = _held_out_rows(request, start, data)
    evaluate = _scoring(fitted, rows, settings, data.by_member)
    if is_scorer(settings.scorer):  # a function of the user may do more than to compute a score
        _try_out(evaluate, start.before.network, len(rows.y))

    def score(state: State) -> float:
        network = replace(start.before.network, state=state)
        return evaluate(network, held_out_outputs(network, inputs.fetch, data.held_out))

    return replace(inputs, plan=replace(inputs.plan, score=score, scored_epochs=scored))


def _held_out_rows(request: Request, start: Start, data: TrainingRows) -> _Rows:
    if request.validation.X is not None:
        assert data.validation is not None  # it was checked
        weight = request.validation.sample_weight
        weight = None if weight is None else np.asarray(weight, np.float64)
        return _Rows(request.validation.X, data.validation[1], weight)
    X, rows = request.X, data.held_out - (len(data.y) if data.by_member else 0)
    if len(rows) < len(data.y):
        X = safe_indexing(X.tocsr() if issparse(X) else X, rows)
    weight = start.data.weight
    return _Rows(X, data.y[rows], None if weight is None else weight[rows])


def held_out_outputs(network: FittedNetwork, fetch: Fetch, held_out: np.ndarray) -> np.ndarray:
    """Return the outputs of a network for held-out rows, shape (n_rows, n_outputs), float64.

    The output of an ensemble for a row is the mean over the members that were not trained on the
    row. The forward pass is that of predictions, so TensorFlow is not needed.

    Parameters
    ----------
    network : FittedNetwork
        The network, not calibrated.
    fetch : callable
        Function that maps row indices to (x, y) or (x, y, weight). The weights of an ensemble have
        the shape (n_rows, n_members), and are 0 for members that were trained on the row.
    held_out : ndarray of int
        Indices of the held-out rows.
    """
    body = network.spec.body.without_mean()
    forward, size = network.fastest_forward(body, len(held_out), np.dtype(network.spec.dtype))
    size = rows_per_fetch(size, body.n_inputs)
    parts = []
    for begin in range(0, len(held_out), size):
        x, _, *weight = fetch(held_out[begin : begin + size])
        outputs = forward(x).astype(np.float64)
        parts.append(_mean_of_members(outputs, weight[0]) if outputs.ndim == 3 else outputs)
    return np.concatenate(parts)


def _mean_of_members(outputs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the mean over the members with a weight for a row, or over all if none has one."""
    counts = (weight > 0).astype(np.float64)
    counts[~counts.any(axis=1)] = 1.0
    shares = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("mrc,rm->rc", outputs, shares))


def _scoring(
    fitted: Any, rows: _Rows, settings: Settings, by_member: bool
) -> Callable[[FittedNetwork, np.ndarray], float]:
    """Return a function that scores outputs of a network for the held-out rows."""
    scorer, owner = settings.scorer, settings.owner
    assert scorer is not None
    metadata = {}
    if rows.weight is not None and takes_sample_weight(scorer):
        metadata = {"sample_weight": rows.weight}

    def score(network: FittedNetwork, outputs: np.ndarray) -> float:
        def forward(X: Any, *, of_members: bool = False) -> np.ndarray:
            if X is rows.X and not of_members:
                return outputs
            if by_member:
                raise ValueError(
                    "the scorer predicts other rows than the X that it is given. Each member of "
                    "the ensemble is validated on a fold of its own, so that predictions without "
                    "a leak exist for this X as a whole only. Pass X to predict unchanged"
                )
            return np.asarray(type(fitted)._forward(fitted, X, of_members=of_members))

        vars(fitted).update(_network=network, _forward=forward)
        try:
            return _number(scorer(fitted, rows.X, rows.y, **metadata))
        except _ERRORS as error:
            example = "'neg_log_loss'" if settings.classifies else "'r2'"
            raise ValueError(
                f"monitor={settings.params.monitor!r} of {owner} cannot be computed for the "
                f"held-out rows: {str(error).rstrip('.')}. Set monitor to 'loss', or to a scorer "
                f"that suits these rows, such as {example}."
            ) from error

    return score


def _number(value: Any) -> float:
    if hasattr(value, "item") and np.size(value) == 1:
        value = value.item()
    if not isinstance(value, Number) or isinstance(value, complex):
        raise TypeError(f"a scorer must return one number, got {value!r:.100}")
    return float(value)  # type: ignore[arg-type]


def _try_out(
    score: Callable[[FittedNetwork, np.ndarray], float], network: FittedNetwork, n_rows: int
) -> None:
    """Score random outputs, so that a scorer that does not suit the rows fails before training."""
    logits = np.random.default_rng(0).normal(size=(n_rows, network.targets.n_outputs))
    outputs = NUMPY_ACTIVATIONS[network.targets.activation](logits)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score(network, outputs)
