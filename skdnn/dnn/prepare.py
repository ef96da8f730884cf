"""The steps of a fit before the first epoch.

The steps are to check the data, resolve the parameters, split the rows, fit the preprocessing, and
design the network.
"""

import copy
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils import check_random_state

from skdnn._data.preprocessing import Inputs
from skdnn._data.robust_scaling import outlier_message
from skdnn._data.splits import assign_folds, check_groups, hold_out, member_weights
from skdnn._data.table import Columns
from skdnn._data.targets import NumericTargets, Targets
from skdnn._data.validation_folds import (
    Fold,
    RowsToSplit,
    check_classes_of_folds,
    folds_of_members,
    folds_of_splitter,
    last_rows,
    weights_of_folds,
)
from skdnn._utils.user_warning import warn_user
from skdnn.dnn.architecture import (
    check_unchanged,
    code_positions,
    design_network,
    split_categories,
)
from skdnn.dnn.checks import (
    CheckedData,
    check_classes,
    check_data,
    check_matrix,
    check_validation_data,
    warn_of_doubtful_labels,
)
from skdnn.dnn.fit_result import FEATURES, FitResult, Request
from skdnn.dnn.fitted import Continuation, FittedNetwork
from skdnn.dnn.initial_state import initial_state
from skdnn.dnn.loss_and_targets import fit_class_weights, make_targets
from skdnn.dnn.presets import FEWEST_ROWS, Data
from skdnn.dnn.selected_columns import select_columns
from skdnn.dnn.settings import Settings, parameters, resolve_settings
from skdnn.dnn.trainer_input import TrainingRows

_VALIDATION_FRACTION = 0.1


class Split(NamedTuple):
    """Split of the rows into training rows and held-out rows.

    Parameters
    ----------
    rows : ndarray of int
        Indices of the training rows.
    held_out : ndarray of int
        Indices of the held-out rows.
    by_member : bool
        Whether each ensemble member has a held-out fold of its own. `rows` are then the training
        rows of any member.
    folds : list of Fold or None, default=None
        The folds that `validation` describes, one for each member if `by_member`. None if the
        folds of the members are drawn.
    """

    rows: np.ndarray
    held_out: np.ndarray
    by_member: bool
    folds: list[Fold] | None = None


@dataclass(frozen=True, eq=False)
class Start:
    """The parameters, network, data and split at the start of training.

    Parameters
    ----------
    settings : Settings
        The resolved parameters.
    before : FitResult
        The network before training, and the history so far.
    data : CheckedData
        Numbers and category codes, y, and sample weights with mean 1 over the training rows.
    split : Split
        The split into training rows and held-out rows.
    """

    settings: Settings
    before: FitResult
    data: CheckedData
    split: Split


def start_training(draft: BaseEstimator, request: Request, previous: FitResult | None) -> Start:
    """Run all steps of a fit before the first epoch.

    Parameters
    ----------
    draft : BaseEstimator
        An unfitted copy of the estimator, whose attributes `n_features_in_` and
        `feature_names_in_` are set.
    request : Request
        The arguments of `fit` or `partial_fit`.
    previous : FitResult or None
        The result of the fit to continue. None if training starts from new weights.
    """
    columns = _columns(draft, previous)
    data = _check(draft, request, columns, previous)
    rows = data.rows_with_weight()
    settings = _resolve(draft, request, data, previous)
    continuation = _continue(settings, previous)
    seed = continuation.split_seed
    table, is_first = data.X, previous is None
    by_member = has_folds(settings, request, len(rows))
    whole = split = split_rows(settings, request, data.y, rows, seed, by_member)
    selects, numbers = settings.resolved.get("n_features_to_select") is not None, None
    if selects:  # on rows on which no member is validated
        split = _without_folds(split, settings, request, data.y, rows, seed)
    data = data._replace(X=_read(draft, table, columns, split.rows, is_first=is_first))
    if selects and is_first:
        described = _describe(request, data)
        settings, numbers = select_columns(
            draft, described, data, columns, split.rows, settings, seed
        )
        if numbers is None and whole.by_member:  # all columns are kept
            split, columns = whole, _columns(draft, previous)
            data = data._replace(X=_read(draft, table, columns, split.rows, is_first=True))
    if split.by_member and split_categories(settings, columns)[1]:
        # Folds are not used, because members share the embeddings of categories. The embeddings
        # would be trained on the rows on which a member is validated.
        split = _without_folds(split, settings, request, data.y, rows, seed)
        if whole.folds is not None:
            columns = _columns(draft, previous)  # whose categories are those of the training rows
            data = data._replace(X=_read(draft, table, columns, split.rows, is_first=is_first))
    if data.weight is not None:
        data = data._replace(weight=data.weight / data.weight[split.rows].mean())
    if previous is None:
        rng = continuation.rng
        network = design(settings, data, columns, split, rng, request.classes, numbers)
        _warn_of_data(draft, request, data, network)
    else:
        network = previous.network.uncalibrated() if request.is_whole else previous.network
    network = replace(network, targets=_clipped(network.targets, settings, data.y[split.rows]))
    features = {name: vars(draft)[name] for name in FEATURES if name in vars(draft)}
    start = FitResult(network, continuation, settings.resolved, features)
    if previous is not None:
        start = replace(
            start,
            history=previous.history,
            n_iter=previous.n_iter,
            best_epoch=previous.best_epoch,
        )
    return Start(settings, start, data, split)


