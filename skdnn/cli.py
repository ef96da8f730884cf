"""The command `skdnn`: one function for each of its commands."""

# ruff: noqa: T201 - the one room that prints

import argparse
import json
import os
import sys
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from skdnn import __version__
from skdnn._utils.text import nearest

if TYPE_CHECKING:
    from skdnn.comparison.result import Comparison

# Whatever a damaged or foreign file makes the readers raise.
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)

_ABOUT = """\
Cross-validate a deep network side by side with tree ensembles, a linear model
and a dummy, all on the same folds, and print which is best, by how much, and
whether that is more than noise.
"""

_MANUAL = """\
data:
  A name stands for data that needs no file:
{datasets}

  A file of yours is read by its ending:
    .csv .csv.gz .parquet   one row per sample; --target names the column to
                            predict, all others are the input. Text columns are
                            one-hot encoded and missing numbers replaced by the
                            median, learned anew in each fold. Needs pandas.
    .npz                    arrays X, one sample per row, of any rank, and y;
                            or --target names the array to predict.

  Text, yes/no and whole numbers of at most 30 distinct values are taken for
  classes, everything else for a number to predict; --task overrules.

the table:
  accuracy, ...   mean and standard deviation of the score over the folds;
                  higher is better. Models are ranked by the first score.
  fit s           seconds to fit, median of the folds
  predict s       seconds to predict the test rows and compute the scores
  vs best         "within noise" or "worse", with the adjusted p-value

the test:
  Two-sided corrected resampled t-test on the first score's differences over the
  folds (Nadeau & Bengio 2003, "Inference for the generalization error"), with
  p-values adjusted for the number of models (Holm 1979); worse means p < 0.05.
  "Within noise" does not mean equal: more rows may tell the two apart.

examples:
  skdnn compare
  skdnn compare fashion-mnist --rows 10000 --cv 3
  skdnn compare diabetes --scoring r2,neg_mean_absolute_error
  skdnn compare houses.csv --target price --plot houses.png
  skdnn compare images.npz --models dnn,random-forest --json > result.json

exit status:
  0 done, 2 bad input, 130 stopped by Ctrl-C
"""


class _ProblemError(Exception):
    """Something the user can mend, told in one line."""

    def __init__(self, message: str, prog: str | None = None):
        super().__init__(message)
        self.prog = prog


class _Data(NamedTuple):
    """A data set that needs no file."""

    about: str
    load: Callable[[], tuple[Any, Any]]


def _toy(name: str) -> tuple[Any, Any]:
    from sklearn import datasets

    return getattr(datasets, f"load_{name}")(return_X_y=True)


def _digits() -> tuple[Any, Any]:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images, digits.target


def _fashion_mnist() -> tuple[Any, Any]:
    from skdnn.datasets import load_fashion_mnist

    return load_fashion_mnist(split="train", return_X_y=True)


_DATASETS = {
    "digits": _Data("1,797 images of handwritten digits, 8 x 8 (the default)", _digits),
    "fashion-mnist": _Data("60,000 images of clothes, 28 x 28", _fashion_mnist),
    "iris": _Data("150 flowers of 3 species", partial(_toy, "iris")),
    "wine": _Data("178 wines of 3 growers", partial(_toy, "wine")),
    "breast-cancer": _Data("569 tumours, 2 classes", partial(_toy, "breast_cancer")),
    "diabetes": _Data("442 patients, a number to predict", partial(_toy, "diabetes")),
}


def _read_table(path: str, target: str | None, *, function: str, needs: str) -> tuple[Any, Any]:
    try:
        import pandas as pd

        frame = getattr(pd, function)(path)
    except ImportError as error:
        raise _ProblemError(f"reading {path} needs {needs}: pip install {needs}") from error
    if target is None:
        raise _ProblemError(
            f"{path} needs --target COLUMN, the column to predict; {_listed(frame.columns)}"
        )
    if target not in frame.columns:
        raise _ProblemError(
            f"--target: {path} has no column {target!r}{_nearest(target, frame.columns)}; "
            f"{_listed(frame.columns)}"
        )
    y = frame.pop(target)
    if missing := int(y.isna().sum()):
        raise _ProblemError(
            f"column {target!r} of {path} is empty in {missing:,} of {len(y):,} rows: "
            f"fill them in or remove those rows"
        )
    if frame.columns.empty:
        raise _ProblemError(f"{path} has no column besides {target!r} to predict it from")
    return frame, y


