"""Errors for unknown names of arguments, which suggest the name that is meant."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from skdnn._utils.text import similar

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Names of parameters in scikit-learn, Keras, PyTorch and gradient-boosting libraries, and the names
# of the same parameters here.
SYNONYMS = {
    name: ours
    for ours, names in {
        "activation": ["nonlinearity", "act", "hidden_activation", "activations"],
        "alpha": ["c", "l2", "l2_reg", "l2_regularization", "penalty", "reg_lambda", "regularizer"],
        "batch_norm": ["batchnorm", "batch_normalization", "bn", "use_bn"],
        "batch_size": ["batch", "batchsize", "minibatch_size"],
        "callbacks": ["callback"],
        "categorical_features": ["cat_cols", "cat_features", "cat_idxs", "categorical_feature"],
        "class_weight": ["class_weights", "is_unbalance", "pos_weight", "scale_pos_weight"],
        "clipnorm": ["clipvalue", "gradient_clip", "gradient_clip_val", "max_grad_norm"],
        "dropout": ["dropout_prob", "dropout_rate", "drop_rate", "dropouts"],
        "early_stopping": ["early_stop"],
        "ema_momentum": ["ema", "ema_decay", "use_ema"],
        "epochs": [
            *["max_iter", "n_iter", "num_iter", "max_epochs", "n_epochs", "num_epochs", "nb_epoch"],
            *["epoch", "iterations", "num_iterations", "num_boost_round"],
        ],
        "hidden_layer_sizes": [
            *[
                "unit",
                "units",
                "n_units",
                "num_units",
                "layers",
                "n_layers",
                "num_layers",
                "layer_sizes",
            ],
            *["hidden", "n_hidden", "hidden_dim", "hidden_layers", "hidden_units", "hidden_size"],
            *["hidden_sizes", "neurons", "n_neurons", "width"],
        ],
        "kernel_initializer": ["initializer", "kernel_init", "weight_init"],
        "label_smoothing": ["smoothing"],
        "learning_rate": ["lr", "eta", "eta0", "learning_rate_init", "rate", "step_size"],
        "learning_rate_schedule": ["lr_schedule", "lr_scheduler", "schedule", "scheduler"],
        "loss": ["criterion", "loss_fn", "loss_function", "objective"],
        "metrics": ["eval_metric", "metric"],
        "monitor": ["scoring", "scorer"],
        "n_iter_no_change": ["early_stopping_patience", "early_stopping_rounds", "patience"],
        "n_jobs": ["n_threads", "nthread", "num_threads", "num_workers", "thread_count"],
        "n_members": ["ensemble_size", "n_ensemble", "n_estimators", "n_models", "num_members"],
        "optimizer": ["optim", "optimiser", "solver"],
        "quantile": ["q", "quantiles", "tau"],
        "random_state": ["random_seed", "seed"],
        "scaling": ["normalize", "scale", "scaler", "standardize"],
        "time_limit": ["max_time", "time_budget", "time_limit_s", "timeout", "train_time"],
        "tol": ["min_delta"],
        "validation": ["cv", "n_folds", "split", "splitter"],
        "validation_fraction": ["val_size", "validation_size", "validation_split"],
        "verbose": ["silent", "verbosity"],
        "warm_start": ["resume"],
        "weight_decay": ["decay", "wd"],
    }.items()
    for name in names
}
# Parameters of trees, which networks do not have.
OF_TREES = [
    *["bagging_fraction", "boosting_type", "booster", "bootstrap", "ccp_alpha", "colsample_bytree"],
    *["feature_fraction", "max_bin", "max_bins", "max_depth", "max_features", "max_leaf_nodes"],
    *["max_leaves", "max_samples", "min_child_samples", "min_child_weight", "min_data_in_leaf"],
    *["min_impurity_decrease", "min_samples_leaf", "min_samples_split", "num_leaves", "oob_score"],
    *["subsample", "tree_method"],
]
# Arguments without a counterpart, and what to write instead.
INSTEAD = {
    **{
        name: f"give an optimizer object, such as optimizer=keras.optimizers.{kind}({ours}=...)"
        for name, kind, ours in [
            *[(name, "Adam", name) for name in ("beta_1", "beta_2", "epsilon", "amsgrad")],
            ("betas", "Adam", "beta_1"),
            ("rho", "RMSprop", "rho"),
        ]
    },
    **dict.fromkeys(
        ["build_fn", "model", "module"], "KerasClassifier and KerasRegressor take a network"
    ),
    **dict.fromkeys(
        ["fit_kwargs", "model_kwargs", "sk_params"],
        "write each of its entries as a parameter, such as epochs=40",
    ),
    **dict.fromkeys(
        ["input_dim", "input_shape", "n_features", "n_classes", "num_classes", "output_dim"],
        "leave it out, because fit takes it from X and y",
    ),
    "n_jobs": "give it to what runs several fits, such as GridSearchCV or cross_val_score",
    "metrics": "history_ has a metric already; monitor= takes any scorer of scikit-learn",
    **dict.fromkeys(["calibration", "label_smoothing"], "only DNNClassifier has it"),
    **dict.fromkeys(["clip", "quantile"], "only DNNRegressor has it"),
    "class_weight": "only classifiers have it; fit takes sample_weight",
    **dict.fromkeys(
        OF_TREES, "only trees have it; a network has hidden_layer_sizes, dropout and weight_decay"
    ),
    "max_fun": "it belongs to L-BFGS, which is not an optimizer here; give epochs=",
    "nesterovs_momentum": "write optimizer='nesterov', or without it optimizer='momentum'",
    "power_t": "give learning_rate= a schedule of Keras, or learning_rate_schedule='cosine'",
}
_VALIDATION = "pass validation rows as X_val= and y_val="
# The same for the arguments of `fit` and `partial_fit`.
_INSTEAD_IN_FIT = {
    **dict.fromkeys(
        ["eval_set", "valid_data", "valid_sets", "val_data", "validation_data"], _VALIDATION
    ),
    **dict.fromkeys(["X_eval", "X_test", "X_valid", "X_validation"], "did you mean 'X_val'?"),
    **dict.fromkeys(["y_eval", "y_test", "y_valid", "y_validation"], "did you mean 'y_val'?"),
    **dict.fromkeys(
        ["eval_sample_weight", "sample_weight_eval_set"], "did you mean 'sample_weight_val'?"
    ),
    **dict.fromkeys(["weight", "weights"], "did you mean 'sample_weight'?"),
    "group": "did you mean 'groups'?",
    "initial_epoch": "call partial_fit, or fit with warm_start=True, to continue training",
    "steps_per_epoch": "pass chunks of rows instead of X and y",
}
# The same for the arguments of `predict` and `predict_proba`.
_INSTEAD_IN_PREDICT = dict.fromkeys(
    ["batch_size", "steps", "verbose"], "leave it out, because prediction does not depend on it"
)
# The same for `compare`.
_INSTEAD_IN_COMPARE = {
    **dict.fromkeys(["algorithms", "classifiers", "estimators"], "did you mean 'models'?"),
    **dict.fromkeys(["folds", "n_folds", "n_splits", "splitter"], "did you mean 'cv'?"),
    **dict.fromkeys(["metric", "metrics", "score", "scorer"], "did you mean 'scoring'?"),
}


def hint(
    name: str,
    known: Iterable[str] | Mapping[str, str],
    instead: Mapping[str, str] | None = None,
) -> str:
    """Return a hint for an unknown name, such as ": did you mean 'epochs'?", or an empty text.

    Parameters
    ----------
    name : str
        The unknown name.
    known : iterable of str, or mapping of str to str
        The known names, or the names that `DNNClassifier` or a function gives to parameters, mapped
        to the known names of the same parameters.
    instead : mapping of str to str or None, default=None
        Hints for names without a counterpart. None means `INSTEAD`.
    """
    names = known if isinstance(known, Mapping) else {key: key for key in known}
    instead = INSTEAD if instead is None else instead
    last = name.rpartition("__")[2]  # of a routed name, such as optimizer__lr
    ours = SYNONYMS.get(last.lower(), last)
    if last in names:
        return f": did you mean {names[last]!r}?"
    for key in names:
        if SYNONYMS.get(key.lower(), key) == ours:
            return f": did you mean {names[key]!r}?"
    for key in (name, last, ours):
        if key in instead:
            return f": {instead[key]}"
    near = [repr(names[key]) for key in similar(name, names)]
    return f": did you mean {' or '.join(near)}?" if near else ""


def unexpected(call: str, hints: Mapping[str, str]) -> TypeError:
    """Return the error for unknown arguments of a call, each with its hint."""
    several = len(hints) > 1
    listed = "; ".join(f"{name!r}{text}" for name, text in hints.items())
    return TypeError(
        f"{call} got {'' if several else 'an '}unexpected keyword argument"
        f"{'s' if several else ''} {listed}"
    )


def check_parameters(names: Iterable[str], params: Mapping[str, Any], owner: str) -> None:
    """Raise an error if a name passed to `set_params` is not that of a parameter.

    Parameters
    ----------
    names : iterable of str
        The names. A name with "__" is a parameter of the value of another parameter.
    params : mapping of str to object
        The parameters of the estimator.
    owner : str
        Name of the estimator.
    """
    known = sorted(params)
    for name in names:
        outer, separator, _ = name.partition("__")
        if outer not in params or (separator and not hasattr(params[outer], "set_params")):
            raise ValueError(
                f"Invalid parameter {name!r} for estimator {owner}{hint(name, known)} Valid "
                f"parameters are: {known}."
            )


def explains_unknown_arguments(function: _Function) -> _Function:
    """Return a function whose error for unknown arguments names the argument that is meant.

    The signature is unchanged. If the function is a method of an estimator other than its
    constructor, an unknown argument may also be a parameter of the estimator.
    """
    known = list(inspect.signature(function).parameters)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        names = [name for name in kwargs if name not in known]
        if names:
            raise _error(function, known, args, names)
        return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]


def _error(
    function: Callable[..., Any], known: list[str], args: tuple[Any, ...], names: list[str]
) -> TypeError:
    arguments = [name for name in known if name != "self"]
    if known[0] != "self" or not args:
        hints = {name: hint(name, arguments, _INSTEAD_IN_COMPARE) for name in names}
        return unexpected(f"{function.__name__}()", hints)
    owner = type(args[0]).__name__
    if function.__name__ == "__init__":
        return unexpected(f"{owner}()", {name: hint(name, arguments) for name in names})
    params = args[0].get_params(deep=False)
    hints = {name: _hint_of_method(name, arguments, params, owner) for name in names}
    return unexpected(f"{owner}.{function.__name__}()", hints)


def _hint_of_method(name: str, arguments: list[str], params: Mapping[str, Any], owner: str) -> str:
    instead = _INSTEAD_IN_FIT if "y" in arguments else _INSTEAD_IN_PREDICT
    if name in instead:
        return f": {instead[name]}"
    ours = SYNONYMS.get(name.lower(), name)
    if ours in params:
        return f": it is a parameter of the estimator, so write {owner}({ours}=...)"
    return hint(name, arguments, {}) or f": it takes {', '.join(arguments)}"
