"""The arguments, the manual and the steps of the command `skdnn train`."""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from skdnn._utils.text import counted, wrapped
from skdnn.cli.data_arguments import (
    DATA_MANUAL,
    add_reading_arguments,
    add_seed_argument,
    add_target_arguments,
    choice_of,
    fraction,
    whole,
)
from skdnn.cli.datasets import DATASETS, Loaded, describe_rows, load, take
from skdnn.cli.errors import CommandError, in_options, say
from skdnn.cli.model_files import (
    DATA_FORM,
    MODEL_ENDING,
    check_folder,
    check_standard_output,
    size_of,
    write_model,
)
from skdnn.cli.score_texts import HELD_OUT
from skdnn.cli.sources import STDIN, ending_of

DESCRIPTION = """\
Train a deep network on a data set, and save it with everything that prediction
needs: columns, categories, missing values, scaling and classes.
"""

MANUAL = f"""\
{DATA_MANUAL}
  Text columns are categories. Missing values are imputed by the network.

the model:
  Without -o, the file is named after the data: houses.csv gives houses.skdnn
  in the current folder, and an existing file of this name is an error. A file
  that -o names is replaced, but only when the new one is complete. -o - writes
  the model to standard output. Loading the file runs no code. 'skdnn info'
  shows what is in it, and 'skdnn predict' predicts with it. In Python:
  skdnn.load("houses.skdnn").predict(X)

the presets:
  plain      one small network with the settings of scikit-learn's MLP
  fast       an ensemble of networks, with a shorter training
  balanced   an ensemble of networks, the default
  best       an ensemble of more networks, with the longest training

the held-out score:
  --valid 0.2 holds out a fifth of the rows before training, stratified by the
  classes. It prints the score of the model on these rows beside that of a dummy
  that always predicts the class frequencies, or the mean. The network never
  sees these rows, neither for its weights nor for early stopping.
  The saved model is the one that was scored: it is trained without the held-out
  rows. Train again without --valid to use all rows. The score is stored in the
  file. 'skdnn compare' gives a more reliable score, by cross-validation.

examples:
  skdnn train houses.csv --target price
  skdnn train houses.csv --target price --drop id --valid 0.2 -o model.skdnn
  skdnn train iris --preset plain
  zcat visits.csv.gz | skdnn train - --target bought -o visits.skdnn

exit status:
  0 done, 2 bad input, 130 stopped by Ctrl-C, which leaves no file
"""

