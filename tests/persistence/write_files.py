"""Writes the files of `tests/persistence/files`, which every later version of skdnn reads.

Run it once for each version of the format, from the root of the project::

    python tests/persistence/write_files.py

Each `.skdnn` file is small, and has an `.npz` file beside it with X and the predictions. A file
that is there is never written again: it shows that files of that time are still read.
"""

import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

import skdnn
from skdnn import DNNClassifier, DNNRegressor

FOLDER = Path(__file__).parent / "files" / "version_1"
N = 40
SIZE = {"hidden_layer_sizes": (3,), "epochs": 2, "random_state": 0}


def table(rng):
    """A table with a column of each kind."""
    return pd.DataFrame(
        {
            "size": np.where(rng.random(N) < 0.2, np.nan, rng.normal(size=N)),
            "town": rng.choice(np.array(["Bonn", "Köln", None], object), N),
            "grade": pd.Categorical(rng.choice(["a", "b", "c"], N)),
            "owner": rng.random(N) < 0.5,
            "id": rng.integers(2**53, 2**53 + 4, N),
            "price": [Decimal(int(i)) / 7 for i in rng.integers(0, 4, N)],
        }
    )


def models():
    """Yield a name, an estimator, X, y, and the options of `save`."""
    rng = np.random.default_rng(0)
    X, y, number = rng.normal(size=(N, 3)), rng.integers(0, 3, N), rng.normal(size=N)
    two, positive = rng.integers(0, 2, N), np.abs(number) + 0.1
    frame = table(rng)
    own = {"categorical_features": [*frame.columns[1:]]}
    yield "classes", DNNClassifier(**SIZE), X, np.array(["aa", "b", "c"])[y], {}
    yield "integers", DNNClassifier(scaling="minmax", **SIZE), X, y + 2**62, {}
    yield "booleans", DNNClassifier(scaling="robust", **SIZE), X, two > 0, {}
    yield "dates", DNNClassifier(scaling=None, **SIZE), X, np.array([0, 1], "M8[D]")[two], {}
    yield "multilabel", DNNClassifier(**SIZE), X, rng.integers(0, 2, (N, 2)), {}
    yield "table", DNNClassifier(one_hot_max_size=3, **own, **SIZE), frame, two, {}
    yield "embedded", DNNClassifier(numeric_embedding="periodic", **own, **SIZE), frame, two, {}
    yield "images", DNNClassifier(batch_norm=True, **SIZE), rng.random((N, 2, 3)), y, {}
    yield "sparse", DNNClassifier(**SIZE), sparse.random(N, 5, 0.5, "csr", random_state=0), y, {}
    yield "times", DNNClassifier(**SIZE), rng.integers(10**18, 10**18 + 1000, (N, 2)), y, {}
    yield "mean", DNNRegressor(dtype="float64", **SIZE), X, number, {"metadata": {"target": "y"}}
    yield "columns", DNNRegressor(loss="absolute_error", **SIZE), X, np.c_[number, two], {}
    yield "positive", DNNRegressor(loss="poisson", **SIZE), X, positive, {}
    yield "own_units", DNNRegressor(loss="mean_squared_logarithmic_error", **SIZE), X, positive, {}
    levels = {"loss": "quantile", "quantile": [0.1, 0.9], "n_members": 2}
    yield "quantiles", DNNRegressor(**levels, **SIZE), X, number, {}
    yield "quantile", DNNRegressor(loss="quantile", quantile=0.3, **SIZE), X, number, {}
    both = {"parametrization": "both", "n_members": 2, "early_stopping": True}
    binned = {"numeric_embedding": "piecewise_linear", "blend": "greedy", "preset": "fast"}
    yield "ensemble", DNNClassifier(**both, **binned, **SIZE), X, two, {}
    yield "variance", DNNRegressor(clip=True, **both, **SIZE), X, number, {}
    resume = {"dropout": 0.2, "warm_start": True, "early_stopping": True}
    yield "resume", DNNClassifier(**resume, **SIZE), X, two, {"profile": "resume"}


def write(name, model, X, y, options):
    """Write the file of an estimator, and the file with its X and predictions."""
    path = FOLDER / f"{name}.skdnn"
    if path.exists():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    skdnn.save(model, path, **options)
    rows = X.iloc[:8] if hasattr(X, "iloc") else X[:8]
    found = {"predict": model.predict(rows)}
    if isinstance(model, DNNClassifier):
        found["predict_proba"] = model.predict_proba(rows)
    if name == "variance":
        found["std"] = model.predict(rows, return_std=True)[1]
    if hasattr(rows, "columns"):
        found |= {f"column_{i}": text_of(rows.iloc[:, i]) for i in range(rows.shape[1])}
        found["names"] = np.array(rows.columns, str)
    else:
        found["X"] = rows.toarray() if sparse.issparse(rows) else rows
    np.savez_compressed(path.with_suffix(".npz"), **found)


def text_of(column):
    """Return a column as an array of text, in which a missing value is "missing"."""
    return np.array(["missing" if pd.isna(v) else str(v) for v in column.astype(object)])


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for model in models():
        write(*model)
