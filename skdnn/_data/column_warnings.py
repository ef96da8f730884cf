"""Warnings about columns that are of little use as they are, one warning for all columns."""

from collections import Counter
from collections.abc import Collection, Mapping
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from skdnn._data.date_texts import are_dates
from skdnn._data.exact_integers import LARGEST_EXACT
from skdnn._data.frames import open_table, split_missing
from skdnn._utils.user_warning import warn_user

# A category with a single row is of no use: a network cannot learn from it, and the share of such
# rows estimates how many new rows have a category that was not seen in training (Good, 1953, "The
# population frequencies of species"). From this share on, a column is reported.
_SHARE_OF_SINGLE_ROWS = 0.5
_LEAST_ROWS = 20
_CHECKED = 10_000


class ColumnWarning(UserWarning):
    """Warning about columns of X that are of little use as they are."""


class ColumnWarnings:
    """Collects columns of X, and warns once about all of them.

    Parameters
    ----------
    owner : str
        The name of the estimator or function, for the messages.
    """

    def __init__(self, owner: str):
        self.owner = owner
        self.unique: list[str] = []
        self.dates: list[str] = []
        self.inexact: list[str] = []

    def see_categories(
        self, name: str, counts: Mapping[Any, int], *, is_guess: bool = True
    ) -> None:
        """Note a categorical column, of which each category has the given number of rows.

        Dates are noted only if it is a guess that the column is one of categories.
        """
        if are_nearly_unique(counts.values()):
            self.unique.append(name.removeprefix("Column "))
        elif is_guess and sum(counts.values()) >= _LEAST_ROWS and are_dates(counts):
            self.dates.append(name.removeprefix("Column "))

    def see_numbers(self, name: str, known: np.ndarray) -> None:
        """Note a numeric column, whose values that are not missing are given."""
        if are_inexact_as_floats(known):
            self.inexact.append(name.removeprefix("Column "))

    def see_rounded(self, X: Any, dtype: np.dtype) -> "ColumnWarnings":
        """Note the integer columns of a table or an object array that was converted to a dtype."""
        is_converted = not hasattr(X, "dtype") or X.dtype != dtype
        if len(getattr(X, "shape", ())) != 2 or dtype.kind != "f" or not is_converted:
            return self
        table = open_table(X)
        for i, original in enumerate(table.dtypes):
            if not isinstance(original, np.dtype) or original.kind in "iuO":
                known, _ = split_missing(table.columns(i), original)
                self.see_numbers(table.name(i), known)
        return self

    def see_table(self, X: Any) -> "ColumnWarnings":
        """Note the columns of a table, of which all that are not numeric become categories."""
        is_table = len(getattr(X, "shape", ())) == 2 and hasattr(X, "columns")
        table = open_table(X if is_table else np.empty(0))
        for i, dtype in enumerate(table.dtypes):
            if isinstance(dtype, np.dtype) and dtype.kind in "fiu":
                continue
            known, _ = split_missing(table.columns(i), dtype)
            is_number = known.dtype == object and all(map(_is_number, known))
            if known.ndim == 1 and known.dtype.kind not in "fiub" and not is_number:
                is_text = all(isinstance(value, str) for value in known)
                counts = Counter(map(str, known.tolist()))
                self.see_categories(table.name(i), counts, is_guess=is_text)
        return self

    def warn(self) -> None:
        """Warn about the noted columns, once for each reason."""
        if self.unique:
            warn_user(_unique_message(self.unique, self.owner), ColumnWarning)
        if self.dates:
            warn_user(_dates_message(self.dates, self.owner), ColumnWarning)
        if self.inexact:
            which, are = _listed(self.inexact)
            takes_names = self.owner.startswith("DNN")
            how = "Name them in categorical_features" if takes_names else "Use OrdinalEncoder"
            warn_user(
                f"{which} of X {are} integers beyond 2**53, which floats cannot tell apart, so "
                f"that {self.owner} trains on rounded numbers. {how} or drop them if they are "
                "identifiers; subtract the least value from times.",
                ColumnWarning,
            )


def are_nearly_unique(counts: Collection[int]) -> bool:
    """Return whether most rows have a category that no other row has.

    Parameters
    ----------
    counts : collection of int
        Number of rows of each category.
    """
    n_rows = sum(counts)
    return n_rows >= _LEAST_ROWS and sum(n == 1 for n in counts) > _SHARE_OF_SINGLE_ROWS * n_rows


def _unique_message(columns: list[str], owner: str) -> str:
    which, are = _listed(columns)
    return (
        f"{which} of X {are} text or categories that differ in nearly every row, such as dates, "
        f"identifiers or free text, from which {owner} can learn nothing as they are. Drop "
        "identifiers, such as with X.drop(columns=[...]), and turn dates and text into numbers, "
        "such as with make_pipeline(skrub.TableVectorizer(), ...)."
    )


def _dates_message(columns: list[str], owner: str) -> str:
    which, are = _listed(columns)
    keep = ", or name them in categorical_features" if owner.startswith("DNN") else ""
    return (
        f"{which} of X {are} dates as text, which {owner} takes for categories, so that it learns "
        "no trend and no season, and knows nothing of a new date. Turn dates into numbers, such as "
        f"with pd.to_datetime(X[{columns[0]}]).dt.month or make_pipeline(skrub.TableVectorizer(), "
        f"...){keep}."
    )


def are_inexact_as_floats(known: np.ndarray) -> bool:
    """Return whether some integers of an array differ from the float64 nearest to them."""
    if known.dtype.kind not in "iuO" or not len(known) or known.dtype.itemsize < 8:
        return False
    if known.dtype.kind == "O" and not all(isinstance(v, int | np.integer) for v in known):
        return False
    large = known[(known > LARGEST_EXACT) | (known < -LARGEST_EXACT)][:_CHECKED].tolist()
    try:
        return any(int(float(value)) != value for value in large)
    except OverflowError:
        return True


def _is_number(value: Any) -> bool:
    return isinstance(value, Real | Decimal)


def _listed(columns: list[str]) -> tuple[str, str]:
    """Return the names of columns, at most five, and the verb that follows them."""
    more = f" and {len(columns) - 5} more" if len(columns) > 5 else ""
    names = ", ".join(columns[:5]) + more
    return (f"Columns {names}", "hold") if len(columns) > 1 else (f"Column {names}", "holds")
