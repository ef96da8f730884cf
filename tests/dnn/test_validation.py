"""Splitters, pairs of indices and "time" as `validation` of the DNN estimators."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import skdnn
from skdnn import DNNClassifier, DNNRegressor
from skdnn.dnn import fit as fit_module
from skdnn.dnn.prepare import weigh_rows

N = 120


@pytest.fixture(scope="module")
def table():
    X, y = make_classification(N, 5, n_informative=3, random_state=0)
    return X, y, np.arange(N) // 6


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:N], y[:N]


@pytest.fixture
def rows(monkeypatch):
    """The training rows and the weights of each fit."""
    seen = []

    def spy(*args):
        seen.append(weigh_rows(*args))
        return seen[-1]

    monkeypatch.setattr(fit_module, "weigh_rows", spy)
    return seen


def quick(cls=DNNClassifier, **params):
    defaults = {"learning_rate": 0.02, "early_stopping": True, "epochs": 2, "random_state": 0}
    return cls((6,), **{**defaults, **params})


def sides(data):
    """The rows on which each member is trained, and those on which it is validated."""
    trained = [set(np.flatnonzero(w)) & set(data.rows) for w in data.weight.T]
    held_out = [set(np.flatnonzero(w)) for w in data.validation[2].T]
    return trained, held_out


def expected(pairs):
    return tuple([set(pair[side]) for pair in pairs] for side in (0, 1))


# ------------------------------------------------------------------------- the folds

SPLITTERS = [
    KFold(3),
    StratifiedKFold(3, shuffle=True, random_state=1),
    GroupKFold(4),
    StratifiedGroupKFold(3),
    ShuffleSplit(3, test_size=0.2, random_state=0),
    GroupShuffleSplit(3, random_state=0),
    TimeSeriesSplit(5),
    TimeSeriesSplit(4, gap=3, max_train_size=30),
]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=repr)
def test_members_have_the_last_folds_of_a_splitter(table, rows, splitter):
    X, y, groups = table
    grouped = "Group" in type(splitter).__name__
    quick(n_members=3, validation=splitter).fit(X, y, groups=groups if grouped else None)
    pairs = list(splitter.split(X, y, groups if grouped else None))[-3:]
    trained, held_out = sides(rows[0])
    assert (trained, held_out) == expected(pairs)
    assert not any(map(set.intersection, trained, held_out))
    if isinstance(splitter, TimeSeriesSplit):
        assert all(max(t) < min(h) for t, h in zip(trained, held_out, strict=True))
    if grouped:
        for t, h in zip(trained, held_out, strict=True):
            assert not set(groups[list(t)]) & set(groups[list(h)])
    assert set(rows[0].rows) == set().union(*trained)
    assert set(rows[0].held_out - N) == set().union(*held_out)


def test_weights_have_mean_one_for_each_member(table, rows):
    X, y, _ = table
    quick(n_members=3, validation=TimeSeriesSplit(5)).fit(X, y, np.linspace(1, 2, N))
    data = rows[0]
    np.testing.assert_allclose(data.weight[data.rows].mean(axis=0), 1)


@pytest.mark.parametrize(
    ("validation", "n_members", "used"),
    [(KFold(2), 3, [0, 1, 0]), (KFold(6), 2, [4, 5]), (4, 4, [0, 1, 2, 3])],
    ids=str,
)
def test_folds_are_used_repeatedly_or_the_last_ones(diabetes, rows, validation, n_members, used):
    X, y = diabetes
    model = quick(DNNRegressor, n_members=n_members, validation=validation, monitor="r2")
    model.set_params(parametrization="both").fit(X, y)
    splitter = validation if isinstance(validation, KFold) else KFold(validation)
    pairs = list(splitter.split(X))
    assert sides(rows[0]) == expected([pairs[i] for i in [*used, *used]])
    outputs = model._network.targets.decode(
        model._network.uncalibrated().forward(X, of_members=True).reshape(-1, 1)
    ).reshape(2 * n_members, N)
    own = rows[0].validation[2].T > 0
    held_out = own.any(axis=0)
    predicted = np.average(outputs[:, held_out], axis=0, weights=own[:, held_out])
    assert model.best_score_ == pytest.approx(r2_score(y[held_out], predicted), abs=1e-4)


def test_the_loss_is_that_of_the_folds(table):
    X, y, _ = table
    pairs = [(np.arange(60), np.arange(60, 100)), (np.arange(40, 120), np.arange(0, 20))]
    model = quick(n_members=2, validation=pairs).fit(X, y)
    each = model._network.uncalibrated().forward(X, of_members=True)
    losses = [log_loss(y[h], each[i][h], labels=[0, 1]) for i, (_, h) in enumerate(pairs)]
    assert -model.best_score_ == pytest.approx(np.average(losses, weights=[40, 20]), rel=1e-4)


def test_a_single_network_and_members_that_share_weights_use_the_last_fold(table, rows):
    X, y, _ = table
    frame = pd.DataFrame(X).assign(c=np.where(X[:, 0] > 0, "a", "b"))
    frame.columns = frame.columns.astype(str)
    frame.loc[N - 5 :, "c"] = "z"  # a category of held-out rows only
    splitter = TimeSeriesSplit(3)
    quick(validation=splitter).fit(X, y)
    quick(validation=splitter, n_members=2, numeric_embedding="periodic").fit(X, y)
    model = quick(validation=splitter, n_members=2).fit(frame, y)
    trained, held_out = list(splitter.split(X))[-1]
    for data in rows:
        np.testing.assert_array_equal(data.rows, trained)
        np.testing.assert_array_equal(data.held_out, held_out)
        assert not data.by_member
    assert model._network.columns.encoders[5].values == ["a", "b"]


@pytest.mark.parametrize("n_members", [1, 2])
def test_time_holds_out_the_last_rows_from_all_members(table, rows, n_members):
    X, y, _ = table
    weight = np.r_[np.zeros(20), np.ones(80), np.zeros(20)]
    params = {"n_members": n_members, "validation": "time", "validation_fraction": 0.25}
    quick(**params).fit(X, y).fit(X, y, weight)
    quick(n_members=n_members, validation="time").fit(X, y)
    ends = [(0, 90, 120), (20, 80, 100), (0, 108, 120)]
    for data, (first, middle, last) in zip(rows, ends, strict=True):
        np.testing.assert_array_equal(data.rows, np.arange(first, middle))
        np.testing.assert_array_equal(data.held_out, np.arange(middle, last))


def test_pairs_are_rows_of_x_and_masks_and_repetitions_count(table, rows):
    X, y, _ = table
    weight = np.ones(N)
    weight[[3, 70]] = 0
    mask = np.arange(N) < 60
    quick(n_members=2, validation=[(mask, ~mask), (np.r_[0, 0, 1:60], [60, 61])]).fit(X, y, weight)
    trained, held_out = sides(rows[0])
    assert trained == [set(range(60)) - {3}] * 2
    assert held_out == [set(range(60, N)) - {70}, {60, 61}]
    own = rows[0].weight[:, 1]
    assert own[0] == pytest.approx(2 * own[1])


def test_a_splitter_sees_the_rows_with_weight_as_they_were_passed(table):
    X, y, groups = table
    frame, weight = pd.DataFrame(X, columns=[*"abcde"]), np.r_[np.zeros(30), np.ones(90)]
    seen = []

    class Recorder(KFold):
        def split(self, X, y=None, groups=None):
            seen.append((X, y, groups))
            return super().split(X)

    quick(validation=Recorder(3)).fit(frame, y, weight, groups=groups)
    (X_seen, y_seen, groups_seen), *_ = seen
    pd.testing.assert_frame_equal(X_seen, frame[30:])
    np.testing.assert_array_equal(y_seen, y[30:])
    np.testing.assert_array_equal(groups_seen, groups[30:])
    assert quick(validation=Recorder(3)).fit(csr_matrix(X), y).n_iter_ == 2


def test_without_early_stopping_the_folds_are_only_evaluated(table):
    X, y, _ = table
    model = quick(validation=KFold(3), n_members=3, early_stopping=False).fit(X, y)
    assert len(model.history_["val_loss"]) == 2
    assert not hasattr(model, "best_epoch_")
    given = quick(validation=KFold(3)).fit(X, y, X_val=X[:9], y_val=y[:9])
    assert given.best_score_ == pytest.approx(
        -log_loss(y[:9], given.predict_proba(X[:9])), rel=1e-5
    )


# ---------------------------------------------------------------------------- no leaks


@pytest.mark.parametrize(
    ("validation", "n_members"),
    [("time", 1), ("time", 2), (TimeSeriesSplit(3), 1), (TimeSeriesSplit(3), 3), (KFold(4), 1)],
    ids=str,
)
def test_nothing_is_fitted_on_rows_held_out_from_all(diabetes, validation, n_members):
    X, y = diabetes
    model = quick(DNNRegressor, validation=validation, n_members=n_members).fit(X, y)
    last = {"time": 12}.get(str(validation), 30)
    poisoned, strange = X.copy(), y.copy()
    poisoned[-last:], strange[-last:] = 1e3, np.linspace(-1e3, 1e3, last)
    other = clone(model).fit(poisoned, strange)
    for name in ("offset", "scale"):
        a, b = (getattr(m._network.inputs, name) for m in (model, other))
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model._network.targets.mean, other._network.targets.mean)
    assert other.history_["loss"] == model.history_["loss"]
    assert other.history_["val_loss"] != model.history_["val_loss"]


def test_no_member_learns_from_rows_later_than_those_it_is_validated_on(diabetes):
    X, y = diabetes
    model = quick(DNNRegressor, validation=TimeSeriesSplit(3), n_members=3, scaling=None)
    model.fit(X, y)
    later = y.copy()
    later[60:90] = later[60:90][::-1]  # of the training rows, those of the last member only
    other = clone(model).fit(X, later)
    pairs = zip(model._network.state.weights, other._network.state.weights, strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a[:2], b[:2], rtol=1e-4, atol=1e-6)
        assert not np.allclose(a[2], b[2])


def test_columns_that_only_a_leak_could_use_give_chance():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 5)
    X, y = rng.normal(size=(60, 30))[groups], rng.integers(2, size=60)[groups]
    model = quick(monitor="roc_auc", n_members=4, epochs=15, learning_rate=0.05)
    leaking = clone(model).set_params(validation=KFold(4, shuffle=True, random_state=0)).fit(X, y)
    honest = clone(model).set_params(validation=GroupKFold(4)).fit(X, y, groups=groups)
    assert leaking.best_score_ > 0.9
    assert 0.3 < np.mean(honest.validation_scores_) < 0.7
    proba = honest._network.uncalibrated().forward(X, of_members=True)
    pairs = GroupKFold(4).split(X, y, groups)
    out_of_fold = np.empty(len(y))
    for i, (_, held_out) in enumerate(pairs):
        out_of_fold[held_out] = proba[i][held_out, 1]
    assert honest.best_score_ == pytest.approx(roc_auc_score(y, out_of_fold), abs=1e-4)


# ------------------------------------------------------------------------------ errors


def without_class(y):
    return [(np.flatnonzero(y == 0), np.flatnonzero(y == 1))]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"validation": GroupKFold(3)}, r"cannot split .*groups.*pass fit the group labels"),
        ({"validation": KFold(500)}, r"KFold\(.* cannot split the 120 rows: .*n_splits=500"),
        ({"validation": "last"}, "'validation' parameter of DNNClassifier must be .*'time'"),
        ({"validation": 1}, "'validation' parameter of DNNClassifier must be an int in the range"),
        ({"validation": []}, r"has no pair \(training, held-out\) of row indices"),
        ({"validation": [([0, 1], [])]}, "Fold 0 of validation of DNNClassifier has no row to hol"),
        ({"validation": [([], [0, 1])]}, "Fold 0 .* has no row to train on: use fewer folds"),
        ({"validation": [([0, 1, 2], [2, 3])]}, "trains on rows that it holds out, such as row 2"),
        ({"validation": [([0, 1], [120])]}, "indices from 120 to 120, but the data have 120 rows"),
        ({"validation": [([0, -1], [2])]}, "indices from -1 to 0, .*pass a splitter instead"),
        ({"validation": [([0.5], [2])]}, "arrays of row indices. Got .* dtype float64"),
        ({"validation": [[0, 1, 2]]}, r"must be a pair \(training, held-out\)"),
        ({"validation": [3, 4]}, r"must be a pair \(training, held-out\) .*Got 3"),
        ({"validation": without_class}, "leaves no row of the class 1 to train on in a fold"),
        (
            {"validation": KFold(3), "validation_fraction": 0.2},
            "validation_fraction=0.2 of DNNClassifier has no meaning",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_clear_error_before_training(table, params, message, monkeypatch):
    monkeypatch.setattr("skdnn._training.trainer.train", None)
    X, y, _ = table
    if callable(params["validation"]):
        params = {"validation": params["validation"](y)}
    with pytest.raises(ValueError, match=message):
        quick(**params).fit(X, y)


def test_a_generator_can_be_used_once(table):
    X, y, _ = table
    model = quick(validation=KFold(3).split(X)).fit(X, y)
    with pytest.raises(ValueError, match="generator can be used once only"):
        model.fit(X, y)


def test_groups_that_are_not_used_are_a_warning(table):
    X, y, groups = table
    with pytest.warns(UserWarning, match="groups are ignored by validation='time'"):
        quick(validation="time").fit(X, y, groups=groups)


def test_chunks_need_validation_data(table):
    X, y, _ = table
    with pytest.raises(ValueError, match="excludes validation: pass X_val and y_val"):
        quick(validation="time").fit([(X, y)], X_val=X, y_val=y)


def test_a_single_row_cannot_be_split(diabetes):
    with pytest.raises(ValueError, match=r"validation='time' .* needs at least 2 rows"):
        quick(DNNRegressor, validation="time").fit(diabetes[0][:1], [1.0])


# ------------------------------------------------------------- copies, files and routing


def test_it_survives_copies_and_files(table, tmp_path):
    X, y, _ = table
    model = quick(validation=StratifiedKFold(3)).fit(X, y)
    for other in (clone(model), pickle.loads(pickle.dumps(model))):
        assert repr(other.validation) == repr(model.validation)
    with pytest.raises(TypeError, match=r"'validation' parameter .*set_params\(validation=None\)"):
        skdnn.save(model, tmp_path / "model.skdnn")
    for value in ("time", 5, None):
        skdnn.save(model.set_params(validation=value), tmp_path / "model.skdnn")
        loaded = skdnn.load(tmp_path / "model.skdnn")
        assert loaded.validation == value
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def test_groups_are_routed_to_the_splitter(table, rows):
    X, y, groups = table
    with sklearn.config_context(enable_metadata_routing=True):
        net = quick(validation=GroupKFold(3), n_members=2).set_fit_request(groups=True)
        pipe = Pipeline([("scale", StandardScaler()), ("net", net)])
        grid = {"net__monitor": ["loss", "roc_auc"], "net__time_limit": [None, 900]}
        search = GridSearchCV(pipe, grid, cv=GroupKFold(2), scoring="roc_auc")
        search.fit(X, y, groups=groups)
    assert len(rows) == 2 * 4 + 1
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    trained, held_out = sides(rows[-1])
    for t, h in zip(trained, held_out, strict=True):
        assert not set(groups[list(t)]) & set(groups[list(h)])