def _read_npz(path: str, target: str | None) -> tuple[Any, Any]:
    import numpy as np

    if not zipfile.is_zipfile(path):
        raise _ProblemError(f"cannot read {path}: it is not an NPZ archive")
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        target = "y" if target is None else target
        if target not in names:
            raise _ProblemError(
                f"{path} has no array {target!r} to predict{_nearest(target, names)}; "
                f"{_listed(names)}; choose with --target"
            )
        others = [name for name in names if name != target]
        source = next((name for name in ("X", "x") if name in others), others[0] if others else "")
        if not source or (source not in ("X", "x") and len(others) > 1):
            raise _ProblemError(f"{path} must hold the input as an array X; {_listed(names)}")
        X, y = archive[source], archive[target]
    if X.ndim < 2 or y.ndim < 1 or len(X) != len(y):
        raise _ProblemError(
            f"{path}: {source} must have a row for each value of {target}; "
            f"their shapes are {X.shape} and {y.shape}"
        )
    return X, y


_READERS: dict[str, Callable[[str, str | None], tuple[Any, Any]]] = {
    ".csv": partial(_read_table, function="read_csv", needs="pandas"),
    ".csv.gz": partial(_read_table, function="read_csv", needs="pandas"),
    ".parquet": partial(_read_table, function="read_parquet", needs="pandas pyarrow"),
    ".npz": _read_npz,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `skdnn`.

    Parameters
    ----------
    argv : sequence of str, default=None
        The arguments. None takes them from the command line.

    Returns
    -------
    status : int
        0 for success, 2 for bad input, 130 when stopped by Ctrl-C.

    Examples
    --------
    >>> from skdnn.cli import main
    >>> main(["compare", "iris", "--models", "k-means"])
    2
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no ± gets a ?
    prog = "skdnn"
    try:
        parser = _parser()
        args = parser.parse_args(argv)
        if args.command is None:
            parser.print_help()
            return 0
        prog = f"skdnn {args.command}"
        with warnings.catch_warnings():
            warnings.showwarning = partial(_show_warning, prog)  # type: ignore[assignment]
            _COMMANDS[args.command].run(args)
        sys.stdout.flush()
    except _ProblemError as problem:
        print(f"{problem.prog or prog}: error: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{prog}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read the output has left; what is still buffered must not complain on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


class _Parser(argparse.ArgumentParser):
    """Tells a bad argument in one line, as the commands tell other bad input."""

    def error(self, message: str) -> NoReturn:
        raise _ProblemError(f"{message} (see {self.prog} --help)", self.prog)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="skdnn",
        description="A deep neural network as a scikit-learn estimator.",
        epilog="'skdnn COMMAND --help' is the manual of a command.",
    )
    parser.add_argument("--version", action="version", version=f"skdnn {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in _COMMANDS.items():
        command.add_arguments(
            commands.add_parser(
                name,
                help=command.about,
                formatter_class=argparse.RawDescriptionHelpFormatter,
                description=command.description,
                epilog=command.manual,
            )
        )
    return parser


def _add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("dataset", nargs="?", default="digits", metavar="DATASET", help="a name or file, see below")
    add("--target", metavar="COLUMN", help="what to predict: column of the file, or NPZ array")
    add(
        "--models",
        type=_names,
        metavar="A,B",
        help="which models, of dnn, random-forest, extra-trees, hist-gradient-boosting, linear "
        "and dummy (default: all)",
    )
    add("--cv", type=partial(_whole, 2), default=5, metavar="N", help="number of folds (default 5)")
    add(
        "--scoring",
        type=_names,
        metavar="A,B",
        help="scikit-learn's names of scores, the first of which ranks (default: accuracy or r2)",
    )
    add(
        "--rows",
        type=partial(_whole, 2),
        metavar="N",
        help="use a random sample of N rows, with classes in proportion",
    )
    add(
        "--task",
        choices=["auto", "classification", "regression"],
        default="auto",
        help="what the target is (default: auto, by looking at it)",
    )
    add("--jobs", type=int, metavar="N", help="folds run in parallel, -1: all cores (default 1)")
    add(
        "--seed",
        type=partial(_whole, 0),
        default=0,
        metavar="N",
        help="of folds, sample and models (default 0)",
    )
    add("--plot", type=Path, metavar="FILE", help="save a plot too: .png, .svg or .pdf")
    add("--json", action="store_true", help="print JSON, each fold in it, instead of the table")
    add("--quiet", action="store_true", help="show no progress bar")


def _compare(args: argparse.Namespace) -> None:
    """Print how the models compare on a data set."""
    if args.plot:
        _check_plot(args.plot)
    X, y = _load(args.dataset, args.target)
    from skdnn.comparison.compare import compare

    if args.rows is not None and args.rows < len(y):
        rows = _sample(y, args.rows, args.seed)
        X, y = _take(X, rows), _take(y, rows)
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
        raise _ProblemError(str(error)) from error
    print(_as_json(args, X, result) if args.json else _as_text(args, X, result))
    if args.plot:
        result.plot().figure_.savefig(args.plot, dpi=150)


class _Command(NamedTuple):
    """What a command needs."""

    run: Callable[[argparse.Namespace], None]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    about: str
    description: str
    manual: str


_COMMANDS = {
    "compare": _Command(
        _compare,
        _add_compare_arguments,
        "cross-validate the network side by side with tree ensembles",
        _ABOUT,
        _MANUAL.format(
            datasets="\n".join(f"    {name:14} {data.about}" for name, data in _DATASETS.items())
        ),
    ),
}


def _load(dataset: str, target: str | None) -> tuple[Any, Any]:
    """Load a data set by name, or read it from a file."""
    if dataset in _DATASETS:
        if target is not None:
            raise _ProblemError(f"--target is for files; {dataset} has its own target")
        try:
            return _DATASETS[dataset].load()
        except OSError as error:
            raise _ProblemError(_one_line(error)) from error
    suffix = next((end for end in _READERS if dataset.lower().endswith(end)), None)
    if suffix is None:
        raise _ProblemError(
            f"no data set {dataset!r}{_nearest(dataset, _DATASETS)}; known are "
            f"{', '.join(_DATASETS)} and files ending in {', '.join(_READERS)}"
        )
    if not Path(dataset).is_file():
        raise _ProblemError(f"there is no file {dataset}")
    try:
        return _READERS[suffix](dataset, target)
    except _UNREADABLE as error:
        raise _ProblemError(f"cannot read {dataset}: {_one_line(error)}") from error


def _sample(y: Any, n: int, seed: int) -> Any:
    """Draw n row numbers with every class, or range of y, in proportion."""
    import numpy as np

    values = np.asarray(y)
    values = values if values.dtype.kind in "iuf" else values.astype(str)
    rows = np.random.default_rng(seed).permutation(len(values))
    if values.ndim == 1:
        rows = rows[np.argsort(values[rows], kind="stable")]
    # Evenly spaced in the order of y; within a class the order is random.
    return np.sort(rows[((np.arange(n) + 0.5) * len(rows) / n).astype(int)])


def _take(data: Any, rows: Any) -> Any:
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


def _as_text(args: argparse.Namespace, X: Any, result: "Comparison") -> str:
    size = " x ".join(map(str, X.shape[1:]))
    columns = f"of {size} values" if X.ndim > 2 else f"of {size} columns"
    return f"{args.dataset}: {len(X):,} rows {columns}, {result.task}\n\n{result}"


def _as_json(args: argparse.Namespace, X: Any, result: "Comparison") -> str:
    about = {"dataset": args.dataset, "shape": list(X.shape), "seed": args.seed}
    return json.dumps({**about, **result.to_dict()}, indent=2)


def _check_plot(path: Path) -> None:
    """Find out before an hour of fits whether the plot can be saved."""
    try:
        import matplotlib
    except ImportError as error:
        raise _ProblemError('--plot needs matplotlib: pip install "skdnn[plot]"') from error
    matplotlib.use("agg")  # a file needs no window
    from matplotlib.figure import Figure

    known = Figure().canvas.get_supported_filetypes()
    if path.suffix.lower().removeprefix(".") not in known:
        raise _ProblemError(f"--plot: {path} must end in .png, .svg or .pdf")
    if not os.access(path.parent, os.W_OK):
        raise _ProblemError(f"--plot: cannot write to the folder {path.parent}")


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("expected names with commas between them")
    return names


def _whole(least: int, text: str) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
    return int(text)


def _nearest(name: str, known: Any) -> str:
    near = nearest(name, map(str, known))
    return f" (did you mean {near}?)" if near else ""


def _listed(names: Any, most: int = 10) -> str:
    shown = ", ".join(map(str, names[:most]))
    return f"it has {shown}" + (f" and {len(names) - most} more" if len(names) > most else "")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _show_warning(prog: str, message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"{prog}: warning: {str(message).splitlines()[0]}", file=sys.stderr)
