"""The factors of the learning rate."""

import pickle

import numpy as np
import pytest

from skdnn import DNNClassifier, DNNRegressor
from skdnn._training.callbacks import Plateau, Report, ReportList
from skdnn._training.schedules import SCHEDULES, Schedule
from skdnn._utils.tensorflow import keras

N = 40


def factors(name, warmup=0.0, n_steps=N):
    return Schedule(name, warmup).factors(np.arange(n_steps), n_steps)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
def test_cosine_is_that_of_keras(warmup):
    n_warmup = int(warmup * N)
    warming = {"warmup_target": 0.1, "warmup_steps": n_warmup} if n_warmup else {}
    first = 0.0 if n_warmup else 0.1
    schedule = keras.optimizers.schedules.CosineDecay(first, N - n_warmup, **warming)
    expected = [float(schedule(step)) for step in range(N)]
    np.testing.assert_allclose(0.1 * factors("cosine", warmup), expected, rtol=1e-5, atol=1e-8)


def test_one_cycle_rises_to_the_rate_and_falls_below_where_it_began():
    rates = factors("one_cycle", n_steps=1000)
    peak = int(np.argmax(rates))
    assert peak == 300
    assert rates[peak] == 1
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[-1] < 1e-4
    assert np.all(np.diff(rates[: peak + 1]) > 0)
    assert np.all(np.diff(rates[peak:]) < 0)


@pytest.mark.parametrize("name", ["constant", "reduce_on_plateau"])
def test_what_is_not_known_beforehand_is_one(name):
    np.testing.assert_array_equal(factors(name), 1)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_warmup_rises_from_zero_to_where_the_schedule_begins(name):
    rates, first = factors(name, warmup=0.25), SCHEDULES[name](np.zeros(1))[0]
    np.testing.assert_allclose(rates[:11], np.arange(11) / 10 * first)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_very_few_steps(name, n_steps):
    rates = factors(name, warmup=0.9, n_steps=n_steps)
    assert np.isfinite(rates).all()
    assert rates[-1] > 0


@pytest.mark.parametrize("warmup", [0.0, 0.2])
@pytest.mark.parametrize("n_epochs", [1, 2, 7, 40, 250])
def test_at_the_end_of_a_cycle_the_rate_is_low_after_it_was_high(n_epochs, warmup):
    n_steps = 100 * n_epochs
    rates = factors("coslog4", warmup, n_steps)
    ends = Schedule("coslog4", warmup).ends_of_cycles(n_epochs)
    assert n_epochs in ends
    for epoch in range(1, n_epochs + 1):
        last = rates[100 * epoch - 1]
        was_high = rates[: 100 * epoch].max() > 0.5
        assert (epoch in ends) == (was_high and last <= 0.1)


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "coslog4"])
def test_other_schedules_have_no_cycles_to_choose_from(name):
    assert Schedule(name).ends_of_cycles(40) is None


# -------------------------------------------------------------------------------- in estimators


CYCLES = {
    "hidden_layer_sizes": (8,),
    "learning_rate_schedule": "coslog4",
    "learning_rate": 0.03,
    "epochs": 30,
    "early_stopping": True,
}
ENDS = np.array(sorted(Schedule("coslog4").ends_of_cycles(30))) - 1


def test_the_epoch_that_is_kept_is_the_best_about_the_end_of_a_cycle(iris):
    X, y = iris
    y = np.where(np.random.default_rng(0).random(len(y)) < 0.4, 2 - y, y)  # hard to learn
    highest = 0
    for seed in range(5):
        clf = DNNClassifier(**CYCLES, n_iter_no_change=30, random_state=seed).fit(X, y)
        scores = clf.validation_scores_
        assert np.isfinite(scores).all()
        assert clf.best_epoch_ - 1 == ENDS[np.argmax(scores[ENDS])]
        assert clf.best_score_ == scores[ENDS].max()
        highest += clf.best_score_ == scores.max()
    assert highest < 5


def test_any_epoch_may_be_kept_where_training_may_stop(iris):
    clf = DNNClassifier(**CYCLES, n_iter_no_change=29, random_state=0).fit(*iris)
    assert clf.best_epoch_ - 1 == np.argmax(clf.validation_scores_)


def test_folds_are_looked_at_about_the_ends_of_cycles_alone(iris):
    clf = DNNClassifier(**CYCLES, n_iter_no_change=30, n_members=2, random_state=0).fit(*iris)
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(clf.validation_scores_)), ENDS)


@pytest.mark.parametrize("n_members", [1, 2])
def test_where_a_callback_stops_before_a_cycle_ends_the_best_epoch_is_kept(iris, n_members):
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    clf = DNNClassifier(**CYCLES | {"epochs": 60}, n_iter_no_change=60, n_members=n_members)
    clf.set_params(callbacks=Stop, random_state=0).fit(*iris)
    assert clf.n_iter_ == 2
    assert clf.best_epoch_ - 1 == np.argmax(clf.validation_scores_)


