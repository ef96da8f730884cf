"""Tables in files: delimited text with any separator and encoding, and Parquet."""

import bz2
import codecs
import csv
import gzip
import lzma
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from skdnn.cli.errors import CommandError, did_you_mean, listed

if TYPE_CHECKING:
    import pandas as pd

# ending of a compressed file -> function that opens the file
PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SEPARATORS = (",", ";", "\t", "|")
_HEAD = 2**16  # bytes that are read to find the encoding and the separator
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WHOLE = r"[+-]?\d+"
_POINT = r"[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?"  # 1,234.5
_COMMA = r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?"  # 1.234,5


def read_text(path: str, sep: str | None, usual: str) -> tuple["pd.DataFrame", list[str]]:
    """Read a file of delimited text, one row per line, with the names of the columns on top.

    Parameters
    ----------
    path : str
        The file, which may be compressed.
    sep : str or None
        The separator. None finds the separator in the first lines.
    usual : str
        The separator of such files, which is not worth a remark.

    Returns
    -------
    frame : DataFrame
        The table. Integers that are not exact as floats are integers or text.
    remarks : list of str
        How the file was read, as far as this is unusual.
    """
    head = _head(path)
    encoding = "utf-16" if head.startswith(_UTF_16) else "utf-8-sig"
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise CommandError(
            f"{path} is empty: the first line must name the columns, the other lines are the rows"
        )
    if "\0" in text:
        raise CommandError(f"cannot read {path}: it is not a text file")
    found = sep or _separator(text, usual)
    remarks = [] if sep or found == usual else [f"separator {_name(found)}"]
    try:
        frame = _parse(path, found, encoding)
    except UnicodeDecodeError:
        encoding = "cp1252"  # of Windows; most letters are those of latin-1
        frame = _parse(path, found, encoding)
        remarks.append("encoding cp1252, as the file is not UTF-8")
    frame = _with_exact_integers(frame, path, found, encoding)
    return _with_numbers(frame, found, remarks), remarks


def read_parquet(path: str) -> tuple["pd.DataFrame", list[str]]:
    """Read a Parquet file. There are no remarks on how the file was read."""
    import pandas as pd

    frame = pd.read_parquet(path)
    frame.columns = frame.columns.map(str)
    return frame, []


def select(
    frame: "pd.DataFrame",
    path: str,
    target: str | None,
    columns: Sequence[str] | None,
    drop: Sequence[str] | None,
) -> tuple["pd.DataFrame", "pd.Series"]:
    """Return the input columns and the target column of a table.

    Parameters
    ----------
    frame : DataFrame
        The table.
    path : str
        The file, for error messages.
    target : str or None
        The column to predict. None is an error that lists the columns.
    columns, drop : sequence of str or None
        The input columns, and columns that are no input. None for all, and for none.

    Returns
    -------
    X, y : DataFrame and Series
        The input and the target.
    """
    names = list(frame.columns)
    if not len(frame):
        raise CommandError(f"cannot read {path}: it names columns but has no rows below the names")
    if target is None:
        raise CommandError(
            f"{path} needs --target COLUMN, the column to predict; "
            f"{listed(names)}{_no_header(names)}"
        )
    for option, given in (("target", [target]), ("columns", columns), ("drop", drop)):
        for name in given or ():
            if name not in names:
                raise CommandError(
                    f"--{option}: {path} has no column {name!r}{did_you_mean(name, names)}; "
                    f"{listed(names)}{_no_header(names)}"
                )
    if target in (drop or ()):
        raise CommandError(f"--drop: {target!r} is the target, which cannot be dropped")
    y = frame[target]
    if missing := int(y.isna().sum()):
        raise CommandError(
            f"column {target!r} of {path} is empty in {missing:,} of {len(y):,} rows: "
            f"fill in the values or remove those rows"
        )
    kept = [name for name in columns or names if name != target and name not in (drop or ())]
    if not kept:
        raise CommandError(f"{path} has no column besides {target!r} to predict it from")
    return frame[list(dict.fromkeys(kept))], y


def _head(path: str) -> bytes:
    opener = next((PACKED[end] for end in PACKED if path.lower().endswith(end)), open)
    with opener(path, "rb") as file:
        head: bytes = file.read(_HEAD)
    return head


def _separator(text: str, usual: str) -> str:
    """Return the separator that splits all of the first lines into the most, equally many, fields.

    If no separator does, this is the separator that splits the first line into the most fields.
    """
    lines = text.splitlines()
    lines = lines[:-1] if len(text) >= _HEAD // 2 else lines  # the last line may be cut off

    def rank(sep: str) -> tuple[bool, int, bool]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=sep) if row]
        except csv.Error:
            return False, 0, sep == usual
        return widths[0] > 1 and len(set(widths)) == 1, widths[0], sep == usual

    return max(_SEPARATORS, key=rank)


