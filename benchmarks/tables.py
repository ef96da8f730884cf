"""The tables that accuracy is measured on: a folder's, scikit-learn's own, and Fashion-MNIST.

A folder holds gzip CSV files with a header and an `index.json`, which names the `file`, `task`,
`target` and `categorical` columns of each table. The tables themselves are never committed.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.wide_tables import WIDE, make
from benchmarks.work import ROOT

VARIABLE = "SKDNN_BENCHMARK_DATA"
CLASSIFICATION, REGRESSION = "classification", "regression"
# name -> (task, its loader in sklearn.datasets); iris is too small to tell anybody apart.
OWN = {
    "breast_cancer": (CLASSIFICATION, "load_breast_cancer"),
    "wine": (CLASSIFICATION, "load_wine"),
    "digits": (CLASSIFICATION, "load_digits"),
    "diabetes": (REGRESSION, "load_diabetes"),
    "iris": (CLASSIFICATION, "load_iris"),
}
DEFAULT_OWN = ("breast_cancer", "wine", "digits", "diabetes")
IMAGES = "fashion-mnist"
ALL_WIDE = "wide"  # stands for all tables of `wide_tables.WIDE`
MANY_ROWS = 5000  # above, three folds instead of five
N_HELD_OUT = 10_000  # images to validate on, as many as there are to test on


class Table(NamedTuple):
    """Rows, targets and folds, the same for every system.

    `X` is a DataFrame with categories and missing values as they are, or an array of shape
    (n_samples, ...); `y` (n_samples,) holds float64, or the codes of the classes as int64. `folds`
    are pairs of row numbers to train on and to test on. `kind` is a task, or "images".
    """

    name: str
    kind: str
    X: Any
    y: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]

    @property
    def task(self) -> str:
        """What is asked for: classes or numbers."""
        return REGRESSION if self.kind == REGRESSION else CLASSIFICATION

    @property
    def digest(self) -> str:
        """A short name for exactly these values and folds."""
        content = hashlib.sha256(bytes_of(self.X) + self.y.tobytes())
        for fold in self.folds:
            for rows in fold:
                content.update(rows.astype(np.int64).tobytes())
        return content.hexdigest()[:12]


def default_folder() -> Path:
    """Return the folder of the environment, or the one beside the checkout."""
    return Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data")


def load(
    names: list[str] | None, folder: Path, *, rows: int, n_folds: int | None = None, seed: int = 0
) -> list[Table]:
    """Load tables by name, or all of the folder and scikit-learn's own.

    Parameters
    ----------
    names : list of str or None
        Which ones, in this order.
    folder : Path
        Where `index.json` is. It need not be there where only scikit-learn's own are asked for.
    rows : int
        The most rows of a table; a larger one is sampled, each class in proportion.
    n_folds : int or None, default=None
        None stands for 5, or 3 above 5,000 rows.
    seed : int, default=0
        Decides sample and folds.

    Returns
    -------
    tables : list of Table
    """
    index = read_index(folder, needed=names is None or not set(names) <= {*OWN, *WIDE, ALL_WIDE})
    names = [*index, *DEFAULT_OWN] if names is None else names
    if ALL_WIDE in names:
        names = [*WIDE, *(name for name in names if name != ALL_WIDE and name not in WIDE)]
    known = {**index, **OWN, **WIDE}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"Unknown table {', '.join(unknown)}; there are: {', '.join(known)}.")
    tables = []
    for name in names:
        if name in WIDE:
            tables.append(wide(name, seed))
            continue
        task, X, y = read(folder, index[name]) if name in index else own(name)
        kept = sample(y, rows, task, seed)
        X, y = take(X, kept), y[kept]
        tables.append(Table(name, task, X, y, folds(y, task, n_folds, seed)))
    return tables


def read_index(folder: Path, *, needed: bool) -> dict[str, dict[str, Any]]:
    """Return the table of contents of a folder."""
    path = folder / "index.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    if not needed:
        return {}
    raise SystemExit(
        f"There is no {path.name} in the folder of tables: name one by --data or by the "
        f"environment variable {VARIABLE}, or ask for scikit-learn's own alone by "
        f"--only-tables {','.join(DEFAULT_OWN)}."
    )


def read(folder: Path, entry: dict[str, Any]) -> tuple[str, Any, np.ndarray]:
    """Read a table of a folder: its task, X as a DataFrame, and y."""
    import pandas as pd

    frame = pd.read_csv(folder / entry["file"])
    y = frame.pop(entry["target"])
    categorical = [
        name
        for name in frame
        if name in entry["categorical"] or not pd.api.types.is_numeric_dtype(frame[name])
    ]
    X = frame.astype(dict.fromkeys(categorical, "category"))
    return entry["task"], X, target(y, entry["task"])


def wide(name: str, seed: int) -> Table:
    """Make a wide table, with one split."""
    table = make(name, seed)
    rows = np.arange(len(table.y))
    fold = rows[: table.n_train], rows[table.n_train :]
    return Table(name, table.task, table.X, table.y, [fold])


def own(name: str) -> tuple[str, np.ndarray, np.ndarray]:
    """Load one of scikit-learn's own."""
    from sklearn import datasets

    task, loader = OWN[name]
    X, y = getattr(datasets, loader)(return_X_y=True)
    return task, X, target(y, task)


