"""Names of the parameters of a wrapper, and routing of the parameters to Keras's methods."""

from collections.abc import Callable, Iterable, Mapping
from numbers import Integral, Real
from typing import Any, TypeVar

from sklearn.base import BaseEstimator, clone

from skdnn._utils.callback_copies import clone_callbacks
from skdnn._utils.keras_losses import is_keras_loss
from skdnn._utils.sklearn_compat import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    check_values,
    copy_configuration,
)
from skdnn.wrappers.pickling import lazy_names
from skdnn.wrappers.scikeras_compat import route_params
from skdnn.wrappers.unknown_names import make

# Parameters whose values are not changed by fitting.
_SHARED = frozenset({"model", "build_fn", "optimizer", "loss", "metrics"})
_Estimator = TypeVar("_Estimator", bound=BaseEstimator)

# Prefixes before "__" that route a parameter to another object or method than the wrapper.
ROUTING_PREFIXES = frozenset(
    {
        "callbacks",
        "compile",
        "fit",
        "loss",
        "metrics",
        "model",
        "optimizer",
        "predict",
        "score",
    }
)
# Parameters of the wrapper that are also arguments of methods of keras.Model.
FIT_ARGUMENTS = frozenset(
    {
        "batch_size",
        "class_weight",
        "epochs",
        "initial_epoch",
        "sample_weight",
        "shuffle",
        "validation_batch_size",
        "validation_freq",
        "validation_split",
        "validation_steps",
        "verbose",
    }
)
PREDICT_ARGUMENTS = frozenset({"batch_size", "steps", "verbose"})
COMPILE_ARGUMENTS = frozenset(
    {"loss", "loss_weights", "metrics", "optimizer", "run_eagerly", "weighted_metrics"}
)

_BATCH_SIZE = [Interval(Integral, 1, None, closed="left"), Options(Integral, {-1}), None]
# Accepted types and values of the constructor's parameters. `build.py` checks the network.
CONSTRAINTS: dict[str, list[Any]] = {
    "warm_start": ["boolean"],
    "random_state": ["random_state"],
    "optimizer": [str, type, HasMethods(["apply", "get_config"]), None],
    "loss": [str, callable, list, tuple, dict, None],
    "metrics": [str, callable, list, tuple, dict, None],
    "batch_size": _BATCH_SIZE,
    "validation_batch_size": _BATCH_SIZE,
    "verbose": ["verbose", StrOptions({"auto"})],
    "validation_split": [Interval(Real, 0, 1, closed="left"), None],
    "shuffle": ["boolean", StrOptions({"batch"})],
    "run_eagerly": ["boolean", None],
    "epochs": [Interval(Integral, 1, None, closed="left")],
    "class_weight": [dict, list, StrOptions({"balanced"}), None],
}
# What to write in place of values that `MLPClassifier` and `MLPRegressor` take.
INSTEAD_OF_VALUES = {
    "optimizer": {"lbfgs": "L-BFGS is not an optimizer of Keras; write optimizer='adam'"},
    "optimizer__learning_rate": {
        "adaptive": "give a number, and callbacks=keras.callbacks.ReduceLROnPlateau",
        "constant": "give a number",
        "invscaling": "give a schedule, such as "
        "keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=100, decay_rate=0.5)",
    },
}
_COUNT_OR_NONE = [Interval(Integral, 1, None, closed="left"), None]
# The same for arguments of Keras's `fit` and `predict` that are not parameters of the constructor.
_ARGUMENTS: dict[str, list[Any]] = {
    **{name: CONSTRAINTS[name] for name in CONSTRAINTS.keys() & FIT_ARGUMENTS},
    "class_weight": [dict, None],  # of encoded classes, as Keras expects
    "initial_epoch": [Interval(Integral, 0, None, closed="left")],
    "steps": _COUNT_OR_NONE,
    "steps_per_epoch": _COUNT_OR_NONE,
    "validation_freq": [Interval(Integral, 1, None, closed="left"), "array-like"],
    "validation_steps": _COUNT_OR_NONE,
}


