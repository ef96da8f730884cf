"""Conversion of tables of numbers, text, categories and booleans to a matrix of floats."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import OrdinalEncoder

# Lower-case prefixes of the names of categorical dtypes, and of date and time types, in pandas,
# Polars and PyArrow.
_CATEGORIES = ("categor", "dictionary", "enum", "bool")
_TIMES = ("date", "time", "nattype", "period")
_ADVICE = (
    "convert it to numbers first, such as days since a start date, or columns of the year, the "
    "month and the day of the week"
)


class _Table(NamedTuple):
    """Names, dtypes and columns of a table or an array.

    The names of an array are None, and all columns of an array have the same dtype.
    """

    names: Sequence[Any] | None
    dtypes: Sequence[Any]
    columns: Callable[[int], Any]  # position -> column


class Columns:
    """Encoder of the categorical columns of X.

    The fitted encoder knows which columns are categorical, and the categories of each column.

    Parameters
    ----------
    categorical_features : "auto", array-like or None
        See `DNNClassifier`.
    owner : str
        The estimator's name, for errors.

    Attributes
    ----------
    encoders : dict of int to OrdinalEncoder
        Encoder of each categorical column, by the position of the column in X.
    """

    def __init__(self, categorical_features: Any, owner: str):
        self.categorical_features = categorical_features
        self.owner = owner
        self.encoders: dict[int, OrdinalEncoder] = {}

    @property
    def codes(self) -> list[int]:
        """Positions of the categorical columns."""
        return sorted(self.encoders)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each categorical column, including missing values."""
        return tuple(len(self.encoders[i].categories_[0]) for i in self.codes)

    def reads(self, X: Any) -> bool:
        """Return whether X must be encoded column by column.

        This is False for a numeric array or table without a column declared as categorical.
        """
        given = self.categorical_features
        chosen = bool(self.encoders) or not (given is None or isinstance(given, str))
        if issparse(X):
            if chosen:
                raise TypeError(
                    f"Sparse X of {self.owner} holds numbers only, but categorical_features="
                    f"{given!r}: set it to None, or pass X as an array or a DataFrame."
                )
            return False
        table = _open(X)
        if table.names is None and np.ndim(X) != 2:
            return False
        # A DataFrame of NumPy dtypes or sparse columns is left to check_array of scikit-learn,
        # which keeps sparse DataFrames sparse.
        return chosen or (
            table.names is not None
            and not all(
                (isinstance(dtype, np.dtype) and dtype.kind in "iuf")
                or str(dtype).startswith("Sparse")
                for dtype in table.dtypes
            )
        )

    def fit_transform(self, X: Any, rows: np.ndarray) -> np.ndarray:
        """Fit the categories on some rows of X, and encode all rows as `transform` does."""
        table = _open(X)
        declared = self._declared(table)
        self.encoders = {}
        columns = []
        for i in range(len(table.dtypes)):
            values, is_category = self._read(table, i)
            if is_category if declared is None else declared[i]:
                encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
                encoder.set_output(transform="default")  # independent of set_config of scikit-learn
                self.encoders[i] = encoder.fit(_as_categories(values)[rows])
            columns.append(self._encode(table, i, values))
        return _matrix(X, columns)

    def transform(self, X: Any) -> np.ndarray:
        """Encode X as a matrix of floats.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_columns)
            A table with the same columns as in training.

        Returns
        -------
        X_encoded : ndarray of shape (n_samples, n_columns), float32 or float64
            Unchanged numbers, with NaN for missing numbers, and category codes from 1. Code 0 means
            a category that was not seen in `fit`.
        """
        table = _open(X)
        positions = range(len(table.dtypes))
        return _matrix(X, [self._encode(table, i, self._read(table, i)[0]) for i in positions])

    def _encode(self, table: _Table, i: int, values: np.ndarray) -> np.ndarray:
        """Return the numbers or the category codes of column i as floats."""
        if i in self.encoders:
            encoder = self.encoders[i]
            categories = encoder.categories_[0]
            values = self._of_one_kind(table, i, _as_categories(values), categories)
            codes: np.ndarray = encoder.transform(values)[:, 0] + 1
            # Missing values are the last category if the training rows had missing values.
            codes[np.isnan(codes)] = len(categories)
            return codes.astype(np.float32)
        if values.dtype == object:
            try:
                return values.astype(np.float64)
            except ValueError as error:
                raise ValueError(
                    f"{_name(table, i)} of X holds text, where {self.owner} expects numbers "
                    f"({error}): name it in categorical_features, or convert it to numbers."
                ) from error
        return values

    def _of_one_kind(
        self, table: _Table, i: int, values: np.ndarray, categories: np.ndarray
    ) -> np.ndarray:
        """Return the values of column i, or raise an error if their type differs from training."""
        if values.dtype == categories.dtype:
            return values
        if all(v != v for v in values[:, 0]):
            return np.full(values.shape, np.nan, categories.dtype)
        if all(v != v for v in categories):
            return values.astype(object)
        here, there = ("text", "numbers") if values.dtype == object else ("numbers", "text")
        raise ValueError(
            f"{_name(table, i)} of X holds {here}, but its categories were {there} when "
            f"{self.owner} was fitted: pass values of the same type as in fit."
        )

    def _read(self, table: _Table, i: int) -> tuple[np.ndarray, bool]:
        """Return the values of column i, NaN if missing, and whether the column is categorical."""
        dtype, column = table.dtypes[i], table.columns(i)
        is_category = table.names is not None and str(dtype).lower().startswith(_CATEGORIES)
        if hasattr(column, "to_pylist") and is_category:
            # A direct conversion of a PyArrow column to an array would lose missing values.
            values = np.array(column.to_pylist(), object)
        else:
            values = np.asarray(column)
        if values.dtype.kind in "fiu":
            return values, is_category
        if values.dtype.kind == "b":
            return values.astype(np.float32), True
        if values.dtype.kind in "Mm":
            raise TypeError(self._no_times(table, i, values.dtype.name))
        return self._read_objects(table, i, values.astype(object), is_category)

    def _read_objects(
        self, table: _Table, i: int, values: np.ndarray, is_category: bool
    ) -> tuple[np.ndarray, bool]:
        """Return the same as `_read` for a column of Python objects."""
        missing = np.array([_is_missing(v) for v in values], bool)
        known, kinds = values[~missing], {type(v) for v in values[~missing]}
        if any(k.__name__.lower().startswith(_TIMES) for k in kinds):
            raise TypeError(self._no_times(table, i, _names(kinds)))
        is_text = [issubclass(k, str) for k in kinds]
        if is_category and kinds and not any(is_text) and not all(map(_is_number, kinds)):
            values[~missing], is_text = known.astype(str), [True]  # such as intervals
        if all(is_text):
            values[missing] = np.nan
            return values, True
        if any(is_text) or not all(map(_is_number, kinds)):
            raise TypeError(
                f"{_name(table, i)} of X holds {_names(kinds)}, but {self.owner} accepts columns "
                "of numbers, text, categories or booleans: convert it to one of these, mixed types "
                "to text with .astype(str)."
            )
        numbers = np.full(len(values), np.nan)
        numbers[~missing] = known.astype(np.float64)
        return numbers, is_category or kinds <= {bool, np.bool_}

    def _no_times(self, table: _Table, i: int, kind: str) -> str:
        return (
            f"{_name(table, i)} of X holds dates or times ({kind}), which {self.owner} does not "
            f"accept: {_ADVICE}."
        )

    def _declared(self, table: _Table) -> np.ndarray | None:
        """Return the mask of categorical columns, or None if the dtypes determine the mask."""
        given, n = self.categorical_features, len(table.dtypes)
        if isinstance(given, str):
            return None
        mask = np.zeros(n, bool)
        if given is None:
            return mask
        given = np.asarray(given)
        if given.size == 0:
            return mask
        if given.ndim == 1 and given.dtype.kind == "b" and len(given) == n:
            return given
        if given.ndim == 1 and given.dtype.kind in "iu" and 0 <= given.min() <= given.max() < n:
            mask[given] = True
            return mask
        names = [] if table.names is None else list(table.names)
        if given.ndim == 1 and given.dtype.kind in "UO" and set(given.tolist()) <= set(names):
            return np.isin(np.array(names, object), given.astype(object))
        raise ValueError(
            f"The 'categorical_features' parameter of {self.owner} must be 'auto', None, a mask of "
            f"{n} booleans, positions from 0 to {n - 1}, or names of columns, where X has any: "
            f"{names}. Got {self.categorical_features!r} instead."
        )


