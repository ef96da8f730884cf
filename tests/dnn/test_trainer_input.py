"""What the trainer takes. Row indices are checked once, because fetching rows does not check."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import check_indices
from skdnn.dnn import prepare, trainer_input

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X[:, 0] + 1.0
FORMS = {
    "float64": X,
    "float32": X.astype("float32"),
    "uint8": (X * 50 + 128).astype("uint8"),
    "missing": np.where(X > 2, np.nan, X),
    "by_columns": np.asfortranarray(X, dtype="float32"),
    "sparse": csr_array(X),
}


def split_with(monkeypatch, training, held_out):
    """Replaces the split by one with an error in it."""
    indices = np.array(training), np.array(held_out)
    monkeypatch.setattr(prepare, "hold_out", lambda *_: indices)


def regressor(**changes):
    return DNNRegressor((3,), epochs=4, validation_fraction=0.2, random_state=0, **changes)


@pytest.mark.parametrize("X", FORMS.values(), ids=list(FORMS))
def test_one_held_out_row_too_many_is_an_error(monkeypatch, X):
    split_with(monkeypatch, range(25), range(25, 31))
    with pytest.raises(IndexError, match=r"held-out rows must be between 0 and 29.* Got 25 to 30"):
        regressor().fit(X, Y)


@pytest.mark.parametrize("part", ["training", "held-out"])
def test_a_negative_index_is_an_error(monkeypatch, part):
    rows, held_out = np.arange(25), np.arange(25, 30)
    (rows if part == "training" else held_out)[0] = -1
    split_with(monkeypatch, rows, held_out)
    with pytest.raises(IndexError, match=f"indices of the {part} rows .* Got -1 to"):
        regressor().fit(X, Y)


def test_the_indices_of_validation_data_are_checked_too(monkeypatch):
    rows = prepare.TrainingRows
    monkeypatch.setattr(
        prepare, "TrainingRows", lambda *a: rows(*a)._replace(held_out=np.arange(30, 41))
    )
    with pytest.raises(IndexError, match="held-out rows must be between 30 and 39"):
        DNNRegressor((3,), epochs=2).fit(X, Y, X_val=X[:10], y_val=Y[:10])


@pytest.mark.parametrize(
    ("estimator", "y"),
    [
        (regressor(), Y),
        (DNNClassifier((3,), epochs=4, early_stopping=True, random_state=0), Y > 1),
        (DNNRegressor(epochs=2, n_members=8, random_state=0), Y),
    ],
    ids=["held_out", "early_stopping", "folds"],
)
def test_right_indices_are_checked_once_in_a_fit(monkeypatch, estimator, y):
    checked = []
    monkeypatch.setattr(
        trainer_input, "check_indices", lambda *a: (checked.append(a[-1]), check_indices(*a))
    )
    estimator.fit(X, y)
    assert checked == ["training", "held-out"]


def test_no_indices_are_right():
    check_indices(np.array([], int), 0, 0, "held-out")
    check_indices(np.array([0, 4]), 0, 5, "training")
    with pytest.raises(IndexError, match=r"the data have 5 such rows. Got 0 to 5"):
        check_indices(np.array([0, 5]), 0, 5, "training")