def is_parameter(attribute: str) -> bool:
    """Return whether the name of an attribute of a wrapper is the name of a parameter."""
    return not attribute.startswith("_") and not attribute.endswith("_")


def is_routed(parameter: str, prefixes: Iterable[str]) -> bool:
    """Return whether a parameter is routed, such as `optimizer__learning_rate`."""
    prefix, separator, _ = parameter.partition("__")
    return bool(separator) and prefix in prefixes


def params_of(estimator: BaseEstimator, *, deep: bool) -> dict[str, Any]:
    """Return the parameters of a wrapper, including routed parameters.

    Parameters are found by attribute name, because routed parameters are not in the signature.

    Parameters
    ----------
    estimator : BaseWrapper
        The wrapper. All attributes without an underscore at either end are parameters.
    deep : bool
        Whether to also return the parameters of nested estimators.
    """
    params: dict[str, Any] = {}
    for name in filter(is_parameter, [*vars(estimator), *lazy_names(estimator)]):
        value = getattr(estimator, name)
        if deep and hasattr(value, "get_params") and not isinstance(value, type):
            nested = value.get_params()
            params.update({f"{name}__{inner}": x for inner, x in nested.items()})
        params[name] = value
    return params


def params_at_hand(estimator: BaseEstimator) -> dict[str, Any]:
    """Return the parameters of a wrapper that hold no Keras objects which would be restored first.

    Restoring Keras objects starts TensorFlow, which prediction may do without.
    """
    return {name: value for name, value in vars(estimator).items() if is_parameter(name)}


def is_fitted(attribute: str) -> bool:
    """Return whether the name of an attribute of a wrapper shows that `fit` sets the attribute."""
    is_private = attribute.startswith("_") or attribute.endswith("__")
    return attribute.endswith("_") and not is_private


def check_arguments(
    method: str, params: Mapping[str, Any], given: Mapping[str, Any], owner: str
) -> None:
    """Validate the arguments of Keras's `fit` or `predict`, which are routed or given to a call.

    Parameters
    ----------
    method : {"fit", "predict"}
        Name of the method.
    params : dict
        All parameters of the wrapper, of which those with the prefix "<method>__" are validated.
    given : dict
        Arguments that were passed to the method of the wrapper.
    owner : str
        Name of the estimator, for error messages.
    """
    prefix = f"{method}__"
    routed = {name: x for name, x in params.items() if name.startswith(prefix)}
    known = {f"{prefix}{name}": constraints for name, constraints in _ARGUMENTS.items()}
    check_values(known, routed, owner)
    check_values(_ARGUMENTS, given, f"{owner}.{method}")


def check_one_epoch(fit_args: Mapping[str, Any], owner: str) -> None:
    """Raise an error if `epochs` or `initial_epoch` is passed to `partial_fit`."""
    for name in ("epochs", "initial_epoch"):
        if name in fit_args:
            raise TypeError(
                f"Invalid argument `{name}` to `partial_fit` of {owner}: it always trains for one "
                "epoch, from the current one. Leave it out, or call fit."
            )


def unfitted_copy(estimator: _Estimator) -> _Estimator:
    """Return a clone of a wrapper, including metadata requests and scikit-learn callbacks.

    A network, a list of layers, an optimizer, a loss and metrics are shared with the clone, because
    fitting does not change these objects, some of these objects cannot be copied, and Keras's copy
    of a loss may lose settings. What callbacks refer to is shared, too.
    """
    params = estimator.get_params(deep=False)
    copies = {name: _for_clone(name, value) for name, value in params.items()}
    twin: _Estimator = type(estimator)(**copies)
    copy_configuration(estimator, twin)
    return twin


def _for_clone(parameter: str, value: Any) -> Any:
    if parameter in _SHARED or is_keras_loss(value):
        return value
    return clone_callbacks(value) if "callbacks" in parameter else clone(value, safe=False)


def resolve_names(value: Any, find: Callable[[str], Any]) -> Any:
    """Replace each name by the object that `find` returns, also in lists, tuples and dicts."""
    if isinstance(value, str):
        return find(value)
    if isinstance(value, list | tuple):
        return type(value)([resolve_names(item, find) for item in value])
    if isinstance(value, Mapping):
        return {key: resolve_names(item, find) for key, item in value.items()}
    return value