_PRESETS = ("plain", "fast", "balanced", "best")
_LAYOUT = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `skdnn train` to a parser."""
    add = parser.add_argument
    add("data", metavar="DATA", help="a file, a data set by name, or - for standard input")
    add_target_arguments(parser)
    add("-o", "--output", metavar="MODEL", help="the file to save, which ends in .skdnn")
    add("--preset", choices=_PRESETS, default="auto", help="see 'the presets' (default: balanced)")
    add("--epochs", type=_positive, metavar="N", help="number of epochs (default: by preset)")
    add("--jobs", type=_jobs, metavar="N", help="threads that train, -1: all cores (default: auto)")
    add(
        "--time-limit",
        type=_seconds,
        metavar="SECONDS",
        help="end the training in time, and keep the best epoch so far",
    )
    add(
        "--monitor",
        metavar="SCORER",
        default="auto",
        help="keep the epoch with the best value of this scorer of scikit-learn, such as roc_auc",
    )
    add(
        "--valid",
        type=fraction,
        metavar="FRACTION",
        help="hold out this fraction of the rows, and print the score on them",
    )
    add_reading_arguments(parser)
    add("--weight", metavar="COLUMN", help="sample weights: column of the file, or NPZ array")
    add_seed_argument(parser, "training and of the held-out rows")
    add("--quiet", action="store_true", help="show no progress bar")


def _positive(text: str) -> int:
    return whole(1, text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, got {text!r}")
    return value


def _jobs(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value == 0:
        raise argparse.ArgumentTypeError(
            f"expected a number of threads, or -1 for all cores, got {text!r}"
        )
    return value


class Rows(NamedTuple):
    """Checked rows, their weights, and the task."""

    X: Any
    y: Any
    weight: Any
    task: str

    def at(self, rows: Any) -> "Rows":
        """Return the rows at some indices."""
        weight = None if self.weight is None else self.weight[rows]
        return Rows(take(self.X, rows), self.y[rows], weight, self.task)


class _Job(NamedTuple):
    """The rows to train on, the held-out rows, and why the target is of its task."""

    trained: Rows
    held: Rows | None
    reason: str

    @property
    def n_rows(self) -> int:
        return len(self.trained.y) + (0 if self.held is None else len(self.held.y))


def run(args: argparse.Namespace) -> None:
    """Train a model on a data set, print what was done and save the model."""
    output = _checked_output(args)
    loaded = load(args.data, choice_of(args, args.weight))
    tell = say if output == STDIN else _print
    try:
        job = _job(args, loaded)
        tell(_about_data(args, loaded, job.reason))
        model, metadata = _train(args, job, tell)
    except (TypeError, ValueError) as error:
        raise CommandError(f"{_name(args.data)}: {in_options(str(error))}") from error
    write_model(model, output, _metadata(args, loaded, job.trained.task) | metadata)
    if output != STDIN:
        tell("\n".join(wrapped(_about_model(output, metadata))))


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command prints


def _name(data: str) -> str:
    return "standard input" if data == STDIN else data


def _checked_output(args: argparse.Namespace) -> str:
    """Return the file to save, or raise an error if it cannot be saved, before a long fit."""
    if args.output == STDIN:
        check_standard_output()
        return STDIN
    if args.output is not None:
        if not args.output.lower().endswith(MODEL_ENDING):
            raise CommandError(f"-o: {args.output} must end in {MODEL_ENDING}, or be -")
        check_folder(args.output)
        return str(args.output)
    name = "model" if args.data == STDIN else Path(args.data).name
    if args.data not in DATASETS and (ending := ending_of(name)):
        name = name[: -len(ending.kind + ending.packing)]
    output = name + MODEL_ENDING
    if Path(output).exists():
        raise CommandError(f"{output} exists: write -o {output} to replace it, or another name")
    check_folder(output)
    return output


def _job(args: argparse.Namespace, loaded: Loaded) -> _Job:
    """Return the checked data with its task, and hold out rows if this is asked."""
    from skdnn.cli.held_out import rows_to_hold_out, task_and_reason
    from skdnn.comparison.checks import check_samples, check_target
    from skdnn.dnn.monitor import resolve_scorer

    y = check_target(loaded.y)
    task, reason = task_and_reason(args.task, y)
    resolve_scorer(args.monitor, "skdnn", task == "classification")  # an error before training
    rows = Rows(check_samples(loaded.X), y, loaded.weight, task)
    if args.valid is None:
        return _Job(rows, None, reason)
    held, kept = rows_to_hold_out(y, args.valid, args.seed, task)
    return _Job(rows.at(kept), rows.at(held), reason)


def _about_data(args: argparse.Namespace, loaded: Loaded, reason: str) -> str:
    lines = wrapped(describe_rows(_name(args.data), loaded.X))
    if loaded.remarks:
        lines += wrapped(f"Read with {'; '.join(loaded.remarks)}.")
    target = f"Target {args.target}: " if args.target else "Target: "
    return "\n".join([*lines, *wrapped(f"{target}{reason}.")])


def _train(args: argparse.Namespace, job: _Job, tell: Any) -> tuple[Any, dict[str, Any]]:
    """Return the trained model, and what to store of its training and its score."""
    from skdnn import DNNClassifier, DNNRegressor

    rows = job.trained
    estimators = {"classification": DNNClassifier, "regression": DNNRegressor}
    epochs = "auto" if args.epochs is None else args.epochs
    model = estimators[rows.task](
        preset=args.preset,
        epochs=epochs,
        time_limit=args.time_limit,
        n_jobs=args.jobs,
        monitor=args.monitor,
        random_state=args.seed,
    )
    start = time.perf_counter()
    with _progress(shown=not args.quiet and sys.stderr is not None and sys.stderr.isatty()):
        model.fit(rows.X, rows.y, sample_weight=rows.weight)
    seconds = round(time.perf_counter() - start, 3)
    told = {"rows": job.n_rows, "rows_trained_on": len(rows.y), "seconds": seconds}
    if job.held is None:
        return model, told
    from skdnn.cli.held_out import as_table, scores

    found = scores(model, rows, job.held)
    tell(as_table(found, len(job.held.y)))
    return model, told | {HELD_OUT + name: value for name, (value, _) in found.items()}


def _metadata(args: argparse.Namespace, loaded: Loaded, task: str) -> dict[str, Any]:
    """Return what to store in the file besides the model."""
    names = {} if args.data in DATASETS else {"target": args.target or "y"}
    written = loaded.writing
    forms = {name: form for name, form in written.forms.items() if name in list(loaded.X)}
    form = json.dumps({"sep": written.sep, "forms": forms})
    told = {**names, "task": task, "data": _name(args.data)}
    # A model file takes texts of up to 100,000 characters.
    return told | ({DATA_FORM: form} if forms and len(form) < 100_000 else {})


def _about_model(output: str, metadata: dict[str, Any]) -> str:
    trained, n_rows = metadata["rows_trained_on"], metadata["rows"]
    rows = (
        f"all {n_rows:,} rows"
        if trained == n_rows
        else f"{trained:,} rows, without the {counted(n_rows - trained, 'held-out row')}; train "
        "again without --valid to use all rows"
    )
    return f"Saved {output} ({size_of(output)}), trained in {metadata['seconds']:.1f} s on {rows}."


@contextmanager
def _progress(*, shown: bool) -> Iterator[None]:
    """Show a bar on standard error that moves with the epochs of the fits inside."""
    from tqdm import tqdm

    from skdnn._training.progress import listening

    with (
        warnings.catch_warnings(record=True) as caught,
        tqdm(
            desc="train",
            total=1.0,
            bar_format=_LAYOUT,
            leave=False,
            disable=not shown,
            dynamic_ncols=True,
        ) as bar,
    ):

        def epoch_ends(epoch: int, n_epochs: int) -> None:
            bar.set_description_str(f"epoch {epoch}/{n_epochs}", refresh=False)
            bar.update(max(0.0, epoch / n_epochs - bar.n))

        with listening(epoch_ends):
            yield
    for warning in caught:  # after the bar, which a warning would break
        warnings.showwarning(warning.message, warning.category, warning.filename, warning.lineno)
