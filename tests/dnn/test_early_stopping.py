"""Early stopping and data to validate on, in the estimators."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, cross_val_score

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import hold_out
from skdnn.dnn.presets import _EPOCHS, _MANY_ROWS, _MOST_EPOCHS

ATTRIBUTES = ("best_epoch_", "best_score_", "validation_scores_")


@pytest.fixture(scope="module")
def noise():
    """Random labels: every network overfits from the first epochs on."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 5)), rng.integers(2, size=200)


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def diabetes():
    return load_diabetes(return_X_y=True)


def quick(cls=DNNClassifier, **params):
    defaults = {"learning_rate": 0.02, "early_stopping": True, "random_state": 0}
    return cls((16,), **{**defaults, **params})


def same_weights(a, b):
    pairs = zip(a._network.state.weights, b._network.state.weights, strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def without_early_stopping(model, epochs):
    """The same network, trained on the same rows for so many epochs."""
    params = {"early_stopping": False, "epochs": int(epochs), "validation_fraction": 0.1}
    return clone(model).set_params(**params)


# ------------------------------------------------------------------------ the best epoch


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_training_stops_and_the_best_epoch_is_kept(noise, cls):
    model = quick(cls, n_iter_no_change=4, tol=0).fit(*noise)
    assert model.n_iter_ == model.best_epoch_ + 4 < _MOST_EPOCHS
    assert model.validation_scores_.shape == (model.n_iter_,)
    assert model.best_epoch_ == np.argmax(model.validation_scores_) + 1
    assert model.best_score_ == model.validation_scores_.max()
    np.testing.assert_array_equal(model.validation_scores_, -np.array(model.history_["val_loss"]))
    assert same_weights(model, without_early_stopping(model, model.best_epoch_).fit(*noise))


def test_the_best_epoch_is_kept_where_the_limit_is_reached(noise):
    model = quick(epochs=12, n_iter_no_change=100).fit(*noise)
    assert model.best_epoch_ < model.n_iter_ == 12
    assert same_weights(model, without_early_stopping(model, model.best_epoch_).fit(*noise))


def test_the_score_is_the_loss_of_the_rows_held_out(noise):
    X, y = noise
    model = quick().fit(X, y)
    _, rows = hold_out(np.arange(200), y, 0.1, model._continuation.split_seed)
    expected = -log_loss(y[rows], model.predict_proba(X[rows]))
    assert model.best_score_ == pytest.approx(expected, rel=1e-5)


def test_small_improvements_do_not_count(digits):
    X, y = digits
    patient, hasty = (quick(tol=tol, n_iter_no_change=3).fit(X, y) for tol in (0, 0.05))
    assert hasty.n_iter_ < patient.n_iter_
    # They count for the best epoch.
    assert hasty.best_epoch_ == np.argmax(hasty.validation_scores_) + 1


def test_small_improvements_add_up(digits):
    model = quick(optimizer="sgd", learning_rate=1e-4, tol=0.01, n_iter_no_change=5, epochs=30)
    scores = model.fit(*digits).validation_scores_
    assert np.diff(scores).max() < 0.01
    assert model.n_iter_ == 30


def test_without_early_stopping_its_attributes_are_absent(noise):
    model = quick().fit(*noise)
    assert all(hasattr(model, name) for name in ATTRIBUTES)
    model.set_params(early_stopping=False, validation_fraction=0.2, epochs=2).fit(*noise)
    assert not any(hasattr(model, name) for name in ATTRIBUTES)
    assert len(model.history_["val_loss"]) == 2


# ------------------------------------------------------------- the end of a cycle


def by_cycle(cls=DNNClassifier, **params):
    defaults = {"learning_rate_schedule": "coslog4", "n_iter_no_change": "cycle", "epochs": 30}
    defaults["learning_rate"] = 0.1
    return quick(cls, **{**defaults, **params})


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_training_stops_after_a_cycle_without_improvement(noise, cls, n_members):
    model = by_cycle(cls, n_members=n_members).fit(*noise)
    whole = clone(model).set_params(n_iter_no_change=30).fit(*noise)
    assert whole.n_iter_ == 30
    losses = np.array(whole.history_["val_loss"])
    np.testing.assert_array_equal(model.history_["val_loss"], losses[: model.n_iter_])
    # The cycles end after 2**k - 1 fifteenths of the steps, which are 2, 6, 14 and 30 epochs. The
    # learning rate is low there and in the epochs beside.
    ends = [np.array(epochs) for epochs in ([2], [6], [13, 14, 15], [28, 29, 30])]
    best = [losses[cycle - 1].min() for cycle in ends]
    useless = [i for i in (1, 2) if best[i] >= min(best[:i])]
    assert useless  # random labels
    assert model.n_iter_ == ends[useless[0]][-1] < 30
    assert -model.best_score_ == min(best[: useless[0]])


def test_training_goes_on_while_cycles_improve(digits):
    model = by_cycle(epochs=15, learning_rate=0.02).fit(*digits)
    whole = clone(model).set_params(n_iter_no_change=15).fit(*digits)
    assert model.n_iter_ == 15
    assert same_weights(model, whole)


def test_cycles_need_a_schedule_with_cycles(noise):
    with pytest.raises(ValueError, match="set learning_rate_schedule='coslog4', or n_iter_no_ch"):
        quick(n_iter_no_change="cycle").fit(*noise)
    with pytest.raises(ValueError, match=r"chunks, which excludes .*'cycle': pass a number"):
        quick(n_iter_no_change="cycle").fit([noise], X_val=noise[0], y_val=noise[1])


def test_a_learning_rate_schedule_of_keras_has_no_cycles(many):
    from keras.optimizers.schedules import CosineDecay

    model = DNNClassifier(preset="fast", learning_rate=CosineDecay(0.01, 100), batch_size=5000)
    used = model.fit(*many).resolved_params_
    assert used.n_iter_no_change == used.epochs == model.n_iter_


# ------------------------------------------------------------------------ when it is on


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(_MANY_ROWS + 1, 2)).astype("float32")
    return X, (X[:, 0] > 0).astype(int)