def instantiate(value: Any, params: dict[str, Any], common: Mapping[str, Any] | None = None) -> Any:
    """Instantiate the classes in a value with the arguments routed to each class.

    Parameters
    ----------
    value : object
        A class, or a list, tuple or dict that contains classes. Any other value is returned
        unchanged.
    params : dict
        Arguments by name. Arguments of an item of a list or dict have the prefix "<index>__" or
        "<key>__". If an argument is itself a class, its own arguments have the prefix
        "<argument>__". A name that is a number is the position of a positional argument.
    common : dict or None, default=None
        Arguments of all items of a list or dict. The arguments in `params` take precedence.
    """

    def inner(name: Any) -> dict[str, Any]:
        return dict(route_params(params, destination=str(name), pass_filter=set()))

    own = {name: argument for name, argument in params.items() if "__" not in name}
    arguments = {**(common or {}), **own}
    _check_targets(value, params, arguments)
    if isinstance(value, type):
        made = {name: instantiate(x, inner(name)) for name, x in arguments.items()}
        positions = sorted((name for name in made if name.isdecimal()), key=int)
        return make(value, [made.pop(position) for position in positions], made)
    if isinstance(value, list | tuple):
        return type(value)([instantiate(x, inner(i), own) for i, x in enumerate(value)])
    if isinstance(value, dict):
        return {key: instantiate(x, inner(key), own) for key, x in value.items()}
    if arguments:
        raise TypeError(
            f"Arguments can be routed to a class, but not to the object {value!r}. Got the "
            f"arguments {arguments}: give the class, or set them in the object itself."
        )
    return value


def _check_targets(value: Any, params: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Raise an error if a routed argument is for an item or an argument that does not exist."""
    if isinstance(value, list | tuple):
        known, are = list(map(str, range(len(value)))), "the positions in the list"
    elif isinstance(value, dict):
        known, are = list(map(str, value)), "the keys of the dict"
    else:
        known, are = list(arguments), f"the arguments given to {value!r}"
    for name in params:
        target, separator, _ = name.partition("__")
        if separator and target not in known:
            raise TypeError(
                f"Nothing takes the routed argument {name!r}: {target!r} is not one of {are}, "
                f"{known}."
            )


def fit_arguments(
    params: dict[str, Any], names: Iterable[str], given: dict[str, Any], X: Any
) -> dict[str, Any]:
    """Return the arguments of Keras's `fit`, without epochs, sample weights and callbacks.

    Parameters
    ----------
    params : dict
        All parameters of the wrapper.
    names : iterable of str
        Names of the parameters that are arguments of `fit`.
    given : dict
        Arguments passed to the wrapper's `fit`, which take precedence.
    X : array or structure of arrays
        Encoded training rows. The number of rows replaces a batch size of -1.
    """
    arguments = {**route_params(params, "fit", pass_filter=names), **given}
    for name in ("epochs", "initial_epoch", "sample_weight"):
        arguments.pop(name, None)
    for name in ("batch_size", "validation_batch_size"):
        if arguments.get(name) == -1:
            arguments[name] = _all_rows(name, X)
    return _without_callbacks(arguments)


def predict_arguments(
    params: dict[str, Any], names: Iterable[str], given: dict[str, Any], X: Any
) -> dict[str, Any]:
    """Return the arguments of Keras's `predict`, without callbacks.

    The parameters are the same as in `fit_arguments`.
    """
    routed = route_params(params, "predict", pass_filter=names, strict=True)
    arguments = {**_without_callbacks(routed), **given}
    if arguments.get("batch_size") == -1:
        arguments["batch_size"] = _all_rows("batch_size", X)
    return arguments


def _without_callbacks(arguments: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in arguments.items() if not k.startswith("callbacks")}


def _all_rows(name: str, X: Any) -> int:
    if not hasattr(X, "shape"):
        raise ValueError(
            f"`{name}=-1` requires that `X` implement `shape`. The feature encoder returned a "
            f"{type(X).__name__}: give the number of rows instead."
        )
    return int(X.shape[0])
