"""Layers <-> tagged records. A tag leads to a class through the table `LAYERS` alone."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from skdnn._data.preprocessing import Inputs
from skdnn._network.activations import NUMPY_ACTIVATIONS
from skdnn._network.layers import (
    Activate,
    Ascending,
    BatchNormalization,
    CategoryEmbedding,
    ColumnTransform,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LearnedScale,
    Mean,
    Members,
    MixedActivation,
    OneHot,
    Parallel,
    Periodic,
    PiecewiseLinear,
    ScaledDense,
    Scaling,
    SmoothClip,
)
from skdnn.persistence.fields import Fields

MOST_LAYERS = 4096  # of a stack
# NumPy does not compute "sparsemax", so that its networks predict in TensorFlow.
ACTIVATIONS = frozenset(map(str, NUMPY_ACTIVATIONS)) | {"sparsemax"}

_Read = Callable[[Fields, str], Any]


def _activation(fields: Fields, name: str) -> str:
    return fields.choice(name, sorted(ACTIVATIONS))


def _count(fields: Fields, name: str) -> int:
    return fields.integer(name, 1)


def _size(fields: Fields, name: str) -> int:
    return fields.integer(name)


def _counts(fields: Fields, name: str) -> tuple[int, ...]:
    return fields.integers(name, 1)


def _positive(fields: Fields, name: str) -> float:
    return fields.number(name, math.ulp(0.0))


def _size_of_spread(fields: Fields, name: str) -> float:
    return fields.number(name, 0.0)


def _share(fields: Fields, name: str) -> float:
    return fields.number(name, 0.0, math.nextafter(1.0, 0.0))


_NAME: dict[str, _Read] = {"name": Fields.name}
_NUMERIC = _NAME | {"n_columns": _count}
_UNITS = _NAME | {"units": _count, "activation": _activation}


@dataclass(frozen=True)
class _Kind:
    """The class of a layer, and how its fields are read.

    Parameters
    ----------
    layer : type
        The class.
    fields : mapping of str to callable
        The function that reads each field of a record. The fields of the record have the names of
        the arguments of the class.
    """

    layer: type[Layer]
    fields: Mapping[str, _Read]


# `columns` and `parallel` have fields that are not values of their own: see below.
LAYERS = {
    "activation": _Kind(Activate, _NAME | {"activation": _activation}),
    "ascending": _Kind(Ascending, _NAME | {"units": _count}),
    "batch_normalization": _Kind(
        BatchNormalization, _NAME | {"momentum": _share, "epsilon": _positive}
    ),
    "category_embedding": _Kind(CategoryEmbedding, _NAME | {"sizes": _counts, "dims": _counts}),
    "columns": _Kind(ColumnTransform, _NAME),
    "dense": _Kind(Dense, _UNITS),
    "dropout": _Kind(Dropout, _NAME | {"rate": _share}),
    "flatten": _Kind(Flatten, _NAME),
    "learned_scale": _Kind(LearnedScale, _NAME | {"gain": _positive, "start": _positive}),
    "mean": _Kind(Mean, _NAME | {"weighted": Fields.flag}),
    "members": _Kind(Members, _NAME | {"n_members": _count}),
    "mixed_activation": _Kind(
        MixedActivation, _NAME | {"activation": _activation, "gain": _positive}
    ),
    "one_hot": _Kind(OneHot, _NAME | {"start": _size, "n_codes": _count, "width": _count}),
    "parallel": _Kind(Parallel, _NAME),
    "periodic": _Kind(Periodic, _NUMERIC | {"n_frequencies": _count}),
    "piecewise_linear": _Kind(PiecewiseLinear, _NUMERIC | {"n_bins": _count}),
    "scaled_dense": _Kind(
        ScaledDense,
        _UNITS
        | {
            "kernel_gain": _positive,
            "bias_gain": _positive,
            "kernel_std": _size_of_spread,
            "bias_std": _size_of_spread,
        },
    ),
    "scaling": _Kind(Scaling, _NAME),
    "smooth_clip": _Kind(SmoothClip, _NUMERIC),
}
_TAGS = {kind.layer: tag for tag, kind in LAYERS.items()}


def layer_record(layer: Layer, owner: str) -> dict[str, Any]:
    """Return the record of a layer.

    Parameters
    ----------
    layer : Layer
        The layer.
    owner : str
        The name of the estimator, for errors.
    """
    tag = _TAGS[type(layer)]
    for activation in layer.activations:
        if not isinstance(activation, str) or activation not in ACTIVATIONS:
            raise TypeError(
                f"This {owner} was trained with the activation {activation!r}, which a .skdnn file "
                "cannot hold, because a file holds no code: fit it with the name of an activation, "
                "such as activation='relu', or use pickle."
            )
    record: dict[str, Any] = {"type": tag}
    for name in LAYERS[tag].fields:
        value = getattr(layer, name)
        record[name] = list(value) if isinstance(value, tuple) else value
    if isinstance(layer, Parallel):
        record |= {"stacks": [[layer_record(x, owner) for x in stack] for stack in layer.stacks]}
    return record


def read_layers(records: list[Fields], inputs: Inputs) -> tuple[Layer, ...]:
    """Return the layers of a list of records.

    Parameters
    ----------
    records : list of Fields
        The records.
    inputs : Inputs
        The preprocessing, which knows the positions of the columns.
    """
    layers = []
    for fields in records:
        tag = fields.choice("type", LAYERS)
        kind = LAYERS[tag]
        values = {name: read(fields, name) for name, read in kind.fields.items()}
        if tag in _FURTHER:
            values |= _FURTHER[tag](fields, inputs)
        fields.end()
        layers.append(kind.layer(**values))
    return tuple(layers)


def _positions(fields: Fields, inputs: Inputs) -> dict[str, Any]:
    """Return the positions of the columns, which are those of the preprocessing."""
    names = ("numbers", "signed", "codes")
    return {name: tuple(getattr(inputs, name).tolist()) for name in names}


def _stacks(fields: Fields, inputs: Inputs) -> dict[str, Any]:
    stacks = fields.items("stacks", MOST_LAYERS)
    found = []
    for i, stack in enumerate(stacks):
        place = f"{fields.where}.stacks[{i}]"
        if type(stack) is not list or not 1 <= len(stack) <= MOST_LAYERS:
            raise fields.error(f"stacks[{i}]", stack, "a list of layers is expected")
        records = [Fields(x, f"{place}[{j}]", fields.arrays) for j, x in enumerate(stack)]
        if any(isinstance(x, dict) and x.get("type") == "parallel" for x in stack):
            raise fields.error(f"stacks[{i}]", stack, "a stack has no stacks within it")
        found.append(read_layers(records, inputs))
    return {"stacks": tuple(found)}


_FURTHER = {"columns": _positions, "parallel": _stacks}
