"""Data sets that a command loads by name or from a file."""

import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skdnn.cli.errors import CommandError, did_you_mean, listed, one_line
from skdnn.cli.sources import ENDINGS, STDIN, Source, ending_of, file_source, standard_input
from skdnn.cli.tables import Choice, Read, Writing, read_parquet, read_text, select

if TYPE_CHECKING:
    import numpy as np

_OPTIONS = ("target", "columns", "drop", "sep", "weight")  # of `Choice`, for files
NO_TABLE = "is for tables, and {} has arrays"
Data = tuple[Any, Any]  # X, an array or a DataFrame, and y, an array or a Series
# Errors that readers raise for damaged files and for files of a different format.
UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


class Loaded(NamedTuple):
    """A data set, remarks on how its file was read, how a table was written, and weights."""

    X: Any
    y: Any
    remarks: list[str]
    writing: Writing = Writing()
    weight: "np.ndarray | None" = None


class NamedData(NamedTuple):
    """A data set that is loaded by name."""

    about: str
    load: Callable[[], Data]


def _toy(name: str) -> Data:
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X, y


def _digits() -> Data:
    from sklearn.datasets import load_digits

    digits = load_digits()
    return digits.images, digits.target


def _fashion_mnist() -> Data:
    from skdnn.datasets import load_fashion_mnist

    X, y = load_fashion_mnist(split="train", return_X_y=True)
    return X, y


DATASETS = {
    "digits": NamedData("1,797 images of handwritten digits, 8 x 8", _digits),
    "fashion-mnist": NamedData("60,000 images of clothes, 28 x 28", _fashion_mnist),
    "iris": NamedData("150 flowers of 3 species", partial(_toy, "iris")),
    "wine": NamedData("178 wines of 3 growers", partial(_toy, "wine")),
    "breast-cancer": NamedData("569 tumours, 2 classes", partial(_toy, "breast_cancer")),
    "diabetes": NamedData("442 patients, a numeric target", partial(_toy, "diabetes")),
}


def read_npz(source: Source, choice: Choice) -> Loaded:
    """Return the input, the target and the weights in an NPZ archive."""
    target, weight = choice.target or "y", choice.weight
    with _open_npz(source) as archive:
        names = archive.files
        if target not in names:
            raise CommandError(
                f"{source.name} has no array {target!r} to predict{did_you_mean(target, names)}; "
                f"{listed(names)}; choose with --target"
            )
        if weight is not None and weight not in names:
            raise CommandError(
                f"--weight: {source.name} has no array {weight!r}{did_you_mean(weight, names)}; "
                f"{listed(names)}"
            )
        name = _name_of_input(source, names, target, weight)
        X, y = archive[name], archive[target]
        weights = None if weight is None else archive[weight]
    if X.ndim < 2 or y.ndim < 1 or len(X) != len(y):
        raise CommandError(
            f"{source.name}: {name} must have a row for each value of {target}; "
            f"their shapes are {X.shape} and {y.shape}"
        )
    return Loaded(X, y, [], weight=weights)


def read_npz_input(source: Source, target: str) -> "np.ndarray":
    """Return the input of an NPZ archive, which need not hold the target."""
    with _open_npz(source) as archive:
        name = _name_of_input(source, archive.files, target)
        X: np.ndarray = archive[name]
    if X.ndim < 2:
        raise CommandError(f"{source.name}: {name} must have a row per sample; got shape {X.shape}")
    return X


@contextmanager
def _open_npz(source: Source) -> Iterator[Any]:
    import numpy as np

    with source.open() as file:
        if not zipfile.is_zipfile(file):
            raise CommandError(f"cannot read {source.name}: it is not an NPZ archive")
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            yield archive


def _name_of_input(source: Source, names: list[str], target: str, weight: str | None = None) -> str:
    others = [name for name in names if name not in (target, weight)]
    found = next((name for name in ("X", "x") if name in others), others[0] if others else "")
    if not found or (found not in ("X", "x") and len(others) > 1):
        raise CommandError(f"{source.name} must hold the input as an array X; {listed(names)}")
    return found


