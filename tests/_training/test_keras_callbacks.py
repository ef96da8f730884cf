"""Keras's callbacks in the estimators, against the same ones in Keras's own `fit`."""

import csv
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_validate

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.splits import hold_out
from skdnn._utils.tensorflow import keras

callbacks = keras.callbacks
X, Y = load_iris(return_X_y=True)
X = X.astype("float32")
SETTINGS = {
    "hidden_layer_sizes": (12,),
    "kernel_initializer": keras.initializers.GlorotUniform(seed=3),
    "scaling": None,
    "learning_rate": 0.05,
    "epochs": 6,
    "shuffle": False,
    "validation_fraction": 0.2,
    "random_state": 0,
}


class Halve(callbacks.Callback):
    """Changes weights, rate and the optimizer's variables from outside."""

    def on_epoch_end(self, epoch, logs=None):
        kernel = self.model.layers[-1].kernel
        kernel.assign(kernel / 2)
        self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * 0.9
        logs["halved"] = float(epoch)


class EachBatch(callbacks.Callback):
    """Lowers the rate at each batch and stores its arguments."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = self.model.optimizer.learning_rate * 0.98

    def on_train_batch_end(self, batch, logs=None):
        weight = float(np.sum(self.model.get_weights()[0]))
        self.seen.append((batch, logs["loss"], logs["accuracy"], weight))

    def on_test_batch_end(self, batch, logs=None):
        self.seen.append((batch, logs["loss"], logs["accuracy"], 0.0))


class StopInTheMidst(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            self.model.stop_training = True


def _noting(name):
    def method(self, *args, **kwargs):
        self.calls.append((name, *(x for x in args if isinstance(x, int))))

    return method


class Order(callbacks.Callback):
    """Keeps which of its methods was called when."""

    def __init__(self):
        super().__init__()
        self.calls = []

    for _what in ("train", "epoch", "train_batch", "test", "test_batch"):
        for _end in ("begin", "end"):
            locals()[f"on_{_what}_{_end}"] = _noting(f"on_{_what}_{_end}")


# What does without a directory; each is made anew for either side.
WITHOUT_FILES = {
    "early_stopping": lambda: callbacks.EarlyStopping(patience=1, min_delta=0.1),
    "early_stopping_best": lambda: callbacks.EarlyStopping(
        monitor="val_accuracy", patience=3, restore_best_weights=True
    ),
    "plateau": lambda: callbacks.ReduceLROnPlateau(patience=1, min_delta=0.2, factor=0.3),
    "scheduler": lambda: callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7),
    "terminate": callbacks.TerminateOnNaN,
    "lambda": lambda: callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None),
    "halve": Halve,
    "each_batch": EachBatch,
    "stop_in_the_midst": StopInTheMidst,
    "order": Order,
    "history": callbacks.History,
}


def by_keras(fitted, callback, optimizer="adam", **options):
    """Train a plain Keras model from the same weights on the same rows in the same order."""
    training, held_out = hold_out(np.arange(len(Y)), Y, 0.2, fitted._continuation.split_seed)
    initial = SETTINGS["kernel_initializer"]
    stack = [
        keras.Input((4,)),
        keras.layers.Dense(12, "relu", kernel_initializer=initial),
        keras.layers.Dense(3, "softmax", kernel_initializer=initial),
    ]
    model = keras.Sequential(stack)
    rate = {"class_name": optimizer, "config": {"learning_rate": 0.05}}
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.get(rate), loss, metrics=["accuracy"])
    options = {"epochs": 6, "batch_size": 32, "shuffle": False, "verbose": 0, **options}
    data = X[training], Y[training]
    validation = X[held_out], Y[held_out]
    history = model.fit(*data, validation_data=validation, callbacks=[callback], **options)
    return model, history.history


def fit(callback, **changes):
    return DNNClassifier(**{**SETTINGS, "callbacks": callback, **changes}).fit(X, Y)


def assert_same(fitted, model, history):
    assert set(fitted.history_) == set(history)
    for name, values in history.items():
        np.testing.assert_allclose(fitted.history_[name], values, rtol=1e-4, atol=1e-6)
    for mine, its in zip(fitted._network.state.weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_history_and_weights_are_those_of_keras(name):
    fitted = fit(WITHOUT_FILES[name])
    assert_same(fitted, *by_keras(fitted, WITHOUT_FILES[name]()))


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "nadam"])
def test_the_optimizer_that_callbacks_change_is_that_of_keras(optimizer):
    fitted = fit(EachBatch(), optimizer=optimizer)
    assert_same(fitted, *by_keras(fitted, EachBatch(), optimizer))


def test_each_batch_is_told_as_keras_tells_it():
    fitted, its = fit(EachBatch()), EachBatch()
    by_keras(fitted, its)
    np.testing.assert_allclose(fitted.callbacks_[0].seen, its.seen, rtol=1e-4, atol=1e-5)


def test_all_is_told_in_the_order_of_keras():
    fitted, its = fit(Order()), Order()
    by_keras(fitted, its)
    assert fitted.callbacks_[0].calls == its.calls


def test_who_looks_at_batches_changes_nothing():
    for a, b in zip(
        fit(EachBatchQuietly)._network.state.weights, fit(None)._network.state.weights, strict=True
    ):
        np.testing.assert_array_equal(a, b)


class EachBatchQuietly(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.last = batch


# ----------------------------------------------------------------------------------- with files


@pytest.mark.parametrize("best_only", [False, True])
def test_a_checkpoint_is_the_whole_network(tmp_path, digits, best_only):
    """It takes images as they come: flattening and scaling are in it."""
    images, labels = digits
    path = tmp_path / "digits.keras"
    checkpoint = callbacks.ModelCheckpoint(path, save_best_only=best_only, monitor="loss")
    clf = DNNClassifier((16,), epochs=3, random_state=0, callbacks=checkpoint).fit(images, labels)
    loaded = keras.models.load_model(path)
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0), clf.predict_proba(images), rtol=1e-4, atol=1e-5
    )


def test_the_best_checkpoint_is_that_of_keras(tmp_path):
    def checkpoint(name):
        return callbacks.ModelCheckpoint(tmp_path / name, "val_accuracy", save_best_only=True)

    fitted = fit(checkpoint("mine.keras"))
    by_keras(fitted, checkpoint("its.keras"))
    mine, its = (keras.models.load_model(tmp_path / f"{x}.keras") for x in ("mine", "its"))
    for a, b in zip(mine.get_weights(), its.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert int(mine.optimizer.iterations) == int(its.optimizer.iterations)


def test_a_checkpoint_of_a_regressor_is_in_units_of_y(tmp_path, diabetes):
    path = tmp_path / "diabetes.keras"
    reg = DNNRegressor((16,), epochs=3, random_state=0, callbacks=callbacks.ModelCheckpoint(path))
    reg.fit(*diabetes)
    predicted = keras.models.load_model(path).predict(diabetes[0], verbose=0)[:, 0]
    np.testing.assert_allclose(predicted, reg.predict(diabetes[0]), rtol=1e-4)


def test_what_a_callback_does_in_units_of_y_is_what_the_regressor_predicts():
    class Shift(callbacks.Callback):
        def on_train_end(self, logs=None):
            bias = self.model.layers[-1].bias
            bias.assign_add(np.full(1, 100.0, "float32"))

    data = load_diabetes(return_X_y=True)
    plain = DNNRegressor((8,), epochs=3, random_state=0).fit(*data)
    shifted = clone(plain).set_params(callbacks=Shift).fit(*data)
    np.testing.assert_allclose(shifted.predict(data[0]), plain.predict(data[0]) + 100, rtol=1e-4)


def test_best_weights_are_restored_also_at_the_last_epoch(diabetes):
    """In plain Keras, too, since 3.0; keras#12511 was about it."""
    stopping = callbacks.EarlyStopping("val_loss", patience=100, restore_best_weights=True)
    reg = DNNRegressor(
        (50, 50), learning_rate=0.02, epochs=30, validation_fraction=0.3, random_state=0
    )
    reg.set_params(callbacks=stopping).fit(*diabetes)
    losses = reg.history_["val_loss"]
    assert np.argmin(losses) < len(losses) - 1
    _, held_out = hold_out(np.arange(len(diabetes[1])), None, 0.3, reg._continuation.split_seed)
    codes = reg._network.targets.encode(diabetes[1], "float32")[held_out]
    predicted = reg._forward(diabetes[0][held_out])
    assert np.mean((codes - predicted) ** 2) == pytest.approx(min(losses), rel=1e-4)


