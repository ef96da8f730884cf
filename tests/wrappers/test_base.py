"""What both wrappers share: all or nothing, copies, callbacks, global state."""

import copy
import pickle
import random
import subprocess
import sys

import cloudpickle
import joblib
import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout
from keras.src.backend.common import global_state
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import cross_validate

from skdnn import KerasClassifier, KerasRegressor
from skdnn.wrappers import BaseWrapper

pytestmark = pytest.mark.quick

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


def test_callback_of_the_user_is_used_and_clones_have_copies(iris):
    callback = Count()
    clf = KerasClassifier(build, callbacks=callback, epochs=2, **SILENT)
    twin = clone(clf).fit(*iris)
    assert (callback.epochs, twin.callbacks.epochs) == (0, 2)
    clf.fit(*iris)
    assert callback.epochs == 2


def test_callback_does_not_keep_the_network(iris):
    clf = KerasClassifier(build, callbacks=[Count()], **SILENT).fit(*iris)
    clf.predict(iris[0])
    assert clf.callbacks[0].model is None


class Fails(keras.callbacks.Callback):
    """Fails in training or in prediction."""

    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError("in training")

    def on_predict_end(self, logs=None):
        raise RuntimeError("in prediction")


def test_callback_does_not_keep_the_network_of_a_fit_that_fails(iris):
    callback = Fails()
    with pytest.raises(RuntimeError, match="in training"):
        KerasClassifier(build, callbacks=callback, **SILENT).fit(*iris)
    assert callback.model is None


def test_callback_does_not_keep_the_network_of_a_prediction_that_fails(iris):
    callback = Fails()
    clf = KerasClassifier(build, predict__callbacks=callback, **SILENT).fit(*iris)
    with pytest.raises(RuntimeError, match="in prediction"):
        clf.predict(iris[0])
    assert callback.model is None


def test_early_stopping_starts_anew_in_a_second_fit(iris):
    def stopping():
        return keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)

    X, y = iris
    shuffled = np.random.default_rng(0).permutation(y)
    clf = KerasClassifier(build, epochs=20, optimizer="adam", callbacks=stopping(), **SILENT)
    clf.fit(X, y)  # far better than it can be with labels at random
    expected = clone(clf).set_params(callbacks=stopping()).fit(X, shuffled)
    assert clf.fit(X, shuffled).history_ == expected.history_
    assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))


def test_each_fold_has_callbacks_of_its_own(iris):
    given = Count()
    clf = KerasClassifier(build, callbacks=given, epochs=2, **SILENT)
    folds = cross_validate(clf, *iris, cv=3, return_estimator=True)["estimator"]
    assert [fold.callbacks.epochs for fold in folds] == [2, 2, 2]
    assert given.epochs == 0


def test_callback_class_makes_a_new_one_in_each_fit(iris):
    clf = KerasClassifier(build, callbacks=Count, epochs=2, **SILENT)
    for _ in range(2):
        assert clf.fit(*iris)._fit_callbacks[0].epochs == 2
    assert clf.partial_fit(*iris)._fit_callbacks[0].epochs == 3


def test_new_callbacks_are_used_in_a_warm_start(iris):
    clf = KerasClassifier(build, warm_start=True, **SILENT).fit(*iris)
    count = Count()
    clf.set_params(callbacks=count).fit(*iris)
    assert count.epochs == 1


def test_callback_for_prediction_alone(iris):
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


def test_interrupted_fit_keeps_the_network_of_the_fit_before(iris):
    clf = KerasClassifier(build, warm_start=True, callbacks=Interrupt(), **SILENT).fit(*iris)
    before, history = clf.predict_proba(iris[0]), dict(clf.history_)
    with pytest.raises(KeyboardInterrupt):
        clf.set_params(epochs=3).fit(*iris)
    assert_array_equal(clf.predict_proba(iris[0]), before)
    assert clf.history_ == history
    assert int(clf.model_.optimizer.iterations) == 5


def test_invalid_data_leave_a_fitted_estimator_as_it_was(iris):
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
def test_copy_predicts_and_trains_further_as_the_original(iris, model, way):
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


@keras.saving.register_keras_serializable("tests")
class Product(keras.layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3))

    def call(self, x):
        return x @ self.kernel