def _parse(path: str, sep: str, encoding: str, **options: Any) -> "pd.DataFrame":
    import pandas as pd

    try:
        frame = pd.read_csv(
            path,
            sep=sep,
            encoding=encoding,
            compression=_compression(path),
            skipinitialspace=True,
            na_values=["?"],
            low_memory=False,  # one dtype per column
            **options,
        )
    except pd.errors.ParserError as error:
        if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error)):
            expected, line, fields = found.groups()
            raise CommandError(
                f"cannot read {path}: line {line} has {fields} fields, and the lines above have "
                f"{expected}, with the separator {_name(sep)}: quote fields that contain the "
                f"separator, or choose another with --sep"
            ) from error
        raise
    if not isinstance(frame.index, pd.RangeIndex):
        raise CommandError(
            f"cannot read {path}: its rows have more fields than its first line has names, with "
            f"the separator {_name(sep)}: name every column, or choose a separator with --sep"
        )
    frame.columns = frame.columns.str.strip()
    return frame


def _compression(path: str) -> Any:
    """Return pandas's name of the compression of a file, whose ending may be in capitals."""
    names = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}
    return next((name for end, name in names.items() if path.lower().endswith(end)), None)


def _with_exact_integers(
    frame: "pd.DataFrame", path: str, sep: str, encoding: str
) -> "pd.DataFrame":
    """Return a table in which long integers with missing values among them are text.

    pandas reads these as floats, and would merge identifiers. Integers beyond 64 bits become text
    as well, because no array of numbers holds these.
    """
    doubtful = [name for name, column in frame.items() if _may_be_long_integers(column)]
    if not doubtful:
        return frame
    texts = _parse(path, sep, encoding, usecols=lambda name: name.strip() in doubtful, dtype=str)
    whole = [name for name in doubtful if texts[name].dropna().str.fullmatch(_WHOLE).all()]
    return frame.assign(**{str(name): texts[name] for name in whole})


def _may_be_long_integers(column: "pd.Series") -> bool:
    from skdnn._data.exact_integers import LARGEST_EXACT

    if column.dtype.kind == "f":
        return bool(column.abs().max() >= LARGEST_EXACT)
    # Of unsigned integers with missing values, pandas makes texts, and empty texts of the missing.
    return column.dtype.kind == "O" and all(re.fullmatch(r"[+-]?\d*", str(v)) for v in column)


def _with_numbers(frame: "pd.DataFrame", sep: str, remarks: list[str]) -> "pd.DataFrame":
    """Return a table with numbers in the columns whose texts are numbers with commas.

    A comma is the decimal comma, as in 1.234,5, or it groups the digits, as in 1,234.5. If both is
    possible, the separator of the file decides: files with decimal commas use another separator.
    """
    forms = {"digits grouped by commas": _POINT, "decimal commas": _COMMA}
    order = list(forms) if sep == "," else list(forms)[::-1]
    numbers: dict[str, Any] = {}
    found: dict[str, list[str]] = {}
    for name, column in frame.items():
        texts = column.dropna()
        if column.dtype.kind in "OT" and len(texts) and texts.map(type).eq(str).all():
            if not texts.str.contains(",", regex=False).any():
                continue
            form = next((f for f in order if texts.str.fullmatch(forms[f]).all()), None)
            if form is not None:
                found.setdefault(form, []).append(str(name))
                numbers[str(name)] = _numbers(column, form == "decimal commas")
    remarks += [f"{form} in {', '.join(names)}" for form, names in found.items()]
    return frame.assign(**numbers)


def _numbers(column: "pd.Series", decimal_comma: bool) -> "pd.Series":
    group, decimal = (".", ",") if decimal_comma else (",", ".")
    plain = column.str.replace(group, "", regex=False).str.replace(decimal, ".", regex=False)
    return plain.astype("float64")


def _name(sep: str) -> str:
    return "tab" if sep == "\t" else repr(sep)


def _no_header(names: Sequence[str]) -> str:
    """Return a hint if most names of columns are numbers, or an empty string."""
    numbers = sum(bool(re.fullmatch(r"[+-]?\d*\.?\d+(e[+-]?\d+)?", str(name))) for name in names)
    hint = "; the first line of the file must name the columns, and these look like values"
    return hint if 2 * numbers > len(names) else ""
