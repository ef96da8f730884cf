"""The arguments, the manual and the steps of the command `skdnn predict`."""

import argparse
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from skdnn.cli.data_arguments import add_reading_arguments
from skdnn.cli.errors import CommandError, in_options
from skdnn.cli.model_columns import input_of, read_parts, writing_of
from skdnn.cli.model_files import DATA_FORM, check_folder, model_path
from skdnn.cli.sources import ENDINGS, STDIN, ending_of
from skdnn.cli.tables import Choice
from skdnn.cli.write_table import Columns, write

DESCRIPTION = """\
Predict the rows of a data set with a model that 'skdnn train' or skdnn.save
wrote. The predictions are in the order of the rows of the data.
"""

MANUAL = f"""\
data:
  A table with the columns that the model was trained on, in any order. More
  columns, such as the target, are fine; missing columns are an error. A model
  of images or of an array takes an .npz file with an array X, or a table with
  as many columns. The ending decides how a file is read:
  {ENDINGS}
  - is standard input: any of these, recognised by its content. The name of a
  data set, such as iris, works as well (see 'skdnn train --help').

  Columns are read as in training. A column that was text in training is read
  as text, also if the new values look like numbers. Missing values are those
  of 'skdnn train'.

the output:
  Without -o, or with -o -, CSV is printed. Otherwise the ending of the file
  decides: {ENDINGS}
  A file is replaced, but only when the new one is complete.

  The first column has the name of the target, or "prediction" if the model has
  none. Further columns:
  --proba      proba_CLASS for each class, such as proba_setosa
  --std        TARGET_std, the standard deviation of the predicted distribution
  quantiles    TARGET_q0.1 for each level, instead of the first column
  A model with several targets has the columns TARGET_0, TARGET_1, and so on.

examples:
  skdnn predict houses.skdnn new.csv -o prices.csv
  skdnn predict iris.skdnn flowers.parquet --proba -o flowers-predicted.parquet
  curl -s https://example.com/new.csv | skdnn predict houses.skdnn - | head

exit status:
  0 done, 2 bad input, 130 stopped by Ctrl-C, 141 the program that reads the
  output has stopped
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `skdnn predict` to a parser."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a .skdnn file, or - for standard input")
    add("data", metavar="DATA", help="a file, a data set by name, or - for standard input")
    add("-o", "--output", metavar="FILE", help="where to write (default: standard output)")
    add("--proba", action="store_true", help="add the probability of each class")
    add("--std", action="store_true", help="add the standard deviation of a regression")
    add_reading_arguments(parser)


class _Asked(NamedTuple):
    """Which columns the output has, and the name of the target."""

    target: str
    proba: bool
    std: bool


def run(args: argparse.Namespace) -> None:
    """Predict the rows of a data set, and write the predictions."""
    from skdnn.persistence.load import load_with_metadata

    _check_arguments(args)
    with model_path(args.model) as path:
        model, metadata = load_with_metadata(path)
    name = str(metadata.get("target", "prediction"))
    asked = _Asked(name, args.proba, args.std)
    _check_asked(args.model, model, asked)
    given = input_of(model, name, writing_of(metadata.get(DATA_FORM)))
    choice = Choice(columns=args.columns, drop=args.drop, sep=args.sep)
    parts = read_parts(args.data, choice, given)
    write(_predictions(args.data, model, parts, asked), args.output)


def _check_arguments(args: argparse.Namespace) -> None:
    if args.model == args.data == STDIN:
        raise CommandError("MODEL and DATA cannot both be -, standard input")
    if args.output in (None, STDIN):
        return
    if ending_of(args.output) is None:
        raise CommandError(f"-o: {args.output} must end in {ENDINGS}, or be -")
    check_folder(args.output)
    for option, path in (("MODEL", args.model), ("DATA", args.data)):
        if os.path.exists(path) and os.path.realpath(path) == os.path.realpath(args.output):
            raise CommandError(f"-o: {args.output} is {option}, and would be replaced")


def _check_asked(name: str, model: Any, asked: _Asked) -> None:
    """Raise an error with the reason if a model has no probability or standard deviation."""
    from sklearn.base import is_classifier

    from skdnn._data.targets import Quantile

    if asked.proba and not is_classifier(model):
        raise CommandError(f"--proba is for classifiers, and {name} is a regressor: try --std")
    if not asked.std:
        return
    if is_classifier(model):
        raise CommandError(f"--std is for regression, and {name} is a classifier: try --proba")
    if isinstance(model._network.targets, Quantile):
        raise CommandError(f"--std: {name} predicts quantiles, which have no standard deviation")
    if model._network.spec.n_members == 1:
        raise CommandError(
            f"--std needs an ensemble, and {name} is a single network: train with another preset "
            f"than plain"
        )


def _predictions(data: str, model: Any, parts: Iterator[Any], asked: _Asked) -> Iterator[Columns]:
    """Yield the columns of predictions of each part."""
    for X in parts:
        try:
            yield _columns(model, X, asked)
        except (TypeError, ValueError) as error:
            name = "standard input" if data == STDIN else data
            raise CommandError(f"{name}: {in_options(str(error))}") from error


def _columns(model: Any, X: Any, asked: _Asked) -> Columns:
    """Return the columns of predictions by name."""
    from skdnn._data.targets import Classes

    if asked.std:
        predicted, std = model.predict(X, return_std=True)
        return _named(asked.target, predicted) | _named(f"{asked.target}_std", std)
    targets = model._network.targets
    if not asked.proba:
        levels = [f"q{level:g}" for level in targets.levels] if targets.ascending else None
        return _named(asked.target, model.predict(X), levels)
    proba = model.predict_proba(X)
    if not isinstance(targets, Classes):
        predicted = _named(asked.target, targets.decode(proba))
        return predicted | _named(f"proba_{asked.target}", proba)
    columns = _named(asked.target, targets.decode(proba))
    for label, column in zip(targets.classes.tolist(), proba.T, strict=True):
        name = f"proba_{label}"
        columns[f"{name}_" if name in columns else name] = column
    return columns


def _named(name: str, values: Any, ends: list[str] | None = None) -> Columns:
    """Return a column as it is, and several columns with an ending for each."""
    if values.ndim == 1:
        return {name: values}
    ends = [str(i) for i in range(values.shape[1])] if ends is None else ends
    return {f"{name}_{end}": column for end, column in zip(ends, values.T, strict=True)}