def test_reduce_on_plateau_is_the_callback_of_keras(iris):
    """A fifth after half of n_iter_no_change epochs without more than tol."""
    settings = {"learning_rate": 0.1, "epochs": 15, "n_iter_no_change": 4, "tol": 0.05}
    clf = DNNClassifier((8,), random_state=0, validation_fraction=0.2, **settings)
    by_name = clf.set_params(learning_rate_schedule="reduce_on_plateau").fit(*iris)
    rates, proba = by_name.history_["learning_rate"], by_name.predict_proba(iris[0])
    callback = keras.callbacks.ReduceLROnPlateau(factor=0.2, patience=2, min_delta=0.05)
    by_keras = clf.set_params(learning_rate_schedule="constant", callbacks=callback).fit(*iris)
    # Keras tells of the rate as it is before the callback lowers it.
    np.testing.assert_allclose(rates, by_keras.history_["learning_rate"], rtol=1e-5)
    assert len({round(rate, 9) for rate in rates}) > 2
    np.testing.assert_allclose(proba, by_keras.predict_proba(iris[0]), rtol=1e-4, atol=1e-5)


def test_the_rate_on_a_plateau_has_a_floor():
    class Training:
        learning_rate_factor = 1.0

    plateau, training = Plateau(1, 0.0), Training()
    for _ in range(30):
        plateau.epoch_ends({"loss": 1.0}, training)
    assert training.learning_rate_factor == 1e-6


def test_all_reports_are_told_and_any_may_stop():
    class Stop(Report):
        silent = False
        told = 0

        def epoch_ends(self, logs, training=None):
            self.told += 1
            return True

    first, second = Stop(), Stop()
    assert ReportList([first, Report(), second]).epoch_ends({})
    assert (first.told, second.told) == (1, 1)
    assert ReportList([Report()]).silent
    assert not ReportList([Report(), first]).silent


@pytest.mark.parametrize("changes", [{"learning_rate_schedule": "cosine"}, {"warmup": 0.1}])
def test_a_schedule_of_keras_and_one_by_name_exclude_each_other(iris, changes):
    own = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    clf = DNNClassifier((4,), learning_rate=own, **changes)
    with pytest.raises(ValueError, match="need a learning rate that is a number"):
        clf.fit(*iris)


def test_the_rate_of_the_optimizer_is_the_base(iris):
    clf = DNNClassifier((4,), optimizer=keras.optimizers.SGD(0.3), epochs=2, random_state=0)
    clf.set_params(learning_rate_schedule="cosine", batch_size=150).fit(*iris)
    np.testing.assert_allclose(clf.history_["learning_rate"], [0.3, 0.15], rtol=1e-6)


def test_partial_fit_has_a_constant_rate_and_warm_start_a_schedule_for_each_fit(iris):
    clf = DNNClassifier((4,), learning_rate_schedule="cosine", epochs=3, random_state=0)
    clf.set_params(warm_start=True, batch_size=150).fit(*iris).fit(*iris)
    rates = clf.history_["learning_rate"]
    assert rates[:3] == rates[3:]
    assert np.isnan(clf.partial_fit(*iris).history_["learning_rate"][-1])


@pytest.mark.parametrize("name", ["clipnorm", "weight_decay", "ema_momentum"])
def test_a_strength_overrides_that_of_an_optimizer_object(iris, name):
    own = {"clipnorm": 9.0, "weight_decay": 0.9, "ema_momentum": 0.1, "use_ema": True}
    overridden = keras.optimizers.Adam(**{**own, name: 0.5})
    clf = DNNClassifier((4,), epochs=2, random_state=0, optimizer=overridden).fit(*iris)
    expected = clf.predict_proba(iris[0])
    clf.set_params(optimizer=keras.optimizers.Adam(**own), **{name: 0.5}).fit(*iris)
    np.testing.assert_allclose(clf.predict_proba(iris[0]), expected, rtol=1e-5, atol=1e-6)


def test_clipnorm_takes_the_place_of_any_clipping(iris):
    clf = DNNClassifier((4,), epochs=1, optimizer=keras.optimizers.SGD(clipvalue=0.1), clipnorm=1.0)
    config = clf.fit(*iris).model_.optimizer.get_config()
    assert (config["clipnorm"], config["clipvalue"]) == (1.0, None)


def test_averages_survive_warm_start_and_pickling(diabetes):
    """Two epochs, a pickle and two more are four."""
    reg = DNNRegressor((8,), epochs=2, ema_momentum=0.9, warm_start=True, random_state=0)
    in_two_goes = pickle.loads(pickle.dumps(reg.fit(*diabetes))).fit(*diabetes)
    at_once = DNNRegressor((8,), epochs=4, ema_momentum=0.9, random_state=0).fit(*diabetes)
    np.testing.assert_allclose(
        in_two_goes.predict(diabetes[0]), at_once.predict(diabetes[0]), rtol=1e-5
    )
    loaded = at_once.model_.predict(diabetes[0], verbose=0)[:, 0]
    np.testing.assert_allclose(loaded, at_once.predict(diabetes[0]), rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Each row of y has exactly one 1")
def test_a_multilabel_y_is_smoothed_too(iris):
    y = np.eye(3, dtype=int)[iris[1]]
    plain = DNNClassifier((8,), learning_rate=0.05, random_state=0).fit(iris[0], y)
    smooth = DNNClassifier((8,), learning_rate=0.05, label_smoothing=0.4, random_state=0)
    smooth.fit(iris[0], y)
    # What a smoothed network is taught to say is 0.8 or 0.2.
    sure = [np.median(clf.predict_proba(iris[0])[y == 1]) for clf in (plain, smooth)]
    assert sure[0] > 0.95
    assert sure[1] == pytest.approx(0.8, abs=0.05)
