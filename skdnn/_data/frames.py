"""Tables of pandas, Polars and PyArrow, and arrays, read column by column."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from skdnn._data.exact_integers import LARGEST_EXACT

# Lower-case prefixes of the names of categorical dtypes, of date and time types, and of types with
# several values in each row, in pandas, Polars and PyArrow.
_CATEGORIES = ("categor", "dictionary", "enum", "bool")
TIMES = ("date", "time", "nattype", "period", "duration")
_RECORDS = ("struct", "dict", "map")
_SEQUENCES = ("list", "large_list", "fixed_size_list", "array", "ndarray", "tuple")


class Table(NamedTuple):
    """Names, dtypes and columns of a table or an array.

    The names of an array are None, and all columns of an array have the same dtype.
    """

    names: Sequence[Any] | None
    dtypes: Sequence[Any]
    columns: Callable[[int], Any]  # position -> column

    def key(self, i: int) -> Any:
        """Return the name of column i in its table, or the position if there are no names."""
        return i if self.names is None else self.names[i]

    def name(self, i: int) -> str:
        """Return the name of column i for messages."""
        return f"Column {self.key(i)!r}"

    def is_category(self, i: int) -> bool:
        """Return whether the dtype of column i is one of categories or booleans."""
        return self.names is not None and self._is_of_type(i, _CATEGORIES)

    def is_time(self, i: int) -> bool:
        """Return whether the dtype of column i is one of dates, times or durations."""
        return self._is_of_type(i, TIMES)

    def is_nested(self, i: int) -> bool:
        """Return whether each row of column i holds several values."""
        is_record = self._is_of_type(i, _RECORDS) and not self.is_category(i)
        return is_record or self._is_of_type(i, _SEQUENCES)

    def _is_of_type(self, i: int, prefixes: tuple[str, ...]) -> bool:
        return str(self.dtypes[i]).lower().startswith(prefixes)


class Column(NamedTuple):
    """The values of a column.

    Parameters
    ----------
    known : ndarray of shape (n_known,)
        The values that are not missing: numbers, or objects that are text or Python numbers.
    missing : ndarray of shape (n_samples,), bool
        Mask of the missing values.
    is_category : bool
        Whether the type of the column or of its values makes the column categorical.
    kind : str
        "text", "bool" or the name of a NumPy dtype of numbers, which can hold the values. Integers
        with missing values are "float64" if this dtype is exact.
    """

    known: np.ndarray
    missing: np.ndarray
    is_category: bool
    kind: str


def kind_of_numbers(known: np.ndarray, missing: np.ndarray) -> str:
    """Return the dtype of a column of numbers or booleans, as the `kind` of `Column`."""
    if known.dtype == object:
        return "float64"
    if known.dtype.kind not in "biu" or not missing.any():
        return str(known.dtype)
    # Missing values are NaN, which only floats hold.
    is_exact = all(
        abs(int(x)) <= LARGEST_EXACT for x in (known.min(initial=0), known.max(initial=0))
    )
    return "float64" if is_exact else str(known.dtype)


def open_table(X: Any) -> Table:
    """Return the names, dtypes and columns of an array or a pandas, Polars or PyArrow table."""
    if hasattr(X, "iloc") and hasattr(X, "dtypes"):  # pandas
        return Table(list(X.columns), list(X.dtypes), lambda i: X.iloc[:, i])
    if hasattr(X, "schema") and hasattr(X, "column_names"):  # PyArrow
        return Table(X.column_names, X.schema.types, X.column)
    if hasattr(X, "get_columns"):  # Polars
        return Table(X.columns, X.dtypes, X.to_series)
    X = np.asarray(X)
    return Table(None, [X.dtype] * X.shape[-1] if X.ndim else [], lambda i: X[:, i])


def split_missing(column: Any, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a column that are not missing, and the mask of the missing values.

    Missing values are removed before the column becomes an array, because an array with missing
    integers would be one of floats, which merges large integers.
    """
    if not isinstance(dtype, np.dtype):
        for is_missing, drop in (
            ("isna", "dropna"),
            ("is_null", "drop_nulls"),
            ("is_null", "drop_null"),
        ):
            if hasattr(column, is_missing) and hasattr(column, drop):
                missing = np.asarray(getattr(column, is_missing)()).astype(bool)
                known = getattr(column, drop)() if missing.any() else column
                return _without_nan(np.asarray(known), missing)
    values = np.asarray(column)
    return _without_nan(values, np.zeros(len(values), bool))


def _without_nan(known: np.ndarray, missing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move the missing values that an array still holds to the mask."""
    if known.dtype.kind == "f":
        also = np.isnan(known)
    elif known.dtype == object:
        also = np.array([is_missing(value) for value in known], bool)
    else:
        return known, missing
    if not also.any():
        return known, missing
    missing = missing.copy()
    missing[np.flatnonzero(~missing)[also]] = True
    return known[~also], missing


def is_missing(value: Any) -> bool:
    """Return whether a Python object stands for a missing value: None, NaN or pandas's NA."""
    if isinstance(value, float | np.floating):
        return bool(value != value)
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or type(value).__name__ == "NAType"


def advice_for(kinds: str, key: Any) -> str:
    """Return what to do with a column whose values are of the given types."""
    if kinds.lower().startswith(_RECORDS):
        return (
            f"give each field a column of its own, in Polars with X.unnest({key!r}), in pandas "
            f"with X.join(pd.json_normalize(X.pop({key!r})))"
        )
    if kinds.lower().startswith(_SEQUENCES):
        return (
            "give each element a column of its own, such as with "
            f"pd.DataFrame(X[{key!r}].to_list())"
        )
    return "convert it to one of these, mixed types to text with .astype(str)"
