"""The arguments that say what a command reads, and their part of the manual."""

import argparse
import csv
import math
from functools import partial

from skdnn.cli.datasets import DATASETS
from skdnn.cli.tables import Choice

_NAMED = "\n".join(f"    {name:14} {data.about}" for name, data in DATASETS.items())

DATA_MANUAL = f"""\
data:
  Data sets that are loaded by name:
{_NAMED}

  Files, whose ending decides how they are read:
    .csv .tsv .parquet   one row per sample; --target names the column to
                         predict, all others are the input. Needs pandas,
                         and Parquet needs pyarrow.
    .npz                 arrays X, one sample per row, of any rank, and y;
                         or --target names the array to predict.
    -                    standard input: any of these, recognised by its content

  Text files (.csv and .tsv, also compressed: .gz, .bz2, .xz) start with a line
  of column names. The separator (comma, semicolon, tab or bar), the encoding
  (UTF-8, UTF-16 or Windows) and decimal commas are found automatically, and
  printed if they are unusual. Empty fields, ? and what pandas reads as missing,
  such as NA, N/A and null, are missing values.

  Text, booleans and integers of at most 30 distinct values are treated as
  classes, any other target as regression; --task overrides this.
"""


def add_target_arguments(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    """Add --target and --task to a parser."""
    name = "COLUMN"
    help_text = "what to predict: column of the file, or NPZ array"
    parser.add_argument("--target", metavar=name, required=required, help=help_text)
    parser.add_argument(
        "--task",
        choices=["auto", "classification", "regression"],
        default="auto",
        help="type of the target (default: auto, decided by its values)",
    )


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --columns, --drop and --sep to a parser."""
    add = parser.add_argument
    add("--columns", type=names, metavar="A,B", help="use only these columns as the input")
    add("--drop", type=names, metavar="A,B", help="columns of the file to ignore")
    add(
        "--sep",
        type=_separator,
        metavar="CHAR",
        help="separator of the fields of a text file, such as ';' or tab (default: found)",
    )


def add_seed_argument(parser: argparse.ArgumentParser, of_what: str) -> None:
    """Add --seed to a parser."""
    parser.add_argument(
        "--seed",
        type=partial(whole, 0, most=2**32 - 1),
        default=0,
        metavar="N",
        help=f"seed of {of_what} (default 0)",
    )


def choice_of(args: argparse.Namespace, weight: str | None = None) -> Choice:
    """Return what to read from a file, as the arguments say."""
    return Choice(args.target, args.columns, args.drop, args.sep, args.task, weight)


def names(text: str) -> list[str]:
    """Return the names in a text with commas between them. A name with commas is quoted."""
    fields = next(csv.reader([text], skipinitialspace=True), [])  # "a,b" in quotes is one name
    found = [name.strip() for name in fields if name.strip()]
    if not found:
        raise argparse.ArgumentTypeError("expected names with commas between them")
    return found


def _separator(text: str) -> str:
    char = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}.get(text.lower(), text)
    if len(char) != 1 or char in '"\r\n':
        raise argparse.ArgumentTypeError(f"expected one character or tab, got {text!r}")
    return char


def whole(least: int, text: str, most: float = math.inf) -> int:
    """Return the whole number in a text, which must be at least `least` and at most `most`."""
    digits = 18  # of the longest number that is read: Python refuses very long ones
    if not text.isdecimal() or len(text) > digits or not least <= int(text) <= most:
        up_to = "" if most == math.inf else f" to {most:,}"
        raise argparse.ArgumentTypeError(
            f"expected a whole number from {least}{up_to}, got {text!r:.40}"
        )
    return int(text)


def fraction(text: str) -> float:
    """Return the number between 0 and 1 in a text."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"expected a number between 0 and 1, got {text!r}")
    return value