def test_a_log_is_that_of_keras(tmp_path):
    fitted = fit(callbacks.CSVLogger(tmp_path / "mine.csv"))
    by_keras(fitted, callbacks.CSVLogger(tmp_path / "its.csv"))
    texts = [(tmp_path / f"{x}.csv").read_text() for x in ("mine", "its")]
    mine, its = (list(csv.DictReader(text.splitlines())) for text in texts)
    assert len(mine) == len(its) == 6
    for a, b in zip(mine, its, strict=True):
        assert a.keys() == b.keys()
        np.testing.assert_allclose([*map(float, a.values())], [*map(float, b.values())], rtol=1e-4)


def test_an_interrupted_fit_goes_on_from_its_backup_as_if_never_stopped(tmp_path):
    class Interrupt(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    settings = {"shuffle": True}
    with pytest.raises(KeyboardInterrupt):
        fit([backup, Interrupt()], **settings)
    resumed, whole = fit(backup, **settings), fit(None, **settings)
    assert resumed.n_iter_ == 3
    np.testing.assert_array_equal(resumed.history_["val_loss"], whole.history_["val_loss"][3:])
    for a, b in zip(resumed._network.state.weights, whole._network.state.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not (tmp_path / "backup").exists()


def test_a_backup_of_a_whole_fit_leaves_nothing_to_do(tmp_path):
    backup = callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
    first, second = fit(backup), fit(backup)
    assert second.n_iter_ == 0
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_tensorboard_has_the_figures_of_keras(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    def figures(path):
        told = {}
        for part in ("train", "validation"):
            events = EventAccumulator(str(path / part)).Reload()
            for tag in events.Tags()["tensors"]:
                if not tag.startswith(("keras", "epoch_learning")):
                    told[part, tag] = [
                        float(make_ndarray(x.tensor_proto)) for x in events.Tensors(tag)
                    ]
        return told

    fitted = fit(callbacks.TensorBoard(tmp_path / "mine"))
    by_keras(fitted, callbacks.TensorBoard(tmp_path / "its"))
    mine, its = figures(tmp_path / "mine"), figures(tmp_path / "its")
    assert mine.keys() == its.keys()
    for name, values in its.items():
        np.testing.assert_allclose(mine[name], values, rtol=1e-4)


# ---------------------------------------------------------------------------- NaN, and refusals


def test_divergence_is_said_by_the_callback_and_then_by_the_fit(capsys):
    # With two hidden layers the product of the weights overflows, whatever the initial weights.
    clf = DNNClassifier((8, 8), optimizer="sgd", learning_rate=1e38, random_state=0)
    clf.set_params(callbacks=callbacks.TerminateOnNaN)
    with pytest.raises(ValueError, match="diverged in epoch"):
        clf.fit(X, Y)
    assert "Invalid loss, terminating training" in capsys.readouterr().out
    clf.set_params(callbacks=lambda: callbacks.TerminateOnNaN(raise_error=True))
    with pytest.raises(RuntimeError, match="NaN or Inf loss encountered at batch"):
        clf.fit(X, Y)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (callbacks.ModelCheckpoint, TypeError, "cannot be made .*filepath.*pass an object"),
        (["early_stopping"], TypeError, "must be Keras callbacks.*Got 'early_stopping'"),
        (lambda: None, TypeError, "must be Keras callbacks.*Got None"),
        (callbacks.SwapEMAWeights, ValueError, "SwapEMAWeights has no use"),
    ],
    ids=["unmakable", "name", "function", "swap"],
)
def test_what_cannot_be_a_callback_is_one_clear_error(given, error, message):
    with pytest.raises(error, match=message):
        fit(given)


def test_what_a_function_that_makes_a_callback_raises_is_not_hidden():
    def make():
        raise MemoryError("no room for the log")

    with pytest.raises(MemoryError, match="no room for the log"):
        fit(make)


@pytest.mark.parametrize("changes", [{"learning_rate_schedule": "cosine"}, {"warmup": 0.1}])
@pytest.mark.parametrize(
    "given", [callbacks.ReduceLROnPlateau, lambda: Halve()], ids=["known", "own"]
)
def test_two_cannot_set_the_learning_rate(given, changes):
    with pytest.raises(ValueError, match="sets the learning rate, which learning_rate_schedule"):
        fit(given, **changes)


# --------------------------------------------------------------------------- parameters, copies


def test_parameters_are_what_was_given_and_stay_as_they_are():
    given = [EachBatch(), callbacks.EarlyStopping, callbacks.History()]
    clf = fit(given)
    assert clf.get_params()["callbacks"] is given
    assert given[0].model is None
    assert given[2].history == {}
    assert [type(x) for x in clf.callbacks_] == [
        EachBatch,
        callbacks.EarlyStopping,
        callbacks.History,
    ]
    assert all(x.model is None for x in clf.callbacks_)


@pytest.mark.parametrize(
    "given", [EachBatch, lambda: EachBatch(), callbacks.History()], ids=["class", "call", "keras"]
)
def test_no_state_crosses_fits(given):
    clf = fit([given])
    first, second = clf.callbacks_[0], clf.fit(X, Y).callbacks_[0]
    assert first is not second
    seen = "history" if hasattr(first, "history") else "seen"
    assert getattr(first, seen) == getattr(second, seen) != {}


def test_a_callback_that_was_used_elsewhere_leaves_its_model_there():
    used = callbacks.EarlyStopping("loss", patience=1)
    elsewhere, _ = by_keras(fit(None), used)
    assert fit(used).callbacks_[0] is not used
    assert used.model is elsewhere


def test_callbacks_are_the_last_fits_alone():
    clf = fit(EachBatch, warm_start=True)
    assert clf.set_params(callbacks=None).fit(X, Y).callbacks_ == []
    assert clf.set_params(callbacks=EachBatch).partial_fit(X, Y).callbacks_ == []


def test_a_fitted_estimator_is_pickled_without_the_callbacks_of_its_fit(tmp_path):
    clf = fit([callbacks.CSVLogger(str(tmp_path / "log.csv")), callbacks.EarlyStopping()])
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    assert not hasattr(loaded, "callbacks_")
    assert loaded.fit(X, Y).history_ == clf.history_


def test_a_search_in_two_processes_is_one_in_this():
    stopping = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    clf = DNNClassifier(**{**SETTINGS, "callbacks": [stopping]})
    grid = {"learning_rate": [0.01, 0.1], "weight_decay": [0.0, 0.1]}
    scores = [
        GridSearchCV(clf, grid, cv=2, n_jobs=n).fit(X, Y).cv_results_["mean_test_score"]
        for n in (1, 2)
    ]
    np.testing.assert_allclose(*scores)


def test_folds_have_callbacks_of_their_own():
    clf = DNNClassifier(**{**SETTINGS, "callbacks": [EachBatch()]})
    fitted = cross_validate(clf, X, Y, cv=3, return_estimator=True)["estimator"]
    assert len({id(x.callbacks_[0]) for x in fitted}) == 3
    assert len({len(x.callbacks_[0].seen) for x in fitted}) == 1


# -------------------------------------------------------------------------------------- averages


def test_callbacks_see_the_averages_that_are_predicted_with(tmp_path):
    class Keep(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            held = self.model.evaluate(X, Y, verbose=0, return_dict=True)
            logs["own"] = held["loss"]

    clf = DNNClassifier((12,), epochs=4, learning_rate=0.05, ema_momentum=0.9, random_state=0)
    clf.set_params(callbacks=[Keep, callbacks.ModelCheckpoint(tmp_path / "m.keras")]).fit(X, Y)
    proba = clf.predict_proba(X)
    assert clf.history_["own"][-1] == pytest.approx(
        -np.mean(np.log(proba[np.arange(len(Y)), Y])), rel=1e-4
    )
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(loaded.predict(X, verbose=0), proba, rtol=1e-4, atol=1e-6)
    # To look at them leaves training alone.
    plain = clone(clf).set_params(callbacks=None).fit(X, Y)
    np.testing.assert_array_equal(plain.predict_proba(X), proba)


def test_the_best_average_is_restored():
    stopping = callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    clf = fit(stopping, ema_momentum=0.5, learning_rate=0.5, epochs=30)
    _, held_out = hold_out(np.arange(len(Y)), Y, 0.2, clf._continuation.split_seed)
    proba = clf.predict_proba(X[held_out])[np.arange(len(held_out)), Y[held_out]]
    best = min(clf.history_["val_loss"])
    assert -np.mean(np.log(proba)) == pytest.approx(best, rel=1e-4)


class Given(callbacks.Callback):
    """Sets the weights that training begins with, and keeps those that it found."""

    found = None

    def on_train_begin(self, logs=None):
        type(self).found = self.model.get_weights()
        self.model.set_weights([w + 0.5 for w in self.found])


def test_training_begins_with_the_weights_that_a_callback_sets_where_they_are_averaged():
    # In the first epoch of a rate of next to nothing, weights stay where they are.
    params = {"learning_rate": 1e-9, "epochs": 1, "optimizer": "sgd", "scaling": None}
    models = []
    for momentum in (None, 0.9):
        model = DNNClassifier((12,), ema_momentum=momentum, random_state=0, **params)
        models.append((model.set_params(callbacks=Given).fit(X, Y), Given.found))
    (plain, found), (averaged, found_of_averages) = models
    for one, other in zip(found, found_of_averages, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(averaged.predict_proba(X), plain.predict_proba(X), rtol=1e-5)
