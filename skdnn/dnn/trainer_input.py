"""Conversion of rows and resolved parameters to the arguments of the trainer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from skdnn._data.splits import alternate_folds, check_indices
from skdnn._network.spec import NetworkSpec
from skdnn._training.batches import Fetch, fetch_both
from skdnn._training.dense_program_key import Constants, ProgramKey
from skdnn._training.training_job import EpochSet, Plan, all_epochs
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.settings import Settings


class TrainingRows(NamedTuple):
    """The rows of a training run, with their sample weights.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n_samples, n_inputs)
        All rows.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class labels or regression targets.
    weight : ndarray of shape (n_samples,) or (n_samples, n_members), or None
        Sample weights, for each ensemble member if they differ between members.
    rows : ndarray of int
        Indices of the training rows.
    held_out : ndarray of int
        Indices of the rows to evaluate. Indices of n_samples and above refer to `validation`.
    validation : tuple of (X, y, weight) or None
        Rows to evaluate. Row i of `validation` has the row index n_samples + i.
    by_member : bool
        Whether each ensemble member has a held-out fold of its own.
    """

    X: Any
    y: np.ndarray
    weight: np.ndarray | None
    rows: np.ndarray
    held_out: np.ndarray
    validation: tuple[Any, np.ndarray, np.ndarray | None] | None
    by_member: bool


@dataclass(frozen=True)
class TrainerInput:
    """The arguments of the trainer.

    Parameters
    ----------
    key : ProgramKey
        Key of the compiled program.
    fetch : callable
        Function that returns rows by their indices.
    constants : Constants
        Values that the compiled program reads and that are the same for all rows.
    plan : Plan
        Number of epochs, batch size, and indices of the training and held-out rows.
    """

    key: ProgramKey
    fetch: Fetch
    constants: Constants
    plan: Plan


def make_inputs(
    network: FittedNetwork,
    settings: Settings,
    data: TrainingRows,
    n_epochs: int,
    evaluation_epochs: EpochSet = all_epochs,
) -> TrainerInput:
    """Convert rows and resolved parameters to the arguments of the trainer.

    Parameters
    ----------
    network : FittedNetwork
        The network before training.
    settings : Settings
        The resolved parameters.
    data : TrainingRows
        The training rows and held-out rows.
    n_epochs : int
        Maximum number of epochs.
    evaluation_epochs : callable, default=all_epochs
        Takes the planned number of epochs, and returns the epochs after which held-out rows are
        evaluated. The first epoch is 1. None means all epochs.
    """
    _check_indices(data)
    resolved, params = settings.resolved, settings.params
    targets, dtype, optimizer = network.targets, network.spec.dtype, settings.optimizer
    constants = Constants(
        unit=_cast(targets.unit, dtype),
        alpha=np.asarray(params.alpha, dtype),
        center=_cast(targets.mean, dtype),
        levels=targets.levels.astype(dtype),
        label_smoothing=resolved.get("label_smoothing", 0.0),
        **{name: optimizer.config[name] for name in optimizer.given},
    )
    codes = targets.encode(data.y, dtype)
    key = _program_key(network, settings, data, codes)
    plan = Plan(
        rows=data.rows,
        held_out=_evaluated_rows(data, key),
        epochs=n_epochs,
        batch_size=int(resolved.batch_size),
        shuffle=bool(params.shuffle),
        schedule=settings.schedule,
        evaluation_epochs=evaluation_epochs,
        n_folds=key.n_folds,
        n_jobs=params.n_jobs,
    )
    return TrainerInput(key, _fetch(network, data, codes, key.weighted), constants, plan)


def _evaluated_rows(data: TrainingRows, key: ProgramKey) -> np.ndarray:
    """Return the held-out rows in the order in which they are evaluated."""
    if data.validation is None or not key.by_member:
        return data.held_out
    _, _, weight = data.validation
    assert weight is not None  # the weights assign the rows to the folds
    own = weight[data.held_out - len(data.y), : key.n_folds] > 0
    return alternate_folds(data.held_out, own)


def _has_own_folds(data: TrainingRows, n_members: int) -> bool:
    """Return whether each held-out row is held out from at most one member per architecture."""
    if not data.by_member or data.validation is None or data.validation[2] is None:
        return False
    return bool(np.sum(data.validation[2][:, :n_members] > 0, axis=1).max() <= 1)


def _check_indices(data: TrainingRows) -> None:
    """Raise an error if a row index is out of bounds, which fetching rows does not check."""
    n_rows = _n_rows(data.X, data.y, data.weight)
    first, stop = 0, n_rows
    if data.validation is not None:  # the indices of validation data follow those of y
        first, stop = len(data.y), len(data.y) + _n_rows(*data.validation)
    check_indices(data.rows, 0, n_rows, "training")
    check_indices(data.held_out, first, stop, "held-out")


def _n_rows(X: Any, y: np.ndarray, weight: np.ndarray | None) -> int:
    return int(min(X.shape[0], len(y), len(y) if weight is None else len(weight)))


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    """Return a constant of the targets, which is infinite if it does not fit into the dtype."""
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def _program_key(
    network: FittedNetwork, settings: Settings, data: TrainingRows, codes: np.ndarray
) -> ProgramKey:
    from skdnn._training.losses import SMOOTHED

    resolved, targets = settings.resolved, network.targets
    is_tempered = resolved.get("monitor") in ("accuracy", "refinement")
    smoothing = resolved.get("label_smoothing", 0.0)
    is_smooth = isinstance(settings.loss, str) and targets.loss in SMOOTHED
    _check_cross_entropy(settings, is_smooth)
    weights = [data.weight, None if data.validation is None else data.validation[2]]
    return ProgramKey(
        spec=network.spec.body.without_mean(),
        optimizer=settings.optimizer,
        loss=targets.loss if isinstance(settings.loss, str) else settings.loss,
        metric=targets.metric,
        y_dtype=codes.dtype.name,
        y_ndim=codes.ndim,
        weighted=any(w is not None for w in weights) or network.spec.n_members > 1,
        penalized=settings.params.alpha > 0,
        scheduled=settings.schedule is not None,
        smoothed=smoothing > 0,
        tempered=is_smooth and is_tempered and data.validation is not None,
        by_member=_has_own_folds(data, settings.resolved.n_members),
    )


def _check_cross_entropy(settings: Settings, is_cross_entropy: bool) -> None:
    """Raise an error if a parameter requires the cross-entropy but the loss is different."""
    if is_cross_entropy:
        return
    smoothing = settings.resolved.get("label_smoothing", 0.0)
    if smoothing:
        raise ValueError(
            f"The 'label_smoothing' parameter of {settings.owner} is for the "
            f"cross-entropies, and has no meaning for the loss {settings.params.loss!r}: leave it "
            f"at 0. Got {smoothing!r}."
        )
    if settings.resolved.get("monitor", "loss") == "refinement":
        raise ValueError(
            f"monitor='refinement' of {settings.owner} is for the cross-entropies, and "
            f"has no meaning for the loss {settings.params.loss!r}: set monitor='loss'."
        )


def _fetch(network: FittedNetwork, data: TrainingRows, codes: np.ndarray, weighted: bool) -> Fetch:
    """Return a function that fetches rows of X, and of the validation data at higher indices."""
    X, y, weight = data.X, data.y, data.weight
    inputs, targets, spec = network.inputs, network.targets, network.spec
    source = inputs.fetch_from(X, spec.dtype)
    fetch = _fetch_columns(source, codes, weight, weighted, spec)
    if data.validation is None:
        return fetch
    X_val, y_val, weight_val = data.validation
    if X_val is not X:
        source = inputs.fetch_from(X_val, spec.dtype)
    codes_val = codes if y_val is y else targets.encode(y_val, spec.dtype)
    fetch_val = _fetch_columns(source, codes_val, weight_val, weighted, spec)
    return fetch_both(fetch, len(y), fetch_val)


def _fetch_columns(
    source: Callable[[np.ndarray], np.ndarray],
    codes: np.ndarray,
    weight: np.ndarray | None,
    weighted: bool,
    spec: NetworkSpec,
) -> Callable[[np.ndarray], list[np.ndarray]]:
    columns = [source, codes.__getitem__]
    if weighted:
        weight = np.ones(len(codes), spec.dtype) if weight is None else weight.astype(spec.dtype)
        if spec.n_members > 1 and weight.ndim == 1:
            weight = np.broadcast_to(weight[:, np.newaxis], (len(weight), spec.n_members))
        columns.append(weight.__getitem__)
    return lambda rows: [column(rows) for column in columns]
