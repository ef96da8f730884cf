"""Every version of skdnn reads the files that earlier ones have written."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

import skdnn
from skdnn.persistence.info import read_info

pytestmark = pytest.mark.quick

FILES = sorted((Path(__file__).parent / "files").rglob("*.skdnn"))
TYPES = {"size": float, "owner": lambda text: text == "True", "id": int, "price": Decimal}


def rows_of(name, known):
    """X, as it was when the file was written."""
    if "X" in known:
        return sparse.csr_matrix(known["X"]) if name == "sparse" else known["X"]
    columns = {}
    for i, column in enumerate(known["names"].tolist()):
        make = TYPES.get(column, str)
        values = [None if v == "missing" else make(v) for v in known[f"column_{i}"].tolist()]
        columns[column] = pd.Series(values, dtype=float if column == "size" else object)
    return pd.DataFrame(columns)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_predictions_are_those_of_the_time_of_writing(path):
    known = np.load(path.with_suffix(".npz"))
    model, X = skdnn.load(path), rows_of(path.stem, known)
    found = {"predict": model.predict(X)}
    if "predict_proba" in known:
        found["predict_proba"] = model.predict_proba(X)
    if "std" in known:
        found["std"] = model.predict(X, return_std=True)[1]
    for name, values in found.items():
        assert values.dtype == known[name].dtype
        if values.dtype.kind == "f":
            assert_allclose(values, known[name], rtol=1e-5, atol=1e-6)
        else:
            assert_array_equal(values, known[name])
    assert read_info(path).n_iter == model.n_iter_ == 2


def test_there_are_files():
    assert len(FILES) >= 19


def test_training_goes_on_from_a_file_of_the_time():
    (path,) = (path for path in FILES if path.stem == "resume")
    X = np.load(path.with_suffix(".npz"))["X"]
    model = skdnn.load(path)
    assert model.partial_fit(X, np.resize(model.classes_, len(X))).n_iter_ == 3
