"""Parameters of a wrapper: their names, and which of them is an argument of what."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sklearn.base import BaseEstimator, clone

from skdnn.wrappers.scikeras_compat import route_params

# Prefixes before "__" that route a parameter to something else than the wrapper itself.
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
# Parameters of the wrapper that are arguments of methods of keras.Model, too.
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


def is_parameter(attribute: str) -> bool:
    """Return whether an attribute of a wrapper is a parameter, by its name."""
    return not attribute.startswith("_") and not attribute.endswith("_")


def is_routed(parameter: str, prefixes: Iterable[str]) -> bool:
    """Return whether a parameter is routed, such as `optimizer__learning_rate`."""
    prefix, separator, _ = parameter.partition("__")
    return bool(separator) and prefix in prefixes


def params_of(estimator: BaseEstimator, *, deep: bool) -> dict[str, Any]:
    """Return the parameters of a wrapper, of which the signature does not name the routed ones.

    Parameters
    ----------
    estimator : BaseWrapper
        All its attributes without an underscore at either end are parameters.
    deep : bool
        Whether to return the parameters of estimators among them, too.
    """
    params: dict[str, Any] = {}
    for name, value in vars(estimator).items():
        if not is_parameter(name):
            continue
        if deep and hasattr(value, "get_params") and not isinstance(value, type):
            nested = value.get_params()
            params.update({f"{name}__{inner}": x for inner, x in nested.items()})
        params[name] = value
    return params


def is_fitted(attribute: str) -> bool:
    """Return whether an attribute of a wrapper is set by `fit`, by its name."""
    is_private = attribute.startswith("_") or attribute.endswith("__")
    return attribute.endswith("_") and not is_private


def check_is_known(parameter: str, value: Any, known: Iterable[str], owner: str) -> None:
    """Check that a parameter exists, where the part before "__" counts."""
    if parameter.partition("__")[0] not in known:
        raise ValueError(
            f"Invalid parameter {parameter} for estimator {owner}. Pass an argument of the build "
            f"function to the constructor, as {owner}({parameter}={value!r}), or set "
            f"model__{parameter}. All parameters are in `get_params()`."
        )


def check_one_epoch(fit_args: Mapping[str, Any], owner: str) -> None:
    """Check that no number of epochs is passed to `partial_fit`."""
    for name in ("epochs", "initial_epoch"):
        if name in fit_args:
            raise TypeError(
                f"Invalid argument `{name}` to `partial_fit` of {owner}: it always trains for one "
                "epoch, from the current one. Leave it out, or call fit."
            )


def unfitted_copy(estimator: Any) -> Any:
    """Return a clone of a wrapper, with its requests of metadata routing.

    A network, its layers and an optimizer are only read: a clone needs no copies of them, and some
    of them cannot be copied.
    """
    params = estimator.get_params(deep=False)
    read = {name for name in ("model", "build_fn", "optimizer") if params.get(name) is not None}
    copies = {k: x if k in read else clone(x, safe=False) for k, x in params.items()}
    twin = type(estimator)(**copies)
    if hasattr(estimator, "_metadata_request"):
        twin._metadata_request = copy.deepcopy(estimator._metadata_request)
    return twin


def resolve_names(value: Any, find: Callable[[str], Any]) -> Any:
    """Replace names by what Keras has under them, also in lists, tuples and dicts."""
    if isinstance(value, str):
        return find(value)
    if isinstance(value, list | tuple):
        return type(value)([resolve_names(item, find) for item in value])
    if isinstance(value, Mapping):
        return {key: resolve_names(item, find) for key, item in value.items()}
    return value


def instantiate(value: Any, params: dict[str, Any], common: Mapping[str, Any] | None = None) -> Any:
    """Make objects of the classes in a value, with the arguments that are routed to each.

    Parameters
    ----------
    value : object
        A class, a list, tuple or dict with classes in it, or anything else, which is returned as it
        is.
    params : dict
        Arguments by name. Those of an item of a list or dict begin with its number or key and "__",
        those of an argument that is a class itself with the name of the argument and "__". A number
        alone is the position of an argument.
    common : dict or None, default=None
        Arguments of all items of a list or dict. Those in `params` take precedence.
    """

    def inner(name: Any) -> dict[str, Any]:
        return dict(route_params(params, destination=str(name), pass_filter=set()))

    own = {name: argument for name, argument in params.items() if "__" not in name}
    arguments = {**(common or {}), **own}
    if isinstance(value, type):
        made = {name: instantiate(x, inner(name)) for name, x in arguments.items()}
        positions = sorted((name for name in made if name.isdecimal()), key=int)
        return value(*[made.pop(position) for position in positions], **made)
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


def fit_arguments(
    params: dict[str, Any], names: Iterable[str], given: dict[str, Any], X: Any
) -> dict[str, Any]:
    """Return the arguments of Keras's `fit`, without epochs, weights and callbacks.

    Parameters
    ----------
    params : dict
        All parameters of the wrapper.
    names : iterable of str
        Those that are arguments of `fit`.
    given : dict
        Arguments passed to the wrapper's `fit`, which take precedence.
    X : array or structure of arrays
        Encoded training rows, for a batch size of -1.
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
    """Return the arguments of Keras's `predict`, as `fit_arguments` those of `fit`."""
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
