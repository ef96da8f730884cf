"""The values of "auto" parameters in each preset, for tables and for images."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np
from sklearn.utils import Bunch

from skdnn.typing import Preset

PRESETS = tuple(name for name in get_args(Preset) if name != "auto")
# The most accurate preset whose median fit time is at most five times that of a random forest: see
# docs/development/accuracy.md.
DEFAULT = "balanced"

# As in scikit-learn's HistGradientBoosting, early stopping is on above this number of rows.
_MANY_ROWS = 10_000
# Number of epochs of the preset "plain" without and with early stopping.
_EPOCHS, _MOST_EPOCHS = 50, 200


class Data(NamedTuple):
    """Properties of the data on which presets depend.

    Parameters
    ----------
    n_rows : int
        Number of rows with a weight above 0.
    n_columns : int
        Number of values in one sample.
    is_image : bool, default=False
        Whether a sample has two or more dimensions.
    is_sparse : bool, default=False
        Whether X is a sparse matrix.
    is_given : bool, default=False
        Whether validation data was passed to `fit`.
    comes_in_parts : bool, default=False
        Whether the rows are passed in several parts, as chunks or in calls of `partial_fit`.
    """

    n_rows: int
    n_columns: int
    is_image: bool = False
    is_sparse: bool = False
    is_given: bool = False
    comes_in_parts: bool = False


# The parameters that describe the network and may be "auto", and all parameters that may be "auto".
NETWORK_PARAMETERS = (
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "scaling",
    "n_features_to_select",
    "one_hot_max_size",
    "numeric_embedding",
    "n_members",
    "parametrization",
    "blend",
)
NAMES = (
    *NETWORK_PARAMETERS,
    "kernel_initializer",
    "learning_rate",
    "learning_rate_schedule",
    "warmup",
    "weight_decay",
    "label_smoothing",
    "epochs",
    "batch_size",
    "early_stopping",
    "monitor",
    "n_iter_no_change",
    "calibration",
    "clip",
)


RATE = 2e-3  # Adam's learning rate for networks of the standard parametrisation


def realmlp_rate(classifies: bool) -> float:
    """Return RealMLP's learning rate (Holzmüller et al. 2024, "Better by Default")."""
    return 0.04 if classifies else 0.07


def realmlp_activation(classifies: bool) -> str:
    """Return RealMLP's activation (Holzmüller et al. 2024, "Better by Default")."""
    return "selu" if classifies else "mish"


class Task(NamedTuple):
    """Properties of the estimator on which presets depend.

    Parameters
    ----------
    classifies : bool
        Whether the estimator is a classifier.
    adam : bool, default=True
        Whether the optimizer is Adam. Presets set the learning rate only for Adam.
    cross_entropy : bool, default=True
        Whether the loss is the cross-entropy. Presets smooth labels only for the cross-entropy.
    batch_norm : bool, default=False
        Whether hidden layers have batch normalisation.
    """

    classifies: bool
    adam: bool = True
    cross_entropy: bool = True
    batch_norm: bool = False


def is_auto(value: Any) -> bool:
    """Return whether the value of a parameter is "auto"."""
    return isinstance(value, str) and value == "auto"


def choose(preset: str, given: Mapping[str, Any], data: Data) -> str:
    """Return the name of the preset, with "auto" resolved.

    "auto" is "plain" if `hidden_layer_sizes` is given, or if the rows are passed in several parts.
    Otherwise "auto" is the default preset.
    """
    if preset != "auto":
        return preset
    has_sizes = not is_auto(given["hidden_layer_sizes"])
    return "plain" if has_sizes or data.comes_in_parts else DEFAULT


def why_preset(preset: str, given: Mapping[str, Any], data: Data, *, continues: bool) -> str:
    """Return why "auto" selects a preset, as words that follow its name. Empty if it is named."""
    if preset != "auto":
        return ""
    if continues:
        return ", as the previous fit"
    if data.comes_in_parts:
        return ", because the rows come in parts"
    has_sizes = not is_auto(given["hidden_layer_sizes"])
    return ", because hidden_layer_sizes is given" if has_sizes else ""


def resolve(given: Mapping[str, Any], preset: str, data: Data, task: Task) -> Bunch:
    """Resolve the parameters that are "auto", and keep the values of all other parameters.

    Parameters
    ----------
    given : mapping of str to object
        The parameters of an estimator that may be "auto".
    preset : str
        One of `PRESETS`.
    data : Data
        The properties of the data on which presets depend.
    task : Task
        The properties of the estimator on which presets depend.

    Returns
    -------
    Bunch
        The preset as "preset", and a value for each name in `given`.
    """
    explicit = {name: value for name, value in given.items() if not is_auto(value)}
    plain = _plain(data, explicit, task)
    if preset == "plain":
        chosen = plain
    else:
        preset_values = _image_values if data.is_image else _table_values
        chosen = preset_values(preset, data, explicit, task, plain)
        if not task.adam:
            chosen |= {"learning_rate": None, "weight_decay": None}
        if not task.cross_entropy:
            chosen |= {"label_smoothing": 0.0, "calibration": None, "monitor": "loss"}
        if data.comes_in_parts:  # these values depend on all rows
            chosen |= {name: plain[name] for name in WHOLE_FIT_PARAMETERS}
    return Bunch(preset=preset, **{name: explicit.get(name, chosen[name]) for name in given})


