"""Typed reading of the records and arrays of a file. Errors say where, and what was expected.

A record is a JSON object. Its place in the document, such as "network.layers[3]", also begins the
names of its arrays.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from skdnn import __version__
from skdnn.exceptions import InvalidFileError
from skdnn.persistence.strict_json import shown

_Value = TypeVar("_Value")

LARGEST_SIZE = 2**31 - 1  # of an axis of an array, and of other counts
MOST_TEXT = 100_000  # characters of a name, a description or a value of the metadata
_NO_NAME = re.compile(r"[^\x20-\x7e]")


class Arrays:
    """The arrays of a file, each of which is taken once.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        The arrays by name.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]):
        self._rest = dict(arrays)

    def __contains__(self, name: str) -> bool:
        return name in self._rest

    def take(
        self, name: str, dtypes: str | Sequence[str], shape: Sequence[int | None]
    ) -> np.ndarray:
        """Return an array with one of some dtypes and a shape, in which None is any length."""
        if name not in self._rest:
            raise InvalidFileError(f"the array {name!r} is missing")
        array = self._rest.pop(name)
        dtypes = (dtypes,) if isinstance(dtypes, str) else dtypes
        if str(array.dtype) not in dtypes:
            raise InvalidFileError(
                f"the array {name!r} has the dtype {array.dtype}: {' or '.join(dtypes)} is expected"
            )
        fits = array.ndim == len(shape) and all(
            want is None or have == want for have, want in zip(array.shape, shape, strict=True)
        )
        if not fits:
            expected = ", ".join("any" if n is None else str(n) for n in shape)
            raise InvalidFileError(
                f"the array {name!r} has the shape {array.shape}: ({expected}) is expected"
            )
        return array

    def n_axes(self, name: str) -> int:
        """Return the number of axes of an array, 0 if it is missing."""
        return self._rest[name].ndim if name in self._rest else 0

    def end(self) -> None:
        """Raise an error if an array was not taken."""
        if self._rest:
            raise InvalidFileError(f"nothing is known of the array {shown(min(self._rest))}")


