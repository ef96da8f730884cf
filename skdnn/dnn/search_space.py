"""Search spaces of the DNN estimators, for random search, successive halving and Optuna."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from scipy.stats import loguniform
from sklearn.base import is_classifier

from skdnn._network.summary import NetworkTableMixin
from skdnn._utils.text import unknown
from skdnn.dnn.base import BaseDNN
from skdnn.dnn.classifier import DNNClassifier
from skdnn.dnn.presets import DEFAULT, RATE, Data, Task, choose, is_auto, realmlp_rate
from skdnn.dnn.regressor import DNNRegressor
from skdnn.dnn.settings import parameters, task_of
from skdnn.typing import SpaceSize

_OWNER = "search_space"
_OF_TASK: dict[str, type[BaseDNN]] = {
    "classification": DNNClassifier,
    "regression": DNNRegressor,
}
_N_SMALL = 5
# The first are those of the small space. "auto" is the value of the preset, which suits any data.
_VALUES: dict[str, list[Any]] = {
    "activation": ["auto", "silu"],
    "numeric_embedding": ["auto", None],
    "weight_decay": ["auto", 0.03, 0.3],
    "hidden_layer_sizes": ["auto", (64, 64), (256, 256)],
    "dropout": ["auto", 0.1, 0.25],
    "label_smoothing": ["auto", 0.03, 0.0],
    "batch_size": ["auto", 32, 128],
    "learning_rate_schedule": ["auto", "cosine"],
}
# The same for the preset "plain".
_PLAIN_VALUES: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["auto", (64,), (256,), (128, 128)],
    "dropout": ["auto", 0.1, 0.25],
    "batch_size": ["auto", 16, 64, 128],
    "weight_decay": ["auto", 0.01, 0.1],
    "activation": ["auto", "silu"],
    "learning_rate_schedule": ["auto", "cosine", "one_cycle"],
    "label_smoothing": ["auto", 0.03, 0.1],
}


def search_space(estimator: Any, size: SpaceSize = "small") -> dict[str, Any]:
    """Return values of hyperparameters to search, by the name of the parameter.

    Parameters
    ----------
    estimator : object or {"classification", "regression"}
        A `DNNClassifier` or `DNNRegressor`, or an estimator that contains one, such as a
        `Pipeline` or a `TransformedTargetRegressor`. A task stands for an estimator with its
        default parameters. A parameter that is not "auto" keeps its value and is left out.
    size : {"small", "full"}, default="small"
        "small" has up to five parameters, for about 30 candidates. "full" has more, for 100
        candidates or more.

    Returns
    -------
    space : dict of str to list or frozen distribution
        A list of values, or a distribution of SciPy, for each parameter. The names are those that
        `set_params` of `estimator` takes. `preset` has a single value, because giving
        `hidden_layer_sizes` alone selects the preset "plain".

    See Also
    --------
    suggest_params : Draw the values with Optuna.

    Notes
    -----
    The space is for `RandomizedSearchCV`, `HalvingRandomSearchCV` with any resource, and, by
    `suggest_params`, for Optuna. It is a dict like any other: add, change and delete parameters as
    you like.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> from skdnn import DNNClassifier, search_space
    >>> X, y = load_iris(return_X_y=True)
    >>> network = DNNClassifier(epochs=10, random_state=0)  # without epochs for real
    >>> search = RandomizedSearchCV(
    ...     network, search_space(network), n_iter=2, cv=2, scoring="neg_log_loss", random_state=0
    ... ).fit(X, y)
    >>> search.best_estimator_.resolved_params_.preset
    'balanced'
    """
    if size not in get_args(SpaceSize):
        raise unknown("size", _OWNER, size, get_args(SpaceSize))
    return {
        prefix + name: values
        for prefix, network in _networks(estimator).items()
        for name, values in _space(network, size).items()
    }


def _networks(estimator: Any) -> dict[str, BaseDNN]:
    """Return the networks in an estimator, by the prefix of the names of their parameters."""
    if isinstance(estimator, str):
        if estimator not in _OF_TASK:
            raise unknown("estimator", _OWNER, estimator, _OF_TASK, "an estimator, or {}")
        return {"": _OF_TASK[estimator]()}
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        hint = f": write {estimator.__name__}()" if isinstance(estimator, type) else ""
        raise TypeError(
            "The 'estimator' parameter of search_space must be a DNNClassifier, a DNNRegressor, an "
            "estimator that contains one, 'classification' or 'regression'. Got "
            f"{estimator!r} instead{hint}."
        )
    inside = {"": estimator} | {f"{k}__": v for k, v in estimator.get_params(deep=True).items()}
    networks = {prefix: value for prefix, value in inside.items() if isinstance(value, BaseDNN)}
    if not networks:
        raise _without_network(estimator, inside)
    return networks


def _without_network(estimator: Any, inside: Mapping[str, Any]) -> TypeError:
    """Return the error for an estimator without a network whose parameters are known."""
    for prefix, value in inside.items():
        if isinstance(value, NetworkTableMixin) and not isinstance(value, BaseDNN):
            return TypeError(
                "search_space does not know the parameters of the network of a "
                f"{type(value).__name__}. Write a space of the arguments of your build function "
                f"and of the optimizer, such as {{'{prefix}model__units': [32, 64, 128], "
                f"'{prefix}optimizer__learning_rate': scipy.stats.loguniform(1e-4, 1e-2)}}. The "
                f"network of model=None has {prefix}model__hidden_layer_sizes."
            )
    return TypeError(
        "The 'estimator' parameter of search_space must be a DNNClassifier or a DNNRegressor, or "
        f"contain one. Got {estimator!r} instead."
    )


def _space(network: BaseDNN, size: SpaceSize) -> dict[str, Any]:
    """Return the space of one network, without the parameters that are given."""
    names, given = network.get_params(deep=False), parameters(network)
    task = task_of(given, is_classifier(network))
    is_plain = choose(given.preset, given, Data(n_rows=0, n_columns=0)) == "plain"
    space: dict[str, Any] = {"learning_rate": _rates(given, task, is_plain)}
    space |= {k: list(values) for k, values in (_PLAIN_VALUES if is_plain else _VALUES).items()}
    left_out = _unsuited(given, task)
    if is_auto(given.preset) and "preset" not in names:  # of a subclass
        left_out.add("hidden_layer_sizes")
    kept = [name for name in space if is_auto(names.get(name)) and name not in left_out]
    preset = {} if is_plain or not is_auto(names.get("preset")) else {"preset": [DEFAULT]}
    return preset | {name: space[name] for name in kept[: _N_SMALL if size == "small" else None]}


def _rates(given: Mapping[str, Any], task: Task, is_plain: bool) -> Any:
    """Return a distribution of learning rates, which contains that of the preset."""
    if given["parametrization"] == "realmlp":
        rate = realmlp_rate(task.classifies)
    elif is_plain:
        return loguniform(3e-4, 1e-2)
    else:
        rate = 1.5 * RATE
    return loguniform(round(rate / 3, 4), round(rate * 2, 4))


def _unsuited(given: Mapping[str, Any], task: Task) -> set[str]:
    """Return the parameters that have no effect, or another range, beside those that are given."""
    is_realmlp = given["parametrization"] == "realmlp"
    per_layer = (given["activation"], given["dropout"])  # lists are as long as there are layers
    has_layers = any(np.iterable(values) and not isinstance(values, str) for values in per_layer)
    reasons = [
        (not task.adam, {"learning_rate", "weight_decay"}),
        (callable(given["learning_rate"]), {"learning_rate_schedule"}),
        (given["n_iter_no_change"] == "cycle", {"learning_rate_schedule"}),
        (not task.cross_entropy, {"label_smoothing"}),
        (is_realmlp, {"numeric_embedding", "weight_decay"}),
        (has_layers, {"hidden_layer_sizes"}),
    ]
    return {name for applies, names in reasons if applies for name in names}
