"""Long lists of texts or numbers as arrays.

A list of texts is two arrays: all texts in UTF-8 one after the other, and the ends of the texts.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from skdnn.exceptions import InvalidFileError
from skdnn.persistence.fields import Fields

_Arrays = dict[str, np.ndarray]
_INT64 = np.iinfo(np.int64)
_MOST_CHARACTERS = 1000  # of a number as text


def write_texts(texts: Sequence[str], name: str, arrays: _Arrays) -> None:
    """Add the two arrays of a list of texts to the arrays of a file."""
    try:
        parts = [text.encode() for text in texts]
    except UnicodeEncodeError as error:
        raise ValueError(
            f"A .skdnn file holds text in UTF-8, which {name} has not: {error.object!r:.100} has "
            "half of a character. Replace it, and fit again."
        ) from None
    arrays[f"{name}.text"] = np.frombuffer(b"".join(parts), np.uint8)
    arrays[f"{name}.ends"] = np.cumsum([len(part) for part in parts], dtype=np.int64)


def read_texts(fields: Fields, name: str, count: int | None = None) -> list[str]:
    """Return the texts of two arrays of a record."""
    ends = fields.array(f"{name}.ends", "int64", (count,), least=0)
    text = fields.array(f"{name}.text", "uint8", (int(ends[-1]) if len(ends) else 0,))
    if len(ends) and (np.diff(ends) < 0).any():
        raise InvalidFileError(f"the array {fields.place(name) + '.ends'!r} is not ascending")
    data, start, texts = text.tobytes(), 0, []
    try:
        for end in ends.tolist():
            texts.append(data[start:end].decode())
            start = end
    except UnicodeDecodeError as error:
        raise InvalidFileError(
            f"the array {fields.place(name) + '.text'!r} is not UTF-8: {error.reason}"
        ) from None
    return texts


# -------------------------------------------------------------------------- values of any type


def _decimal(text: str) -> Decimal:
    return Decimal(text)


# The numbers that neither int64 nor float64 holds are texts, which begin with the letter of a type.
_NUMBERS: dict[str, tuple[type, Callable[[str], Any], re.Pattern[str]]] = {
    "i": (int, int, re.compile(r"-?\d{1,999}", re.ASCII)),
    "f": (float, float, re.compile(r"-?(inf|\d+(\.\d+)?(e[+-]\d+)?)", re.ASCII)),
    "d": (Decimal, _decimal, re.compile(r"-?(Infinity|\d+(\.\d+)?(E[+-]\d{1,9})?)", re.ASCII)),
}
_LETTERS = {kind: letter for letter, (kind, _, _) in _NUMBERS.items()}


def write_values(values: Sequence[Any], name: str, arrays: _Arrays) -> str:
    """Add a list of texts or of numbers to the arrays of a file, and return what the list holds.

    Parameters
    ----------
    values : sequence
        Texts only, or numbers only.
    name : str
        The name of the list.
    arrays : dict of ndarray
        The arrays of the file.

    Returns
    -------
    kind : {"text", "integers", "floats", "numbers"}
        What the list holds, which the record states.
    """
    values = [v.item() if isinstance(v, np.generic) else v for v in values]
    kinds = {type(value) for value in values}
    if all(issubclass(kind, str) for kind in kinds):
        write_texts(values, name, arrays)
        return "text"
    if kinds == {int} and all(_INT64.min <= value <= _INT64.max for value in values):
        arrays[name] = np.array(values, np.int64)
        return "integers"
    if kinds == {float}:
        arrays[name] = np.array(values, np.float64)
        return "floats"
    write_texts([_number_text(value, name) for value in values], name, arrays)
    return "numbers"


def _number_text(value: Any, name: str) -> str:
    letter = _LETTERS.get(type(value))
    text = str(value)
    if letter is None or not _NUMBERS[letter][2].fullmatch(text) or len(text) > _MOST_CHARACTERS:
        raise TypeError(
            f"A .skdnn file holds texts, integers, floats and decimal numbers, but {name} has "
            f"{text:.60} ({type(value).__name__}): convert the column to text with .astype(str), "
            "and fit again."
        )
    return letter + text


def read_values(fields: Fields, name: str, kind: str, count: int | None = None) -> list[Any]:
    """Return the list that `write_values` wrote. `kind` is the return value of that function."""
    if kind == "text":
        return read_texts(fields, name, count)
    if kind == "numbers":
        texts = read_texts(fields, name, count)
        return [_read_number(text, fields.place(name)) for text in texts]
    dtype = {"integers": "int64", "floats": "float64"}[kind]
    array = fields.array(name, dtype, (count,), finite=False)
    values: list[Any] = array.tolist()
    return values


VALUE_KINDS = ("text", "integers", "floats", "numbers")


def _read_number(text: str, place: str) -> Any:
    _, make, pattern = _NUMBERS.get(text[:1], (None, None, None))
    if make is None or pattern is None or len(text) > _MOST_CHARACTERS + 1:
        raise InvalidFileError(f"the array '{place}.text' has {text[:60]!r}, which is no number")
    if not pattern.fullmatch(text[1:]):
        raise InvalidFileError(f"the array '{place}.text' has {text[:60]!r}, which is no number")
    return make(text[1:])


def are_ascending(values: Sequence[Any]) -> bool:
    """Return whether each value is greater than the one before it, so that none occurs twice."""
    return all(values[i] < values[i + 1] for i in range(len(values) - 1))