@keras.saving.register_keras_serializable("tests")
class Power(keras.losses.Loss):
    def __init__(self, power=2, **kwargs):
        super().__init__(**kwargs)
        self.power = power

    def call(self, y, output):
        return keras.ops.mean(keras.ops.abs(y - output) ** self.power, axis=-1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@keras.saving.register_keras_serializable("tests")
class Mean(keras.metrics.Mean):
    def update_state(self, y, output, sample_weight=None):
        super().update_state(output)


@keras.saving.register_keras_serializable("tests")
class Descent(keras.optimizers.SGD):
    pass


def registered():
    return KerasRegressor(
        [Product(), Dropout(0.3), Dense(2)],
        loss=Power(1),
        metrics=[Mean(name="output")],
        optimizer=Descent(0.01, momentum=0.9),
        **SILENT,
    )


@pytest.mark.parametrize("way", COPIES)
def test_copies_with_registered_objects_keep_the_state_of_the_optimizer(iris, way):
    X = iris[0]
    unfitted = COPIES[way](registered())
    assert unfitted.fit(X, X[:, :2]).model_.loss.power == 1
    reg = registered().fit(X, X[:, :2])
    twin = COPIES[way](reg)
    assert_array_equal(twin.predict(X), reg.predict(X))
    twin.partial_fit(X, X[:, :2])
    assert_array_equal(twin.predict(X), reg.partial_fit(X, X[:, :2]).predict(X))
    for mine, its in zip(
        twin.model_.optimizer.variables, reg.model_.optimizer.variables, strict=True
    ):
        assert_array_equal(mine.numpy(), its.numpy())


LOAD_AND_TRAIN = """
import pickle, sys
import numpy as np
reg, X = pickle.load(open(sys.argv[1], "rb"))
np.save(sys.argv[2], [reg.predict(X), reg.partial_fit(X, X[:, :2]).predict(X)])
assert int(reg.model_.optimizer.iterations) == 10
"""


def test_registered_objects_train_further_in_a_new_process(iris, tmp_path):
    X = iris[0]
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # which that has not got
    try:
        reg = registered().fit(X, X[:, :2])
        (tmp_path / "reg.pkl").write_bytes(cloudpickle.dumps((reg, X)))
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    files = [str(tmp_path / name) for name in ("reg.pkl", "out.npy")]
    result = subprocess.run(
        [sys.executable, "-c", LOAD_AND_TRAIN, *files], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    first, second = np.load(tmp_path / "out.npy")
    assert_allclose(first, reg.predict(X), rtol=1e-4, atol=1e-6)
    assert_allclose(second, reg.partial_fit(X, X[:, :2]).predict(X), rtol=1e-3, atol=1e-5)


def test_optimizer_that_was_used_elsewhere_is_copied_without_a_warning(iris, recwarn):
    optimizer = keras.optimizers.Adam(0.01)
    optimizer.build([keras.Variable(np.ones(3))])
    clf = KerasClassifier(build, optimizer=optimizer, **SILENT)
    for twin in (clone(clf), pickle.loads(pickle.dumps(clf)), copy.deepcopy(clf)):
        assert float(twin.fit(*iris).model_.optimizer.learning_rate) == pytest.approx(0.01)
    assert not [warning for warning in recwarn if "optimizer" in str(warning.message)]


class WithoutConfig(keras.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.out = Dense(units, "relu"), Dense(3, "softmax")

    def call(self, x):
        return self.out(self.hidden(x))


def test_error_for_a_model_class_without_get_config(iris):
    with pytest.raises(TypeError, match="its class has arguments and no get_config"):
        KerasClassifier(WithoutConfig(7), **SILENT).fit(*iris)
    settings = {"loss": "sparse_categorical_crossentropy", **SILENT}
    assert KerasClassifier(WithoutConfig(), **settings).fit(*iris).model_.hidden.units == 4
    assert (
        KerasClassifier(WithoutConfig, model__units=7, **settings).fit(*iris).model_.hidden.units
        == 7
    )


def test_copy_of_an_estimator_that_is_initialized_but_not_trained(iris):
    clf = KerasClassifier(build, **SILENT).initialize(*iris)
    twin = pickle.loads(pickle.dumps(clf))
    assert_array_equal(twin.predict_proba(iris[0]), clf.predict_proba(iris[0]))


def test_joblib_file(iris, tmp_path):
    clf = KerasClassifier(build, **SILENT).fit(*iris)
    joblib.dump(clf, tmp_path / "clf.joblib")
    assert_array_equal(joblib.load(tmp_path / "clf.joblib").predict(iris[0]), clf.predict(iris[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["clf.joblib"]


def test_copies_with_classes_and_functions_of_the_users_own(iris):
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


def test_error_for_a_layer_that_keras_cannot_copy(iris):
    layers = [Dense(4, activation=lambda x: x), Dense(3)]
    with pytest.raises(TypeError, match="in place of a lambda, use a function with a name"):
        KerasClassifier(layers, **SILENT).fit(*iris)


# ---------------------------------------------------------------------------------- global state


@pytest.fixture
def draw():
    """Return a number from each of the global generators, drawn after something was done."""
    import tensorflow as tf

    def draw(something):
        # Before 3.13 Keras leaves this generator as it is when it is seeded.
        global_state.set_global_attribute("global_seed_generator", None)
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


def test_base_wrapper_as_an_autoencoder():
    X = np.random.default_rng(0).random((20, 4))
    wrapper = BaseWrapper([Dense(2), Dense(4)], loss="mse", verbose=0).fit(X, X)
    assert wrapper.predict(X).shape == (20, 4)
    with pytest.raises(NotImplementedError, match="Scoring is not implemented"):
        wrapper.score(X, X)


class Autoencoder(BaseWrapper):
    """Overrides what subclasses of SciKeras's wrapper override."""

    def _keras_build_fn(self, units, meta, compile_kwargs):
        inputs = keras.Input((meta["n_features_in_"],))
        code = Dense(units)(inputs)
        self.encoder_model_ = keras.Model(inputs, code)
        model = keras.Model(inputs, Dense(meta["n_features_in_"])(code))
        model.compile(**compile_kwargs)
        return model

    def _initialize(self, X, y=None):
        X, _ = super()._initialize(X=X, y=X)
        return X, X

    def fit(self, X, y=None):
        return super().fit(X, X)

    def transform(self, X):
        return self.encoder_model_.predict(self.feature_encoder_.transform(X), verbose=0)


def error_of_units(units):
    """Return how the error of this version of Keras for bad units starts."""
    try:
        Dense(units)
    except ValueError:
        return "invalid value for `units`"
    return "Cannot convert"  # before, `build` raised the error


def test_subclass_overrides_the_initialization_and_keeps_a_part_of_the_network(iris):
    X = iris[0]
    autoencoder = Autoencoder(model__units=2, loss="mse", **SILENT)
    assert autoencoder.initialize(X).predict(X).shape == (150, 4)
    assert autoencoder.fit(X).transform(X).shape == (150, 2)
    state = dict(vars(autoencoder))
    with pytest.raises(ValueError, match=error_of_units("two")):
        autoencoder.set_params(model__units="two").fit(X)
    assert autoencoder.encoder_model_ is state["encoder_model_"]