def auto(**params):
    return quick(early_stopping="auto", batch_size=2000, tol=10.0, n_iter_no_change=1, **params)


def test_many_rows_stop_early_by_themselves(many):
    assert auto().fit(*many).n_iter_ == 2


@pytest.mark.parametrize("params", [{"epochs": 5}, {"early_stopping": False}], ids=str)
def test_what_keeps_many_rows_from_stopping_early(many, params):
    model = auto().set_params(**params).fit(*many)
    assert model.n_iter_ == params.get("epochs", _EPOCHS)
    assert list(model.history_) == ["loss", "accuracy"]


def test_rows_of_no_weight_are_not_among_the_many(many):
    weight = np.ones(len(many[1]))
    weight[0] = 0
    assert auto().fit(*many, weight).n_iter_ == _EPOCHS


def test_given_rows_stop_early_by_themselves_unless_epochs_says_how_many(noise):
    X, y = noise
    given = {"X_val": X[:50], "y_val": y[:50]}
    assert auto().fit(X, y, **given).n_iter_ < _EPOCHS
    model = auto(epochs=3).fit(X, y, **given)
    assert model.n_iter_ == 3
    assert len(model.history_["val_loss"]) == 3
    assert not hasattr(model, "best_epoch_")


# ---------------------------------------------------------------- continuing training


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_partial_fit_continues_from_the_best_epoch(noise, cls):
    # The optimizer continues, too, as that of a network which was trained no further. The random
    # numbers have moved on.
    model = quick(cls, shuffle=False).fit(*noise)
    same = without_early_stopping(model, model.best_epoch_).fit(*noise)
    assert model.n_iter_ > same.n_iter_
    assert same_weights(model.partial_fit(*noise), same.partial_fit(*noise))
    assert np.isnan(model.history_["val_loss"][-1])
    assert not hasattr(model, "best_epoch_")


def test_warm_start_never_ends_worse_than_it_started(noise):
    model = quick(warm_start=True).fit(*noise)
    first = pickle.loads(pickle.dumps(model))
    model.set_params(learning_rate=100.0).fit(*noise)
    assert same_weights(model, first)
    assert model.best_epoch_ == first.best_epoch_
    assert model.best_score_ == pytest.approx(first.best_score_, rel=1e-5)
    assert len(model.validation_scores_) == model.n_iter_ > first.n_iter_


