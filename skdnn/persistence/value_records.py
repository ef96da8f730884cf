"""Values of parameters <-> JSON values.

JSON's own values stand for themselves. Everything else is an object with a `type`: tuples, dicts,
numbers that JSON cannot express, NumPy's scalars and arrays, random states.
"""

import math
from typing import Any

import numpy as np

from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import LARGEST_SIZE, Fields
from skdnn.persistence.strict_json import MOST_DIGITS

# `KINDS` of input_records.py numbers these dtypes by their position: new ones are appended.
NUMPY_DTYPES = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64"),
    )
}
_MOST_TEXT = 2**20
_UNTYPED = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_KEYS = 624  # words of the state of MT19937


def write_value(value: Any, where: str) -> Any:
    """Return a JSON value that stands for a Python value.

    Parameters
    ----------
    value : object
        None, a boolean, a number, a text, a random state, or a list, tuple, dict or array of these.
        Tables' columns are written as arrays, other sequences such as a range as lists.
    where : str
        The place of the value, for errors.

    Raises
    ------
    TypeError
        If the value, or a value in it, is an object of another type.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic):
        return _write_scalar(value, where)
    if isinstance(value, str):
        return _checked_text(value, where)
    if isinstance(value, int):
        if len(str(abs(value))) > MOST_DIGITS:
            raise TypeError(f"{where} is an integer of more than {MOST_DIGITS} digits")
        return int(value)
    if isinstance(value, float):
        value = float(value)
        return value if math.isfinite(value) else {"type": "float", "value": str(value)}
    if type(value) in (list, range):
        return [write_value(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if type(value) is tuple:
        items = [write_value(v, f"{where}[{i}]") for i, v in enumerate(value)]
        return {"type": "tuple", "items": items}
    if isinstance(value, dict):
        items = [
            [write_value(k, f"a key of {where}"), write_value(v, f"{where}[{k!r}]")]
            for k, v in value.items()
        ]
        return {"type": "dict", "items": items}
    if isinstance(value, np.random.RandomState):
        return _write_random_state(value, where)
    if hasattr(value, "__array__") and hasattr(value, "dtype") and not callable(value):
        return _write_array(np.asarray(value), where)
    raise TypeError(f"{where} is {value!r:.200}")


def _checked_text(value: str, where: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TypeError(f"{where} is {value!r:.200}, which UTF-8 cannot encode") from None
    return "".join(value)  # the text of a subclass, such as an enumeration


def _write_scalar(value: np.generic, where: str) -> Any:
    if isinstance(value, np.str_):
        return _checked_text(value, where)
    if value.dtype.name not in NUMPY_DTYPES:
        raise TypeError(f"{where} is a NumPy scalar of dtype {value.dtype}")
    plain = write_value(value.item(), where)
    return {"type": "scalar", "dtype": value.dtype.name, "value": plain}


def _write_array(value: np.ndarray, where: str) -> Any:
    name = {"U": "str", "O": "object"}.get(value.dtype.kind, value.dtype.name)
    if name not in (*NUMPY_DTYPES, "str", "object"):
        raise TypeError(f"{where} is an array of dtype {value.dtype}")
    items = [write_value(v, f"an element of {where}") for v in value.ravel().tolist()]
    return {"type": "array", "dtype": name, "shape": list(value.shape), "items": items}


def _write_random_state(value: np.random.RandomState, where: str) -> Any:
    state = value.get_state(legacy=False)
    if state["bit_generator"] != "MT19937":
        raise TypeError(f"{where} is a RandomState of {state['bit_generator']}")
    return {
        "type": "random_state",
        "keys": [int(key) for key in state["state"]["key"]],
        "position": int(state["state"]["pos"]),
        "has_gauss": bool(state["has_gauss"]),
        "gauss": float(state["gauss"]),
    }


# ----------------------------------------------------------------------------------------- read


def read_value(fields: Fields, name: str) -> Any:
    """Return the value that a JSON value of a record stands for."""
    return _read(fields.take(name), fields, fields.place(name))


def _read(value: Any, parent: Fields, where: str) -> Any:
    if isinstance(value, list):
        return [_read(v, parent, f"{where}[{i}]") for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    fields = Fields(value, where, parent.arrays)
    read = _READERS[fields.choice("type", _READERS)]
    found = read(fields)
    fields.end()
    return found


def _items(fields: Fields) -> list[Any]:
    items = fields.items("items", LARGEST_SIZE)
    return [_read(v, fields, f"{fields.where}[{i}]") for i, v in enumerate(items)]


def _read_tuple(fields: Fields) -> tuple[Any, ...]:
    return tuple(_items(fields))


def _read_dict(fields: Fields) -> dict[Any, Any]:
    pairs = _items(fields)
    if not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        raise fields.error("items", pairs, "a list of keys with their values is expected")
    if not all(_is_key(key) for key, _ in pairs):
        raise fields.error("items", pairs, "keys that are texts, numbers or None are expected")
    found = dict(pairs)
    if len(found) < len(pairs):
        raise fields.error("items", pairs, "different keys are expected")
    return found


def _is_key(value: Any) -> bool:
    if type(value) is tuple:
        return all(map(_is_key, value))
    return value is None or isinstance(value, str | int | float | np.generic)


def _read_float(fields: Fields) -> float:
    return _UNTYPED[fields.choice("value", _UNTYPED)]


def _read_scalar(fields: Fields) -> Any:
    dtype = NUMPY_DTYPES[fields.choice("dtype", NUMPY_DTYPES)]
    value = read_value(fields, "value")
    return dtype.type(_checked_number(fields, value, dtype))


def _checked_number(fields: Fields, value: Any, dtype: np.dtype) -> Any:
    kinds = {"b": (bool,), "i": (int,), "u": (int,), "f": (float,)}[dtype.kind]
    fits = type(value) in kinds
    if fits and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        fits = limits.min <= value <= limits.max
    elif fits and dtype.kind == "f" and math.isfinite(value):
        fits = abs(value) <= np.finfo(dtype).max
    if not fits:
        raise fields.error("", value, f"a value of dtype {dtype} is expected")
    return value


def _read_array(fields: Fields) -> np.ndarray:
    name = fields.choice("dtype", (*NUMPY_DTYPES, "str", "object"))
    shape = fields.integers("shape")
    items = _items(fields)
    if len(shape) > 32 or math.prod(shape) != len(items):
        raise fields.error("shape", list(shape), f"the shape of {len(items)} items is expected")
    if name == "object":
        array = np.empty(len(items), object)
        for i, item in enumerate(items):  # an assignment of all would read lists as rows
            array[i] = item
    elif name == "str":
        if not all(type(item) is str for item in items):
            raise fields.error("items", items, "texts are expected")
        if len(items) * max(map(len, items), default=0) > _MOST_TEXT:
            raise InvalidFileError(f"{fields.where} has longer texts than an array may have")
        array = np.array(items, str)
        if array.tolist() != items:  # NumPy drops "\0" at the end of a text
            raise fields.error("items", items, "texts that do not end in '\\0' are expected")
    else:
        dtype = NUMPY_DTYPES[name]
        array = np.array([_checked_number(fields, item, dtype) for item in items], dtype)
    return array.reshape(shape)


def _read_random_state(fields: Fields) -> np.random.RandomState:
    keys = fields.integers("keys", 0, 2**32 - 1)
    if len(keys) != _KEYS:
        raise fields.error("keys", list(keys), f"{_KEYS} integers are expected")
    state = {
        "bit_generator": "MT19937",
        "state": {"key": np.array(keys, np.uint32), "pos": fields.integer("position", 0, _KEYS)},
        "has_gauss": int(fields.flag("has_gauss")),
        "gauss": fields.number("gauss"),
    }
    found = np.random.RandomState()
    found.set_state(state)
    return found


_READERS = {
    "array": _read_array,
    "dict": _read_dict,
    "float": _read_float,
    "random_state": _read_random_state,
    "scalar": _read_scalar,
    "tuple": _read_tuple,
}
