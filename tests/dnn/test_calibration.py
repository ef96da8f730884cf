"""Calibration on held-out rows: temperatures, ensemble weights, residual variance, monitor."""

from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import make_classification, make_multilabel_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder

from skdnn import DNNClassifier, DNNRegressor
from skdnn.dnn.calibration import greedy_ensemble_weights
from skdnn.dnn.presets import PRESETS

SMALL = {"hidden_layer_sizes": (16,), "epochs": 20, "random_state": 0}
EARLY = SMALL | {"early_stopping": True, "n_iter_no_change": 20}


@pytest.fixture(scope="module")
def halves():
    X, y = make_classification(600, 8, n_informative=4, flip_y=0.2, random_state=0)
    return train_test_split(X, y, test_size=0.5, random_state=0)


@pytest.fixture(scope="module")
def noisy():
    """A smooth function with noise of a standard deviation that is known: 0.5."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (1500, 2))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] + rng.normal(0, 0.5, 1500)


# ------------------------------------------------------------------- temperature


def test_the_temperature_is_the_best_on_held_out_rows(halves):
    X, X_val, y, y_val = halves
    settings = SMALL | {"epochs": 200, "learning_rate": 0.01}  # overconfident in the end
    plain = DNNClassifier(**settings).fit(X, y)
    clf = DNNClassifier(**settings, calibration="temperature").fit(X, y, X_val=X_val, y_val=y_val)
    assert log_loss(y_val, clf.predict_proba(X_val)) < log_loss(y_val, plain.predict_proba(X_val))
    np.testing.assert_array_equal(clf.predict(X_val), plain.predict(X_val))
    # softmax(z / t) is the probability to the power of 1 / t, normalised.
    (t,) = clf._network.temperatures
    assert t > 1
    proba = plain.predict_proba(X_val) ** (1 / t)
    proba /= proba.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(clf.predict_proba(X_val), proba, rtol=1e-4)
    np.testing.assert_allclose(clf.model_(X_val), proba, rtol=1e-4, atol=1e-6)


def test_a_network_that_is_never_wrong_does_not_become_certain():
    X = np.r_[np.full(40, -1.0), np.full(40, 1.0)][:, np.newaxis]
    y = (X[:, 0] > 0).astype(int)
    clf = DNNClassifier(**SMALL, calibration="temperature").fit(X, y, X_val=X, y_val=y)
    # With a row of each class more, labels are right but for 1 in 82. Where the derivative of their
    # cross-entropy by the temperature is zero, probabilities are so, too, weighted by log-odds.
    right = clf.predict_proba(X).max(axis=1).astype(np.float64)
    mean = np.average(right, weights=np.log(right) - np.log1p(-right))
    assert mean == pytest.approx(1 - 1 / 82, abs=1e-4)


def test_several_labels_are_calibrated_too():
    X, y = make_multilabel_classification(600, 10, n_classes=3, random_state=0)
    settings = SMALL | {"epochs": 200, "learning_rate": 0.01}
    val = {"X_val": X[300:], "y_val": y[300:]}
    plain = DNNClassifier(**settings).fit(X[:300], y[:300])
    clf = DNNClassifier(**settings, calibration="temperature").fit(X[:300], y[:300], **val)
    (t,) = clf._network.temperatures
    proba = plain.predict_proba(X).astype(np.float64)
    with np.errstate(divide="ignore"):  # some probabilities are 1
        logits = np.log(proba) - np.log1p(-proba)
    np.testing.assert_allclose(clf.predict_proba(X), expit(logits / t), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["calibration", "blend"])
def test_calibration_and_blending_require_held_out_rows(name, halves):
    X, _, y, _ = halves
    value = {"calibration": "temperature", "blend": "greedy"}[name]
    with pytest.raises(ValueError, match=f"{name}='{value}'.*early_stopping=True"):
        DNNClassifier(**SMALL, **{name: value}).fit(X, y)


def test_training_continues_from_weights_without_a_temperature(halves):
    X, X_val, y, y_val = halves
    clf = DNNClassifier(**SMALL, calibration="temperature").fit(X, y, X_val=X_val, y_val=y_val)
    plain = DNNClassifier(**SMALL).fit(X, y)
    clf.partial_fit(X, y)
    plain.partial_fit(X, y)
    for own, other in zip(clf._network.state.weights, plain._network.state.weights, strict=True):
        np.testing.assert_array_equal(own, other)


# -------------------------------------------------------------- ensemble weights


def test_greedy_ensemble_weights_find_the_average_that_cancels_errors():
    y = np.linspace(-1, 1, 50)[:, np.newaxis]
    shown = np.array([y + 1, y - 1, y + 5])
    losses = partial(lambda y, output: np.mean((y - output) ** 2, axis=1), y)
    first, second, third = greedy_ensemble_weights(losses, shown, np.ones(50))
    # The third one counts once, as each does; the second one makes up for it.
    assert third < 1 / 16 < first < second
    assert abs(first - second + 5 * third) < 0.1
    shown = np.array([y + 1, y])
    np.testing.assert_array_equal(
        greedy_ensemble_weights(losses, shown, np.ones(50)), [1 / 16, 15 / 16]
    )


def test_greedy_ensemble_weights_predict_held_out_rows_better_than_equal_ones(halves):
    X, X_val, y, y_val = halves
    settings = SMALL | {"n_members": 4, "early_stopping": False}
    alike = DNNClassifier(**settings).fit(X, y, X_val=X_val, y_val=y_val)
    blended = DNNClassifier(**settings, blend="greedy").fit(X, y, X_val=X_val, y_val=y_val)
    losses = [log_loss(y_val, clf.predict_proba(X_val)) for clf in (blended, alike)]
    assert losses[0] < losses[1]
    members = blended._forward(X_val, of_members=True)
    mean = np.average(members, axis=0, weights=blended._network.ensemble_weights)
    np.testing.assert_allclose(blended.predict_proba(X_val), mean, rtol=1e-5)
    np.testing.assert_allclose(blended.model_(X_val), mean, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_members_of_two_architectures_are_weighted_by_architecture(kind, halves):
    X, X_val, y, _ = halves
    model = kind(**EARLY, n_members=2, parametrization="both", blend="greedy").fit(X, y)
    first, second = model._network.ensemble_weights[:2], model._network.ensemble_weights[2:]
    assert first[0] == first[1]
    assert second[0] == second[1]
    assert model._network.ensemble_weights.sum() == pytest.approx(1)
    predict = "predict" if kind is DNNRegressor else "predict_proba"
    expected = np.asarray(model.model_(X_val)).reshape(getattr(model, predict)(X_val).shape)
    np.testing.assert_allclose(getattr(model, predict)(X_val), expected, rtol=1e-4, atol=1e-5)


def test_batch_norm_is_not_for_realmlp(halves):
    X, _, y, _ = halves
    with pytest.raises(ValueError, match=r"batch_norm=True.*parametrization"):
        DNNClassifier(**SMALL, batch_norm=True, parametrization="realmlp").fit(X, y)


def test_held_out_rows_are_not_trained_on_by_members_validated_on_them():
    # Labels at random cannot be predicted. Whoever seems to, has seen them: by way of the vectors
    # of categories, which members would share.
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 400, (800, 1)), rng.integers(0, 2, 800)
    clf = DNNClassifier(**EARLY | {"learning_rate": 0.02}, n_members=4, categorical_features=[0])
    clf.fit(X, y)
    assert clf.history_["accuracy"][-1] > 0.7  # overfitted
    assert max(clf.history_["val_accuracy"]) < 0.65


def test_a_fit_discards_the_calibration_of_the_previous_one(halves):
    X, X_val, y, y_val = halves
    clf = DNNClassifier(**SMALL, calibration="temperature", warm_start=True)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    assert clf._network.temperatures is not None
    assert clf.set_params(calibration=None).fit(X, y)._network.temperatures is None


@pytest.mark.parametrize("shares", [[0.5, 0.5], [1 / 16, 15 / 16], [0.25, 0.75]])
def test_probabilities_of_blended_members_add_up_to_one(shares, halves):
    X, _, y, _ = halves
    clf = DNNClassifier(**EARLY, n_members=2, parametrization="both", blend="greedy").fit(X, y)
    clf._network = replace(clf._network, ensemble_weights=np.repeat(shares, 2) / 2)
    total = clf.predict_proba(X.astype(np.float64)).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop"])
def test_other_optimizers_train_the_standard_architecture(optimizer, halves):
    X, X_val, y, y_val = halves
    clf = DNNClassifier(optimizer=optimizer, random_state=0).fit(X, y)
    assert clf.resolved_params_.parametrization == "standard"
    assert clf.score(X_val, y_val) > 0.6


# ------------------------------------------------- presets, callbacks and saved models


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_the_model_of_every_preset_is_saved_and_loaded(kind, preset, halves, tmp_path):
    X, X_val, y, _ = halves
    model = kind(preset=preset, epochs=2, random_state=0).fit(X, y)
    model.model_.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(again(X_val), model.model_(X_val))


@pytest.mark.parametrize("parametrization", ["standard", "realmlp", "both"])
@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_callbacks_see_the_network_as_it_will_predict(kind, parametrization, halves):
    X, X_val, y, _ = halves
    y = y if kind is DNNClassifier else 100 + 10 * y
    seen = []

    class Spy(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(np.asarray(self.model(X_val)))

    settings = {"preset": "fast", "epochs": 3, "early_stopping": False, "random_state": 0}
    model = kind(**settings, parametrization=parametrization, callbacks=Spy).fit(X, y)
    predict = "predict" if kind is DNNRegressor else "predict_proba"
    expected = getattr(model, predict)(X_val).reshape(seen[-1].shape)
    np.testing.assert_allclose(seen[-1], expected, rtol=1e-4, atol=1e-5)


def test_callbacks_may_be_given_to_the_default_network(halves):
    X, _, y, _ = halves
    stop = keras.callbacks.EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    clf = DNNClassifier(callbacks=stop, random_state=0).fit(X, y)
    assert clf.n_iter_ < clf.resolved_params_.epochs
    np.testing.assert_allclose(clf.model_(X), clf.predict_proba(X), atol=1e-5)


def test_the_default_network_continues_training_without_held_out_rows(halves):
    X, _, y, _ = halves
    clf = DNNClassifier(warm_start=True, random_state=0).fit(X, y)
    clf.set_params(early_stopping=False).fit(X, y)
    np.testing.assert_array_equal(clf._network.member_weights, np.full(8, 1 / 8))


def test_predictions_without_clipping_can_leave_the_range(noisy):
    X, y = noisy
    reg = DNNRegressor(**SMALL, clip=True, warm_start=True).fit(X, y)
    reg.set_params(clip=False, epochs=50).fit(X, 3 * y)
    assert reg.predict(X).max() > y.max()


# ------------------------------------------------------------------- uncertainty


def test_the_standard_deviation_is_that_of_the_residuals(noisy):
    X, y = noisy
    settings = EARLY | {"hidden_layer_sizes": (32,), "epochs": 60, "learning_rate": 0.01}
    reg = DNNRegressor(**settings, n_members=4).fit(X[:1000], y[:1000])
    mean, std = reg.predict(X[1000:], return_std=True)
    np.testing.assert_array_equal(mean, reg.predict(X[1000:]))
    assert mean.shape == std.shape == (500,)
    errors = y[1000:] - mean
    assert np.sqrt(np.mean(std**2)) == pytest.approx(np.sqrt(np.mean(errors**2)), rel=0.15)
    assert np.mean(np.abs(errors) < 1.96 * std) == pytest.approx(0.95, abs=0.03)
    # Where there was nothing to learn from, members disagree.
    assert reg.predict([[6.0, -6.0]], return_std=True)[1] > std.max()


def test_of_several_columns_each_has_its_own(noisy):
    X, y = noisy
    two = np.c_[y, 10 * y]
    reg = DNNRegressor(**EARLY, n_members=2).fit(X, two)
    mean, std = reg.predict(X, return_std=True)
    assert mean.shape == std.shape == two.shape
    ratio = np.sqrt(np.mean(std**2, axis=0))
    assert ratio[1] / ratio[0] == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize(
    ("params", "advice"),
    [({}, "n_members=4"), ({"loss": "quantile", "n_members": 2}, r"quantile=\[0.1, 0.9\]")],
)
def test_no_standard_deviation_of_one_network_nor_of_quantiles(params, advice, noisy):
    reg = DNNRegressor(**SMALL | {"epochs": 1}, **params).fit(*noisy)
    with pytest.raises(ValueError, match=advice):
        reg.predict(noisy[0], return_std=True)


def test_predictions_can_be_kept_within_the_range_of_y(noisy):
    X, y = noisy
    far = np.array([[50.0, 50.0], [-50.0, -50.0]])
    free, clipped = (DNNRegressor(**SMALL, clip=clip).fit(X, y) for clip in (False, True))
    assert free.predict(far).max() > y.max()
    np.testing.assert_array_equal(
        clipped.predict(far), np.clip(free.predict(far), y.min(), y.max())
    )
    np.testing.assert_allclose(np.ravel(clipped.model_(far)), clipped.predict(far), rtol=1e-6)


# ----------------------------------------------------------------------- watching


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "refinement"])
def test_the_epoch_that_is_kept_is_the_best_by_the_monitor(monitor, halves):
    X, X_val, y, y_val = halves
    clf = DNNClassifier(**EARLY | {"learning_rate": 0.05}, monitor=monitor)
    clf.fit(X, y, X_val=X_val, y_val=y_val)
    told = {name: np.array(values) for name, values in clf.history_.items()}
    scores = {
        "loss": -told["val_loss"],
        "accuracy": told["val_accuracy"] - 1 - 0.1 * told.get("val_refinement", np.nan),
        "refinement": -told.get("val_refinement", np.zeros(20)),
    }[monitor]
    np.testing.assert_allclose(clf.validation_scores_, scores)
    assert clf.best_epoch_ == np.argmax(scores) + 1
    assert clf.score(X_val, y_val) == pytest.approx(told["val_accuracy"][clf.best_epoch_ - 1])


def test_refinement_is_the_loss_at_the_best_temperature(halves):
    X, X_val, y, y_val = halves
    settings = SMALL | {"epochs": 1}
    clf = DNNClassifier(**settings, monitor="refinement").fit(X, y, X_val=X_val, y_val=y_val)
    logits = np.log(clf.predict_proba(X_val.astype(np.float64)))

    def loss(t):
        proba = np.exp(logits / t)
        return log_loss(y_val, proba / proba.sum(axis=1, keepdims=True))

    best = min(map(loss, 2.0 ** np.linspace(-2, 2, 9)))
    assert clf.history_["val_refinement"][0] == pytest.approx(best, rel=1e-5)
    assert clf.history_["val_loss"][0] == pytest.approx(loss(1), rel=1e-5)
    assert best < loss(1)


def test_refinement_is_for_cross_entropies(halves):
    X, _, y, _ = halves
    clf = DNNClassifier(**EARLY, monitor="refinement", loss="categorical_hinge")
    with pytest.raises(ValueError, match=r"monitor='refinement'.*monitor='loss'"):
        clf.fit(X, y)


# ------------------------------------------------------------------------ one-hot


def test_one_hot_columns_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=200), rng.integers(0, 3, 200), rng.integers(0, 30, 200)]
    settings = {"hidden_layer_sizes": (), "epochs": 30, "learning_rate": 0.05, "random_state": 0}
    y = (X[:, 1] == 1) | (X[:, 0] > 1)
    clf = DNNClassifier(**settings, categorical_features=[1, 2], one_hot_max_size=5).fit(X, y)
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(X[:, [1]])
    new = np.array([[0.0, 1.0, 4.0], [0.0, 7.0, 4.0]])  # a category that is new
    x = clf._network.inputs.apply(clf._network.encode(new), np.float32)
    (layer,) = [x for x in clf._network.spec.layers if x.name == "one_hot"]
    weights = dict(clf._network.spec.split_weights(clf._network.state.weights))[layer]
    shown = layer.forward(x, weights)
    np.testing.assert_array_equal(shown[:, 1:4], encoder.transform(new[:, [1]]))
    assert not shown[:, 4 : 1 + layer.width].any()
    np.testing.assert_allclose(clf.model_(clf.encode(new)), clf.predict_proba(new), rtol=1e-5)
    assert clf.predict(new).tolist() == [True, False]