def test_warm_start_finds_a_later_best_epoch(digits):
    X, y = digits
    model = quick(warm_start=True, epochs=2, learning_rate=0.001).fit(X, y)
    first = model.best_score_
    model.fit(X, y)
    assert model.best_epoch_ == model.n_iter_ == 4
    assert model.best_score_ > first


def test_pickle_keeps_the_fitted_state(noise):
    model = quick().fit(*noise)
    again = pickle.loads(pickle.dumps(model))
    assert again.best_epoch_ == model.best_epoch_
    assert same_weights(again, model)


# --------------------------------------------------------------------------- no leaks


def test_training_does_not_see_the_rows_held_out(diabetes):
    X, y = diabetes
    model = quick(DNNRegressor, n_iter_no_change=30, epochs=10).fit(X, y)
    _, rows = hold_out(np.arange(len(y)), None, 0.1, model._continuation.split_seed)
    poisoned, strange = X.copy(), y.copy()
    poisoned[rows], strange[rows] = 1e3, -1e3
    other = clone(model).fit(poisoned, strange)
    assert other.history_["loss"] == model.history_["loss"]
    assert other.history_["val_loss"] != model.history_["val_loss"]


@pytest.mark.parametrize("weighted", [False, True])
def test_scaling_is_fitted_on_training_rows_only(diabetes, weighted):
    X, y = diabetes
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else None
    model = quick(DNNRegressor, epochs=2).fit(X, y, weight)
    rows, _ = hold_out(np.arange(len(y)), None, 0.1, model._continuation.split_seed)
    w = None if weight is None else weight[rows]
    np.testing.assert_allclose(model._network.inputs.offset, np.average(X[rows], axis=0, weights=w))
    np.testing.assert_allclose(model._network.targets.mean, [np.average(y[rows], weights=w)])


