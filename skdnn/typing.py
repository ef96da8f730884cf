"""Names that parameters accept, as types for annotations.

Each type is a `Literal`. An editor completes the names, and a type checker reports other names.
`fit` accepts the same names, because `_parameter_constraints` is made from these types.

Examples
--------
>>> from typing import get_args
>>> from skdnn import DNNClassifier
>>> from skdnn.typing import Preset
>>> def classifier(preset: Preset) -> DNNClassifier:
...     return DNNClassifier(preset=preset)
>>> get_args(Preset)
('auto', 'plain', 'fast', 'balanced', 'best')
"""

from typing import Literal

__all__ = [
    "ActivationName",
    "Auto",
    "BaselineName",
    "Blend",
    "Calibration",
    "ClassificationLossName",
    "DType",
    "InitializerName",
    "LearningRateSchedule",
    "Monitor",
    "NumericEmbedding",
    "OptimizerName",
    "Parametrization",
    "Patience",
    "Preset",
    "Profile",
    "RegressionLossName",
    "Scaling",
    "ScorerName",
    "SpaceSize",
    "Split",
    "Task",
    "Validation",
]

Auto = Literal["auto"]

# Parameters of DNNClassifier and DNNRegressor.
Preset = Literal["auto", "plain", "fast", "balanced", "best"]
Scaling = Literal["auto", "standard", "minmax", "pixelwise", "robust"]
NumericEmbedding = Literal["auto", "piecewise_linear", "periodic"]
Parametrization = Literal["auto", "standard", "realmlp", "both"]
Blend = Literal["auto", "greedy"]
LearningRateSchedule = Literal[
    "auto", "constant", "cosine", "coslog4", "one_cycle", "reduce_on_plateau"
]
Monitor = Literal["auto", "loss", "accuracy", "refinement"]
Patience = Literal["auto", "cycle"]
Calibration = Literal["auto", "temperature"]
Validation = Literal["time"]
DType = Literal["float32", "float64"]

# Parameters of functions.
Task = Literal["classification", "regression"]  # compare, default_models
Profile = Literal["predict", "resume"]  # save
SpaceSize = Literal["small", "full"]  # search_space
Split = Literal["train", "test", "all"]  # load_fashion_mnist

# fmt: off
ActivationName = Literal[
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "identity", "leaky_relu", "linear", "log_sigmoid", "log_softmax",
    "logistic", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softmax",
    "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sparsemax", "squareplus", "swish",
    "tanh", "tanh_shrink",
]

# Not complete: names of further losses, optimizers and initializers of Keras are accepted too.
OptimizerName = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "ftrl", "lamb", "lion",
    "momentum", "nadam", "nesterov", "rmsprop", "sgd",
]
InitializerName = Literal[
    "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity",
    "lecun_normal", "lecun_uniform", "ones", "orthogonal", "random_normal", "random_uniform",
    "truncated_normal", "variance_scaling", "zeros",
]
ClassificationLossName = Literal[
    "auto", "log_loss", "binary_crossentropy", "binary_focal_crossentropy",
    "categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge",
    "sparse_categorical_crossentropy",
]
RegressionLossName = Literal[
    "auto", "squared_error", "absolute_error", "huber", "log_cosh", "poisson", "gamma", "quantile",
]
ScorerName = Literal[  # of scikit-learn, for monitor; "accuracy" is in Monitor
    "adjusted_mutual_info_score", "adjusted_rand_score", "average_precision", "balanced_accuracy",
    "completeness_score", "d2_absolute_error_score", "d2_brier_score", "d2_log_loss_score",
    "explained_variance", "f1", "f1_macro", "f1_micro", "f1_samples", "f1_weighted",
    "fowlkes_mallows_score", "homogeneity_score", "jaccard", "jaccard_macro", "jaccard_micro",
    "jaccard_samples", "jaccard_weighted", "matthews_corrcoef", "mutual_info_score",
    "neg_brier_score", "neg_log_loss", "neg_max_error", "neg_mean_absolute_error",
    "neg_mean_absolute_percentage_error", "neg_mean_gamma_deviance", "neg_mean_poisson_deviance",
    "neg_mean_squared_error", "neg_mean_squared_log_error", "neg_median_absolute_error",
    "neg_negative_likelihood_ratio", "neg_root_mean_squared_error",
    "neg_root_mean_squared_log_error", "normalized_mutual_info_score",
    "positive_likelihood_ratio", "precision", "precision_macro", "precision_micro",
    "precision_samples", "precision_weighted", "r2", "rand_score", "recall", "recall_macro",
    "recall_micro", "recall_samples", "recall_weighted", "roc_auc", "roc_auc_ovo",
    "roc_auc_ovo_weighted", "roc_auc_ovr", "roc_auc_ovr_weighted", "top_k_accuracy",
    "v_measure_score",
]
BaselineName = Literal[  # of compare and default_models, which accept nicknames too
    "DNN", "RandomForest", "ExtraTrees", "HistGradientBoosting", "Linear", "Dummy",
]
# fmt: on


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