def _warn_of_data(
    draft: BaseEstimator, request: Request, data: CheckedData, network: FittedNetwork
) -> None:
    inputs, names = network.inputs, getattr(draft, "feature_names_in_", None)
    owner = type(draft).__name__
    message = outlier_message(inputs.outliers, names, owner, are_clipped=inputs.limit is not None)
    if message is not None:
        warn_user(message)
    if request.classes is None and is_classifier(draft):
        warn_of_doubtful_labels(data.y, request.y)


def _columns(draft: BaseEstimator, previous: FitResult | None) -> Columns:
    if previous is not None:
        return previous.network.columns
    return Columns(parameters(draft).categorical_features, type(draft).__name__)


def _check(
    draft: BaseEstimator, request: Request, columns: Columns, previous: FitResult | None
) -> CheckedData:
    network = None if previous is None else previous.network
    if not request.is_whole and is_classifier(draft):
        known = None if network is None else network.targets
        check_classes(request.y, request.classes, known, type(draft).__name__)
    return check_data(
        draft, request.X, request.y, request.sample_weight, columns=columns, network=network
    )


def _resolve(
    draft: BaseEstimator,
    request: Request,
    data: CheckedData,
    previous: FitResult | None,
) -> Settings:
    known = None if previous is None else previous.resolved_params
    settings = resolve_settings(draft, _describe(request, data), known)
    if previous is not None:
        check_unchanged(settings, previous.continuation.loss, previous.network)
    return settings


def _describe(request: Request, data: CheckedData) -> Data:
    return Data(
        len(data.rows_with_weight()),
        data.X.shape[1],
        is_image=len(data.shape) > 1,
        is_sparse=issparse(data.X),
        is_given=request.is_whole and request.validation.X is not None,
        comes_in_parts=not request.is_whole,
    )


def _continue(settings: Settings, previous: FitResult | None) -> Continuation:
    """Return the generator, split seed and loss text of a new fit, or of the previous fit."""
    if previous is None:
        rng = np.random.default_rng(draw_seed(settings.params.random_state))
        return Continuation(rng, int(rng.integers(2**31)), settings.loss_text)
    return replace(previous.continuation, rng=copy.deepcopy(previous.continuation.rng))


def _read(
    draft: BaseEstimator, X: Any, columns: Columns, rows: np.ndarray, *, is_first: bool
) -> Any:
    """Encode a table as numbers and category codes, with categories fitted on training rows."""
    if not columns.reads(X):
        return X
    matrix = columns.fit_transform(X, rows) if is_first else columns.transform(X)
    return check_matrix(matrix, draft)


def has_folds(settings: Settings, request: Request, n_rows: int) -> bool:
    """Return whether each ensemble member is validated on a fold of its own.

    With folds that are drawn, each row is a training row of some member. Folds are not used if
    members share weights. They are not drawn if there are few rows.
    """
    resolved, params = settings.resolved, settings.params
    alone = resolved.n_members > 1 and resolved.numeric_embedding != "periodic"
    if not (alone and request.is_whole and request.validation.X is None):
        return False
    if params.validation is not None:
        return True
    is_drawn = params.validation_fraction is None and n_rows >= FEWEST_ROWS
    return is_drawn and bool(resolved.early_stopping)


def split_rows(
    settings: Settings,
    request: Request,
    y: np.ndarray,
    rows: np.ndarray,
    seed: int,
    by_member: bool,
) -> Split:
    """Split rows into training rows and held-out rows."""
    fraction = settings.params.validation_fraction
    stops = request.is_whole and bool(settings.resolved.early_stopping)
    if fraction is None and stops:
        fraction = _VALIDATION_FRACTION
    is_given = request.validation.X is not None
    if settings.params.validation is not None and request.is_whole and not is_given:
        return _split_by_validation(settings, request, y, rows, by_member)
    if by_member or not request.is_whole or is_given or fraction is None:
        return Split(rows, rows[:0], by_member)
    groups = check_groups(request.validation.groups, y)
    groups = None if groups is None else groups[rows]
    labels = y[rows] if settings.classifies and y.ndim == 1 else None
    return Split(*hold_out(rows, labels, fraction, seed, groups), by_member=False)


