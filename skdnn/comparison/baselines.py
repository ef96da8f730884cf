"""The default models of `compare`, with the preprocessing that tables require."""

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
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdnn._utils.text import unknown
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.regressor import DNNRegressor

TASKS = ("classification", "regression")
# Maximum number of one-hot columns per text column. Rarer values share the last one-hot column.
MAX_CATEGORIES = 32

# name -> (function that creates the classifier, function that creates the regressor). The forests
# use all cores, as the network and histogram gradient boosting do by default. On images, logistic
# regression does not converge in 100 iterations, the default. With the default tolerance, logistic
# regression takes three times as long on images, and the scores are no better.
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
        lambda: _as_arrays(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3)),
        lambda: _as_arrays(StandardScaler(), Ridge()),
    ),
    "Dummy": (DummyClassifier, DummyRegressor),
}


def default_models(
    task: str,
    X: Any = None,
    *,
    names: Sequence[str] | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> dict[str, Any]:
    """Return the models that `compare` evaluates by default.

    Parameters
    ----------
    task : {"classification", "regression"}
        Whether to create classifiers or regressors.
    X : array-like, default=None
        The data, which determine the preprocessing before each model. Non-numeric columns of a
        pandas DataFrame are one-hot encoded (at most 32 columns each, with one column for all rare
        values), and missing numbers are imputed by the median. None means that no preprocessing
        is needed.
    names : list of str, default=None
        Names of the models to create. None creates all models. Spellings such as "random-forest"
        are accepted too.

        - "DNN": the network.
        - "RandomForest", "ExtraTrees", "HistGradientBoosting": tree ensembles.
        - "Linear": ridge or logistic regression on standardised columns.
        - "Dummy": predicts the mean or the most frequent class.

    random_state : int, RandomState instance or None, default=0
        Seed of each model.

    Returns
    -------
    models : dict of str to estimator
        The unfitted models by name.

    Raises
    ------
    ValueError
        If `task` or one of `names` is unknown.

    Examples
    --------
    >>> from skdnn.comparison import default_models
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
        models[name] = _seeded(_as_arrays(*steps, model) if steps else model, random_state)
    return models


def _preparation(X: Any) -> list[Any]:
    """Return the steps that encode text and impute missing values.

    The list is empty if X has neither text nor missing values.
    """
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    if hasattr(X, "iloc"):
        # A mask selects by position: column names may be numbers, or not unique.
        text = [dtype.kind not in "iuf" for dtype in X.dtypes]
        encode = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
        )
        if any(text):
            return [make_column_transformer((encode, text), remainder=fill)]
        return [fill] if X.isna().to_numpy().any() else []
    numbers = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"
    return [fill] if numbers and np.isnan(X).any() else []


def _as_arrays(*steps: Any) -> Pipeline:
    """Return a pipeline whose steps pass arrays, whatever `sklearn.set_config` asks for."""
    return make_pipeline(*steps).set_output(transform="default")


def _seeded(model: Any, random_state: int | np.random.RandomState | None) -> Any:
    """Set every `random_state` of a model and of its steps, and return the model."""
    keys = [key for key in model.get_params() if re.fullmatch(r"(.+__)?random_state", key)]
    return model.set_params(**dict.fromkeys(keys, random_state))


def _key(name: str) -> str:
    return re.sub(r"[-_ ]", "", name).lower()


def short(name: str) -> str:
    """Return the name of a model on the command line, "random-forest" for "RandomForest"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