# Parameters whose values depend on all rows. If the rows are passed in parts, all presets use the
# values of "plain".
WHOLE_FIT_PARAMETERS = (
    "batch_size",
    "blend",
    "calibration",
    "clip",
    "early_stopping",
    "epochs",
    "learning_rate_schedule",
    "n_iter_no_change",
    "warmup",
)


def _plain(data: Data, explicit: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """Return the values of the preset "plain", which trains a single standard network."""
    is_realmlp = explicit.get("parametrization") == "realmlp"
    is_long = data.is_given or (data.n_rows > _MANY_ROWS and not data.comes_in_parts)
    stops = explicit.get("early_stopping", "epochs" not in explicit and is_long)
    return {
        "hidden_layer_sizes": (100,),
        "activation": realmlp_activation(task.classifies) if is_realmlp else "relu",
        "dropout": 0.0,
        "kernel_initializer": "glorot_uniform",
        "scaling": "auto",
        "n_features_to_select": None,
        "one_hot_max_size": 0,
        "numeric_embedding": None,
        "n_members": 1,
        "parametrization": "standard",
        "blend": None,
        "learning_rate": realmlp_rate(task.classifies) if is_realmlp and task.adam else None,
        "learning_rate_schedule": "constant",
        "warmup": 0.0,
        "weight_decay": None,
        "label_smoothing": 0.0,
        "epochs": _MOST_EPOCHS if stops else _EPOCHS,
        "batch_size": 32,
        "early_stopping": stops,
        "monitor": "loss",
        "n_iter_no_change": 10,
        "calibration": None,
        "clip": False,
    }


class _Size(NamedTuple):
    """Size of the ensemble and length of the training of a preset on a table.

    Parameters
    ----------
    n_members : int
        Number of ensemble members of each architecture.
    n_steps : float
        Number of optimizer steps, divided by the square root of the number of rows.
    n_batches : int
        Approximate number of batches in an epoch.
    learning_rate : float
        Peak learning rate.
    growth : float, default=1.0
        Maximum of a factor by which the number of steps is multiplied as well. The factor is the
        number of rows divided by `_FEW_ROWS`, clipped to [1, `growth`].
    """

    n_members: int
    n_steps: float
    n_batches: int
    learning_rate: float
    growth: float = 1.0


_FEW_ROWS = 1000
# The keys are the name of the preset, and whether the estimator is a classifier.
_SIZES = {
    ("fast", True): _Size(2, 5.5, 15, 1.5 * RATE),
    ("fast", False): _Size(2, 12, 15, 1.5 * RATE),
    ("balanced", True): _Size(4, 6.5, 15, 1.5 * RATE, growth=2.4),
    ("balanced", False): _Size(4, 23, 15, 1.5 * RATE),
    ("best", True): _Size(8, 30, 30, RATE, growth=1.5),
    ("best", False): _Size(8, 30, 30, RATE),
}
# The size for few rows in both "fast" and "balanced", because a smaller size would save only tenths
# of a second. Batches are larger for classification because accuracy is then higher.
_SIZES_OF_FEW = {True: _Size(4, 9, 8, 1.5 * RATE), False: _SIZES["balanced", False]}
# Above this number of rows, training stops after a cycle of the learning rate without improvement.
# With fewer rows, the held-out rows are too few to tell, and a fit takes little time.
_ROWS_FOR_CYCLES = 2500
FEWEST_ROWS = 50  # minimum number of rows that are assigned to folds
FEWEST_COLUMNS = 256  # up to this number, no columns are selected
_MOST_BINNED = 128  # maximum number of columns for a piecewise-linear embedding
_MOST_COLUMNS = 2000  # above this number, the first layers of the members are too large


def _table_values(
    preset: str, data: Data, explicit: Mapping[str, Any], task: Task, plain: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameter values for tables, which describe an ensemble of networks."""
    is_wide = data.n_columns > _MOST_COLUMNS or data.is_sparse
    size = _SIZES[preset, task.classifies]
    if preset != "best" and data.n_rows <= _FEW_ROWS and not data.comes_in_parts:
        size = _SIZES_OF_FEW[task.classifies]
    n_members = min(size.n_members, 2) if is_wide else size.n_members
    # RealMLP scales learning rates by gains, which requires Adam.
    is_standard = is_wide or task.batch_norm or not task.adam
    kind = "standard" if is_standard else "both"
    kind = explicit.get("parametrization", kind)
    rate, activation = size.learning_rate, "relu"
    if kind == "realmlp":
        rate, activation = realmlp_rate(task.classifies), realmlp_activation(task.classifies)
    stops = explicit.get("early_stopping", data.n_rows >= FEWEST_ROWS or data.is_given)
    n_rows = data.n_rows * 7 / 8 if stops and not data.is_given else data.n_rows
    batch_size = explicit.get("batch_size", _batch_size(n_rows / size.n_batches, 256))
    n_steps = size.n_steps * data.n_rows**0.5
    n_steps *= np.clip(data.n_rows / _FEW_ROWS, 1, size.growth)
    epochs = _epochs(n_rows, batch_size, n_steps, 10, 400)
    selects = data.n_columns > FEWEST_COLUMNS and data.n_rows >= FEWEST_ROWS
    selects = selects and not (data.is_sparse or data.comes_in_parts)
    is_binned = data.n_columns <= _MOST_BINNED and not is_wide and kind != "realmlp"
    return _common_values(plain, explicit, epochs, batch_size, stops) | {
        "hidden_layer_sizes": (128, 128),
        "activation": activation,
        "n_features_to_select": "auto" if selects else None,
        "one_hot_max_size": 64,
        "numeric_embedding": "piecewise_linear" if is_binned else None,
        "n_members": n_members,
        "parametrization": kind,
        "blend": "greedy" if kind == "both" and stops else None,
        "learning_rate": rate,
        "learning_rate_schedule": "coslog4",
        "n_iter_no_change": _table_patience(data, explicit, epochs),
        "weight_decay": 0.1 * RATE / rate if kind == "realmlp" else 0.1,
    }


# Numbers of units of the hidden layers, and the dropout rate of all hidden layers.
_IMAGE_LAYERS = {
    "fast": ((256,), 0.1),
    "balanced": ((512, 256), 0.2),
    "best": ((1024, 512), 0.3),
}


def _image_values(
    preset: str, data: Data, explicit: Mapping[str, Any], task: Task, plain: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the parameter values for images, which describe one wide network with dropout."""
    sizes, dropout = _IMAGE_LAYERS[preset]
    batch_size = explicit.get("batch_size", _batch_size(data.n_rows / 30, 128))
    epochs = _epochs(data.n_rows, batch_size, 3000, 20, 200)
    stops = explicit.get("early_stopping", False)
    return _common_values(plain, explicit, epochs, batch_size, stops) | {
        "hidden_layer_sizes": sizes,
        "activation": "relu",
        "dropout": dropout,
        "scaling": "pixelwise",
        "learning_rate": 1e-3,
        "learning_rate_schedule": "cosine",
        "warmup": 0.1,
    }


def _common_values(
    plain: Mapping[str, Any],
    explicit: Mapping[str, Any],
    epochs: int,
    batch_size: int,
    stops: bool,
) -> dict[str, Any]:
    """Return the values of "plain", updated by the values that tables and images share."""
    return {
        **plain,
        "kernel_initializer": "he_normal",
        "label_smoothing": 0.1,
        "epochs": epochs,
        "batch_size": batch_size,
        "early_stopping": stops,
        "monitor": "accuracy",
        "n_iter_no_change": _patience(explicit, epochs),
        "calibration": "temperature" if stops else None,
        "clip": True,
    }


def _patience(explicit: Mapping[str, Any], epochs: int) -> int:
    """Return `n_iter_no_change`: 10 for a given schedule without an end, otherwise all epochs."""
    endless = explicit.get("learning_rate_schedule") in ("constant", "reduce_on_plateau")
    return 10 if endless else int(explicit.get("epochs", epochs))


def _table_patience(data: Data, explicit: Mapping[str, Any], epochs: int) -> int | str:
    """Return `n_iter_no_change` for a table: "cycle" if there are many rows and cycles."""
    has_cycles = explicit.get("learning_rate_schedule", "coslog4") == "coslog4"
    if has_cycles and "epochs" not in explicit and data.n_rows > _ROWS_FOR_CYCLES:
        return "cycle"
    return _patience(explicit, epochs)


def _batch_size(n_rows: float, most: int) -> int:
    """Return the power of two nearest to `n_rows` on a log scale, clipped to [16, `most`]."""
    return int(np.clip(2 ** np.round(np.log2(max(n_rows, 1))), 16, most))


def _epochs(n_rows: float, batch_size: int, n_steps: float, fewest: int, most: int) -> int:
    """Return the number of epochs that take about `n_steps`, clipped to [`fewest`, `most`]."""
    steps_per_epoch = max(1, np.ceil(n_rows / batch_size))
    return int(np.clip(np.round(n_steps / steps_per_epoch), fewest, most))
