"""Selection of the numeric columns that the network uses."""

from dataclasses import replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from skdnn._data.column_selection import rank_columns
from skdnn._data.table import Columns
from skdnn.dnn.checks import CheckedData
from skdnn.dnn.presets import FEWEST_COLUMNS, Data, is_auto
from skdnn.dnn.settings import Settings, resolve_settings


def select_columns(
    draft: BaseEstimator,
    description: Data,
    data: CheckedData,
    columns: Columns,
    rows: np.ndarray,
    settings: Settings,
    seed: int,
) -> tuple[Settings, np.ndarray | None]:
    """Select numeric columns on the training rows, and resolve the parameters for these columns.

    Parameters
    ----------
    draft : BaseEstimator
        The estimator, whose parameters are resolved again.
    description : Data
        Properties of the data with all columns.
    data : CheckedData
        Numbers and category codes, y and sample weights.
    columns : Columns
        The fitted encoder of the categorical columns, which are not selected.
    rows : ndarray of int
        Indices of the training rows.
    settings : Settings
        The resolved parameters, of which `n_features_to_select` is not None.
    seed : int
        Seed of the ranking.

    Returns
    -------
    settings : Settings
        The parameters, with the number of selected columns as `n_features_to_select`.
    numbers : ndarray of int or None
        Positions of the selected columns. None if `n_features_to_select` is "auto" and all columns
        are kept.
    """
    numbers = np.setdiff1d(np.arange(data.X.shape[1]), columns.codes)
    wanted, n_kept = settings.resolved.n_features_to_select, len(numbers)
    order = np.arange(len(numbers))
    if len(numbers) > (FEWEST_COLUMNS if is_auto(wanted) else 0):
        ranking = rank_columns(
            data.X, data.y, rows, data.weight, numbers, classifies=settings.classifies, seed=seed
        )
        order = ranking.order
        n_kept = ranking.n_related if is_auto(wanted) else min(wanted, len(numbers))
    keeps_all = is_auto(wanted) and n_kept == len(numbers)
    description = description._replace(n_columns=n_kept + len(columns.codes))
    settings = resolve_settings(draft, description, known=None)
    if is_auto(wanted):
        number = None if keeps_all else n_kept
        resolved = Bunch(**{**settings.resolved, "n_features_to_select": number})
        settings = replace(settings, resolved=resolved)
    return settings, None if keeps_all else np.sort(numbers[order[:n_kept]])
