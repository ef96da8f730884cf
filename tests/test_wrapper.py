"""What both wrappers share: all or nothing, copies, callbacks, global state."""

import copy
import pickle
import random

import cloudpickle
import joblib
import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout
from numpy.testing import assert_array_equal
from sklearn.base import clone

from skdnn import KerasClassifier, KerasRegressor

SILENT = {"verbose": 0, "random_state": 0}


class Doubled(Dense):
    """A layer that Keras does not know."""

    def call(self, x):
        return 2 * super().call(x)


def build(units=4):
    return keras.Sequential([Dense(units, "relu"), Dropout(0.5), Dense(3, "softmax")])


# ------------------------------------------------------------------------------------ callbacks


class Interrupt(keras.callbacks.Callback):
    """Interrupts training in the second epoch."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


class Count(keras.callbacks.Callback):
    """Counts epochs, over all fits that it takes part in."""

    def __init__(self):
        super().__init__()
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        self.epochs += 1


def test_callback_of_the_user_can_be_read_and_those_of_clones_are_their_own(iris):
    callback = Count()
    clf = KerasClassifier(build, callbacks=callback, epochs=2, **SILENT)
    twin = clone(clf).fit(*iris)
    assert (callback.epochs, twin.callbacks.epochs) == (0, 2)
    clf.fit(*iris)
    assert callback.epochs == 2


def test_callback_does_not_hold_on_to_the_network(iris):
    clf = KerasClassifier(build, callbacks=[Count()], **SILENT).fit(*iris)
    clf.predict(iris[0])
    assert clf.callbacks[0].model is None


def test_callback_for_predicting_alone(iris):
    class Seen(keras.callbacks.Callback):
        def on_predict_begin(self, logs=None):
            seen.append("predict")

        def on_train_begin(self, logs=None):
            seen.append("train")

    seen = []
    KerasClassifier(build, predict__callbacks=Seen(), **SILENT).fit(*iris).predict(iris[0])
    assert seen == ["predict"]


# ------------------------------------------------------------------------------- all or nothing


def test_interrupted_fit_leaves_an_estimator_that_is_not_fitted(iris):
    clf = KerasClassifier(build, callbacks=Interrupt(), epochs=3, **SILENT)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(*iris)
    assert not clf.initialized_
    assert not hasattr(clf, "classes_")


def test_interrupted_fit_keeps_the_one_before(iris):
    clf = KerasClassifier(build, warm_start=True, callbacks=Interrupt(), **SILENT).fit(*iris)
    before, history = clf.predict_proba(iris[0]), dict(clf.history_)
    with pytest.raises(KeyboardInterrupt):
        clf.set_params(epochs=3).fit(*iris)
    assert_array_equal(clf.predict_proba(iris[0]), before)
    assert clf.history_ == history
    assert int(clf.model_.optimizer.iterations) == 5


def test_bad_data_leave_a_fitted_estimator_as_it_was(iris):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    state = dict(vars(clf))
    with pytest.raises(ValueError, match="contains NaN"):
        clf.fit(np.full((4, 2), np.nan), [0, 1, 0, 1])
    assert vars(clf) == state


# --------------------------------------------------------------------------------------- copies

COPIES = {
    "pickle": lambda clf: pickle.loads(pickle.dumps(clf)),
    "cloudpickle": lambda clf: cloudpickle.loads(cloudpickle.dumps(clf)),
    "deepcopy": copy.deepcopy,
}
MODELS = {
    "function": build,
    "layers": [Dense(4), Dropout(0.5), Dense(3, "softmax")],
    "model": build(),
    "own layer": [Doubled(4), Dense(3, "softmax")],
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("model", MODELS)
def test_copy_predicts_and_trains_on_as_the_original(iris, model, way):
    clf = KerasClassifier(MODELS[model], optimizer="adam", metrics=["accuracy"], **SILENT).fit(
        *iris
    )
    twin = COPIES[way](clf)
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    twin.partial_fit(*iris)
    clf.partial_fit(*iris)
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))
    assert twin.history_ == clf.history_


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("model", MODELS)
def test_copy_before_fit(iris, model, way):
    clf = KerasClassifier(MODELS[model], **SILENT)
    twin = COPIES[way](clf).fit(*iris)
    assert_array_equal(twin.predict_proba(iris[0]), clf.fit(*iris).predict_proba(iris[0]))


def test_copy_of_one_that_is_initialized_but_not_trained(iris):
    clf = KerasClassifier(build, **SILENT).initialize(*iris)
    twin = pickle.loads(pickle.dumps(clf))
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))


def test_joblib_file(iris, tmp_path):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    joblib.dump(clf, tmp_path / "clf.joblib")
    assert_array_equal(joblib.load(tmp_path / "clf.joblib").predict(iris[0]), clf.predict(iris[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["clf.joblib"]


def test_classes_and_functions_that_keras_does_not_know(iris):
    class Own(keras.layers.Dense):
        pass

    def loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred))

    def activation(x):
        return keras.ops.sin(x)

    reg = KerasRegressor([Own(4, activation=activation), Dense(1)], loss=loss, **SILENT)
    twin = cloudpickle.loads(cloudpickle.dumps(reg.fit(*iris)))
    assert_array_equal(twin.predict(iris[0]), reg.predict(iris[0]))
    twin.partial_fit(*iris)
    assert_array_equal(twin.predict(iris[0]), reg.partial_fit(*iris).predict(iris[0]))


def test_layer_that_keras_cannot_copy(iris):
    layers = [Dense(4, activation=lambda x: x), Dense(3)]
    with pytest.raises(TypeError, match="in place of a lambda, use a function with a name"):
        KerasClassifier(layers, **SILENT).fit(*iris)


# ---------------------------------------------------------------------------------- global state


@pytest.fixture
def draw():
    """Return a number from each of the global generators, drawn after something was done."""
    import tensorflow as tf

    def draw(something):
        keras.utils.set_random_seed(7)
        something()
        return (
            random.random(),
            np.random.random(),
            float(keras.random.uniform([])),
            float(tf.random.uniform([])),
        )

    return draw


@pytest.mark.parametrize("model", [build, [Dense(3)], None], ids=["function", "layers", "none"])
def test_seeded_fit_leaves_global_generators_alone(iris, draw, model):
    clf = KerasClassifier(model, **SILENT)
    untouched = draw(lambda: None)
    assert draw(lambda: clf.fit(*iris).predict(iris[0])) == untouched
    assert draw(lambda: clf.partial_fit(*iris)) == untouched
    assert draw(lambda: pickle.loads(pickle.dumps(clf))) == untouched
    assert draw(lambda: clone(clf)) == untouched


def test_build_function_that_draws_is_seeded_too(iris):
    def build():
        units = int(np.random.randint(3, 1000)) + random.randrange(1000)
        return keras.Sequential([Dense(units), Dense(3)])

    one, two = (KerasClassifier(build, **SILENT).initialize(*iris) for _ in range(2))
    assert one.model_.count_params() == two.model_.count_params()


def test_representation_names_what_was_set():
    clf = KerasClassifier(epochs=3, model__hidden_layer_sizes=(8,))
    assert repr(clf) == "KerasClassifier(epochs=3, model__hidden_layer_sizes=(8,))"
