"""Data sets that a command loads by name or from a file."""

import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from skdnn.cli.errors import CommandError, did_you_mean, listed, one_line

if TYPE_CHECKING:
    import numpy as np

Data = tuple[Any, Any]  # X, an array or a DataFrame, and y, an array or a Series
# Errors that readers raise for damaged files and for files of a different format.
_UNREADABLE = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


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


def _read_table(path: str, target: str | None, *, function: str, needs: str) -> Data:
    try:
        import pandas as pd

        frame = getattr(pd, function)(path)
    except ImportError as error:
        raise CommandError(f"reading {path} needs {needs}: pip install {needs}") from error
    if target is None:
        raise CommandError(
            f"{path} needs --target COLUMN, the column to predict; {listed(frame.columns)}"
        )
    if target not in frame.columns:
        raise CommandError(
            f"--target: {path} has no column {target!r}{did_you_mean(target, frame.columns)}; "
            f"{listed(frame.columns)}"
        )
    y = frame.pop(target)
    if missing := int(y.isna().sum()):
        raise CommandError(
            f"column {target!r} of {path} is empty in {missing:,} of {len(y):,} rows: "
            f"fill in the values or remove those rows"
        )
    if frame.columns.empty:
        raise CommandError(f"{path} has no column besides {target!r} to predict it from")
    return frame, y


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


_READERS: dict[str, Callable[[str, str | None], Data]] = {
    ".csv": partial(_read_table, function="read_csv", needs="pandas"),
    ".csv.gz": partial(_read_table, function="read_csv", needs="pandas"),
    ".parquet": partial(_read_table, function="read_parquet", needs="pandas pyarrow"),
    ".npz": _read_npz,
}


def load(dataset: str, target: str | None) -> Data:
    """Load a data set by name or from a file.

    Parameters
    ----------
    dataset : str
        A name in `DATASETS`, or the path of a file.
    target : str or None
        The column or array to predict. For files only.

    Returns
    -------
    X, y : array or DataFrame, and array or Series
        The input and the target.

    Raises
    ------
    CommandError
        If the data set is unknown or cannot be loaded or read.
    """
    if dataset in DATASETS:
        if target is not None:
            raise CommandError(f"--target is for files; {dataset} has its own target")
        try:
            return DATASETS[dataset].load()
        except OSError as error:
            raise CommandError(one_line(error)) from error
    suffix = next((end for end in _READERS if dataset.lower().endswith(end)), None)
    if suffix is None:
        raise CommandError(
            f"no data set {dataset!r}{did_you_mean(dataset, DATASETS)}; known are "
            f"{', '.join(DATASETS)} and files ending in {', '.join(_READERS)}"
        )
    if not Path(dataset).is_file():
        raise CommandError(f"there is no file {dataset}")
    try:
        return _READERS[suffix](dataset, target)
    except _UNREADABLE as error:
        raise CommandError(f"cannot read {dataset}: {one_line(error)}") from error


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