def load(dataset: str, choice: Choice) -> Loaded:
    """Load a data set by name or from a file.

    Parameters
    ----------
    dataset : str
        A name in `DATASETS`, or the path of a file.
    choice : Choice
        What to read. For files only.

    Returns
    -------
    loaded : Loaded
        The input, the target and remarks on how the file was read.

    Raises
    ------
    CommandError
        If the data set is unknown or cannot be loaded or read.
    """
    if dataset in DATASETS:
        refuse(choice, _OPTIONS, f"is for files; {dataset} has its own columns and target")
        return Loaded(*load_by_name(dataset), [])
    source = find_source(dataset)
    with readable(source):
        if source.ending.kind == ".npz":
            refuse(choice, ["columns", "drop", "sep"], NO_TABLE.format(source.name))
            return read_npz(source, choice)
        read = read_table(source, choice)
        X, y, weight = select(read.frame, source.name, choice)
        return Loaded(X, y, read.remarks, read.writing, weight)


def load_by_name(name: str) -> Data:
    """Return the input and the target of a data set in `DATASETS`."""
    try:
        return DATASETS[name].load()
    except OSError as error:
        raise CommandError(one_line(error)) from error


def find_source(dataset: str) -> Source:
    """Return the file of this name, or standard input for a dash."""
    if dataset == STDIN:
        return standard_input()
    if ending_of(dataset) is None and not Path(dataset).exists():
        raise CommandError(
            f"no data set {dataset!r}{did_you_mean(dataset, DATASETS)}; known are "
            f"{', '.join(DATASETS)} and files ending in {ENDINGS}"
        )
    return file_source(dataset)


@contextmanager
def readable(source: Source) -> Iterator[None]:
    """Turn errors of the readers of files into errors of the command."""
    try:
        yield
    except ImportError as error:
        needs = "pandas" if source.is_text else "pandas pyarrow"
        what = needs.replace(" ", " and ")
        raise CommandError(f"reading {source.name} needs {what}: pip install {needs}") from error
    except UNREADABLE as error:
        raise CommandError(f"cannot read {source.name}: {one_line(error)}") from error


def read_table(source: Source, choice: Choice) -> Read:
    """Read all columns of a file with a table."""
    if source.is_text:
        return read_text(source, choice.sep, choice.target, choice.task)
    refuse(choice, ["sep"], f"is for text files, and {source.name} is none")
    return read_parquet(source)


def refuse(choice: Choice, options: Iterable[str], reason: str) -> None:
    """Raise an error with a reason if one of some options is given."""
    for option in options:
        if getattr(choice, option) is not None:
            raise CommandError(f"--{option} {reason}")


def sample(y: Any, n: int, seed: int) -> "np.ndarray":
    """Return a random sample of row indices, stratified by the classes or the numbers in y.

    The sample is not stratified if y has several outputs.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        The target.
    n : int
        Number of rows to sample.
    seed : int
        Seed of the sample.

    Returns
    -------
    rows : ndarray of shape (n,), int
        Row indices in ascending order.
    """
    import numpy as np

    values = np.asarray(y)
    values = values if values.dtype.kind in "iuf" else values.astype(str)
    rows = np.random.default_rng(seed).permutation(len(values))
    if values.ndim == 1:
        rows = rows[np.argsort(values[rows], kind="stable")]
    # Evenly spaced positions in the order of y give a stratified sample. Ties are in random order.
    return np.sort(rows[((np.arange(n) + 0.5) * len(rows) / n).astype(int)])


def take(data: Any, rows: "np.ndarray") -> Any:
    """Return the rows of an array or a DataFrame at the given row indices."""
    return data.iloc[rows] if hasattr(data, "iloc") else data[rows]


def describe_rows(name: str, X: Any) -> str:
    """Return the name, the number of rows and the shape of a data set."""
    size = " x ".join(map(str, X.shape[1:]))
    unit = "values" if X.ndim > 2 else "column" if size == "1" else "columns"
    return f"{name}: {len(X):,} rows of {size} {unit}"
