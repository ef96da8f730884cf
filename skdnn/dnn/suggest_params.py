"""Draws the values of a search space with Optuna."""

from collections.abc import Mapping
from typing import Any

import numpy as np

_PLAIN = (str, int, float, type(None))  # bool is an int


def suggest_params(trial: Any, space: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each parameter of a search space, which a trial of Optuna suggests.

    Parameters
    ----------
    trial : optuna.trial.Trial or optuna.trial.FrozenTrial
        The trial. A finished trial, such as ``study.best_trial``, gives its values again.
    space : mapping of str to list or frozen distribution
        The space, as `search_space` returns it. A value is a list, or one of the distributions
        `loguniform`, `uniform` and `randint` of SciPy. The parameters may be those of any
        estimator.

    Returns
    -------
    params : dict of str to object
        The values by the name of the parameter, for `set_params`. A list of a single value is not
        suggested, but always in the result.

    See Also
    --------
    search_space : The space of a network.

    Notes
    -----
    Optuna stores None, booleans, numbers and text alone. Other values, such as the tuples of
    `hidden_layer_sizes`, are stored as text, and ``study.best_params`` has this text. So take the
    best parameters from `suggest_params(study.best_trial, space)`.

    Examples
    --------
    >>> import optuna
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from skdnn import DNNClassifier, search_space, suggest_params
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> X, y = load_iris(return_X_y=True)
    >>> space = search_space("classification")
    >>> def objective(trial):
    ...     params = suggest_params(trial, space)
    ...     network = DNNClassifier(**params, epochs=10, random_state=0)  # without epochs for real
    ...     return cross_val_score(network, X, y, cv=2, scoring="neg_log_loss").mean()
    >>> study = optuna.create_study(
    ...     direction="maximize", sampler=optuna.samplers.TPESampler(seed=0)
    ... )
    >>> study.optimize(objective, n_trials=2)
    >>> best = DNNClassifier(**suggest_params(study.best_trial, space), random_state=0).fit(X, y)
    >>> best.resolved_params_.preset
    'balanced'
    """
    if not hasattr(trial, "suggest_categorical"):
        raise TypeError(
            "The 'trial' parameter of suggest_params must be a trial of Optuna: the argument of "
            f"the objective, or study.best_trial. Got {trial!r} instead."
        )
    if not isinstance(space, Mapping):
        raise TypeError(
            "The 'space' parameter of suggest_params must be a dict, as search_space(estimator) "
            f"returns it. Got {space!r} instead."
        )
    return {name: _suggest(trial, name, values) for name, values in space.items()}


def _suggest(trial: Any, name: str, values: Any) -> Any:
    """Return a value of one parameter."""
    if hasattr(values, "rvs"):
        return _suggest_number(trial, name, values)
    is_list = np.iterable(values) and not isinstance(values, str | Mapping)
    choices = list(values) if is_list else []
    if not choices:
        raise _unknown(name, values)
    if len(choices) == 1:
        return choices[0]
    if all(isinstance(choice, _PLAIN) for choice in choices):
        return trial.suggest_categorical(name, choices)
    texts = [str(choice) for choice in choices]
    return choices[texts.index(trial.suggest_categorical(name, texts))]


def _suggest_number(trial: Any, name: str, values: Any) -> Any:
    """Return a number from a distribution of SciPy."""
    kind = _name_of_distribution(values)
    if kind in ("loguniform", "reciprocal", "uniform", "randint"):
        low, high = values.support()
        if kind == "randint":
            return trial.suggest_int(name, int(low), int(high))
        is_log = kind != "uniform"
        if not is_log or np.isclose(values.median(), np.sqrt(low * high)):  # not shifted by loc
            return trial.suggest_float(name, float(low), float(high), log=is_log)
    raise _unknown(name, values)


def _unknown(name: str, values: Any) -> TypeError:
    """Return the error for values that Optuna has no counterpart of."""
    return TypeError(
        f"space[{name!r}] must be a list of values, or loguniform, uniform or randint of "
        f"scipy.stats. Got {_name_of_distribution(values) or repr(values)} instead."
    )


def _name_of_distribution(values: Any) -> str:
    """Return the name of a frozen distribution of SciPy. Empty for other objects."""
    return getattr(getattr(values, "dist", None), "name", "")
