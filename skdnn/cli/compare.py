"""The arguments, the manual and the output of the command `skdnn compare`."""

# ruff: noqa: T201 - the command prints

import argparse
import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdnn._utils.text import encodable, wrapped
from skdnn.cli.data_arguments import (
    DATA_MANUAL,
    add_reading_arguments,
    add_seed_argument,
    add_target_arguments,
    choice_of,
    names,
    whole,
)
from skdnn.cli.datasets import describe_rows, load, sample, take
from skdnn.cli.errors import CommandError, in_options

if TYPE_CHECKING:
    from skdnn.comparison.result import Comparison

DESCRIPTION = """\
Cross-validate a deep network side by side with tree ensembles, a linear model
and a dummy, all on the same folds. Print which model is best, by how much, and
whether the difference is statistically significant.
"""

MANUAL = f"""\
{DATA_MANUAL}
  Text columns are one-hot encoded for all of these models, the network too, and
  missing numbers are imputed by the median, fitted in each fold.

the table:
  model           a diamond marks the networks of skdnn, or * where the terminal
                  has no diamond
  accuracy, ...   mean and standard deviation of the score over the folds;
                  higher is better. Models are ranked by the first score.
  fit s           seconds to fit, median of the folds
  predict s       seconds to predict the test rows and compute the scores
  vs best         "within noise" or "worse", with the adjusted p-value

the test:
  Two-sided corrected resampled t-test on the first score's differences over the
  folds (Nadeau & Bengio 2003, "Inference for the generalization error"), with
  p-values adjusted for the number of models (Holm 1979); "worse": p < 0.05.
  "within noise" does not mean equal: more rows may show a difference.

examples:
  skdnn compare
  skdnn compare fashion-mnist --rows 10000 --cv 3
  skdnn compare diabetes --scoring r2,neg_mean_absolute_error
  skdnn compare houses.csv --target price --plot houses.png
  skdnn compare images.npz --models dnn,random-forest --json > result.json

exit status:
  0 done, 2 bad input, 130 stopped by Ctrl-C
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `skdnn compare` to a parser."""
    _add_data_arguments(parser)
    _add_model_arguments(parser)
    _add_output_arguments(parser)


def _add_data_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "dataset",
        nargs="?",
        default="digits",
        metavar="DATASET",
        help="see below (default: digits)",
    )
    add_target_arguments(parser)
    add_reading_arguments(parser)
    add(
        "--rows",
        type=partial(whole, 2),
        metavar="N",
        help="use a random sample of N rows, stratified by the target",
    )


def _add_model_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--models",
        type=names,
        metavar="A,B",
        help="which models, of dnn, random-forest, extra-trees, hist-gradient-boosting, linear "
        "and dummy (default: all)",
    )
    add("--cv", type=partial(whole, 2), default=5, metavar="N", help="number of folds (default 5)")
    add(
        "--scoring",
        type=names,
        metavar="A,B",
        help="scikit-learn's names of scores; models are ranked by the first "
        "(default: accuracy or r2)",
    )
    add("--jobs", type=int, metavar="N", help="folds run in parallel, -1: all cores (default 1)")
    add_seed_argument(parser, "folds, sample and models")


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--plot", type=Path, metavar="FILE", help="save a plot too: .png, .svg or .pdf")
    add("--json", action="store_true", help="print JSON, each fold in it, instead of the table")
    add("--quiet", action="store_true", help="show no progress bar")


def run(args: argparse.Namespace) -> None:
    """Compare the models on a data set, print the result and save the plot if requested."""
    if args.plot:
        _check_plot(args.plot)
    loaded = load(args.dataset, choice_of(args))
    X, y = loaded.X, loaded.y
    from skdnn.comparison import compare

    if args.rows is not None and args.rows < len(y):
        rows = sample(y, args.rows, args.seed)
        X, y = take(X, rows), take(y, rows)
    try:
        result = compare(
            X,
            y,
            args.models,
            cv=args.cv,
            scoring=args.scoring,
            task=args.task,
            n_jobs=args.jobs,
            random_state=args.seed,
            verbose=0 if args.quiet else 1,
        )
    except (TypeError, ValueError) as error:
        raise CommandError(f"{args.dataset}: {in_options(str(error))}") from error
    show = _as_json if args.json else _as_text
    print(encodable(show(args, X, result, loaded.remarks)))
    if args.plot:
        result.plot().figure_.savefig(args.plot, dpi=150)


def _as_text(args: argparse.Namespace, X: Any, result: "Comparison", remarks: list[str]) -> str:
    lines = wrapped(f"{describe_rows(args.dataset, X)}, {result.task}")
    if remarks:
        lines += wrapped(f"Read with {'; '.join(remarks)}.")
    table = str(result).replace('scoring="roc_auc"', "--scoring roc_auc")
    return "\n".join([*lines, "", table])


def _as_json(args: argparse.Namespace, X: Any, result: "Comparison", remarks: list[str]) -> str:
    about = {"dataset": args.dataset, "shape": list(X.shape), "seed": args.seed}
    about |= {"read_with": remarks} if remarks else {}
    return json.dumps({**about, **result.to_dict()}, indent=2)


def _check_plot(path: Path) -> None:
    """Raise an error if the plot cannot be saved, before the models are fitted."""
    try:
        import matplotlib
    except ImportError as error:
        raise CommandError(
            '--plot needs matplotlib, of the extra plot: pip install ".[plot]" in a checkout'
        ) from error
    matplotlib.use("agg")  # saving to a file needs no window
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise CommandError(f"--plot: {path} must end in .png, .svg or .pdf")
    if not os.access(path.parent, os.W_OK):
        raise CommandError(f"--plot: cannot write to the folder {path.parent}")
