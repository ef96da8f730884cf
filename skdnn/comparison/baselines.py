"""The models that the network is compared with, and what a raw table needs before them."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdnn._utils.text import unknown
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.regressor import DNNRegressor

TASKS = ("classification", "regression")
# The most columns that one-hot encoding makes of one: rarer values share the last of them.
MAX_CATEGORIES = 32

# name -> (makes the classifier, makes the regressor). The forests get all cores, which the network
# and histogram gradient boosting take of themselves. Logistic regression's default 100 iterations
# stop short of the optimum on images; its last digits take three times as long there, and score
# no better.
BASELINES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "DNN": (DNNClassifier, DNNRegressor),
    "RandomForest": (
        partial(RandomForestClassifier, n_jobs=-1),
        partial(RandomForestRegressor, n_jobs=-1),
    ),
    "ExtraTrees": (
        partial(ExtraTreesClassifier, n_jobs=-1),
        partial(ExtraTreesRegressor, n_jobs=-1),
    ),
    "HistGradientBoosting": (HistGradientBoostingClassifier, HistGradientBoostingRegressor),
    "Linear": (
        lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3)),
        lambda: make_pipeline(StandardScaler(), Ridge()),
    ),
    "Dummy": (DummyClassifier, DummyRegressor),
}


def default_models(
    task: str, X: Any = None, *, names: Sequence[str] | None = None, random_state: Any = 0
) -> dict[str, Any]:
    """Make the models that `compare` runs by default.

    Parameters
    ----------
    task : {"classification", "regression"}
        What they are to do.
    X : array-like, default=None
        The data, to see what must be done to it. Columns of a pandas DataFrame that are not
        numbers are one-hot encoded (at most 32 columns for each, rare values together), and the
        median replaces missing numbers. None is for plain numbers.
    names : list of str, default=None
        Which ones, of "DNN", "RandomForest", "ExtraTrees", "HistGradientBoosting", "Linear" (a
        ridge or logistic regression of standardised columns) and "Dummy" (the mean or the most
        frequent class). "random-forest" will do as well. None means all.
    random_state : int, RandomState instance or None, default=0
        The seed of each.

    Returns
    -------
    models : dict of str to estimator
        Not fitted.

    Raises
    ------
    ValueError
        If `task` or one of `names` is not known.

    Examples
    --------
    >>> from skdnn.comparison.compare import default_models
    >>> default_models("regression", names=["dummy"])
    {'Dummy': DummyRegressor()}
    """
    if task not in TASKS:
        raise unknown("task", "default_models", task, TASKS)
    is_list = isinstance(names, Sequence) and not isinstance(names, str)
    if names is not None and not (is_list and names):
        raise ValueError(
            f"The 'models' parameter of compare must be a dict of estimators or a list of names, "
            f"at least one. Got {names!r} instead."
        )
    by_key = {_key(name): name for name in BASELINES}
    for name in names or ():
        if not isinstance(name, str) or _key(name) not in by_key:
            raise unknown("models", "compare", name, map(short, BASELINES))
    steps = _preparation(X)
    models = {}
    for name in BASELINES if names is None else (by_key[_key(name)] for name in names):
        classifier, regressor = BASELINES[name]
        model = (classifier if task == "classification" else regressor)()
        models[name] = _seeded(make_pipeline(*steps, model) if steps else model, random_state)
    return models


def _preparation(X: Any) -> list[Any]:
    """Make the steps that turn X into numbers without gaps; none where it is so already."""
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    if hasattr(X, "iloc"):
        # By position: names may be numbers, or come twice.
        text = [dtype.kind not in "iuf" for dtype in X.dtypes]
        encode = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
        )
        if any(text):
            return [make_column_transformer((encode, text), remainder=fill)]
        return [fill] if X.isna().to_numpy().any() else []
    numbers = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"
    return [fill] if numbers and np.isnan(X).any() else []


def _seeded(model: Any, random_state: Any) -> Any:
    keys = [key for key in model.get_params() if re.fullmatch(r"(.+__)?random_state", key)]
    return model.set_params(**dict.fromkeys(keys, random_state))


def _key(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def short(name: str) -> str:
    """Spell a model's name as on a command line: RandomForest is random-forest."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