def target(y: Any, task: str) -> np.ndarray:
    """Return float64, or the codes of the classes."""
    if task == REGRESSION:
        return np.asarray(y, dtype=np.float64)
    return np.unique(np.asarray(y), return_inverse=True)[1].astype(np.int64)


def images(n_train: int, *, test: bool, seed: int = 0) -> Table:
    """Load Fashion-MNIST with one fold.

    Parameters
    ----------
    n_train : int
        The most images to train on.
    test : bool
        Whether to test on the test set; if not, on 10,000 of the training images, the same ones
        for every `n_train`.
    seed : int, default=0
        Decides which images.

    Returns
    -------
    table : Table
    """
    from sklearn.model_selection import train_test_split

    from skdnn.datasets import load_fashion_mnist

    X, y = load_fashion_mnist(split="all" if test else "train", return_X_y=True)
    rows = np.arange(len(y))
    if test:
        train, held_out = rows[:-N_HELD_OUT], rows[-N_HELD_OUT:]
    else:
        train, held_out = train_test_split(
            rows, test_size=N_HELD_OUT, stratify=y, random_state=seed
        )
    train = train[sample(y[train], n_train, CLASSIFICATION, seed)]
    return Table(IMAGES, "images", X, y, [(np.sort(train), np.sort(held_out))])


def sample(y: np.ndarray, rows: int, task: str, seed: int) -> np.ndarray:
    """Choose rows, in their order; each class in proportion, as far as rows suffice."""
    from sklearn.model_selection import train_test_split

    everything = np.arange(len(y))
    if rows >= len(y):
        return everything
    splits = task == CLASSIFICATION and np.bincount(y).min() > 1
    splits = splits and len(np.unique(y)) <= min(rows, len(y) - rows)
    kept, _ = train_test_split(
        everything, train_size=rows, stratify=y if splits else None, random_state=seed
    )
    return np.sort(kept)


def folds(
    y: np.ndarray, task: str, n_folds: int | None, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the folds: shuffled, and with each class in proportion."""
    from sklearn.model_selection import KFold, StratifiedKFold

    kind: Callable = StratifiedKFold if task == CLASSIFICATION else KFold
    n_folds = n_folds or (3 if len(y) > MANY_ROWS else 5)
    return list(kind(n_folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))


def take(X: Any, rows: np.ndarray) -> Any:
    """Return rows of an array or a DataFrame."""
    return X.iloc[rows].reset_index(drop=True) if hasattr(X, "iloc") else X[rows]


def bytes_of(X: Any) -> bytes:
    """Return what tells X from any other."""
    if not hasattr(X, "iloc"):
        return str(X.shape).encode() + X.tobytes()
    from pandas.util import hash_pandas_object

    head = str([(name, str(dtype)) for name, dtype in X.dtypes.items()])
    return head.encode() + hash_pandas_object(X, index=False).to_numpy().tobytes()
