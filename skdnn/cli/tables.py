"""Tables in files: delimited text with any separator and encoding, and Parquet."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from skdnn.cli.errors import CommandError, did_you_mean, listed
from skdnn.cli.sources import TEXT, Source
from skdnn.cli.table_checks import check_finite, check_header, check_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_SEPARATORS = (",", ";", "\t", "|")
_HEAD = 2**16  # bytes that are read to find the encoding and the separator
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WINDOWS = "cp1252"  # the encoding of Windows; most letters are those of latin-1
_WHOLE = r"[+-]?\d+"
GROUPED, DECIMAL = "digits grouped by commas", "decimal commas"
# How numbers with commas may be written -> pattern of all their texts
_FORMS = {
    GROUPED: r"[+-]?\d{1,3}(?:,\d{3})*(?:\.\d+)?(?:[eE][+-]?\d+)?",  # 1,234.5
    DECIMAL: r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?(?:[eE][+-]?\d+)?",  # 1.234,5
}


class Choice(NamedTuple):
    """What to read from a file: the target, the input columns, the separator, and the weights.

    None for the choice of the reader. The task says whether the target holds labels.
    """

    target: str | None = None
    columns: list[str] | None = None
    drop: list[str] | None = None
    sep: str | None = None
    task: str = "auto"
    weight: str | None = None


class Layout(NamedTuple):
    """The separator and the encoding of a text file."""

    sep: str
    encoding: str


@dataclass(frozen=True)
class Writing:
    """How a table was written, as far as its values do not tell.

    Parameters
    ----------
    sep : str, default=""
        The separator. Empty if the table was no text.
    forms : dict of str to str
        The columns of numbers with commas, and what the commas are: `GROUPED` or `DECIMAL`.
    """

    sep: str = ""
    forms: dict[str, str] = field(default_factory=dict)


class Read(NamedTuple):
    """A table, remarks on how it was read as far as this is unusual, and how it was written."""

    frame: "pd.DataFrame"
    remarks: list[str]
    writing: Writing


def read_text(
    source: Source, sep: str | None, target: str | None = None, task: str = "auto"
) -> Read:
    """Read delimited text, one row per line, with the names of the columns on top.

    Parameters
    ----------
    source : Source
        The text.
    sep : str or None
        The separator. None finds the separator in the first lines.
    target : str or None, default=None
        The column to predict. Labels with leading zeros, such as 007, are text.
    task : {"auto", "classification", "regression"}, default="auto"
        Whether the column to predict holds labels. "auto" decides by the number of values.

    Returns
    -------
    read : Read
        The table. Integers that are not exact as floats are integers or text.
    """
    layout, remarks = find_layout(source, sep)
    frame = parse(source, layout)
    labels = [] if target is None or not _may_be_labels(frame, target, task) else [target]
    frame = _with_exact_integers(frame, source, layout, labels)
    forms = {
        str(name): form
        for name, column in frame.items()
        if (form := number_form(column, layout.sep)) is not None
    }
    frame = frame.assign(**{name: to_numbers(frame[name], form) for name, form in forms.items()})
    for form in dict.fromkeys(forms.values()):
        names = [name for name, found in forms.items() if found == form]
        remarks.append(f"{form} in {', '.join(names)}")
    return Read(frame, remarks, Writing(layout.sep, forms))


def find_layout(source: Source, sep: str | None) -> tuple[Layout, list[str]]:
    """Return the separator and the encoding of a text, and remarks on what is unusual."""
    with source.open() as file:
        head = file.read(_HEAD)
    encoding = _encoding(source, head)
    text = head.decode(encoding, errors="replace")
    if not text.strip():
        raise CommandError(
            f"{source.name} is empty: the first line must name the columns, the other lines are "
            f"the rows"
        )
    if "\0" in text:
        raise CommandError(f"cannot read {source.name}: it is not a text file")
    usual = TEXT[source.ending.kind]
    found = sep or _separator(text, usual)
    remarks = [] if sep or found == usual else [f"separator {_name(found)}"]
    if encoding == _WINDOWS:
        remarks.append("encoding cp1252, as the file is not UTF-8")
    check_header(source, found, encoding)
    return Layout(found, encoding), remarks


def read_parquet(source: Source) -> Read:
    """Read a Parquet file. There are no remarks on how the file was read."""
    import pandas as pd

    with source.open() as file:
        frame = pd.read_parquet(file)
    frame.columns = frame.columns.map(str)
    check_names(frame.columns, source.name)
    return Read(frame.reset_index(drop=True), [], Writing())


def select(
    frame: "pd.DataFrame", path: str, choice: Choice
) -> tuple["pd.DataFrame", "pd.Series", "np.ndarray | None"]:
    """Return the input columns, the target column and the weights of a table.

    Parameters
    ----------
    frame : DataFrame
        The table.
    path : str
        The file, for error messages.
    choice : Choice
        What to select. It is an error if there is no target.

    Returns
    -------
    X, y, weight : DataFrame, Series, and ndarray or None
        The input, the target and the weights.
    """
    target, columns, drop, weight = choice.target, choice.columns, choice.drop, choice.weight
    names = list(frame.columns)
    if not len(frame):
        raise CommandError(f"cannot read {path}: it names columns but has no rows below the names")
    if target is None:
        raise CommandError(
            f"{path} needs --target COLUMN, the column to predict; "
            f"{listed(names)}{_no_header(names)}"
        )
    weights = None if weight is None else [weight]
    asked = {"target": [target], "columns": columns, "drop": drop, "weight": weights}
    for option, given in asked.items():
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
    if weight == target:
        raise CommandError(f"--weight: {target!r} is the target, which cannot be the weight")
    no_input = {target, weight, *(drop or ())}
    kept = [name for name in columns or names if name not in no_input]
    if not kept:
        raise CommandError(f"{path} has no column besides {target!r} to predict it from")
    check_finite(frame[[*kept, target]], path)
    return frame[list(dict.fromkeys(kept))], y, None if weight is None else _weights(frame, weight)


def _weights(frame: "pd.DataFrame", name: str) -> "np.ndarray":
    column = frame[name]
    if column.dtype.kind not in "biuf" or column.isna().any():
        raise CommandError(f"--weight: column {name!r} must be numbers without missing values")
    weights: np.ndarray = column.to_numpy("float64")
    return weights


def _encoding(source: Source, head: bytes) -> str:
    """Return the encoding, for which all of the text is decoded: an odd letter may be far down."""
    if head.startswith(_UTF_16):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        with source.open() as file:
            while block := file.read(2**20):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _WINDOWS
    return "utf-8-sig"


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


def parse(source: Source, layout: Layout, **options: Any) -> "pd.DataFrame":
    """Return the table in a text, as pandas reads it."""
    import pandas as pd

    with _open(source, layout) as file:
        frame = pd.read_csv(file, **_options(layout), **options)
    return _checked(frame, source, layout)


def parse_parts(
    source: Source, layout: Layout, n_rows: int, **options: Any
) -> Iterator["pd.DataFrame"]:
    """Yield the table in a text in parts of at most `n_rows` rows."""
    import pandas as pd

    with (
        _open(source, layout) as file,
        pd.read_csv(file, chunksize=n_rows, **_options(layout), **options) as parts,
    ):
        for part in parts:
            yield _checked(part, source, layout)


@contextmanager
def _open(source: Source, layout: Layout) -> Iterator[Any]:
    """Open a text for pandas, whose errors become errors of the command."""
    import pandas as pd

    try:
        with source.open() as file:
            yield file
    except pd.errors.ParserError as error:
        if found := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error)):
            expected, line, fields = found.groups()
            raise CommandError(
                f"cannot read {source.name}: line {line} has {fields} fields, and the lines above "
                f"have {expected}, with the separator {_name(layout.sep)}: quote fields that "
                f"contain the separator, or choose another with --sep"
            ) from error
        raise


def _options(layout: Layout) -> dict[str, Any]:
    return {
        **layout._asdict(),
        "skipinitialspace": True,
        "na_values": ["?"],
        "low_memory": False,  # one dtype per column
    }


def _checked(frame: "pd.DataFrame", source: Source, layout: Layout) -> "pd.DataFrame":
    import pandas as pd

    if not isinstance(frame.index, pd.RangeIndex):
        raise CommandError(
            f"cannot read {source.name}: its rows have more fields than its first line has names, "
            f"with the separator {_name(layout.sep)}: name every column, or choose a separator "
            f"with --sep"
        )
    frame.columns = frame.columns.str.strip()
    return frame


def _with_exact_integers(
    frame: "pd.DataFrame", source: Source, layout: Layout, labels: list[str]
) -> "pd.DataFrame":
    """Return a table in which long integers with missing values among them are text.

    pandas reads these as floats, and would merge identifiers. Integers beyond 64 bits become text
    as well, because no array of numbers holds these, and so do labels with leading zeros.
    """
    doubtful = [name for name, column in frame.items() if _may_be_long_integers(column)]
    if not doubtful and not labels:
        return frame
    read_again = {*doubtful, *labels}
    texts = parse(source, layout, usecols=lambda name: name.strip() in read_again, dtype=str)
    whole = [name for name in doubtful if texts[name].dropna().str.fullmatch(_WHOLE).all()]
    whole += [name for name in labels if texts[name].str.match(r"0\d").any()]
    return frame.assign(**{str(name): texts[name] for name in whole})


def _may_be_labels(frame: "pd.DataFrame", target: str, task: str) -> bool:
    from skdnn.comparison.checks import MAX_CLASSES

    if target not in frame or frame[target].dtype.kind not in "iu" or task == "regression":
        return False
    return task == "classification" or frame[target].nunique() <= MAX_CLASSES


def _may_be_long_integers(column: "pd.Series") -> bool:
    from skdnn._data.exact_integers import LARGEST_EXACT

    if column.dtype.kind == "f":
        return bool(column.abs().max() >= LARGEST_EXACT)
    # Of unsigned integers with missing values, pandas makes texts, and empty texts of the missing.
    return column.dtype.kind == "O" and all(re.fullmatch(r"[+-]?\d*", str(v)) for v in column)


def number_form(column: "pd.Series", sep: str) -> str | None:
    """Return what the commas in a column of texts are, or None if the texts are no numbers.

    A comma is the decimal comma, as in 1.234,5, or it groups the digits, as in 1,234.5. If both is
    possible, the separator of the file decides: files with decimal commas use another separator.
    """
    texts = column.dropna()
    if column.dtype.kind not in "OT" or not len(texts) or not texts.map(type).eq(str).all():
        return None
    if not texts.str.contains(",", regex=False).any():
        return None
    order = list(_FORMS) if sep == "," else list(_FORMS)[::-1]
    return next((form for form in order if is_written_as(texts, form)), None)


def is_written_as(texts: "pd.Series", form: str) -> bool:
    """Return whether all texts are numbers whose commas are of one form."""
    return bool(texts.str.fullmatch(_FORMS[form]).all())


def to_numbers(column: "pd.Series", form: str) -> "pd.Series":
    """Return a column of texts, whose commas are of one form, as numbers."""
    group, decimal = (".", ",") if form == DECIMAL else (",", ".")
    plain = column.str.replace(group, "", regex=False).str.replace(decimal, ".", regex=False)
    return plain.astype("float64")


def _name(sep: str) -> str:
    return "tab" if sep == "\t" else repr(sep)


def _no_header(names: Sequence[str]) -> str:
    """Return a hint if most names of columns are numbers, or an empty string."""
    numbers = sum(bool(re.fullmatch(r"[+-]?\d*\.?\d+(e[+-]?\d+)?", str(name))) for name in names)
    hint = "; the first line of the file must name the columns, and these look like values"
    return hint if 2 * numbers > len(names) else ""
