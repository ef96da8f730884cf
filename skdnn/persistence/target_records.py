"""`Targets` <-> records and arrays: how y becomes outputs of the network, and back."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from skdnn._data.targets import (
    Classes,
    Labels,
    NumericTargets,
    OwnUnits,
    Positive,
    Quantile,
    Quantiles,
    Targets,
    normal_start,
)
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import Fields
from skdnn.persistence.list_records import VALUE_KINDS, are_ascending, read_values, write_values
from skdnn.persistence.value_records import NUMPY_DTYPES

_Arrays = dict[str, np.ndarray]
_NUMERIC_KINDS: dict[str, type[NumericTargets]] = {
    "numeric": NumericTargets,
    "own_units": OwnUnits,
    "positive": Positive,
    "quantile": Quantile,
    "quantiles": Quantiles,
}
_TAGS: dict[type, str] = {kind: tag for tag, kind in _NUMERIC_KINDS.items()}
# The dtypes of labels that are neither text nor objects. Dates are integers in a file.
_DATES = {
    name: np.dtype(name)
    for unit in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns")
    for name in (f"datetime64[{unit}]", f"timedelta64[{unit}]")
}
_DTYPES = {**NUMPY_DTYPES, **_DATES}
_LOSSES = {
    "numeric": ("mean_squared_error", "mean_absolute_error", "huber", "log_cosh"),
    "own_units": ("mean_squared_error",),
    "positive": ("poisson", "gamma"),
    "quantile": ("quantile",),
    "quantiles": ("quantile",),
}
_MOST_OUTPUTS = 2**24
_MOST_TEXT = 2**22  # characters of an array of labels


def targets_record(targets: Targets, arrays: _Arrays) -> dict[str, Any]:
    """Return the record of the encoding of y, and add its arrays to those of the file."""
    if isinstance(targets, Classes):
        known = bool(np.isfinite(targets.chance_loss))
        return {"type": "classes", "own_loss": not known, **_labels(targets.classes, arrays)}
    if isinstance(targets, Labels):
        known = bool(np.isfinite(targets.chance_loss))
        return {"type": "labels", "own_loss": not known, "n_labels": int(targets.n_outputs)}
    arrays["targets.mean"] = np.asarray(targets.mean, np.float64)
    arrays["targets.unit"] = np.asarray(targets.unit, np.float64)
    if targets.bounds is not None:
        arrays["targets.bounds"] = np.array(targets.bounds, np.float64)
    if isinstance(targets, Quantile):
        arrays["targets.levels"] = np.asarray(targets.levels, np.float64)
    return {
        "type": _TAGS[type(targets)],
        "loss": targets.loss,
        "shape": list(map(int, targets.shape)),
    }


def read_targets(fields: Fields, classifies: bool) -> Targets:
    """Return the encoding of y of a classifier or of a regressor."""
    tags = _CLASSIFICATION if classifies else _NUMERIC_KINDS
    tag = fields.choice("type", tags)
    targets = _CLASSIFICATION[tag](fields) if classifies else _read_numeric(fields, tag)
    fields.end()
    return targets


# ---------------------------------------------------------------------------------------- classes


def _labels(classes: np.ndarray, arrays: _Arrays) -> dict[str, Any]:
    """Return the dtype of class labels and what they are, and add them to the arrays."""
    dtype = {"U": "str", "O": "object"}.get(classes.dtype.kind, classes.dtype.name)
    if dtype not in (*_DTYPES, "str", "object"):
        raise TypeError(
            f"A .skdnn file holds class labels that are text, numbers, booleans or dates, not "
            f"{classes.dtype}: convert y to text with y.astype(str), and fit again."
        )
    values = (classes.astype(np.int64) if classes.dtype.kind in "bmM" else classes).tolist()
    record: dict[str, Any] = {
        "dtype": dtype,
        "kind": write_values(values, "targets.classes", arrays),
    }
    if dtype == "str":
        record["width"] = classes.dtype.itemsize // 4
        if classes.size * record["width"] > _MOST_TEXT:
            raise ValueError(
                f"A .skdnn file holds class labels of together {_MOST_TEXT:,} characters, each as "
                f"long as the longest. Got {classes.size} of {record['width']}: use shorter labels."
            )
    return record


def _read_classes(fields: Fields) -> Classes:
    name = fields.choice("dtype", (*_DTYPES, "str", "object"))
    kind = fields.choice("kind", VALUE_KINDS)
    values = read_values(fields, "classes", kind)
    is_text = name in ("str", "object")
    if (kind == "text") != is_text:
        raise fields.error("kind", kind, f"what labels of dtype {name} are is expected")
    if len(values) < 2 or not are_ascending(values):
        raise InvalidFileError(f"{fields.where} needs at least 2 classes in ascending order")
    if name == "str":
        longest = max(map(len, values))
        width = fields.integer("width", longest, max(longest, _MOST_TEXT // len(values)))
        if len(values) * width > _MOST_TEXT:
            raise fields.error("width", width, "shorter labels are expected")
        classes = np.array(values, f"<U{width}")
        if classes.tolist() != values:  # NumPy drops "\0" at the end of a text
            raise InvalidFileError(f"{fields.where} has classes that end in '\\0'")
    elif name == "object":
        classes = np.array(values, object)
    else:
        classes = _numeric_labels(fields, values, _DTYPES[name])
    targets = Classes(classes)
    if fields.flag("own_loss"):
        targets.chance_loss = np.inf
    return targets


def _numeric_labels(fields: Fields, values: list[Any], dtype: np.dtype) -> np.ndarray:
    if dtype.kind in "iumM":
        limits = np.iinfo(dtype if dtype.kind in "iu" else np.int64)
        least = limits.min + (dtype.kind in "mM")  # the smallest integer stands for no date
        fits = type(values[0]) is int and least <= values[0] and values[-1] <= limits.max
    elif dtype.kind == "b":
        fits = values == [0, 1]
    else:
        fits = all(type(v) is float and abs(v) <= np.finfo(dtype).max for v in values)
    if fits and all(type(v) is type(values[0]) for v in values):
        labels = np.array(values, dtype)
        if len(np.unique(labels)) == len(values):
            return labels
    raise InvalidFileError(f"{fields.where} has classes that are not different {dtype}")


def _read_labels(fields: Fields) -> Labels:
    targets = Labels(fields.integer("n_labels", 1, _MOST_OUTPUTS))
    if fields.flag("own_loss"):
        targets.chance_loss = np.inf
    return targets


_CLASSIFICATION: dict[str, Callable[[Fields], Classes | Labels]] = {
    "classes": _read_classes,
    "labels": _read_labels,
}


# ---------------------------------------------------------------------------------------- numbers


def _read_numeric(fields: Fields, tag: str) -> NumericTargets:
    kind = _NUMERIC_KINDS[tag]
    targets = kind.__new__(kind)  # the constructor would compute the scale from rows
    targets.loss = fields.choice("loss", _LOSSES[tag])
    targets.shape = fields.integers("shape", 1, _MOST_OUTPUTS)
    if len(targets.shape) > 1 or (tag == "quantiles" and targets.shape not in ((), (1,))):
        raise fields.error("shape", list(targets.shape), "the shape of one row of y is expected")
    n_columns = math.prod(targets.shape)
    targets.n_outputs = n_columns
    targets.mean = fields.array("mean", "float64", (n_columns,))
    targets.unit = fields.array("unit", "float64", (n_columns,), least=math.ulp(0.0))
    if tag == "positive" and targets.mean.any():
        raise InvalidFileError("the array 'targets.mean' is not 0, as for non-negative targets")
    if fields.has_array("bounds"):
        low, high = fields.array("bounds", "float64", (2, n_columns))
        if not (low <= high).all():
            raise InvalidFileError("the array 'targets.bounds' has bounds that are not ascending")
        targets.bounds = low, high
    if isinstance(targets, Quantile):
        _read_levels(fields, targets)
    return targets


def _read_levels(fields: Fields, targets: Quantile) -> None:
    several = isinstance(targets, Quantiles)
    length = None if several else 1
    least, most = math.ulp(0.0), math.nextafter(1.0, 0.0)
    levels = fields.array("levels", "float64", (length,), least=least, most=most)
    if not len(levels) or (np.diff(levels) <= 0).any():
        raise InvalidFileError("the array 'targets.levels' is not ascending")
    targets.levels = levels
    targets.start = normal_start(levels, ascending=several)
    if several:
        targets.n_outputs = len(levels)
