"""Text for users: aligned tables, encodable characters, and errors for unknown names."""

import difflib
import io
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

# The `options` of `unknown` for a parameter that takes a name or an object.
OPTIONS = "one of {}, or an object of that kind"


# What is written instead of a character that a stream cannot encode.
_SIMILAR = {"─": "-", "±": "+/-", "…": "...", "²": "2", "×": "x", "◆": "*", "–": "-", "—": "-"}  # noqa: RUF001
_GAP = "  "  # between two columns
_SHORTEST = 8  # the width to which the cells of a first column may be shortened


_NARROWEST, _WIDEST = 20, 80  # where sentences are wrapped


class Column(NamedTuple):
    """A column of a table. Cells are aligned to the right unless `left` is set.

    Columns of rank 0 are always shown. A table that is too wide loses those of large `rank`.
    """

    header: str
    cells: list[str]
    left: bool = False
    rank: int = 0


def align(columns: Sequence[Column]) -> list[str]:
    """Return the lines of a table, which are the header, a horizontal rule and the rows.

    The lines hold only characters that standard output can encode.
    """
    padded = []
    for column in columns:
        texts = [encodable(text) for text in (column.header, *column.cells)]
        width = max(map(len, texts))
        pad = str.ljust if column.left else str.rjust
        header, *cells = (pad(text, width) for text in texts)
        padded.append([header, encodable("─") * width, *cells])
    return [_GAP.join(line).rstrip() for line in zip(*padded, strict=True)]


def fit_columns(columns: Sequence[Column], width: int) -> list[Column]:
    """Return the columns of a table that fit into `width` characters, by ascending rank.

    If those of rank 0 are too wide, the cells of the first column are shortened.
    """
    kept = [column for column in columns if not column.rank]
    excess = _width(kept) - width
    if excess > 0:
        first = kept[0]
        space = max(_SHORTEST, _width([first]) - excess)
        kept[0] = first._replace(cells=[_shorten(cell, space) for cell in first.cells])
        return kept
    for column in sorted(columns, key=lambda column: column.rank):
        if column.rank and _width([*kept, column]) <= width:
            kept.append(column)
    return [column for column in columns if column in kept]


def _width(columns: Sequence[Column]) -> int:
    return len(align(columns)[1])


def _shorten(text: str, width: int) -> str:
    end = encodable("…")
    return text if len(text) <= width else text[: width - len(end)] + end


def terminal_width() -> int:
    """Return the columns of the terminal, or a very large number if there is no terminal."""
    return shutil.get_terminal_size((sys.maxsize, 0)).columns


def wrapped(sentence: str) -> list[str]:
    """Return the lines of a sentence that fit into the terminal, and into 80 columns."""
    width = max(_NARROWEST, min(_WIDEST, terminal_width()))
    text = encodable(sentence)
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def encodable(text: str, stream: Any = None) -> str:
    """Return a text with similar characters for those that a stream cannot encode.

    Characters without a similar one become question marks.

    Parameters
    ----------
    text : str
        The text to write.
    stream : file, default=None
        The file to write to. None for standard output.

    Returns
    -------
    text : str
        The text, which can be written to the stream.

    Examples
    --------
    >>> import io
    >>> from skdnn._utils.text import encodable
    >>> encodable("0.9 ± 0.1", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    '0.9 +/- 0.1'
    """
    if text.isascii():
        return text
    encoding = _encoding(sys.stdout if stream is None else stream)
    return "".join(c if _has(encoding, c) else _SIMILAR.get(c, "?") for c in text)


def can_encode(text: str, stream: Any) -> bool:
    """Whether a stream can encode all characters of a text."""
    return all(_has(_encoding(stream), character) for character in set(text))


def _encoding(stream: Any) -> str:
    """Return the encoding of a stream. A stream of an unknown encoding is safe with ASCII only."""
    encoding = getattr(stream, "encoding", None)
    if isinstance(encoding, str):
        return encoding
    takes_any_text = stream is None or isinstance(stream, io.StringIO)
    return "utf-8" if takes_any_text else "ascii"


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return character.isascii()
    return True


def similar(name: str, known: Iterable[str], cutoff: float = 0.5) -> list[str]:
    """Return up to three known names that are similar to `name`, also if the case differs."""
    by_lower_case = {key.lower(): key for key in known}
    near = difflib.get_close_matches(name.lower(), list(by_lower_case), n=3, cutoff=cutoff)
    return [by_lower_case[key] for key in near]


def nearest(name: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """Return the known names most similar to `name`, joined by "or". Empty if none is similar."""
    return " or ".join(map(repr, similar(name, known, cutoff)))


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, such as "1 row" and "2,000 rows"."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


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
    near = nearest(str(value), names)
    hint = f" Did you mean {near}?" if near else ""
    return ValueError(
        f"The {parameter!r} parameter of {owner} must be {options.format(', '.join(names))}. "
        f"Got {value!r} instead.{hint}"
    )


def classes_of(module: ModuleType) -> dict[str, type]:
    """Return the classes in a module by name."""
    return {name: thing for name, thing in vars(module).items() if isinstance(thing, type)}
