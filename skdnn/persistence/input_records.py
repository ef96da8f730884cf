"""`Columns` and `Inputs` <-> records and arrays: how X becomes the input of the network."""

import math
from typing import Any

import numpy as np

from skdnn._data.categories import Categories
from skdnn._data.preprocessing import Inputs
from skdnn._data.robust_scaling import Outlier
from skdnn._data.table import Columns
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import LARGEST_SIZE, Fields
from skdnn.persistence.list_records import VALUE_KINDS, are_ascending, read_values, write_values
from skdnn.persistence.value_records import NUMPY_DTYPES, read_value, write_value

# The kinds of columns, whose positions here stand for them in a file. New ones are appended.
KINDS = ("text", *NUMPY_DTYPES)
SCALINGS = ("auto", "standard", "minmax", "pixelwise", "robust")
_MOST_DIMENSIONS = 32
_FLOATS = ("float32", "float64")


# --------------------------------------------------------------------------------------- columns


def columns_record(columns: Columns, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the record of the encoder of a table, and add its arrays to those of the file."""
    if columns.kinds:
        codes = [KINDS.index(kind if kind in KINDS else "float64") for kind in columns.kinds]
        arrays["columns.kinds"] = np.array(codes, np.uint8)
    categories = []
    for number, position in enumerate(columns.codes):
        encoder = columns.encoders[position]
        name = f"columns.categories[{number}].values"
        kind = write_values(encoder.values, name, arrays)
        categories.append(
            {"position": position, "kind": kind, "has_missing": bool(encoder.has_missing)}
        )
    given = write_value(columns.categorical_features, "categorical_features")
    return {"categorical_features": given, "categories": categories}


def read_columns(fields: Fields, owner: str) -> Columns:
    """Return the encoder of a table."""
    columns = Columns(read_value(fields, "categorical_features"), owner)
    if fields.has_array("kinds"):
        codes = fields.array("kinds", "uint8", (None,), most=len(KINDS) - 1)
        columns.kinds = tuple(KINDS[code] for code in codes.tolist())
        if not columns.kinds:
            raise InvalidFileError("the array 'columns.kinds' is empty")
    before = -1
    for record in fields.records("categories", LARGEST_SIZE):
        before = record.integer("position", before + 1)
        kind = record.choice("kind", VALUE_KINDS)
        values = read_values(record, "values", kind)
        has_missing = record.flag("has_missing")
        record.end()
        if not are_ascending(values):
            raise InvalidFileError(f"{record.where} has categories that are not ascending")
        if not len(values) + has_missing:
            raise InvalidFileError(f"{record.where} has no categories")
        codes_of = {value: code for code, value in enumerate(values, start=1)}
        columns.encoders[before] = Categories(codes_of, has_missing)
    fields.end()
    return columns


# ---------------------------------------------------------------------------------------- inputs


def inputs_record(inputs: Inputs, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the record of the preprocessing, and add its arrays to those of the file."""
    found = {name: getattr(inputs, name) for name in ("offset", "scale", "limit", "origin")}
    found |= {name: getattr(inputs, name).astype(np.int64) for name in ("codes", "signed")}
    found["fill"] = inputs.fill
    if inputs.selects:
        found["numbers"] = inputs.numbers.astype(np.int64)
    if inputs.outliers:
        positions, values, distances = zip(*inputs.outliers, strict=True)
        found["outlier_positions"] = np.array(positions, np.int64)
        found["outliers"] = np.array([values, distances], np.float64)
    for name, array in found.items():
        if array is not None:
            is_float = array.dtype.kind == "f" and str(array.dtype) not in _FLOATS
            arrays[f"inputs.{name}"] = array.astype(np.float64) if is_float else array
    return {
        "scaling": inputs.scaling,
        "shape": list(map(int, inputs.shape)),
        "needs_float64": bool(inputs.needs_float64),
    }


def read_inputs(fields: Fields, columns: Columns) -> Inputs:
    """Return the preprocessing, which fits the encoder of the table."""
    scaling = fields.optional_choice("scaling", SCALINGS)
    shape = fields.integers("shape", 1)
    n_inputs = math.prod(shape)
    if not 1 <= len(shape) <= _MOST_DIMENSIONS:
        raise fields.error("shape", list(shape), "from 1 to 32 lengths are expected")
    codes = fields.array("codes", "int64", (len(columns.encoders),))
    if sorted(codes.tolist()) != columns.codes:
        raise InvalidFileError("the array 'inputs.codes' has other columns than the categories")
    numbers = _read_numbers(fields, n_inputs, codes)
    n_numbers = n_inputs - len(codes) if numbers is None else len(numbers)
    # The array must be as long as the columns before anything of their number is allocated.
    fill = fields.array("fill", "float64", (n_numbers,))
    _check_columns(columns, shape)
    inputs = Inputs(scaling, shape, codes.tolist(), numbers)
    inputs.fill = fill
    inputs.signed = fields.array("signed", "int64", (None,)).astype(int)
    _check_signed(inputs)
    inputs.needs_float64 = fields.flag("needs_float64")
    _read_scale(fields, inputs, n_numbers)
    _read_origin(fields, inputs, n_inputs)
    _read_outliers(fields, inputs, n_inputs)
    fields.end()
    return inputs


def _read_numbers(fields: Fields, n_inputs: int, codes: np.ndarray) -> np.ndarray | None:
    """Return the positions of the numeric columns that are used, None if all are."""
    if not fields.has_array("numbers"):
        return None
    numbers = fields.array("numbers", "int64", (None,), least=0, most=n_inputs - 1).astype(int)
    if (np.diff(numbers) <= 0).any() or np.isin(numbers, codes).any():
        raise InvalidFileError(
            "the array 'inputs.numbers' is not ascending, or has columns of categories"
        )
    if len(numbers) >= n_inputs - len(codes):
        raise InvalidFileError("the array 'inputs.numbers' has all columns of numbers")
    return numbers


def _check_columns(columns: Columns, shape: tuple[int, ...]) -> None:
    n_columns = shape[0]
    if columns.encoders and (len(shape) > 1 or columns.codes[-1] >= n_columns):
        raise InvalidFileError(
            f"column {columns.codes[-1]} has categories, but inputs.shape is {shape}"
        )
    if columns.kinds and (len(shape) > 1 or len(columns.kinds) != n_columns):
        raise InvalidFileError(
            f"the array 'columns.kinds' has {len(columns.kinds)} kinds, but inputs.shape is {shape}"
        )


def _check_signed(inputs: Inputs) -> None:
    signed = inputs.signed
    if len(signed) > len(inputs.numbers) or not np.isin(signed, inputs.numbers).all():
        raise InvalidFileError("the array 'inputs.signed' has positions that are not of numbers")
    if (np.diff(signed) <= 0).any():
        raise InvalidFileError("the array 'inputs.signed' is not ascending")


def _read_scale(fields: Fields, inputs: Inputs, n_numbers: int) -> None:
    if not fields.has_array("offset"):
        return
    if inputs.scaling is None or not n_numbers:
        raise InvalidFileError("the array 'inputs.offset' is there, but no number is scaled")
    length = None if len(inputs.shape) > 1 else n_numbers
    offset = fields.array("offset", _FLOATS, (length,))
    if len(offset) not in (1, n_numbers):
        raise InvalidFileError(
            f"the array 'inputs.offset' has {len(offset)} values: 1 or {n_numbers} are expected"
        )
    inputs.offset = offset
    inputs.scale = fields.array("scale", _FLOATS, (len(offset),), least=math.ulp(0.0))
    if fields.has_array("limit"):
        least = math.ulp(0.0)
        inputs.limit = fields.array("limit", _FLOATS, (n_numbers,), least=least, finite=False)
        if len(offset) != n_numbers:
            raise InvalidFileError("the array 'inputs.limit' needs an offset for each column")


def _read_origin(fields: Fields, inputs: Inputs, n_inputs: int) -> None:
    if fields.has_array("origin"):
        inputs.origin = fields.array("origin", ("int64", "uint64"), (n_inputs,))


def _read_outliers(fields: Fields, inputs: Inputs, n_inputs: int) -> None:
    if not fields.has_array("outliers"):
        return
    positions = fields.array("outlier_positions", "int64", (None,), least=0, most=n_inputs - 1)
    values, distances = fields.array("outliers", "float64", (2, len(positions)), finite=False)
    if not len(positions):
        raise InvalidFileError("the array 'inputs.outliers' is empty")
    inputs.outliers = [
        Outlier(*outlier)
        for outlier in zip(positions.tolist(), values.tolist(), distances.tolist(), strict=True)
    ]
