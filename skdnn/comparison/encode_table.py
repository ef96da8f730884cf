"""The encoder that turns tables into numbers for the default models of `compare`."""

from collections import Counter
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from skdnn._data.column_warnings import are_inexact_as_floats, are_nearly_unique
from skdnn._data.frames import Table, advice_for, open_table, split_missing

# Maximum number of one-hot columns per text column. Rarer values share the last one-hot column.
MAX_CATEGORIES = 32


class TableEncoder(TransformerMixin, BaseEstimator):
    """Encoder of tables: text and categories are one-hot encoded, missing numbers are imputed.

    Identifiers that are integers beyond 2**53 are categories, because floats would merge these.

    Attributes
    ----------
    is_text_ : list of bool
        Whether each column is encoded as text.
    """

    def fit(self, X: Any, y: Any = None) -> "TableEncoder":
        """Fit the categories and the medians."""
        table = open_table(X)
        self.is_text_ = [holds_text(table, i) for i in range(len(table.dtypes))]
        self.one_hot_ = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
        ).set_output(transform="default")
        self.imputer_ = SimpleImputer(strategy="median", keep_empty_features=True)
        self.imputer_.set_output(transform="default")
        if any(self.is_text_):
            self.one_hot_.fit(self._texts(table))
        if not all(self.is_text_):
            self.imputer_.fit(self._numbers(table))
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the one-hot columns, followed by the columns of numbers."""
        table, parts = open_table(X), []
        if any(self.is_text_):
            parts.append(self.one_hot_.transform(self._texts(table)))
        if not all(self.is_text_):
            parts.append(self.imputer_.transform(self._numbers(table)))
        return np.hstack(parts)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns, which scikit-learn needs to fix the type of output."""
        n_hot = len(self.one_hot_.get_feature_names_out()) if any(self.is_text_) else 0
        return np.array([f"x{i}" for i in range(n_hot + self.is_text_.count(False))], object)

    def _texts(self, table: Table) -> np.ndarray:
        return _filled(table, self.is_text_, object, lambda known: list(map(str, known.tolist())))

    def _numbers(self, table: Table) -> np.ndarray:
        is_number = [not is_text for is_text in self.is_text_]
        return _filled(table, is_number, np.float64, lambda known: known.astype(np.float64))


def needs_encoding(X: Any) -> bool:
    """Return whether X is a table of text or of missing values, which most models refuse."""
    if issparse(X):
        return False
    table = open_table(X)
    if table.names is None and not (np.ndim(X) == 2 and table.dtypes[0].kind in "fOUS"):
        return False
    for i, dtype in enumerate(table.dtypes):
        if holds_text(table, i) or split_missing(table.columns(i), dtype)[1].any():
            return True
    return False


def holds_text(table: Table, i: int) -> bool:
    """Return whether a column holds text, categories, booleans, dates or long identifiers."""
    if table.is_nested(i):
        kinds = str(table.dtypes[i])
        raise TypeError(_unreadable(table, i, kinds))
    known, _ = split_missing(table.columns(i), table.dtypes[i])
    if known.dtype == object:
        nested = next((v for v in known if isinstance(v, list | tuple | dict | np.ndarray)), None)
        if nested is not None:
            raise TypeError(_unreadable(table, i, type(nested).__name__))
    is_number = known.dtype.kind in "iuf" or (
        known.dtype == object and len(known) > 0 and all(map(_is_number, known))
    )
    if table.is_category(i) or not is_number:
        return True
    # Long integers that occur several times are identifiers, others are numbers, such as times.
    return are_inexact_as_floats(known) and not are_nearly_unique(Counter(known.tolist()).values())


def _unreadable(table: Table, i: int, kinds: str) -> str:
    return (
        f"{table.name(i)} of X holds {kinds}, but compare accepts columns of numbers, text, "
        f"categories or booleans: {advice_for(kinds, table.key(i))}."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal) and not isinstance(value, bool | np.bool_)


def _filled(table: Table, chosen: list[bool], dtype: Any, convert: Any) -> np.ndarray:
    """Return the chosen columns as one array, with NaN for missing values."""
    columns = []
    for i in np.flatnonzero(chosen).tolist():
        known, missing = split_missing(table.columns(i), table.dtypes[i])
        column = np.full(len(missing), np.nan, dtype)
        column[~missing] = convert(known)
        columns.append(column)
    return np.column_stack(columns)
