"""Scorers of scikit-learn as `monitor` of the DNN estimators."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification, make_multilabel_classification
from sklearn.metrics import (
    f1_score,
    get_scorer,
    log_loss,
    make_scorer,
    max_error,
    roc_auc_score,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skdnn
from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import folds, hold_out
from skdnn._training.schedules import Schedule


@pytest.fixture(scope="module")
def binary():
    X, y = make_classification(240, 6, n_informative=3, flip_y=0.2, random_state=0)
    return X, np.where(y == 1, "yes", "no")


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return X[:240], y[:240]


def quick(cls=DNNClassifier, **params):
    defaults = {"learning_rate": 0.02, "early_stopping": True, "epochs": 8, "random_state": 0}
    return cls((8,), **{**defaults, **params})


def positive_share(estimator, X, y):
    """A function of the user, which reads the estimator and its predictions."""
    assert len(X) == len(y)
    proba = estimator.predict_proba(X)
    return float(np.mean(proba[:, list(estimator.classes_).index("yes")][y == "yes"]))


# ------------------------------------------------------------------ the value of a scorer

SCORERS = {
    "roc_auc": "roc_auc",
    "neg_log_loss": "neg_log_loss",
    "balanced_accuracy": "balanced_accuracy",
    "accuracy": get_scorer("accuracy"),
    "f1": make_scorer(f1_score, pos_label="yes"),
    "loss": make_scorer(log_loss, greater_is_better=False, response_method="predict_proba"),
    "function": positive_share,
}


@pytest.mark.parametrize("name", SCORERS)
def test_the_best_score_is_that_of_the_scorer_by_hand(binary, name):
    X, y = binary
    scorer = SCORERS[name]
    model = quick(monitor=scorer, epochs=4).fit(X[:160], y[:160], X_val=X[160:], y_val=y[160:])
    scorer = get_scorer(scorer) if isinstance(scorer, str) else scorer
    expected = scorer(model, X[160:], y[160:])
    assert model.best_score_ == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(model.history_["val_score"], model.validation_scores_)
    assert model.best_epoch_ == np.argmax(model.validation_scores_) + 1


@pytest.mark.parametrize("scorer", ["r2", "neg_root_mean_squared_error", "neg_max_error"])
def test_regression_scorers_on_rows_held_out(diabetes, scorer):
    X, y = diabetes
    model = quick(DNNRegressor, monitor=scorer, epochs=4).fit(X, y)
    _, rows = hold_out(np.arange(len(y)), None, 0.1, model._continuation.split_seed)
    expected = get_scorer(scorer)(model, X[rows], y[rows])
    assert model.best_score_ == pytest.approx(expected, rel=1e-4)
    assert model.best_score_ == np.max(model.validation_scores_)


def test_the_epoch_that_is_kept_depends_on_the_scorer(binary):
    X, y = binary

    def latest(estimator, X, y):  # the lower the mean confidence, the better
        return -float(estimator.predict_proba(X).max(axis=1).mean())

    model = quick(monitor=latest, n_iter_no_change=3).fit(X, y)
    assert model.n_iter_ == model.best_epoch_ + 3 < 8


@pytest.mark.parametrize("parametrization", ["standard", "both"])
def test_members_are_scored_on_rows_that_they_have_not_seen(binary, parametrization):
    X, y = binary
    model = quick(n_members=2, parametrization=parametrization, monitor="roc_auc", epochs=4)
    model.fit(X, y)
    codes = np.unique(y, return_inverse=True)[1]
    fold = folds(codes, np.random.default_rng(model._continuation.split_seed))
    network = model._network.uncalibrated()
    each = network.forward(X, of_members=True).reshape(-1, 2, len(y), 2)
    rows = fold < 2
    held_out = each.mean(axis=0)[fold[rows], np.flatnonzero(rows)]  # over the architectures
    expected = roc_auc_score(y[rows], held_out[:, 1])
    assert model.best_score_ == pytest.approx(expected, abs=1e-4)


def test_scores_are_computed_only_after_epochs_that_can_be_kept(binary):
    calls = []

    def counted(estimator, X, y):
        calls.append(len(y))
        return float(np.mean(estimator.predict(X) == y))

    model = quick(monitor=counted, learning_rate_schedule="coslog4", epochs=40, batch_size=128)
    model.set_params(n_iter_no_change=40).fit(*binary)
    ends = Schedule("coslog4").ends_of_cycles(40)
    scored = np.flatnonzero(np.isfinite(model.validation_scores_)) + 1
    assert set(scored) == ends
    assert calls == [24] * len(ends)
    assert model.best_epoch_ in ends
    assert len(model.history_["val_loss"]) == np.isfinite(model.history_["val_loss"]).sum() == 40


# ----------------------------------------------------------------------------- weights


def test_sample_weights_count_if_the_scorer_takes_them(binary):
    X, y = binary
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    given = {"X_val": X[160:], "y_val": y[160:], "sample_weight_val": weight[160:]}
    model = quick(monitor="neg_log_loss", epochs=3, class_weight="balanced")
    model.fit(X[:160], y[:160], weight[:160], **given)
    expected = -log_loss(y[160:], model.predict_proba(X[160:]), sample_weight=weight[160:])
    assert model.best_score_ == pytest.approx(expected, rel=1e-5)


def test_sample_weights_of_rows_held_out(diabetes):
    X, y = diabetes
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    model = quick(DNNRegressor, monitor="r2", epochs=3).fit(X, y, weight)
    used = np.flatnonzero(weight)
    _, rows = hold_out(used, None, 0.1, model._continuation.split_seed)
    expected = model.score(X[rows], y[rows], weight[rows])
    assert model.best_score_ == pytest.approx(expected, rel=1e-4)


def test_a_scorer_without_weights_gets_none(diabetes):
    X, y = diabetes
    given = {"X_val": X[160:], "y_val": y[160:], "sample_weight_val": np.ones(80)}
    scorer = make_scorer(max_error, greater_is_better=False)
    model = quick(DNNRegressor, monitor=scorer, epochs=2).fit(X[:160], y[:160], **given)
    assert model.best_score_ == pytest.approx(-max_error(y[160:], model.predict(X[160:])))


def test_metadata_requests_of_a_scorer_are_followed(diabetes):
    X, y = diabetes
    weight = np.random.default_rng(0).uniform(0.1, 3, len(y))
    given = {"X_val": X[160:], "y_val": y[160:], "sample_weight_val": weight[160:]}
    with sklearn.config_context(enable_metadata_routing=True):
        for requested in (True, False):
            scorer = get_scorer("r2").set_score_request(sample_weight=requested)
            model = quick(DNNRegressor, monitor=scorer, epochs=2)
            model.fit(X[:160], y[:160], weight[:160], **given)
            expected = model.score(X[160:], y[160:], weight[160:] if requested else None)
            assert model.best_score_ == pytest.approx(expected, rel=1e-4)


# ------------------------------------------------------------------------- kinds of data


def test_frames_sparse_rows_and_several_labels(binary):
    X, y = binary
    frame = pd.DataFrame(X, columns=[*"abcdef"]).assign(g=np.where(X[:, 0] > 0, "u", "v"))
    seen = []

    def scorer(estimator, X, y):
        seen.append(type(X))
        return roc_auc_score(y, estimator.predict_proba(X)[:, 1])

    model = quick(monitor=scorer, epochs=2, one_hot_max_size=9, n_members=2).fit(frame, y)
    assert model.best_score_ == np.max(model.validation_scores_)
    quick(monitor=scorer, epochs=2).fit(csr_matrix(X).tocoo(), y)
    assert seen == [pd.DataFrame] * 2 + [csr_matrix] * 2
    X, Y = make_multilabel_classification(120, 5, n_classes=3, random_state=0)
    given = {"X_val": X[80:], "y_val": Y[80:]}
    several = quick(monitor="f1_micro", epochs=2).fit(X[:80], Y[:80], **given)
    expected = f1_score(Y[80:], several.predict(X[80:]), average="micro")
    assert several.best_score_ == pytest.approx(expected)


def test_chunks_are_scored_on_validation_data(binary):
    X, y = binary
    chunks = [(X[:80], y[:80]), (X[80:160], y[80:160])]
    model = quick(monitor="roc_auc", epochs=2, warm_start=True)
    for _ in range(2):
        model.fit(chunks, X_val=X[160:], y_val=y[160:])
        expected = get_scorer("roc_auc")(model, X[160:], y[160:])
        assert model.best_score_ == pytest.approx(expected, rel=1e-5)


def test_warm_start_never_ends_with_a_lower_score(binary):
    model = quick(monitor="roc_auc", warm_start=True, epochs=3).fit(*binary)
    first = model.best_score_, model.best_epoch_
    model.set_params(learning_rate=50.0).fit(*binary)
    assert (model.best_score_, model.best_epoch_) == (pytest.approx(first[0]), first[1])


# ----------------------------------------------------------------------------- no leaks


def test_training_does_not_see_the_rows_held_out(diabetes):
    X, y = diabetes
    model = quick(DNNRegressor, monitor="r2", n_iter_no_change=30).fit(X, y)
    _, rows = hold_out(np.arange(len(y)), None, 0.1, model._continuation.split_seed)
    poisoned, strange = X.copy(), y.copy()
    poisoned[rows], strange[rows] = 1e3, np.linspace(-1e3, 1e3, len(rows))
    other = clone(model).fit(poisoned, strange)
    assert other.history_["loss"] == model.history_["loss"]
    assert other.history_["val_score"] != model.history_["val_score"]


def test_columns_that_only_a_leak_could_use_give_a_score_of_chance():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 5)
    X, y = rng.normal(size=(60, 30))[groups], rng.integers(2, size=60)[groups]
    model = quick(monitor="roc_auc", validation_fraction=0.5, epochs=12, learning_rate=0.05)
    leaking, honest = (clone(model).fit(X, y, groups=g) for g in (None, groups))
    assert leaking.best_score_ > 0.9
    assert 0.3 < np.mean(honest.validation_scores_) < 0.7


# ------------------------------------------------------------------------------- errors


def returns_two(estimator, X, y):
    return [0.5, 0.7]


def predicts_others(estimator, X, y):
    return float(np.mean(estimator.predict(X[::2]) == y[::2]))


def never_finite(estimator, X, y):
    return float("nan")


@pytest.mark.parametrize(
    ("cls", "monitor", "message"),
    [
        (DNNClassifier, "roc_acu", r"must be one of auto, loss, accuracy, .*mean 'roc_auc'"),
        (DNNRegressor, "RMSE", r"mean 'neg_root_mean_squared_error'\?"),
        (DNNClassifier, "val_loss", r"Got 'val_loss' instead. Did you mean 'loss'\?"),
        (DNNRegressor, "accuracy", "is a measure of classifiers. .* such as 'r2'"),
        (DNNRegressor, "roc_auc", r"'roc_auc' of DNNRegressor cannot .*predict_proba.*'r2'"),
        (DNNRegressor, "f1", "'f1' of DNNRegressor cannot be computed.*such as 'r2'"),
        (DNNClassifier, "f1", "cannot be computed .*pos_label=1 is not a valid label"),
        (DNNClassifier, f1_score, r"is a metric.*pass a scorer, .*make_scorer\(f1_score\)"),
        (DNNClassifier, returns_two, r"must return one number, got \[0\.5, 0\.7\]"),
        (DNNClassifier, never_finite, "was not a finite number after any epoch"),
        (DNNClassifier, 3, "'monitor' parameter of DNNClassifier must be .*callable. Got 3"),
        (DNNClassifier, ["f1"], "'monitor' parameter of DNNClassifier must be"),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_one_clear_error(binary, diabetes, cls, monitor, message):
    data = binary if cls is DNNClassifier else diabetes
    with pytest.raises(ValueError, match=message):
        quick(cls, monitor=monitor, epochs=1).fit(*data)


def test_a_scorer_of_scikit_learn_fails_before_training(binary, monkeypatch):
    monkeypatch.setattr("skdnn._training.trainer.train", None)
    with pytest.raises(ValueError, match="'roc_auc' of DNNClassifier cannot be computed"):
        quick(monitor="roc_auc").fit(binary[0], np.arange(240) % 3)


def test_other_rows_than_those_held_out_can_be_predicted_without_folds_only(binary):
    assert quick(monitor=predicts_others, epochs=1).fit(*binary).n_iter_ == 1
    with pytest.raises(ValueError, match=r"predicts other rows than the X .*fold of its own"):
        quick(monitor=predicts_others, epochs=1, n_members=2).fit(*binary)


# ------------------------------------------------------------- copies, files and pipelines


def test_it_survives_copies_pipelines_and_searches(binary, tmp_path):
    scorer = make_scorer(f1_score, pos_label="yes")
    model = quick(monitor=scorer, epochs=2).fit(*binary)
    for other in (clone(model), pickle.loads(pickle.dumps(model))):
        assert repr(other.monitor) == repr(scorer)
    pipe = make_pipeline(StandardScaler(), quick(epochs=2))
    grid = {"dnnclassifier__monitor": ["auto", "roc_auc", scorer]}
    search = GridSearchCV(pipe, grid, cv=2, scoring="roc_auc").fit(*binary)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    with pytest.raises(TypeError, match=r"'monitor' parameter .*set_params\(monitor='loss'\), or"):
        skdnn.save(model, tmp_path / "model.skdnn")
    skdnn.save(model.set_params(monitor="f1_macro"), tmp_path / "model.skdnn")
    loaded = skdnn.load(tmp_path / "model.skdnn")
    assert loaded.monitor == "f1_macro"
    assert loaded.history_["val_score"] == model.history_["val_score"]
    np.testing.assert_array_equal(loaded.predict_proba(binary[0]), model.predict_proba(binary[0]))


def test_verbose_output_and_callbacks_have_the_score(binary, capsys):
    import keras

    logs = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, now: logs.append(now))
    model = quick(monitor="roc_auc", epochs=2, verbose=1, callbacks=callback).fit(*binary)
    assert f"score (val {model.history_['val_score'][0]:#.4g})" in capsys.readouterr().out
    assert [now["val_score"] for now in logs] == model.history_["val_score"]