def _split_by_validation(
    settings: Settings, request: Request, y: np.ndarray, rows: np.ndarray, by_member: bool
) -> Split:
    """Split rows as the parameter `validation` says."""
    params, owner = settings.params, settings.owner
    groups = check_groups(request.validation.groups, y)
    is_time = isinstance(params.validation, str)
    if params.validation_fraction is not None and not is_time:
        raise ValueError(
            f"validation_fraction={params.validation_fraction!r} of {owner} has no meaning for a "
            "validation that says which rows to hold out: leave it at None, or set "
            "validation='time'."
        )
    if groups is not None and (is_time or not hasattr(params.validation, "split")):
        warn_user(f"The groups are ignored by validation={params.validation!r:.100} of {owner}.")
    if is_time:
        fraction = params.validation_fraction or _VALIDATION_FRACTION
        folds = [last_rows(rows, fraction, owner)]
    else:
        source = RowsToSplit(request.X, y, groups, rows)
        folds = folds_of_splitter(params.validation, source, owner, classifies=settings.classifies)
    own = folds[-1:]
    if by_member and len(folds) > 1:
        own = folds_of_members(folds, int(settings.resolved.n_members))
    if settings.classifies and y.ndim == 1:
        check_classes_of_folds(own, y, rows, owner)
    if len(own) == 1:
        return _split_by_fold(own[0])
    training = np.unique(np.concatenate([fold.training for fold in own]))
    return Split(training, rows[:0], by_member=True, folds=own)


def _without_folds(
    split: Split, settings: Settings, request: Request, y: np.ndarray, rows: np.ndarray, seed: int
) -> Split:
    """Return a split in which all ensemble members have the same held-out rows."""
    if not split.by_member:
        return split
    if split.folds is None:
        return split_rows(settings, request, y, rows, seed, by_member=False)
    return _split_by_fold(split.folds[-1])


def _split_by_fold(fold: Fold) -> Split:
    """Return a split in which all ensemble members have the same held-out rows."""
    return Split(np.sort(fold.training), np.unique(fold.held_out), by_member=False)


def design(
    settings: Settings,
    data: CheckedData,
    columns: Columns,
    split: Split,
    rng: np.random.Generator,
    classes: Any,
    numbers: np.ndarray | None = None,
) -> FittedNetwork:
    """Fit targets and preprocessing on the training rows, and create the initial network."""
    X, y, weight, shape = data
    targets = make_targets(
        y,
        split.rows,
        weight,
        settings.loss,
        settings.params,
        settings.owner,
        settings.classifies,
        classes,
    )
    codes = code_positions(settings, columns)
    inputs = Inputs(settings.resolved.scaling, shape, codes, numbers)
    inputs.fit(X, split.rows, weight)
    spec = design_network(settings, shape, columns, inputs, targets)
    state = initial_state(settings, spec, X, split.rows, columns, inputs, targets, rng)
    return FittedNetwork(columns, inputs, targets, spec, state)


def _clipped(targets: Targets, settings: Settings, y: np.ndarray) -> Targets:
    """Return targets that clip predictions to the range of y if `clip` is True."""
    if not isinstance(targets, NumericTargets):
        return targets
    return targets.within(y if settings.resolved.clip else None)


def weigh_rows(draft: BaseEstimator, request: Request, start: Start) -> TrainingRows:
    """Apply class weights and folds to the sample weights, and check the validation data."""
    settings, network = start.settings, start.before.network
    (X, y, weight, _), (rows, held_out, by_member, folds) = start.data, start.split
    class_weights = fit_class_weights(
        settings.params.get("class_weight"), network.targets, y, rows, weight, settings.owner
    )
    if class_weights is not None:
        factors = class_weights.of(y)
        weight = factors if weight is None else weight * factors
        rows, held_out = rows[weight[rows] > 0], held_out[weight[held_out] > 0]
        if not len(rows):
            raise ValueError(
                f"class_weight leaves {settings.owner} no row of any weight to train on."
            )
        weight = weight / weight[rows].mean()
    validation = check_validation_data(draft, request.validation, network, class_weights)
    if by_member:
        if folds is None:
            groups = check_groups(request.validation.groups, y)
            seed = start.before.continuation.split_seed
            fold = assign_folds(y, rows, groups, seed, classifies=settings.classifies)
            weight, weight_val = member_weights(weight, fold, settings.resolved.n_members)
        else:
            weight, weight_val = weights_of_folds(weight, folds, len(y))
        n_architectures = network.spec.n_members // weight.shape[1]
        weight, weight_val = np.tile(weight, n_architectures), np.tile(weight_val, n_architectures)
        validation = X, y, weight_val
        held_out = len(y) + np.flatnonzero(weight_val.any(axis=1))
    elif validation is not None:
        held_out = len(y) + np.arange(len(validation[1]))
    return TrainingRows(X, y, weight, rows, held_out, validation, by_member)


def draw_seed(random_state: Any) -> int:
    """Return a seed from `random_state`, or if None, independent of NumPy's global generator."""
    if random_state is None:
        random_state = np.random.RandomState()
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
