"""Text that a person reads: aligned tables, and errors for names that nobody knows."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Column(NamedTuple):
    """A column of a table."""

    header: str
    cells: list[str]
    left: bool = False


def align(columns: Sequence[Column]) -> list[str]:
    """Return the lines of a table: header, rule, rows."""
    padded = []
    for header, cells, left in columns:
        width = max(map(len, [header, *cells]))
        pad = str.ljust if left else str.rjust
        padded.append([pad(header, width), "─" * width, *(pad(cell, width) for cell in cells)])
    return ["  ".join(line).rstrip() for line in zip(*padded, strict=True)]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known names that are spelt most like one that is not, or nothing."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return " or ".join(map(repr, near))


def unknown(
    parameter: str, owner: str, value: Any, known: Iterable[str], options: str = "one of {}"
) -> ValueError:
    """Make the error for a name that nobody knows, with the nearest that are known.

    Parameters
    ----------
    parameter, owner : str
        Whose parameter it is.
    value : object
        What came.
    known : iterable of str
        The names that would have done.
    options : str, default="one of {}"
        What would have done, in words; {} stands for the names.
    """
    names = sorted(known)
    near = nearest(str(value).lower(), names)
    hint = f" Did you mean {near}?" if near else ""
    return ValueError(
        f"The {parameter!r} parameter of {owner} must be {options.format(', '.join(names))}. "
        f"Got {value!r} instead.{hint}"
    )