class Fields:
    """The fields of a record, each of which is read once.

    Parameters
    ----------
    record : object
        The JSON value. Anything but an object is an error.
    where : str
        The place of the record in the document.
    arrays : Arrays
        The arrays of the file.
    """

    def __init__(self, record: Any, where: str, arrays: Arrays):
        self.where = where
        self.arrays = arrays
        self._rest = dict(self._checked(record, where, dict, "an object"))

    # ------------------------------------------------------------------------- places

    def place(self, name: str) -> str:
        """Return the place of a field in the document."""
        return f"{self.where}.{name}" if self.where else name

    def error(self, name: str, value: Any, expected: str) -> InvalidFileError:
        """Return the error for the value of a field, or of the whole record if `name` is empty."""
        where = self.place(name) if name else self.where
        return InvalidFileError(f"{where or 'the document'} is {shown(value)}: {expected}")

    def names(self) -> list[str]:
        """Return the names of the fields that were not read yet."""
        return list(self._rest)

    def take(self, name: str) -> Any:
        """Return the JSON value of a field as it is."""
        if name not in self._rest:
            raise InvalidFileError(f"{self.place(name)} is missing")
        return self._rest.pop(name)

    def end(self) -> None:
        """Raise an error if the record has fields that were not read."""
        if self._rest:
            name = shown(self.place(min(self._rest)), 200)
            raise InvalidFileError(f"nothing is known of the field {name}")

    def _checked(self, value: Any, name: str, kind: type[_Value], expected: str) -> _Value:
        if type(value) is not kind:
            raise InvalidFileError(
                f"{name or 'the document'} is {shown(value)}: {expected} is expected"
            )
        return value

    # ------------------------------------------------------------------------ scalars

    def flag(self, name: str) -> bool:
        """Return a boolean."""
        return self._checked(self.take(name), self.place(name), bool, "true or false")

    def text(self, name: str, most: int = 200) -> str:
        """Return a text of at most `most` characters."""
        value = self._checked(self.take(name), self.place(name), str, "a text")
        if len(value) > most:
            raise self.error(name, value, f"a text of at most {most} characters is expected")
        return value

    def name(self, name: str) -> str:
        """Return a text that is not empty and has only printable ASCII characters."""
        value = self.text(name)
        if not value or _NO_NAME.search(value):
            raise self.error(name, value, "a name in ASCII characters is expected")
        return value

    def choice(self, name: str, options: Iterable[str]) -> str:
        """Return one of some texts."""
        value = self.take(name)
        known = list(options)
        if not isinstance(value, str) or value not in known:
            raise self.error(name, value, f"one of {', '.join(map(repr, known))} is expected")
        return value

    def optional_choice(self, name: str, options: Iterable[str]) -> str | None:
        """Return one of some texts, or None."""
        if self._rest.get(name, 0) is None:
            self.take(name)
            return None
        return self.choice(name, options)

    def integer(self, name: str, least: int = 0, most: int = LARGEST_SIZE) -> int:
        """Return an integer in a range."""
        return self._integer(self.take(name), name, least, most)

    def _integer(self, value: Any, name: str, least: int, most: int) -> int:
        if type(value) is not int or not least <= value <= most:
            raise self.error(name, value, f"an integer from {least} to {most} is expected")
        return value

    def optional_integer(self, name: str, least: int = 0, most: int = LARGEST_SIZE) -> int | None:
        """Return an integer in a range, or None."""
        if self._rest.get(name, 0) is None:
            self.take(name)
            return None
        return self.integer(name, least, most)

    def number(self, name: str, least: float = -math.inf, most: float = math.inf) -> float:
        """Return a finite number in a range as a float."""
        value = self.take(name)
        if type(value) not in (int, float) or not least <= value <= most:
            raise self.error(name, value, f"a number from {least} to {most} is expected")
        return float(value)

    # -------------------------------------------------------------------------- lists

    def items(self, name: str, most: int) -> list[Any]:
        """Return a list of at most `most` JSON values."""
        values = self._checked(self.take(name), self.place(name), list, "a list")
        if len(values) > most:
            raise InvalidFileError(
                f"{self.place(name)} has {len(values):,} entries: at most {most:,} are expected"
            )
        return values

    def integers(self, name: str, least: int = 0, most: int = LARGEST_SIZE) -> tuple[int, ...]:
        """Return a list of integers in a range as a tuple."""
        values = self.items(name, LARGEST_SIZE)
        return tuple(self._integer(v, f"{name}[{i}]", least, most) for i, v in enumerate(values))

    # ------------------------------------------------------------------------ records

    def record(self, name: str) -> "Fields":
        """Return the fields of a record in this record."""
        return Fields(self.take(name), self.place(name), self.arrays)

    def optional_record(self, name: str) -> "Fields | None":
        """Return the fields of a record in this record, or None."""
        value = self.take(name)
        return None if value is None else Fields(value, self.place(name), self.arrays)

    def records(self, name: str, most: int) -> list["Fields"]:
        """Return the fields of each record of a list."""
        values = self.items(name, most)
        return [Fields(v, f"{self.place(name)}[{i}]", self.arrays) for i, v in enumerate(values)]

    # ------------------------------------------------------------------------- arrays

    def array(
        self,
        name: str,
        dtypes: str | Sequence[str],
        shape: Sequence[int | None],
        *,
        least: float = -math.inf,
        most: float = math.inf,
        finite: bool = True,
    ) -> np.ndarray:
        """Return an array of the record, whose values are in a range, and finite if this is asked.

        Values that need not be finite may be NaN, as losses of epochs without an evaluation.
        """
        place = self.place(name)
        values = self.arrays.take(place, dtypes, shape)
        if finite and values.dtype.kind == "f" and not np.isfinite(values).all():
            raise InvalidFileError(f"the array {place!r} has values that are not finite")
        is_bounded = finite or (least, most) != (-math.inf, math.inf)
        if is_bounded and values.size and not (values.min() >= least and values.max() <= most):
            raise InvalidFileError(
                f"the array {place!r} has values from {values.min()} to {values.max()}: values "
                f"from {least} to {most} are expected"
            )
        return values

    def has_array(self, name: str) -> bool:
        """Return whether there is an array of the record with this name."""
        return self.place(name) in self.arrays


@contextmanager
def named_errors(name: str, writer: str) -> Iterator[None]:
    """Context manager in which an `InvalidFileError` gets the name of the file.

    If a newer version of skdnn has written the file, the error advises to upgrade: the file may
    have parameters or layers that only later versions know.
    """
    try:
        yield
    except InvalidFileError as error:
        text = f"{name} is not a valid .skdnn file: {error}."
        if _release(writer) > _release(__version__):
            text = (
                f"{name} was written by skdnn {writer}, and this skdnn {__version__} cannot read "
                f"it: {error}. Install a newer skdnn."
            )
        raise InvalidFileError(text) from None


def _release(version: str) -> list[int]:
    """Return the numbers of a release, such as [1, 2, 0] for "1.2.0.dev0"."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
