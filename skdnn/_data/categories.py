"""Categories of one column, which are compared exactly and never as floats."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from skdnn._data.exact_integers import LARGEST_EXACT


@dataclass(frozen=True, eq=False)
class Categories:
    """The categories of a column and their codes.

    Parameters
    ----------
    code_of : dict
        Code of each category, from 1, in ascending order of the categories.
    has_missing : bool
        Whether missing values are a category, whose code is the last.
    """

    code_of: dict[Any, int]
    has_missing: bool

    @property
    def values(self) -> list[Any]:
        """The categories in ascending order, without missing values."""
        return list(self.code_of)

    @property
    def size(self) -> int:
        """Number of categories, including missing values."""
        return len(self.code_of) + self.has_missing

    def __getstate__(self) -> dict[str, Any]:
        # A list, because skops restores no keys that are booleans or decimal numbers.
        return {"values": self.values, "has_missing": self.has_missing}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "values" in state:  # the first versions wrote `code_of`
            codes = {value: code for code, value in enumerate(state["values"], start=1)}
            state = {"code_of": codes, "has_missing": state["has_missing"]}
        vars(self).update(state)

    def encode(self, known: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """Return the codes of a column, 0 for categories that are unknown.

        Parameters
        ----------
        known : ndarray of shape (n_known,)
            The values that are not missing.
        missing : ndarray of shape (n_samples,), bool
            Mask of the missing values.

        Returns
        -------
        codes : ndarray of shape (n_samples,), float32
        """
        codes = np.full(len(missing), self.size if self.has_missing else 0, np.float32)
        codes[~missing] = indices(known, self.code_of, 0)
        return codes


def count_categories(known: np.ndarray) -> dict[Any, int]:
    """Return how often each value occurs, in ascending order of the values.

    The keys are text or Python numbers, so that integers of any size keep every digit.
    """
    if known.dtype != object:
        values, counts = np.unique(known, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))
    counted = Counter(_keys(known))
    return {value: counted[value] for value in sorted(counted)}


def indices(values: np.ndarray, index_of: dict[Any, int], unknown: int) -> np.ndarray:
    """Return the index of each value in a dict, compared exactly whatever the dtype of the values.

    Parameters
    ----------
    values : ndarray of shape (n_values,)
        Numbers of any dtype, or Python objects.
    index_of : dict
        Index of each value that is known. The keys are text or Python numbers.
    unknown : int
        Index of all other values.
    """
    if values.dtype == object:
        return np.array([index_of.get(key, unknown) for key in _keys(values)], int)
    distinct, inverse = np.unique(values, return_inverse=True)
    found = np.array([index_of.get(value, unknown) for value in distinct.tolist()], int)
    return found[inverse.reshape(-1)]


def exactly_comparable(classes: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return class labels and y in dtypes that NumPy compares exactly.

    NumPy compares signed and unsigned integers of 64 bits, and integers and floats, as floats.
    """
    kinds = {classes.dtype.kind, y.dtype.kind}
    as_floats = kinds & {"i", "u"} and np.result_type(classes, y).kind == "f"
    if as_floats and max(map(abs, classes.tolist()), default=0) > LARGEST_EXACT:
        return classes.astype(object), y.astype(object)
    return classes, y


def union(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the sorted distinct values of two arrays, without a detour of integers over floats."""
    if {one.dtype.kind, other.dtype.kind} == {"i", "u"}:
        both = sorted({*one.tolist(), *other.tolist()})
        return exact_integers(np.array(both, object))
    return np.asarray(np.union1d(one, other))


def exact_integers(values: np.ndarray) -> np.ndarray:
    """Return an object array of integers in an integer dtype, or unchanged if none can hold it."""
    if all(isinstance(value, int | np.integer | np.bool_) for value in values):
        for dtype in (np.int64, np.uint64):
            limits = np.iinfo(dtype)
            if all(limits.min <= value <= limits.max for value in values):
                return values.astype(dtype)
    return values


def _keys(values: np.ndarray) -> Iterable[Any]:
    return (_key(value) if isinstance(value, Decimal) else value for value in values)


def _key(value: Decimal) -> Any:
    """Return the integer or float that a decimal number equals, or else the decimal number.

    A column may hold decimal numbers in training and floats in prediction.
    """
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(repr(float(value))) == value else value
