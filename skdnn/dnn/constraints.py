"""The types and ranges of the parameters of the DNN estimators, which `fit` checks."""

from numbers import Integral, Real
from typing import Any

from skdnn import typing
from skdnn._utils.sklearn_compat import HasMethods, Interval, one_of

_AUTO = one_of(typing.Auto)

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left"), _AUTO],
    "activation": [str, callable, "array-like"],
    "preset": [one_of(typing.Preset)],
    "dropout": [Interval(Real, 0, 1, closed="left"), "array-like", _AUTO],
    "batch_norm": ["boolean"],
    "kernel_initializer": [str, callable],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "scaling": [one_of(typing.Scaling), None],
    "categorical_features": ["array-like", _AUTO, None],
    "n_features_to_select": [Interval(Integral, 1, None, closed="left"), _AUTO, None],
    "one_hot_max_size": [Interval(Integral, 0, None, closed="left"), _AUTO],
    "numeric_embedding": [one_of(typing.NumericEmbedding), None],
    "n_members": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "parametrization": [one_of(typing.Parametrization)],
    "blend": [one_of(typing.Blend), None],
    "loss": [str, callable, HasMethods(["call", "get_config"])],
    "optimizer": [str, type, HasMethods(["apply", "get_config"])],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), callable, None, _AUTO],
    "momentum": [Interval(Real, 0, 1, closed="left"), None],
    "learning_rate_schedule": [one_of(typing.LearningRateSchedule)],
    "warmup": [Interval(Real, 0, 1, closed="left"), _AUTO],
    "weight_decay": [Interval(Real, 0, None, closed="left"), None, _AUTO],
    "clipnorm": [Interval(Real, 0, None, closed="neither"), None],
    "ema_momentum": [Interval(Real, 0, 1, closed="left"), None],
    "epochs": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left"), _AUTO],
    "shuffle": ["boolean"],
    "early_stopping": ["boolean", _AUTO],
    "validation": ["cv_object", one_of(typing.Validation)],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), one_of(typing.Patience)],
    "tol": [Interval(Real, 0, None, closed="left")],
    "monitor": [str, callable],
    "callbacks": [None, "array-like", callable, HasMethods("on_epoch_end")],
    "warm_start": ["boolean"],
    "dtype": [one_of(typing.DType)],
    "n_jobs": [
        Interval(Integral, 1, None, closed="left"),
        Interval(Integral, None, -1, closed="right"),
        None,
    ],
    "random_state": ["random_state"],
    "verbose": ["verbose"],
}

# What to write in place of values that `MLPClassifier` and `MLPRegressor` take.
INSTEAD_OF_VALUES: dict[str, dict[str, str]] = {
    "learning_rate": {
        "adaptive": "write learning_rate_schedule='reduce_on_plateau', and give learning_rate= a "
        "number or leave it out",
        "constant": "write learning_rate_schedule='constant', and give learning_rate= a number or "
        "leave it out",
        "invscaling": "give learning_rate= a schedule of Keras, such as "
        "keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=100, decay_rate=0.5)",
    },
    "optimizer": {
        "lbfgs": "L-BFGS is not an optimizer of Keras; write optimizer='adam', and for few rows "
        "leave preset= and hidden_layer_sizes= out",
    },
}
