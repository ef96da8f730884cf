"""Data sets that a command loads by name or from a file."""

import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skdnn.cli.errors import CommandError, did_you_mean, listed, one_line
from skdnn.cli.tables import PACKED, read_parquet, read_text, select

if TYPE_CHECKING:
    import numpy as np

Data = tuple[Any, Any]  # X, an array or a DataFrame, and y, an array or a Series
# Errors that readers raise for damaged files and for files of a different format.
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
_TEXT = {".csv": ",", ".tsv": "\t"}  # ending -> usual separator
ENDINGS = f".csv and .tsv (also {', '.join(PACKED)} of these), .parquet, .npz"


class Choice(NamedTuple):
    """What to read from a file: the target, the input columns, and the separator of the fields.

    None for the choice of the reader.
    """

    target: str | None = None
    columns: list[str] | None = None
    drop: list[str] | None = None
    sep: str | None = None


class Loaded(NamedTuple):
    """A data set, and remarks on how its file was read."""

    X: Any
    y: Any
    remarks: list[str]


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
    "digits": NamedData("1,797 images of handwritten digits, 8 x 8 (the default)", _digits),
    "fashion-mnist": NamedData("60,000 images of clothes, 28 x 28", _fashion_mnist),
    "iris": NamedData("150 flowers of 3 species", partial(_toy, "iris")),
    "wine": NamedData("178 wines of 3 growers", partial(_toy, "wine")),
    "breast-cancer": NamedData("569 tumours, 2 classes", partial(_toy, "breast_cancer")),
    "diabetes": NamedData("442 patients, a numeric target", partial(_toy, "diabetes")),
}


def _read_npz(path: str, target: str | None) -> Data:
    import numpy as np

    if not zipfile.is_zipfile(path):
        raise CommandError(f"cannot read {path}: it is not an NPZ archive")
    with np.load(path, allow_pickle=False) as archive:
        names = archive.files
        target = "y" if target is None else target
        if target not in names:
            raise CommandError(
                f"{path} has no array {target!r} to predict{did_you_mean(target, names)}; "
                f"{listed(names)}; choose with --target"
            )
        others = [name for name in names if name != target]
        source = next((name for name in ("X", "x") if name in others), others[0] if others else "")
        if not source or (source not in ("X", "x") and len(others) > 1):
            raise CommandError(f"{path} must hold the input as an array X; {listed(names)}")
        X, y = archive[source], archive[target]
    if X.ndim < 2 or y.ndim < 1 or len(X) != len(y):
        raise CommandError(
            f"{path}: {source} must have a row for each value of {target}; "
            f"their shapes are {X.shape} and {y.shape}"
        )
    return X, y


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
        _refuse(choice, Choice._fields, f"is for files; {dataset} has its own columns and target")
        try:
            return Loaded(*DATASETS[dataset].load(), [])
        except OSError as error:
            raise CommandError(one_line(error)) from error
    ending = _ending(dataset)
    if ending is None:
        raise CommandError(
            f"cannot read {dataset}: the name of a file must end in {ENDINGS}"
            if Path(dataset).exists()
            else f"no data set {dataset!r}{did_you_mean(dataset, DATASETS)}; known are "
            f"{', '.join(DATASETS)} and files ending in {ENDINGS}"
        )
    if not Path(dataset).is_file():
        raise CommandError(f"there is no file {dataset}")
    try:
        return _read(dataset, ending, choice)
    except _UNREADABLE as error:
        raise CommandError(f"cannot read {dataset}: {one_line(error)}") from error


def _ending(path: str) -> str | None:
    """Return the ending that decides how to read a file, without that of a compression."""
    name = path.lower()
    packed = next((end for end in PACKED if name.endswith(end)), "")
    known = _TEXT if packed else [*_TEXT, ".parquet", ".npz"]
    return next((end for end in known if name.removesuffix(packed).endswith(end)), None)


def _read(path: str, ending: str, choice: Choice) -> Loaded:
    if ending == ".npz":
        _refuse(choice, ["columns", "drop", "sep"], f"is for tables, and {path} has arrays")
        return Loaded(*_read_npz(path, choice.target), [])
    try:
        if ending in _TEXT:
            frame, remarks = read_text(path, choice.sep, _TEXT[ending])
        else:
            _refuse(choice, ["sep"], f"is for text files, and {path} is none")
            frame, remarks = read_parquet(path)
    except ImportError as error:
        needs = "pandas" if ending in _TEXT else "pandas pyarrow"
        raise CommandError(f"reading {path} needs {needs}: pip install {needs}") from error
    return Loaded(*select(frame, path, choice.target, choice.columns, choice.drop), remarks)


def _refuse(choice: Choice, options: Iterable[str], reason: str) -> None:
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