def _open(X: Any) -> _Table:
    """Return the names, dtypes and columns of an array or a pandas, Polars or PyArrow table."""
    if hasattr(X, "iloc") and hasattr(X, "dtypes"):  # pandas
        return _Table(list(X.columns), list(X.dtypes), lambda i: X.iloc[:, i])
    if hasattr(X, "schema") and hasattr(X, "column_names"):  # PyArrow
        return _Table(X.column_names, X.schema.types, X.column)
    if hasattr(X, "get_columns"):  # Polars
        return _Table(X.columns, X.dtypes, X.to_series)
    X = np.asarray(X)
    return _Table(None, [X.dtype] * X.shape[-1] if X.ndim else [], lambda i: X[:, i])


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ == "NAType"
        or (isinstance(value, float | np.floating) and bool(value != value))
    )


def _is_number(kind: type) -> bool:
    return issubclass(kind, Real | Decimal | np.bool_)


def _as_categories(values: np.ndarray) -> np.ndarray:
    """Return text as a column of objects, or numbers as a column of floats, for an encoder."""
    return values.astype(object if values.dtype == object else float, copy=False)[:, np.newaxis]


def _matrix(X: Any, columns: list[np.ndarray]) -> np.ndarray:
    matrix = np.empty((X.shape[0], len(columns)), np.result_type(np.float32, *columns))
    for i, column in enumerate(columns):
        matrix[:, i] = column
    return matrix


def _name(table: _Table, i: int) -> str:
    return f"Column {i}" if table.names is None else f"Column {table.names[i]!r}"


def _names(kinds: set[type]) -> str:
    return " and ".join(sorted(kind.__name__ for kind in kinds))
