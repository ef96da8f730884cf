"""Checks of tables in files, whose errors name the column."""

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from skdnn.cli.errors import CommandError
from skdnn.cli.sources import Source

if TYPE_CHECKING:
    import pandas as pd


def check_header(source: Source, sep: str, encoding: str) -> None:
    """Raise an error if a text names two columns alike, because pandas renames the second one."""
    with source.open() as file, io.TextIOWrapper(file, encoding, "replace", newline="") as text:
        try:
            rows = csv.reader(text, delimiter=sep, skipinitialspace=True)
            header = next((row for row in rows if any(row)), [])
        except csv.Error:  # of a name that is too long for this reader
            return
    check_names((name.strip() for name in header), source.name)


def check_names(names: Iterable[str], file: str) -> None:
    """Raise an error if two columns have the same name. Columns without a name are no error."""
    seen: set[str] = set()
    for name in filter(None, names):
        if name in seen:
            raise CommandError(f"cannot read {file}: two of its columns are named {name!r}")
        seen.add(name)


def check_finite(frame: "pd.DataFrame", file: str) -> None:
    """Raise an error if a number in a table is infinite.

    Parameters
    ----------
    frame : DataFrame
        The table, or a part of it.
    file : str
        The file, for the error.
    """
    for name, column in frame.items():
        if column.dtype.kind != "f":
            continue
        infinite = column.abs().to_numpy("float64", na_value=0) == float("inf")
        if infinite.any():
            row = int(column.index[infinite.argmax()]) + 1
            raise CommandError(
                f"column {name!r} of {file} holds an infinite number in row {row:,}: leave the "
                f"field empty if the value is missing"
            )
