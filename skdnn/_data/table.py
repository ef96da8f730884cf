"""Conversion of tables of numbers, text, categories and booleans to a matrix of floats."""

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse

from skdnn._data.categories import Categories, count_categories, exact_integers
from skdnn._data.column_warnings import ColumnWarnings
from skdnn._data.frames import (
    TIMES,
    Column,
    Table,
    advice_for,
    kind_of_numbers,
    open_table,
    split_missing,
)

_ADVICE = (
    "convert it to numbers first, such as days since a start date, or columns of the year, the "
    "month and the day of the week"
)


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
    encoders : dict of int to Categories
        Categories of each categorical column, by the position of the column in X.
    kinds : tuple of str
        The kind of each column of a table in training, as in `Column`. Empty for an array whose
        columns were not read one by one.
    """

    kinds: tuple[str, ...] = ()  # the default for pickles of an older version

    def __init__(self, categorical_features: Any, owner: str):
        self.categorical_features = categorical_features
        self.owner = owner
        self.encoders: dict[int, Categories] = {}

    @property
    def codes(self) -> list[int]:
        """Positions of the categorical columns."""
        return sorted(self.encoders)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of categories of each categorical column, including missing values."""
        return tuple(self.encoders[i].size for i in self.codes)

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
        table = open_table(X)
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

    def see_numbers(self, X: Any) -> None:
        """Set `kinds` for X that is not read column by column. Its dtypes are those of NumPy."""
        dtypes = open_table(X).dtypes if hasattr(X, "iloc") else ()
        self.kinds = tuple(str(getattr(dtype, "subtype", dtype)) for dtype in dtypes)

    def kinds_of(self, X: Any) -> tuple[str, ...]:
        """Return the kind of each column of a table or of an array of objects, as in `Column`."""
        table = open_table(X)
        return tuple(self._read(table, i).kind for i in range(len(table.dtypes)))

    def fit_transform(self, X: Any, rows: np.ndarray) -> np.ndarray:
        """Fit the categories on some rows of X, and encode all rows as `transform` does.

        A warning names columns that are of little use as they are: see `ColumnWarnings`.
        """
        table = open_table(X)
        declared = self._declared(table)
        self.encoders, columns, kinds = {}, [], []
        troubles = ColumnWarnings(self.owner)
        chosen = np.zeros(X.shape[0], bool)
        chosen[rows] = True
        for i in range(len(table.dtypes)):
            column = self._read(table, i)
            if column.is_category if declared is None else declared[i]:
                counts = count_categories(column.known[chosen[~column.missing]])
                codes = {value: code for code, value in enumerate(counts, start=1)}
                self.encoders[i] = Categories(codes, bool(column.missing[rows].any()))
                troubles.see_categories(table.name(i), counts, is_guess=declared is None)
            else:
                troubles.see_numbers(table.name(i), column.known)
            columns.append(self._encode(table, i, column))
            kinds.append(column.kind)
        self.kinds = tuple(kinds)
        troubles.warn()
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
        table = open_table(X)
        positions = range(len(table.dtypes))
        return _matrix(X, [self._encode(table, i, self._read(table, i)) for i in positions])

    def _encode(self, table: Table, i: int, column: Column) -> np.ndarray:
        """Return the numbers or the category codes of column i as floats."""
        if i in self.encoders:
            self._check_same_type(table, i, column, self.encoders[i])
            return self.encoders[i].encode(column.known, column.missing)
        if column.known.dtype != object and not column.missing.any():
            return column.known
        numbers = np.full(len(column.missing), np.nan)
        try:
            numbers[~column.missing] = column.known.astype(np.float64)
        except ValueError as error:
            raise ValueError(
                f"{table.name(i)} of X holds text, where {self.owner} expects numbers "
                f"({error}): name it in categorical_features, or convert it to numbers."
            ) from error
        except OverflowError as error:
            raise ValueError(
                f"{table.name(i)} of X holds integers that are too large for {self.owner} "
                f"({error}): name it in categorical_features, or take the logarithm."
            ) from error
        return numbers

    def _check_same_type(
        self, table: Table, i: int, column: Column, categories: Categories
    ) -> None:
        """Raise an error if the values of column i are text, but were numbers in training."""
        if not len(column.known) or not categories.values:
            return
        is_text = [isinstance(values[0], str) for values in (column.known, categories.values)]
        if is_text[0] != is_text[1]:
            here, there = ("text", "numbers") if is_text[0] else ("numbers", "text")
            raise ValueError(
                f"{table.name(i)} of X holds {here}, but its categories were {there} when "
                f"{self.owner} was fitted: pass values of the same type as in fit."
            )

    def _read(self, table: Table, i: int) -> Column:
        """Return the values of column i, and whether the column is categorical."""
        is_category = table.is_category(i)
        if table.is_time(i):
            raise TypeError(self._no_times(table, i, str(table.dtypes[i])))
        if table.is_nested(i):
            raise self._unreadable(table, i, str(table.dtypes[i]))
        known, missing = split_missing(table.columns(i), table.dtypes[i])
        if known.dtype.kind in "fiu":
            return Column(known, missing, is_category, kind_of_numbers(known, missing))
        if known.dtype.kind == "b":
            kind = kind_of_numbers(known, missing)
            return Column(known.astype(np.float32), missing, True, kind)
        if known.ndim > 1 or known.dtype.kind in "Vc":
            raise self._unreadable(table, i, str(table.dtypes[i]))
        return self._read_objects(table, i, known.astype(object), missing, is_category)

    def _read_objects(
        self, table: Table, i: int, known: np.ndarray, missing: np.ndarray, is_category: bool
    ) -> Column:
        """Return the same as `_read` for a column of Python objects."""
        kinds = {type(v) for v in known}
        if any(k.__name__.lower().startswith(TIMES) for k in kinds):
            raise TypeError(self._no_times(table, i, _names(kinds)))
        is_text = [issubclass(k, str) for k in kinds]
        if is_category and kinds and not any(is_text) and not all(map(_is_number, kinds)):
            return Column(known.astype(str).astype(object), missing, True, "text")  # intervals
        if all(is_text):
            return Column(known, missing, True, "text" if kinds else "float64")
        if any(is_text) or not all(map(_is_number, kinds)):
            raise self._unreadable(table, i, _names(kinds))
        is_bool = kinds <= {bool, np.bool_}
        numbers = exact_integers(known)
        kind = kind_of_numbers(known.astype(bool) if is_bool else numbers, missing)
        return Column(numbers, missing, is_category or is_bool, kind)

    def _unreadable(self, table: Table, i: int, kinds: str) -> TypeError:
        return TypeError(
            f"{table.name(i)} of X holds {kinds}, but {self.owner} accepts columns of numbers, "
            f"text, categories or booleans: {advice_for(kinds, table.key(i))}."
        )

    def _no_times(self, table: Table, i: int, kind: str) -> str:
        return (
            f"{table.name(i)} of X holds dates or times ({kind}), which {self.owner} does not "
            f"accept: {_ADVICE}."
        )

    def _declared(self, table: Table) -> np.ndarray | None:
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


def _is_number(kind: type) -> bool:
    return issubclass(kind, Real | Decimal | np.bool_)


def _matrix(X: Any, columns: list[np.ndarray]) -> np.ndarray:
    matrix = np.empty((X.shape[0], len(columns)), np.result_type(np.float32, *columns))
    for i, column in enumerate(columns):
        matrix[:, i] = column
    return matrix


def _names(kinds: set[type]) -> str:
    return " and ".join(sorted(kind.__name__ for kind in kinds))
