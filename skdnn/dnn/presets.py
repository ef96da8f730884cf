"""What "auto" stands for: a recipe for each preset and kind of data."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import Bunch

PRESETS = ("plain", "fast", "balanced", "best")
# The most accurate one whose median fit is within five times a forest's: see docs/accuracy.md.
DEFAULT = "balanced"

# As in scikit-learn's HistGradientBoosting: more rows than these stop early by themselves.
_MANY_ROWS = 10_000
_EPOCHS, _MOST_EPOCHS = 50, 200  # of a plain network, without early stopping and with it


class Data(NamedTuple):
    """What a recipe looks at.

    `n_rows` are those of a weight above 0. `is_given` tells whether there are rows to validate on
    beside them, `comes_in_parts` whether there are more rows than these, which come later.
    """

    n_rows: int
    n_columns: int
    is_image: bool = False
    is_sparse: bool = False
    is_given: bool = False
    comes_in_parts: bool = False


# The parameters that may be "auto", and those of them that lay the network out.
NETWORK_PARAMETERS = (
    "hidden_layer_sizes",
    "activation",
    "dropout",
    "scaling",
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


RATE = 2e-3  # of a network of the usual parametrisation, by Adam


def realmlp_rate(classifies: bool) -> float:
    """Return the learning rate that RealMLP has (Holzmüller et al. 2024, "Better by Default")."""
    return 0.04 if classifies else 0.07


def realmlp_activation(classifies: bool) -> str:
    """Return the activation that RealMLP has."""
    return "selu" if classifies else "mish"


class Task(NamedTuple):
    """What a recipe knows of the estimator, beside what may be "auto".

    Whether it is classes that are predicted; whether the optimizer is Adam, whose learning rate a
    recipe knows; whether the loss is the cross-entropy, whose labels are smoothed; and whether
    batch normalisation is asked for.
    """

    classifies: bool
    adam: bool = True
    cross_entropy: bool = True
    batch_norm: bool = False


def is_auto(value: Any) -> bool:
    """Whether a value is to be chosen."""
    return isinstance(value, str) and value == "auto"


def choose(preset: str, given: Mapping[str, Any], data: Data) -> str:
    """Return the preset that is meant by "auto".

    Whoever says how wide the network is, or how long it is trained, means one plain network; so
    does whoever brings rows in parts.
    """
    if preset != "auto":
        return preset
    if data.comes_in_parts:
        return "plain"
    named = not is_auto(given["hidden_layer_sizes"]) or not is_auto(given["epochs"])
    return "plain" if named else DEFAULT


def resolve(given: Mapping[str, Any], preset: str, data: Data, task: Task) -> Bunch:
    """Choose what is left at "auto"; what is given stays as it is.

    Parameters
    ----------
    given : mapping of str to object
        Parameters of an estimator that may be "auto".
    preset : str
        One of `PRESETS`.
    data : Data
        What they are chosen for.
    task : Task
        What they are chosen to do.

    Returns
    -------
    Bunch
        "preset", and a value for each name in `given`.
    """
    explicit = {name: value for name, value in given.items() if not is_auto(value)}
    plain = _plain(data, explicit, task)
    if preset == "plain":
        chosen = plain
    else:
        recipe = _of_images if data.is_image else _of_tables
        chosen = recipe(preset, data, explicit, task, plain)
        if not task.adam:
            chosen |= {"learning_rate": None, "weight_decay": None}
        if not task.cross_entropy:
            chosen |= {"label_smoothing": 0.0, "calibration": None, "monitor": "loss"}
        if data.comes_in_parts:  # how long, and on which rows, is not for one part to say
            chosen |= {name: plain[name] for name in WHOLE_FIT_PARAMETERS}
    return Bunch(preset=preset, **{name: explicit.get(name, chosen[name]) for name in given})


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
    """One network as textbooks have it."""
    is_realmlp = explicit.get("parametrization") == "realmlp"
    is_long = data.is_given or (data.n_rows > _MANY_ROWS and not data.comes_in_parts)
    stops = explicit.get("early_stopping", "epochs" not in explicit and is_long)
    return {
        "hidden_layer_sizes": (100,),
        "activation": realmlp_activation(task.classifies) if is_realmlp else "relu",
        "dropout": 0.0,
        "kernel_initializer": "glorot_uniform",
        "scaling": "auto",
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
    """How much a preset spends on a table.

    Steps are `n_steps` times the square root of the number of rows, for more rows have more to
    tell; and up to `growth` times that, in proportion to the rows above `_FEW_ROWS`. A batch is
    about one `n_batches`-th of the rows. There are `n_members` of each kind of networks.
    """

    n_members: int
    n_steps: float
    n_batches: int
    learning_rate: float
    growth: float = 1.0


_FEW_ROWS = 1000
# By preset, and by whether it is classes that are predicted.
_SIZES = {
    ("fast", True): _Size(2, 5.5, 15, 1.5 * RATE),
    ("fast", False): _Size(2, 12, 15, 1.5 * RATE),
    ("balanced", True): _Size(4, 6.5, 15, 1.5 * RATE, growth=2.4),
    ("balanced", False): _Size(4, 23, 15, 1.5 * RATE),
    ("best", True): _Size(8, 30, 30, RATE, growth=1.5),
    ("best", False): _Size(8, 30, 30, RATE),
}
# Of few rows, for "fast" and "balanced" alike: less would save tenths of a second. With classes,
# larger batches are worth their time.
_SIZES_OF_FEW = {True: _Size(4, 9, 8, 1.5 * RATE), False: _SIZES["balanced", False]}
FEWEST_ROWS = 50  # to deal out to folds
_MOST_BINNED = 128  # columns
_MOST_COLUMNS = 2000  # of which members have first layers of their own


def _of_tables(
    preset: str, data: Data, explicit: Mapping[str, Any], task: Task, plain: Mapping[str, Any]
) -> dict[str, Any]:
    """Networks of two layers on binned columns, each stopped on a fold of its own."""
    is_wide = data.n_columns > _MOST_COLUMNS or data.is_sparse
    size = _SIZES[preset, task.classifies]
    if preset != "best" and data.n_rows <= _FEW_ROWS and not data.comes_in_parts:
        size = _SIZES_OF_FEW[task.classifies]
    n_members = min(size.n_members, 2) if is_wide else size.n_members
    is_plain = is_wide or task.batch_norm or not task.adam  # gains are rates for Adam alone
    kind = "standard" if is_plain else "both"
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
    is_binned = data.n_columns <= _MOST_BINNED and not is_wide and kind != "realmlp"
    return _recipe(plain, explicit, epochs, batch_size, stops) | {
        "hidden_layer_sizes": (128, 128),
        "activation": activation,
        "one_hot_max_size": 64,
        "numeric_embedding": "piecewise_linear" if is_binned else None,
        "n_members": n_members,
        "parametrization": kind,
        "blend": "greedy" if kind == "both" and stops else None,
        "learning_rate": rate,
        "learning_rate_schedule": "coslog4",
        "weight_decay": 0.1 * RATE / rate if kind == "realmlp" else 0.1,
    }


# Units of the hidden layers, and their dropout rate.
_IMAGE_LAYERS = {
    "fast": ((256,), 0.1),
    "balanced": ((512, 256), 0.2),
    "best": ((1024, 512), 0.3),
}


def _of_images(
    preset: str, data: Data, explicit: Mapping[str, Any], task: Task, plain: Mapping[str, Any]
) -> dict[str, Any]:
    """One wide network with dropout; each pixel is scaled apart."""
    sizes, dropout = _IMAGE_LAYERS[preset]
    batch_size = explicit.get("batch_size", _batch_size(data.n_rows / 30, 128))
    epochs = _epochs(data.n_rows, batch_size, 3000, 20, 200)
    stops = explicit.get("early_stopping", False)
    return _recipe(plain, explicit, epochs, batch_size, stops) | {
        "hidden_layer_sizes": sizes,
        "activation": "relu",
        "dropout": dropout,
        "scaling": "pixelwise",
        "learning_rate": 1e-3,
        "learning_rate_schedule": "cosine",
        "warmup": 0.1,
    }


def _recipe(
    plain: Mapping[str, Any],
    explicit: Mapping[str, Any],
    epochs: int,
    batch_size: int,
    stops: bool,
) -> dict[str, Any]:
    """Return what recipes of tables and images share; the rest is as in a plain network."""
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
    """Return the patience: to the end, where the schedule of the recipe has one."""
    goes_on = explicit.get("learning_rate_schedule") in ("constant", "reduce_on_plateau")
    return 10 if goes_on else int(explicit.get("epochs", epochs))


def _batch_size(n_rows: float, most: int) -> int:
    """Return the power of two that is next to a number of rows."""
    return int(np.clip(2 ** np.round(np.log2(max(n_rows, 1))), 16, most))


def _epochs(n_rows: float, batch_size: int, n_steps: float, fewest: int, most: int) -> int:
    """Return how many epochs have some number of steps."""
    n_steps_of_one = max(1, np.ceil(n_rows / batch_size))
    return int(np.clip(np.round(n_steps / n_steps_of_one), fewest, most))
