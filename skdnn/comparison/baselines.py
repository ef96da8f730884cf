"""The default models of `compare`, with the preprocessing that tables require."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, get_args

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn._utils.annotations import BaselineName
from skdnn._utils.text import unknown
from skdnn.comparison.encode_table import TableEncoder, needs_encoding
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.regressor import DNNRegressor
from skdnn.typing import Task

TASKS: tuple[Task, ...] = get_args(Task)

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
# short name without "-", "_", " " and the kind of estimator -> name
_NICKNAMES = {
    short: name
    for name, shorts in {
        "DNN": "nn net network neuralnet neuralnetwork deepneuralnetwork mlp skdnn",
        "RandomForest": "rf forest randomforests",
        "ExtraTrees": "et extra extratree extremelyrandomizedtrees",
        "HistGradientBoosting": "hgb hgbt hist histgb histgbt gb gbm gbdt gbt boosting "
        "gradientboosting gradientboostedtrees histgbm",
        "Linear": "lr lin logreg logistic logisticregression linearregression linearmodel ridge",
        "Dummy": "baseline mean majority",
    }.items()
    for short in shorts.split()
}


def default_models(
    task: Task,
    X: Any = None,
    *,
    names: Sequence[BaselineName | str] | None = None,
    random_state: int | np.random.RandomState | None = 0,
) -> dict[str, Any]:
    """Return the models that `compare` evaluates by default.

    Parameters
    ----------
    task : {"classification", "regression"}
        Whether to create classifiers or regressors.
    X : array-like, default=None
        The data, which determine the preprocessing before each model, "DNN" too. Non-numeric
        columns are one-hot encoded (at most 32 columns each, with one column for all rare values),
        and missing numbers are imputed by the median. Identifiers beyond 2**53 are one-hot encoded
        as well, because floats would merge these. None means that no preprocessing is needed.
    names : list of str, default=None
        Names of the models to create. None creates all models. Spellings such as "random-forest",
        nicknames such as "rf", and names of classes are accepted too.

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
    chosen = list(BASELINES) if names is None else _full_names(names)
    steps = [TableEncoder()] if needs_encoding(X) else []
    models = {}
    for name in chosen:
        classifier, regressor = BASELINES[name]
        model = (classifier if task == "classification" else regressor)()
        models[name] = _seeded(_as_arrays(*steps, model) if steps else model, random_state)
    return models


def _full_names(names: Any) -> list[str]:
    """Return the names of baselines, given by their names, nicknames or classes."""
    is_list = isinstance(names, Sequence) and not isinstance(names, str)
    if not is_list or not names or not all(isinstance(n, str) for n in names):
        raise ValueError(
            f"The 'models' parameter of compare must be a dict of estimators or a list of names, "
            f"at least one. Got {names!r} instead{_hint(names)}."
        )
    by_key = {_key(name): name for name in BASELINES} | _NICKNAMES
    found: dict[str, str] = {}
    for name in names:
        if _key(name) not in by_key:
            known = map(short, BASELINES)
            raise unknown("models", "compare", name, known, "one of {}, or a dict of estimators")
        full = by_key[_key(name)]
        if full in found:
            both = repr(name) if found[full] == name else f"{found[full]!r} and {name!r}"
            raise ValueError(
                f"The 'models' parameter of compare must name each model once. Got {both}"
                f"{' twice' if found[full] == name else f', which are both {full}'}."
            )
        found[full] = name
    return list(found)


def _hint(models: Any) -> str:
    """Return what to write instead of estimators without names, or of a name without a list."""
    if isinstance(models, str):
        return f": write [{models!r}]"
    models = [models] if hasattr(models, "fit") else models
    if not isinstance(models, Sequence):
        return ""
    if all(isinstance(model, tuple) for model in models):
        return ": write dict(...) of the pairs" if models else ""
    entries = [f"{getattr(model, '__name__', type(model).__name__)!r}: ..." for model in models]
    return f": write {{{', '.join(entries)}}}"


def _as_arrays(*steps: Any) -> Pipeline:
    """Return a pipeline whose steps pass arrays, whatever `sklearn.set_config` asks for."""
    return make_pipeline(*steps).set_output(transform="default")


def _seeded(model: Any, random_state: int | np.random.RandomState | None) -> Any:
    """Set every `random_state` of a model and of its steps, and return the model."""
    keys = [key for key in model.get_params() if re.fullmatch(r"(.+__)?random_state", key)]
    return model.set_params(**dict.fromkeys(keys, random_state))


def _key(name: str) -> str:
    return re.sub(r"[-_ ]|(classifier|regressor)$", "", name.lower())


def short(name: str) -> str:
    """Return the name of a model on the command line, "random-forest" for "RandomForest"."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
