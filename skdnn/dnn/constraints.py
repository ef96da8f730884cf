"""The types and ranges of the parameters of the DNN estimators, which `fit` checks."""

from numbers import Integral, Real
from typing import Any

from skdnn._utils.sklearn_compat import HasMethods, Interval, StrOptions
from skdnn.dnn.presets import PRESETS

_AUTO = StrOptions({"auto"})

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left"), _AUTO],
    "activation": [str, callable, "array-like"],
    "preset": [StrOptions({"auto", *PRESETS})],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like", _AUTO],
    "batch_norm": ["boolean"],
    "kernel_initializer": [str, callable],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "scaling": [StrOptions({"auto", "standard", "minmax", "pixelwise", "robust"}), None],
    "categorical_features": ["array-like", StrOptions({"auto"}), None],
    "one_hot_max_size": [Interval(Integral, 0, None, closed="left"), _AUTO],
    "numeric_embedding": [StrOptions({"auto", "piecewise_linear", "periodic"}), None],
    "n_members": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "parametrization": [StrOptions({"auto", "standard", "realmlp", "both"})],
    "blend": [StrOptions({"auto", "greedy"}), None],
    "loss": [str, callable, HasMethods(["call", "get_config"])],
    "optimizer": [str, type, HasMethods(["apply", "get_config"])],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), callable, None, _AUTO],
    "momentum": [Interval(Real, 0, 1, closed="left"), None],
    "learning_rate_schedule": [
        StrOptions({"auto", "constant", "cosine", "coslog4", "one_cycle", "reduce_on_plateau"})
    ],
    "warmup": [Interval(Real, 0, 1, closed="left"), _AUTO],
    "weight_decay": [Interval(Real, 0, None, closed="left"), None, _AUTO],
    "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
    "ema_momentum": [Interval(Real, 0, 1, closed="left"), None],
    "epochs": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "batch_size": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "shuffle": ["boolean"],
    "early_stopping": ["boolean", _AUTO],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "tol": [Interval(Real, 0, None, closed="left")],
    "callbacks": [None, "array-like", callable, HasMethods("on_epoch_end")],
    "warm_start": ["boolean"],
    "dtype": [StrOptions({"float32", "float64"})],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}