@pytest.fixture(scope="module")
def repeated():
    """Each sample five times, with a label that only its repetitions reveal."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 40)), rng.integers(2, size=80)
    groups = np.repeat(np.arange(80), 5)
    return X[groups], y[groups], groups


def test_columns_that_only_a_leak_could_use_give_chance_accuracy(repeated):
    X, y, groups = repeated
    leaking = quick(validation_fraction=0.3).fit(X, y)
    honest = quick(validation_fraction=0.3).fit(X, y, groups=groups)
    assert leaking.history_["val_accuracy"][leaking.best_epoch_ - 1] > 0.95
    assert 0.3 < np.mean(honest.history_["val_accuracy"]) < 0.7
    # Chance has a loss of log 2, which overfitting only makes worse.
    assert honest.best_score_ < -0.6 < leaking.best_score_


def test_no_fold_sees_what_only_a_leak_could_use(repeated):
    X, y, groups = repeated
    scores = cross_val_score(quick(epochs=20), X, y, groups=groups, cv=GroupKFold(4))
    assert 0.35 < scores.mean() < 0.65


def test_no_group_is_on_both_sides(repeated, monkeypatch):
    X, y, groups = repeated
    sides = []

    def spy(*args):
        sides.extend(hold_out(*args))
        return sides

    monkeypatch.setattr("skdnn.dnn.prepare.hold_out", spy)
    quick(epochs=1).fit(X, y, groups=[f"patient {group}" for group in groups])
    training, held_out = (set(groups[side]) for side in sides)
    assert not training & held_out
    assert len(held_out) == 8


def test_a_single_group_cannot_be_split(noise):
    with pytest.raises(ValueError, match="groups must be at least 2"):
        quick().fit(*noise, groups=np.ones(200))


def test_groups_of_another_length(noise):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[200, 3\]"):
        quick().fit(*noise, groups=[1, 2, 3])


def test_groups_are_ignored_without_held_out_rows(noise):
    plain = quick(early_stopping=False, epochs=2)
    assert same_weights(plain.fit(*noise, groups=np.ones(200)), clone(plain).fit(*noise))


# ------------------------------------------------------------------------------ traps


def test_sorted_classes_are_all_trained_on_and_validated_on(digits):
    X, y = (array[np.argsort(digits[1])] for array in digits)
    model = quick(epochs=15).fit(X, y)
    assert model.history_["val_accuracy"][-1] > 0.9
    assert model.score(X, y) > 0.9


def test_a_class_of_one_member_is_trained_on(noise):
    X, y = noise
    X, y = X.copy(), y.astype(str)
    X[7], y[7] = 50.0, "rare"
    model = quick(n_iter_no_change=30).fit(X, y)
    assert model.predict(X[7:8]) == ["rare"]


def test_a_single_row_to_validate_on(noise):
    X, y = noise
    model = quick(DNNRegressor).fit(X[:9], X[:9, 0])
    assert np.isfinite(model.best_score_)
    assert quick().fit(X, y, X_val=X[:1], y_val=y[:1]).best_epoch_ > 0


def test_one_row_cannot_be_split(noise):
    with pytest.raises(ValueError, match=r"at least 2 rows to split.*early_stopping=False"):
        quick(DNNRegressor).fit(noise[0][:1], [1.0])


def test_multilabel_rows_are_held_out_at_random(noise):
    X, _ = noise
    model = quick(epochs=3).fit(X, (X[:, :3] > 0).astype(int))
    assert len(model.history_["val_binary_accuracy"]) == 3


def test_divergence_is_an_error(diabetes):
    model = quick(DNNRegressor, optimizer="sgd", learning_rate=1e6)
    with pytest.raises(ValueError, match=r"Training diverged in epoch \d+.*Lower learning_rate"):
        model.fit(*diabetes)
    assert not hasattr(model, "n_iter_")


def test_a_validation_loss_that_is_never_finite_is_an_error(diabetes):
    X, y = diabetes
    huge = np.full((2, X.shape[1]), 1e36)
    with pytest.raises(ValueError, match=r"Training diverged: the validation loss was not finite"):
        quick(DNNRegressor, scaling=None).fit(X, y, X_val=huge, y_val=[1.0, 2.0])


def test_validation_is_weighted(noise):
    X, y = noise
    weight = np.random.default_rng(3).uniform(0, 3, 200)
    model = quick().fit(X, y, weight)
    _, rows = hold_out(np.arange(200), y, 0.1, model._continuation.split_seed)
    expected = -log_loss(y[rows], model.predict_proba(X[rows]), sample_weight=weight[rows])
    assert model.best_score_ == pytest.approx(expected, rel=1e-5)


def test_rows_of_no_weight_are_as_if_they_were_not_there(noise):
    X, y = noise
    weight = np.r_[np.ones(120), np.zeros(80)]
    assert same_weights(quick().fit(X, y, weight), quick().fit(X[:120], y[:120]))


# ---------------------------------------------------------------------- X_val and y_val


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_given_rows_are_validated_on_as_rows_held_out_are(noise, cls, weighted):
    X, y = noise
    weight = np.random.default_rng(1).uniform(0.5, 2, 200) if weighted else None
    model = quick(cls).fit(X, y, weight)
    labels = y if cls is DNNClassifier else None
    rows, held_out = hold_out(np.arange(200), labels, 0.1, model._continuation.split_seed)
    given = {"X_val": X[held_out], "y_val": y[held_out]}
    if weighted:
        given["sample_weight_val"] = weight[held_out]
        weight = weight[rows]
    other = quick(cls, validation_fraction=0.5).fit(X[rows], y[rows], weight, **given)
    np.testing.assert_allclose(other.validation_scores_, model.validation_scores_, rtol=1e-5)
    for a, b in zip(other._network.state.weights, model._network.state.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("side", ["sample_weight", "sample_weight_val"])
def test_weights_on_one_side_alone(noise, side):
    X, y = noise
    weight = np.random.default_rng(1).uniform(0.5, 2, 100)
    given = {"X_val": X[100:], "y_val": y[100:], side: weight}
    model = quick().fit(X[:100], y[:100], **given)
    w = given.get("sample_weight_val")
    expected = -log_loss(y[100:], model.predict_proba(X[100:]), sample_weight=w)
    assert model.best_score_ == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
def test_images_and_labels_of_any_dtype(dtype):
    digits = load_digits()
    names = np.array([f"number {i}" for i in range(10)])[digits.target]
    given = {"X_val": digits.images[1500:].astype(dtype), "y_val": list(names[1500:])}
    model = quick(epochs=5).fit(digits.images[:1500], names[:1500], **given)
    expected = model.score(given["X_val"], given["y_val"])
    assert model.history_["val_accuracy"][model.best_epoch_ - 1] == pytest.approx(expected)


def test_columns_of_a_frame_are_checked(noise):
    pandas = pytest.importorskip("pandas")
    X, y = noise
    frame = pandas.DataFrame(X, columns=list("abcde"))
    assert quick(epochs=1).fit(frame, y, X_val=frame[:9], y_val=y[:9]).n_iter_ == 1
    with pytest.raises(ValueError, match=r"data to validate on \(X_val.*feature names should"):
        quick().fit(frame, y, X_val=frame[list("edcba")], y_val=y)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": np.ones((4, 5))}, "was given X_val, but not y_val"),
        ({"y_val": [0, 1]}, "was given y_val, but not X_val"),
        ({"sample_weight_val": [1, 1]}, "was given sample_weight_val, but not X_val"),
        ({"X_val": np.ones((4, 3)), "y_val": [0] * 4}, "do not fit: X has 3 features, but"),
        ({"X_val": np.ones((4, 5)), "y_val": [0] * 3}, "do not fit: .*inconsistent numbers"),
        ({"X_val": np.ones((2, 5)), "y_val": [0, 7]}, r"labels that y does not have: \[7\]"),
        (
            {"X_val": np.ones((2, 5)), "y_val": [[0, 1], [1, 1]]},
            "do not fit: .*one column of labels",
        ),
        ({"X_val": np.full((2, 5), np.inf), "y_val": [0, 1]}, "do not fit: .*contains infinity"),
        ({"X_val": np.ones((0, 5)), "y_val": []}, "do not fit: .*0 sample"),
        (
            {"X_val": np.ones((2, 5)), "y_val": [0, 1], "sample_weight_val": [0, 0]},
            "do not fit: .*(nor zero for every row|at least one non-zero)",
        ),
        (
            {"X_val": np.ones((2, 5)), "y_val": [0, 1], "sample_weight_val": [1, -1]},
            "do not fit: .*[Nn]egative",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else ", ".join(value),
)
def test_inconsistent_validation_data_are_rejected(noise, given, message, monkeypatch):
    monkeypatch.setattr("skdnn._training.trainer.train", None)
    with pytest.raises(ValueError, match=message):
        quick().fit(*noise, **given)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_the_error_names_validation_targets_that_a_loss_excludes(noise, loss):
    X, y = noise
    with pytest.raises(ValueError, match=rf"data to validate on \(X_val.*loss='{loss}' requires"):
        quick(DNNRegressor, loss=loss).fit(X, y + 1, X_val=X[:3], y_val=[1, 2, -1])


def test_a_failed_fit_leaves_nothing(noise):
    model = quick()
    with pytest.raises(ValueError, match="do not fit"):
        model.fit(*noise, X_val=np.ones((2, 3)), y_val=[0, 1])
    with pytest.raises(NotFittedError):
        model.predict(noise[0])


# ---------------------------------------------------------------------------- verbose


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"n_iter_no_change": 4}, "Stopped after 4 epochs without improvement: the weights are"),
        ({"n_iter_no_change": 99, "epochs": 9}, "The weights are those of epoch"),
        (
            {"n_iter_no_change": "cycle", "learning_rate_schedule": "coslog4", "epochs": 30},
            "Stopped after a cycle without improvement: the weights are",
        ),
    ],
    ids=str,
)
def test_verbose_logs_which_epoch_was_kept(noise, capsys, params, line):
    model = quick(verbose=1, **params).fit(*noise)
    _, *epochs, last = capsys.readouterr().out.splitlines()
    assert len(epochs) == model.n_iter_
    assert last.startswith(line)
    assert last.endswith(f"of epoch {model.best_epoch_}.")
