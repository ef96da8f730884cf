"""Errors for names that a wrapper, Keras's methods or the classes of a parameter do not know."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

from skdnn._utils.arguments import INSTEAD, OF_TREES, hint, unexpected
from skdnn._utils.text import nearest
from skdnn.wrappers.scikeras_compat import accepts_kwargs

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper

# Arguments that a build function or a method of Keras gets from the wrapper itself.
_FROM_THE_WRAPPER = {"self", "meta", "compile_kwargs", "params", "input_shape", "output_layer"}
# Functions and base classes in the modules of optimizers, losses and metrics.
_NO_NAMES = {"deserialize", "get", "serialize", "Loss", "Metric", "Optimizer"}
# Names in other libraries, and the names in Keras.
_MEANT = {
    **dict.fromkeys(
        ["ce", "cross_entropy", "crossentropy", "log_loss", "logloss", "nll"],
        "sparse_categorical_crossentropy",
    ),
    "bce": "binary_crossentropy",
    **dict.fromkeys(["l2", "squared_error", "squared_loss"], "mean_squared_error"),
    **dict.fromkeys(["absolute_error", "l1"], "mean_absolute_error"),
    "smooth_l1": "huber",
    "f1": "F1Score",
    "r2": "R2Score",
    "rmse": "RootMeanSquaredError",
    "roc_auc": "AUC",
    **dict.fromkeys(["momentum", "nesterov"], "SGD"),
    "identity": "linear",
    "logistic": "sigmoid",
    **dict.fromkeys(["xavier", "xavier_uniform"], "GlorotUniform"),
    **dict.fromkeys(["kaiming", "kaiming_normal"], "HeNormal"),
}
# Parameters of the DNN estimators, and the names of the same parameters in a wrapper.
_OF_THE_OPTIMIZER = ("learning_rate", "momentum", "weight_decay", "clipnorm", "ema_momentum")
_ROUTED = {name: f"optimizer__{name}" for name in _OF_THE_OPTIMIZER}
_ROUTED |= {"validation_fraction": "validation_split"}

_STOPPING = "give callbacks=keras.callbacks.EarlyStopping and callbacks__patience=..."
_VALIDATION = "pass fit validation_data=(X_val, y_val)"
_IN_THE_NETWORK = "the network decides it; a function given as model= can have it as an argument"
_INSTEAD = {
    **INSTEAD,
    **dict.fromkeys(["early_stopping", "monitor", "n_iter_no_change", "tol"], _STOPPING),
    **dict.fromkeys(
        ["eval_set", "X_val", "y_val", "X_valid", "y_valid", "validation_data"], _VALIDATION
    ),
    **dict.fromkeys(
        [
            *["activation", "alpha", "batch_norm", "dropout", "hidden_layer_sizes"],
            *["kernel_initializer", "scaling"],
        ],
        _IN_THE_NETWORK,
    ),
    **dict.fromkeys(
        ["n_members", "preset", "calibration", "quantile", "label_smoothing"],
        "only DNNClassifier and DNNRegressor have it",
    ),
    **dict.fromkeys(OF_TREES, "only trees have it"),
    **dict.fromkeys(
        ["learning_rate_schedule", "power_t"],
        "give optimizer__learning_rate=, which may be a schedule of Keras",
    ),
    **{name: f"write optimizer__{name}=" for name in ("beta_1", "beta_2", "epsilon", "amsgrad")},
    "betas": "write optimizer__beta_1= and optimizer__beta_2=",
    "rho": "write optimizer__rho=",
    **{
        name: f"write compile__{name}="
        for name in ("jit_compile", "loss_weights", "steps_per_execution", "weighted_metrics")
    },
    "nesterovs_momentum": "write optimizer='sgd', optimizer__momentum= and optimizer__nesterov=",
    # Arguments of keras.wrappers and of tf.keras.wrappers.
    **dict.fromkeys(
        ["model_kwargs", "sk_params"],
        "write each of its entries as a parameter, such as model__units=5 for {'units': 5}",
    ),
    "fit_kwargs": "write each of its entries as a parameter, such as epochs=4 for {'epochs': 4}, "
    "or with fit__ in front",
}


def names_of_parameters(wrapper: "BaseWrapper", build: Any) -> dict[str, str]:
    """Return the names of the parameters of a wrapper by the name that a user may search for.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper.
    build : callable or None
        The function that builds the network, whose arguments are named `model__ARGUMENT`.
    """
    own = [name for name in wrapper.get_params(deep=False) if name not in wrapper._user_params]
    arguments = [] if build is None else _arguments_of(build)
    return {
        **{name: name for name in own if "__" not in name and name != "build_fn"},
        **_ROUTED,
        **{name: f"model__{name}" for name in arguments},
    }


def hint_of_parameter(name: str, known: Mapping[str, str], prefixes: Iterable[str]) -> str:
    """Return the hint for an unknown parameter of a wrapper.

    Parameters
    ----------
    name : str
        The unknown name.
    known : mapping of str to str
        The return value of `names_of_parameters`.
    prefixes : iterable of str
        The prefixes of routed parameters.
    """
    prefix, separator, rest = name.partition("__")
    routed = {key: f"{key}__{rest}" for key in prefixes} if separator else {}
    return hint(prefix, routed, {}) or hint(name, known, _INSTEAD)


def check_routing(names: Iterable[str], known: Mapping[str, str], prefixes: Iterable[str]) -> None:
    """Raise an error if a name has the form of a routed parameter and no known prefix.

    The parameters are the same as in `hint_of_parameter`.
    """
    for name in names:
        if "__" in name and name.partition("__")[0] not in prefixes:
            text = hint_of_parameter(name, known, prefixes)
            raise TypeError(f"Nothing takes the parameter {name!r}{text}")


def check_names(
    method: Callable[..., Any], arguments: Iterable[str], owner: str, known: Mapping[str, str]
) -> None:
    """Raise an error if a method of a Keras model has no argument of a given name.

    Parameters
    ----------
    method : callable
        The method, such as `fit` of the model.
    arguments : iterable of str
        Names of the arguments. All names are accepted by a method with `**kwargs`.
    owner : str
        Name of the estimator.
    known : mapping of str to str
        The return value of `names_of_parameters`.
    """
    if accepts_kwargs(method):
        return
    accepted = [name for name in _arguments_of(method) if name not in ("x", "y")]
    hints = {
        name: _hint_of_argument(name, accepted, owner, known)
        for name in arguments
        if name not in accepted
    }
    if hints:
        raise unexpected(f"{owner}.{method.__name__}()", hints)


def _hint_of_argument(name: str, accepted: list[str], owner: str, known: Mapping[str, str]) -> str:
    if "validation_data" in accepted and _INSTEAD.get(name) == _VALIDATION:
        return ": pass validation_data=(X_val, y_val)"
    of_method, of_wrapper = hint(name, accepted, {}), known.get(name)
    if of_wrapper is not None:
        return f": it is a parameter of the estimator, so write {owner}({of_wrapper}=...)"
    return of_method or hint(name, known, _INSTEAD) or f": it takes {', '.join(accepted)}"


def make(kind: type, positional: list[Any], arguments: dict[str, Any]) -> Any:
    """Return an object of a class, and name the argument that is meant if the class lacks one."""
    try:
        return kind(*positional, **arguments)
    except (TypeError, ValueError) as error:
        accepted = _accepted_by(kind)
        hints = {name: hint(name, accepted, {}) for name in arguments if name not in accepted}
        if not hints:
            raise
        raise unexpected(f"{kind.__name__}()", hints) from error


def _accepted_by(kind: type) -> list[str]:
    """Return the arguments of a constructor, and of those to which it passes `**kwargs`."""
    accepted: list[str] = []
    for cls in kind.__mro__:
        if "__init__" not in vars(cls):
            continue
        constructor = vars(cls)["__init__"]
        accepted += _arguments_of(constructor)
        if not accepts_kwargs(constructor):
            break
    return accepted


def find_by_name(
    parameter: str, owner: str, find: Callable[[str], Any], module: ModuleType
) -> Callable[[str], Any]:
    """Return a function like `find` whose error for an unknown name suggests similar names.

    Parameters
    ----------
    parameter, owner : str
        Name of the parameter and of the estimator.
    find : callable
        Function that returns the object of a name, or raises a ValueError.
    module : module
        The module of Keras with the functions and classes that can be named.
    """
    return partial(_find, parameter, owner, find, module)


def _find(
    parameter: str, owner: str, find: Callable[[str], Any], module: ModuleType, name: str
) -> Any:
    try:
        return find(name)
    except ValueError as error:
        names = _names_in(module)
        meant = _MEANT.get(name.lower(), "")
        near = nearest(meant, names, cutoff=0.9) or nearest(name, names)
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must be a name in {module.__name__}, or an "
            f"object of that kind. Got {name!r} instead.{f' Did you mean {near}?' if near else ''}"
        ) from error


def _names_in(module: ModuleType) -> list[str]:
    """Return the names that Keras finds in a module, where several are the same only the first."""
    names = {key: x for key, x in vars(module).items() if callable(x) and key not in _NO_NAMES}
    if names.pop("Accuracy", None):  # Keras chooses the accuracy by the loss under this name
        names["accuracy"] = str
    functions = [key for key in names if key.islower()]
    known = {key.replace("_", "") for key in functions}
    return functions + [key for key in names if key[0].isupper() and key.lower() not in known]


def _arguments_of(build: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(build).parameters.values()
    return [
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name not in _FROM_THE_WRAPPER
    ]
