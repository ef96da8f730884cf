"""The arguments, the manual and the output of the command `skdnn info`."""

# ruff: noqa: T201 - the command prints

import argparse
import json
import math
import shutil
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from skdnn._utils.text import Column, align, counted, encodable, fit_columns, terminal_width
from skdnn.cli.model_files import DATA_FORM, model_path, size_text
from skdnn.cli.score_texts import HELD_OUT, SCORES, number
from skdnn.cli.sources import STDIN

if TYPE_CHECKING:
    from skdnn.persistence.info import ModelInfo

DESCRIPTION = """\
Show what is in a model file: target, classes, columns, layers, scores, and the
versions with which it was written. Nothing in the file is executed.
"""

MANUAL = """\
the output:
  target       name and kind of what is predicted
  input        the shape of a sample; the columns are listed below
  network      the layers are listed below
  settings     parameters that differ from their defaults
  scores       on the training rows; names that start with val_ are scores on
               the rows that early stopping held out
  held out     the score on the rows that 'skdnn train --valid' held out
  file         size, version of the format, and profile: resume if training can
               be continued, otherwise predict

  --json prints all of this for programs, with every column and every class.

examples:
  skdnn info houses.skdnn
  skdnn info houses.skdnn --json | jq .columns[].name

exit status:
  0 done, 2 bad input, 130 stopped by Ctrl-C, 141 the program that reads the
  output has stopped
"""

_MOST = 20  # columns and classes that are shown
_LONGEST = 300  # characters of a text that are shown
_KINDS = {"number": "numbers", "integer": "integers", "boolean": "booleans"}
_WIDTH = 10  # of the names on the left
# Entries of the metadata that have a line of their own.
_KNOWN = {"target", "task", "data", "rows", "rows_trained_on", "seconds", DATA_FORM}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `skdnn info` to a parser."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a .skdnn file, or - for standard input")
    add("--json", action="store_true", help="print JSON instead of text")


def run(args: argparse.Namespace) -> None:
    """Print what is in a model file."""
    from skdnn.persistence.info import read_info

    with model_path(args.model) as path:
        info = read_info(path)
    name = "standard input" if args.model == STDIN else args.model
    if args.json:
        print(json.dumps({"file": name, **_plain(vars(info))}, indent=2))
        return
    lines = [*_facts(name, info), "", *_columns(info), *info.layer_table.splitlines()]
    print("\n".join(encodable(_printable(line)) for line in lines))


def _facts(name: str, info: "ModelInfo") -> list[str]:
    """Return a line for each fact, with its name on the left."""
    libraries = [f"{library} {version}" for library, version in info.libraries.items()]
    shape = " x ".join(map(str, info.input_shape))
    unit = "column" if shape == "1" else "columns"
    members = "one network" if info.n_members == 1 else f"{info.n_members} networks"
    settings = ", ".join(f"{key}={value!r}" for key, value in info.params.items())
    target = str(info.metadata.get("target", ""))
    facts = {
        "model": f"{info.class_name} in {name}",
        "target": f"{target}: {info.target}" if target else info.target,
        "classes": "" if info.classes is None else _listed(info.classes),
        "input": f"{shape} {unit}" if len(info.input_shape) == 1 else f"samples of {shape}",
        "network": f"{members}, {info.n_parameters:,} parameters, preset {info.preset}",
        "settings": settings,
        "training": _training(info),
        "scores": _scores(info.last_scores),
        "held out": _scores(_held_out(info)),
        "file": f"{size_text(info.n_bytes)}, format {info.format_version}, profile {info.profile}",
        "written by": ", ".join([f"skdnn {info.skdnn_version}", *libraries]),
    }
    known = {key for key in info.metadata if key in _KNOWN or key.startswith(HELD_OUT)}
    others = [f"{key}: {value}" for key, value in info.metadata.items() if key not in known]
    facts["metadata"] = "; ".join(others)
    return [line for key, value in facts.items() if value for line in _lines(key, value)]


def _lines(name: str, value: str) -> list[str]:
    """Return a fact in lines that fit into the terminal."""
    width = shutil.get_terminal_size((80, 24)).columns
    text = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    return textwrap.wrap(
        f"{name:{_WIDTH}}  {text}",
        max(2 * _WIDTH, width),
        subsequent_indent=" " * (_WIDTH + 2),
        break_on_hyphens=False,
    )


def _training(info: "ModelInfo") -> str:
    """Return the epochs of the training, and what `skdnn train` has stored of it."""
    told = info.metadata
    parts = [counted(info.n_iter, "epoch")]
    if info.best_epoch is not None:
        parts.append(f"the weights are those of epoch {info.best_epoch}")
    if "data" in told:
        parts.append(f"data {told['data']}")
    if isinstance(told.get("rows_trained_on"), int):
        parts.append(f"{told['rows_trained_on']:,} rows")
    if isinstance(told.get("seconds"), int | float):
        parts.append(f"{told['seconds']:.1f} s")
    return ", ".join(parts)


def _held_out(info: "ModelInfo") -> dict[str, float]:
    scores = {SCORES[key]: info.metadata.get(HELD_OUT + key) for key in SCORES}
    return {key: value for key, value in scores.items() if isinstance(value, int | float)}


def _scores(scores: dict[str, float]) -> str:
    known = {name: value for name, value in scores.items() if math.isfinite(value)}
    known.pop("learning_rate", None)
    return ", ".join(f"{name} {number(value)}" for name, value in known.items())


def _listed(values: list[Any]) -> str:
    shown = ", ".join(map(str, values[:_MOST]))
    more = len(values) - _MOST
    return f"{len(values):,}: {shown}" + (f" and {more:,} more" if more > 0 else "")


def _columns(info: "ModelInfo") -> list[str]:
    """Return a table of the columns, followed by an empty line. Those of an array need no table."""
    if all(column == (str(i), "number", None) for i, column in enumerate(info.columns)):
        return []
    shown, more = info.columns[:_MOST], len(info.columns) - _MOST
    sizes = ["" if column.n_categories is None else f"{column.n_categories:,}" for column in shown]
    table = [
        Column("Column", [column.name for column in shown], left=True),
        Column(
            "Holds",
            [f"{column.kind}s" if column.kind != "text" else "text" for column in shown],
            left=True,
        ),
        Column("Categories", sizes, rank=1),
    ]
    rest = [f"and {more:,} more: see --json"] if more > 0 else []
    return [*align(fit_columns(table, terminal_width())), *rest, ""]


def _printable(line: str) -> str:
    """Return a line without control characters, which could change the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _plain(value: Any) -> Any:
    """Return a value for JSON, which has no numbers that are not finite."""
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | None) else str(value)
