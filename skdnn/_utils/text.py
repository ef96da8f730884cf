"""Text for users: aligned tables, and errors with suggestions for unknown names."""

import difflib
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import NamedTuple

# The `options` of `unknown` for a parameter that takes a name or an object.
OPTIONS = "one of {}, or an object of that kind"


class Column(NamedTuple):
    """A column of a table. Cells are aligned to the right unless `left` is set."""

    header: str
    cells: list[str]
    left: bool = False


def align(columns: Sequence[Column]) -> list[str]:
    """Return the lines of a table, which are the header, a horizontal rule and the rows."""
    padded = []
    for header, cells, left in columns:
        width = max(map(len, [header, *cells]))
        pad = str.ljust if left else str.rjust
        padded.append([pad(header, width), "─" * width, *(pad(cell, width) for cell in cells)])
    return ["  ".join(line).rstrip() for line in zip(*padded, strict=True)]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known names most similar to `name`, joined by "or". Empty if none is similar."""
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return " or ".join(map(repr, near))


def unknown(
    parameter: str, owner: str, value: object, known: Iterable[str], options: str = "one of {}"
) -> ValueError:
    """Return the error for an unknown name, with the most similar known names.

    Parameters
    ----------
    parameter, owner : str
        The name of the parameter, and the name of the class or function with this parameter.
    value : object
        The value that was given.
    known : iterable of str
        The accepted names.
    options : str, default="one of {}"
        Description of the accepted values. {} is replaced by the names.

    Returns
    -------
    error : ValueError
        The error to raise.
    """
    names = sorted(known)
    near = nearest(str(value).lower(), names)
    hint = f" Did you mean {near}?" if near else ""
    return ValueError(
        f"The {parameter!r} parameter of {owner} must be {options.format(', '.join(names))}. "
        f"Got {value!r} instead.{hint}"
    )


def classes_of(module: ModuleType) -> dict[str, type]:
    """Return the classes in a module by name."""
    return {name: thing for name, thing in vars(module).items() if isinstance(thing, type)}
